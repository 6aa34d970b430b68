/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: BPF programs that policyc made at build time from policy/NAME.policy
 * (no parser and no libseccomp in any running process).
 */
#ifndef SP_FILTER_H
#define SP_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "err.h"

struct filter_prog {
	const char *name;
	const struct sock_filter *insns;
	unsigned short count;
};

/* One for each policy file, made by policyc (generated filters.c). */
extern const struct filter_prog filter_broker, filter_resolve, filter_https,
	filter_keeper, filter_verify, filter_tpm, filter_prepare,
	filter_control, filter_vault_server, filter_supervisor, filter_outer,
	filter_outer_net;

/*
 * Installs a filter with seccomp(2) SECCOMP_SET_MODE_FILTER; no_new_privs
 * must be set.  Returns 0 or ERR_LOCK.
 */
CHECKED int filter_install(const struct filter_prog *f);

#endif
