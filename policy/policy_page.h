/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every policy as constant data for people: what `sallyportctl policy` shows
 * and explains.  policyc makes it (generated policies.c, library policy_texts)
 * out of the same parse as the filters and the pages that are enforced; no
 * worker links it.  Strings are UTF-8, never NULL unless said.
 */
#ifndef SP_POLICY_PAGE_H
#define SP_POLICY_PAGE_H

#include "page.h"

/*
 * One line of the page.  word: uid, capabilities, namespaces, network, root,
 * landlock, limit, fd, link, filter, seat, program; text: the rest of the
 * line without commas; reason: its comment or "".
 */
struct policy_fact {
	unsigned line;
	const char *word;
	const char *text;
	const char *reason;
};

/* ARG == value, or ARG has no bit outside value. */
struct policy_cond {
	unsigned arg;	/* 0..5 */
	bool narrow;	/* 32 bits; a rule that allows wants the rest 0 */
	bool is_signed; /* … or the sign */
	bool mask;
	uint64_t value; /* narrow: zero-extended */
};

struct policy_call {
	unsigned line; /* in the policy file */
	int nr;	       /* x86-64 */
	const char *call;
	const char *action; /* "allow", "kill", "errno ENOSYS" … */
	const char *when;   /* the conditions as written: "when …", or "" */
	const char *reason;
	const char *test; /* the tag */
	const struct policy_cond *conds;
	size_t cond_count;
};

struct policy_page {
	const char *role;
	const char *program;	 /* NULL: a list that processes load */
	const char *uid_setting; /* NULL: a list, or uid 0 */
	const char *uid_default; /* a number; NULL as above */
	const char *otherwise;	 /* "kill-process", "errno EPERM", "allow" */
	const struct policy_fact *facts; /* as in the file */
	size_t fact_count;
	const struct policy_call *calls; /* by number, then line */
	size_t call_count;
	const struct filter_prog *filter;
	const struct page *page; /* NULL: a list */
};

/* All of them, processes and lists; ends with one whose role is NULL. */
extern const struct policy_page policy_pages[];

#endif
