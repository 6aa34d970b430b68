/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places that the configuration names: how they may lie to each other,
 * and who may write them.  The server and its plugins write in storage_path,
 * run_directory and audit_directory: nothing that is believed may lie there.
 */
#ifndef SP_PATHS_H
#define SP_PATHS_H

#include "conf.h"

/*
 * No place that is believed lies where the server writes, by name or through
 * links.  Returns 0, or EXIT_CONFIG, said.
 */
CHECKED int paths_apart(const struct conf *c);

/*
 * The audit devices' files lie where the server may write: below
 * audit_directory or a local store.  Returns 0, or EXIT_CONFIG, said.
 */
CHECKED int paths_audit(const struct conf *c);
/*
 * The audit directory is there, the server's uid can write in it, and nobody
 * but root could put another in its place.  Returns as paths_audit().
 */
CHECKED int paths_audit_dir(const struct conf *c);

/*
 * container: the server's uid may pass every directory above the places where
 * it comes (in the full profile they are mounted into a root of its own).
 * Returns as paths_audit().
 */
CHECKED int paths_passable(const struct conf *c);

/*
 * The plugin directory, what is in it, and every [plugin]'s command in it are
 * there and root's alone.  Returns 0, EXIT_PLUGINS or EXIT_CONFIG, said.
 */
CHECKED int paths_plugins(const struct conf *c);

/*
 * Every directory above a file, and the file, could be changed by root alone
 * (a sticky directory of root's will do: a name of root's stays in it).  With
 * tree, so could all that lies below.  Returns 0, ERR_REFUSED, or ERR_SYS with
 * errno; then *out_wrong is the place, valid until the next call.
 */
CHECKED int paths_root_alone(const char *path, bool tree,
			     const char **out_wrong);

#endif
