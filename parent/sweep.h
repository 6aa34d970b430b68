/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Empties a directory in which the server and its plugins wrote: sockets of
 * killed plugins, and whatever a hostile one left.  The supervisor has no
 * capability over files; it takes the server's uid for files while it works,
 * so nothing but what the server could have removed is touched.
 */
#ifndef SP_SWEEP_H
#define SP_SWEEP_H

#include <sys/types.h>

#include "err.h"

/*
 * Removes all that lies in `name` below the directory; one that is absent is
 * empty.  No process of the uid lives any more.  Returns 0, or ERR_SYS with
 * errno when something stayed.
 */
CHECKED int sweep_dir(int at, const char *name, uid_t uid, gid_t gid);

#endif
