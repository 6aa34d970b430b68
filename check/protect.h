/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protections that Sallyport stands on, each tried on this kernel and in
 * this container, each a finding.  What is tried is tried in a child of its
 * own, so that nothing stays.
 */
#ifndef SP_CHECK_PROTECT_H
#define SP_CHECK_PROTECT_H

#include "rig.h"

/*
 * What the kernel has and permits; full: the profile that will be used.
 */
void protect_kernel(bool full);

/* The machine: swap, the library roots, the server program, uids. */
void protect_machine(struct rig *r);

/* The library roots against what was installed (roots.c). */
void protect_roots(struct rig *r);

/* Says whether CAP_SYS_ADMIN is permitted: the full profile. */
bool protect_full(void);

#endif
