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
#include "page.h"

#define LANDLOCK_ABI_MIN 4 /* TCP rules */

/*
 * Restricts this process to a page's rules, which must be plain: files to
 * read (absent ones are passed over) and ports to connect to; the ports given
 * are those of a rule `connect from`.  no_new_privs must be set.  Scopes
 * (signals, abstract sockets) are taken where the kernel has them (ABI 6).
 * Returns 0 or ERR_LOCK; a kernel below LANDLOCK_ABI_MIN, another rule, and
 * ports that no rule takes are ERR_LOCK.
 */
CHECKED int landlock_lock(const struct page *page, const uint16_t *ports,
			  size_t port_count);

/*
 * The same in steps, for the server's process, whose rules hang on the life
 * that begins.  landlock_begin() returns the ruleset's descriptor,
 * close-on-exec and the caller's, or -1 (the kernel has no TCP rules).
 */
int landlock_begin(void);

/*
 * Adds a file or tree (absolute or not; what a rule on a file may not say is
 * left out), or a TCP port, by what may be done with it.  Returns 0, or
 * ERR_LOCK; a path that is not there is ERR_NOTFOUND.
 */
CHECKED int landlock_path(int ruleset, enum page_reach reach, const char *path);
CHECKED int landlock_port(int ruleset, enum page_reach reach, uint16_t port);

/* From now on; no_new_privs must be set.  Returns 0 or ERR_LOCK. */
CHECKED int landlock_end(int ruleset);

#endif
