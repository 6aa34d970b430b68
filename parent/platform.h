/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor makes of itself before anything starts: the profile,
 * the capabilities it keeps, its groups, its own filter, the namespaces that
 * offline children join; and what must not be (swap, strangers with our
 * uids).
 */
#ifndef SP_PLATFORM_H
#define SP_PLATFORM_H

#include "sup.h"

/*
 * Chooses the profile by what is permitted, checks what it needs, makes the
 * empty network namespace, drops everything else.  Returns 0, or an exit code
 * after saying what is missing.
 */
CHECKED int platform_setup(struct sup *s);

/*
 * Brings lo up in the current network namespace (raft's private life needs
 * it).  Returns 0 or -1.
 */
CHECKED int platform_lo_up(void);

/* Returns 0, or an exit code after saying why. */
CHECKED int platform_swap_off(void);
/* No process with the uid exists. */
CHECKED int platform_uid_free(uid_t uid);
/* Kills every process with the server's uid (no pid namespace: container). */
void platform_uid_sweep(struct sup *s, uid_t uid);
/* The library roots and programs are root's and nobody else writes there. */
CHECKED int platform_install_ok(void);

#endif
