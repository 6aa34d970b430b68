/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on a local disk and its marker, PATH.sallyport beside it: root's
 * alone, replaced atomically, synced.  Who can write the marker can delete
 * the store, so it needs no authentication.
 *
 *   sallyport marker 1
 *   state PREPARED|STORED
 *   generation 32 hex digits | unknown
 *   directory DEVICE INODE
 *   storage TYPE (may be absent)
 *
 * The inode alone says which directory is meant: the marker is on the same file
 * system, and its device number may be another one after a restart.
 */
#ifndef SP_STORE_H
#define SP_STORE_H

#include "blob.h"
#include "sup.h"
#include "table.h"

struct marker {
	enum marker_state state;
	bool generation_known;
	uint8_t generation[GENERATION_BYTES];
	uint64_t dev, ino;
	char storage[16]; /* what it was made with; "": not known */
};

/*
 * Looks at the directory and the marker (a remote store has neither).
 * Returns 0 and what was seen (look and keys "not yet"), or an exit code,
 * said: EXIT_STORE_PATH, EXIT_MARKER, EXIT_STATE (a STORED store of another
 * type, on which no server is started).
 */
CHECKED int store_look(const struct sup *s, struct seen *out_seen,
		       struct marker *out_marker);

/* Makes the directory (root:SERVER 2770) where it is absent. */
CHECKED int store_make(const struct sup *s);

/*
 * Writes the marker for the directory as it is now: a new file, synced,
 * renamed over the old one, the parent synced.  Returns 0 or EXIT_MARKER.
 */
CHECKED int store_mark(const struct sup *s, enum marker_state state,
		       bool generation_known,
		       const uint8_t generation[static GENERATION_BYTES]);

/*
 * Before keys are stored, what they open is on the disk: storage "file" syncs
 * nothing itself, so with the machine's power a store could go that is taken
 * for one that held data.  syncfs(2); a failure is said.
 */
void store_sync(const struct sup *s);

/*
 * Looks again: the marker must be what it was at the session's start.  A
 * volume may have been mounted, or another supervisor been at work, during
 * the attestation.  Returns 0 and what is seen now, or an exit code, said.
 */
CHECKED int store_unchanged(const struct sup *s, const struct marker *was,
			    struct seen *out_now);

/*
 * Holds the store, and in the container profile run_directory, against other
 * supervisors of this machine until the process ends.  Returns 0 or
 * EXIT_STATE, said.
 */
CHECKED int store_lock(const struct sup *s);

/*
 * Moves the store to PATH.aside-GENERATION (never deletes).  Returns 0 or
 * EXIT_STORE_PATH.
 */
CHECKED int store_move_aside(const struct sup *s, const struct marker *m);

#endif
