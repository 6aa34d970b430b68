/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy language as data: reads one policy/NAME.policy into lines with
 * numbers, widths and values.  Build tool only: no running process parses
 * policy.
 *
 *   role NAME
 *   default kill-process | errno EPERM | allow
 *   fd NAME NUMBER
 *   allow CALL [when ARG == VALUE|ARG in MASK [and …]]	# reason [t:tag]
 *   errno ENAME CALL [when …]				# reason [t:tag]
 *   kill CALL [when …]					# reason [t:tag]
 *
 * VALUE and MASK are numbers or constants joined by |, or $NAME of an fd
 * line.  The order of lines means nothing: two lines of one call that do
 * different things may not both match.
 *
 * What no line matches is decided by the default: it kills, or (the server's
 * policy alone) answers EPERM, or passes.  Under `default allow` a call that
 * has allow lines is killed wherever none of them (and no errno line)
 * matches.  A foreign architecture and an x32 number are killed under every
 * default.
 */
#ifndef SP_POLICY_PARSE_H
#define SP_POLICY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define POL_NAME_MAX  32u
#define POL_TEXT_MAX  96u
#define POL_LINES_MAX 256u
#define POL_FDS_MAX   32u
#define POL_CONDS_MAX 6u
#define POL_FD_LAST   1023u
#define POL_ERROR_MAX 320u
#define POL_FILE_MAX  65536u /* bytes of one policy file */

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
	char reason[POL_TEXT_MAX];
	char tag[POL_NAME_MAX];
};

struct pol_fd {
	char name[POL_NAME_MAX];
	int fd;
	unsigned number; /* line */
	bool used;
};

struct policy {
	char role[POL_NAME_MAX];
	enum pol_default otherwise; /* what no line matches */
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

/* Says whether a call may never be allowed without a condition. */
bool pol_dangerous(const char *call);

#endif
