/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy language as data: reads one policy/NAME.policy into lines with
 * numbers, widths and values.  Build tool only: no running process parses
 * policy.  What each line means to people: docs/POLICY-LANGUAGE.md.
 *
 * The order of rules means nothing: two of one call that do different things
 * may not both match.  What none matches is decided by the default: it kills,
 * or (the server's policy alone) answers EPERM, or passes.  Under `default
 * allow` a call that has allow lines is killed wherever none of them (and no
 * errno line) matches.  A foreign architecture and an x32 number are killed
 * under every default.
 *
 * A file without a program line is a list that several processes load
 * (outer.policy) and has no page.
 */
#ifndef SP_POLICY_PARSE_H
#define SP_POLICY_PARSE_H

#include "err.h"
#include "page.h"

#define POL_NAME_MAX  32u
#define POL_TEXT_MAX  120u
#define POL_WHEN_MAX  512u
#define POL_LINES_MAX 256u
#define POL_FDS_MAX   32u
#define POL_CONDS_MAX 6u
#define POL_PARTS_MAX 24u /* seats, rules, limits, capabilities */
#define POL_FACTS_MAX 96u
#define POL_FD_LAST   63u
#define POL_PATH_MAX  4096u
#define POL_ERROR_MAX (POL_PATH_MAX + 352u)
#define POL_FILE_MAX  131072u /* bytes of one policy file */

enum pol_action { POL_ALLOW, POL_ERRNO, POL_KILL };

enum pol_default {
	POL_DEFAULT_NONE, /* no line yet */
	POL_DEFAULT_KILL,
	POL_DEFAULT_EPERM,
	POL_DEFAULT_ALLOW,
};

enum pol_op {
	POL_EQ, /* the argument is the value */
	POL_IN, /* the argument has no bit outside the value */
};

/* A named argument of a call (protos.def). */
struct pol_arg {
	unsigned arg;	/* 0..5 */
	bool narrow;	/* the kernel reads the low 32 bits alone */
	bool is_signed; /* … as a signed number */
	bool pointer;	/* no condition may name it */
};

struct pol_cond {
	struct pol_arg type;
	enum pol_op op;
	uint64_t value; /* narrow: zero-extended */
};

struct pol_line {
	unsigned number;  /* in the file, from 1 */
	size_t call_word; /* of the line, from 0 */
	enum pol_action action;
	int err; /* POL_ERRNO: positive errno */
	int nr;
	char call[POL_NAME_MAX];
	unsigned cond_count;
	struct pol_cond conds[POL_CONDS_MAX];
	char when[POL_WHEN_MAX]; /* the conditions as written; "" */
	char reason[POL_TEXT_MAX];
	char tag[POL_NAME_MAX];
};

enum pol_fd_use {
	POL_FD_RULES,  /* a condition names it, or `used by` does */
	POL_FD_BEFORE, /* used before the lock, open after it */
	POL_FD_LOCKED, /* closed when locked */
	POL_FD_NEVER,  /* libraries may write to it, we do not */
};

struct pol_fd {
	char name[POL_NAME_MAX];
	struct page_fd page;
	enum pol_fd_use use;
	unsigned number; /* line */
	bool used;	 /* a rule names it */
	size_t by_count;
	char by[POL_CONDS_MAX][POL_NAME_MAX]; /* used by these calls */
};

/* A line of the page as written, for people. */
struct pol_fact {
	unsigned number;
	size_t column; /* of what follows the word, from 1 */
	char word[POL_NAME_MAX];
	char text[POL_WHEN_MAX];
	char reason[POL_TEXT_MAX]; /* "" */
};

struct policy {
	char role[POL_NAME_MAX];
	unsigned role_number;	    /* its line */
	char program[POL_NAME_MAX]; /* "": a list */
	char uid_setting[POL_NAME_MAX];
	char uid_default[POL_NAME_MAX]; /* as written: a number */
	char outer[POL_NAME_MAX];
	struct page page;	    /* of it: what is not an array or a name */
	enum pol_default otherwise; /* what no line matches */
	size_t seat_count, cap_count, rule_count, limit_count;
	struct {
		enum seat seat;
		unsigned number; /* line */
		char word[2][POL_NAME_MAX];
	} seats[POL_PARTS_MAX];
	struct page_cap caps[POL_PARTS_MAX];
	struct {
		struct page_rule page; /* without its texts */
		char setting[POL_NAME_MAX];
		char path[POL_TEXT_MAX];
	} rules[POL_PARTS_MAX];
	struct page_limit limits[POL_PARTS_MAX];
	size_t fact_count;
	struct pol_fact facts[POL_FACTS_MAX];
	size_t line_count;
	struct pol_line lines[POL_LINES_MAX];
	size_t fd_count;
	struct pol_fd fds[POL_FDS_MAX];
	/* "file:line:column: what is wrong; what to do", when parsing fails;
	 * the column counts bytes from 1 */
	char error[POL_ERROR_MAX];
};

/*
 * Parses text (`file` is its name in messages and, without directory and
 * suffix, must be the role).  Returns 0, or ERR_FORMAT with error set.
 */
CHECKED int pol_parse(struct policy *p, const char *file, const char *text,
		      size_t bytes);

/*
 * Looks up a call of x86-64 by name.  Returns its number, or -1.
 */
int pol_call(const char *name);

/*
 * The number on aarch64 of a call that x86-64 knows, or of the younger form
 * that replaces it there; -1: it has neither.
 */
int pol_call_aarch64(const char *name);

/* From here on constants have the values of aarch64. */
void pol_choose_aarch64(void);

/*
 * A constant that has another value there.  Returns 0, or ERR_NOTFOUND when
 * aarch64 was not chosen or has the same.
 */
CHECKED int pol_const_aarch64(const char *name, size_t chars, uint64_t *out);

/*
 * Looks up a named argument of a call in the prototype table.  Returns 0 and
 * its position, width and sign, or ERR_NOTFOUND.
 */
CHECKED int pol_arg(const char *call, const char *arg, struct pol_arg *out);

/* The arguments of a call as protos.def has them, or NULL. */
const char *pol_args(const char *call);

/* Looks up a constant (PROT_READ, AF_INET …).  Returns 0 or ERR_NOTFOUND. */
CHECKED int pol_const(const char *name, size_t chars, uint64_t *out);

/* Looks up one of the few errno names a policy may give.  Returns 0 or
 * ERR_NOTFOUND. */
CHECKED int pol_errno(const char *name, int *out_errno);

/*
 * The arguments that must have a condition where a dangerous call is allowed:
 * names of protos.def, divided by spaces; "": no condition makes it harmless.
 * NULL: any other call.
 */
const char *pol_dangerous(const char *call);

#endif
