/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)): from the call on this process reaches no file, no
 * TCP port, no process by signal and no abstract socket outside, except what
 * is named.  It holds for IPPROTO_TCP alone (MPTCP walks past it): the filter
 * closes that door.
 */
#ifndef SP_LANDLOCK_H
#define SP_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define LANDLOCK_ABI_MIN 4 /* TCP rules */

struct landlock_want {
	const uint16_t *tcp_ports; /* connect, and nothing else */
	size_t port_count;
	const char *const *read_paths; /* files to read; absent ones are passed
					  over */
	size_t path_count;
};

/*
 * Restricts this process; no_new_privs must be set.  Scopes (signals,
 * abstract sockets) are taken where the kernel has them (ABI 6).  Returns 0
 * or ERR_LOCK; a kernel below LANDLOCK_ABI_MIN is ERR_LOCK.
 */
CHECKED int landlock_lock(const struct landlock_want *want);

#endif
