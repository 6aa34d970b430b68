/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policyc makes of policies: BPF, and text that a compiler or a person
 * reads.  Build tool only.
 */
#ifndef SP_POLICY_EMIT_H
#define SP_POLICY_EMIT_H

#include <linux/filter.h>
#include <stdio.h>

#include "policy_parse.h"

#define PROG_MAX 4096u /* BPF_MAXINSNS */

struct prog {
	struct sock_filter insns[PROG_MAX];
	size_t count;
};

/* What a policy is compiled for. */
struct target {
	bool aarch64;  /* else x86-64 */
	bool learning; /* what no line names, or a line kills for, is logged and
			  passes */
};

/*
 * Makes a policy of x86-64 one of the target: numbers of the calls, without
 * those that it does not have.
 */
void compile_retarget(struct policy *p, const struct target *t);

/*
 * What only all policies together show (policy_set.c): each role, seat, uid
 * and program is one process's, each outer filter is there.  Returns 0, or
 * ERR_FORMAT after a line on standard error as line_bad() makes it.
 */
CHECKED int set_check(const struct policy *all, char *const *files,
		      size_t count);

/*
 * Compiles a policy.  Returns 0, or an error after a line on standard error
 * that names file and line.
 */
CHECKED int compile_policy(const struct policy *p, const char *file,
			   const struct target *t, struct prog *out);

/* "allow", "kill", "errno ENOSYS" …; the default in the same words. */
void emit_action(const struct pol_line *l, char out[static POL_NAME_MAX]);
const char *emit_otherwise(const struct policy *p);

/* The rules of a policy by number of the call, then by line. */
void emit_order(const struct policy *p, size_t out[static POL_LINES_MAX]);

/* The role as a C name. */
void emit_id(const char *role, char out[static POL_NAME_MAX]);

/* C: const struct filter_prog filter_ROLE. */
void emit_filter(FILE *f, const struct policy *p, const struct prog *g);

/* C: const struct page page_ROLE (a process), then page_of_seat. */
void emit_page(FILE *f, const struct policy *p);
void emit_seats(FILE *f, const struct policy *all, size_t count);

/* C: const struct policy_page policy_ROLE, then policy_pages[]. */
void emit_texts(FILE *f, const struct policy *p);
void emit_texts_end(FILE *f, const struct policy *all, size_t count);

/* C header: the numbers of descriptors by name (ipc/fds.h). */
void emit_fds(FILE *f, const struct policy *all, size_t count);

/* The listing in words (policy/golden/ROLE.txt).  Returns 0 or ERR_SYS. */
CHECKED int emit_listing(FILE *f, const struct policy *p, const struct prog *g);

#endif
