/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor audit: exactly the numbers of the table are open, and each
 * is of the kind it must be (runc CVE-2024-21626: one leaked descriptor is a
 * way out).  A process that is not dumpable cannot read its own /proc, so it
 * asks number by number; the supervisor's gate reads the numbers from outside.
 */
#ifndef SP_AUDIT_H
#define SP_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "page.h"

#define AUDIT_NUMBERS 1024 /* asked one by one; above, all are closed */

struct fd_want {
	int fd;
	enum fd_kind kind;
};

/* Says whether an open descriptor is of that kind. */
CHECKED bool audit_kind(int fd, enum fd_kind kind);

/*
 * Checks all numbers: `want` (in order of number) and nothing else is open,
 * each of its kind.  Closes whatever is at AUDIT_NUMBERS or above.  Returns 0
 * or ERR_LOCK.
 */
CHECKED int audit_fds(const struct fd_want *want, size_t count);

#endif
