/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyportctl: questions of people, answered without privileges.  It shows
 * what policyc made of the policies for this very release (policy_page.h); it
 * reads no configuration and speaks with no process.
 *
 * Each command returns the exit status: CTL_OK, CTL_DIFFER (diff alone) or
 * CTL_USAGE after a line on standard error that says what to do.
 */
#ifndef SP_CTL_H
#define SP_CTL_H

#include "policy_page.h"

enum ctl_status { CTL_OK = 0, CTL_DIFFER = 1, CTL_USAGE = 2 };

/* policy show [ROLE] [--json]: a page, or all; argv without the verbs. */
int ctl_policy_show(int argc, char **argv);

/* policy explain ROLE CALL [ARG...]: what happens, by which line, and why. */
int ctl_policy_explain(int argc, char **argv);

/* policy diff OLD NEW: listings (files or directories of them). */
int ctl_policy_diff(int argc, char **argv);

/*
 * Says what is wrong, and what to do, on standard error.  Returns CTL_USAGE.
 */
__attribute__((format(printf, 1, 2))) int ctl_bad(const char *fmt, ...);

/* The page of a role or list, or NULL after a line that names all of them. */
const struct policy_page *ctl_role(const char *name);

/*
 * Writes one page as JSON (show --json), without a newline at its end.
 * Returns 0 or ERR_NOMEM.
 */
CHECKED int ctl_json(const struct policy_page *p, bool first);

/*
 * Runs a filter on one call as the kernel does (linux/seccomp.h; classic BPF,
 * bpf(2)).  Returns 0 and the SECCOMP_RET_ value, or ERR_FORMAT on an
 * instruction that no policy compiles to.
 */
CHECKED int ctl_run_filter(const struct filter_prog *f, int nr,
			   const uint64_t args[static 6], uint32_t *out);

#endif
