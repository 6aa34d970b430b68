/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's Landlock layer (policy/landlock.h): what CONFIG names, as far as
 * the server's page states it for the life that begins.  No signal and no
 * abstract socket beyond the server and its plugins.
 */
#ifndef SP_EXEC_LANDLOCK_H
#define SP_EXEC_LANDLOCK_H

#include "err.h"
#include "items.h"

/*
 * Restricts this process to the X_ items of config; no_new_privs must be set.
 * A path that is missing, what no line of page_vault_server states for X_WHEN,
 * connecting to port 80 (the metadata service) and a kernel without TCP rules
 * are errors.  Returns 0 or ERR_LOCK.
 */
CHECKED int exec_landlock(const struct items *config);

#endif
