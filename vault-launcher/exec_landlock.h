/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's Landlock layer (landlock(7)): files and trees by what may be
 * done there, TCP ports to connect to and to bind, no signal and no abstract
 * socket beyond the server and its plugins.  Workers need none of this and
 * have policy/landlock.h.
 */
#ifndef SP_EXEC_LANDLOCK_H
#define SP_EXEC_LANDLOCK_H

#include "err.h"
#include "items.h"

/*
 * Restricts this process to the X_ items of config; no_new_privs must be set.
 * A path that is missing, a port above 65535, connecting to port 80 (the
 * metadata service) and a kernel without TCP rules are errors.  Returns 0 or
 * ERR_LOCK.
 */
CHECKED int exec_landlock(const struct items *config);

#endif
