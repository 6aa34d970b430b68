/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 of the confinement, spoilt: system calls of the supervisor's child
 * code (parent/confine.c) that do not do what they say.  Linked with --wrap
 * into test programs: evil-sallyport (EVIL_SPOIL="SEAT PROPERTY") and the
 * driver.
 */
#ifndef SP_TEST_SPOIL_H
#define SP_TEST_SPOIL_H

#include <stdbool.h>

#include "seat.h"

enum spoil {
	SPOIL_NOTHING,
	SPOIL_IDS, /* no uid, gid, group or capability is given up */
	SPOIL_UID,
	SPOIL_GID,
	SPOIL_GROUPS,
	SPOIL_INHERITABLE,
	SPOIL_BOUNDING,
	SPOIL_AMBIENT,
	SPOIL_PRIVS,   /* no_new_privs is not set; both filters stand */
	SPOIL_OUTER,   /* no outer filter */
	SPOIL_ALL,     /* no filter, not even the supervisor's own */
	SPOIL_EXTRA,   /* one descriptor more */
	SPOIL_MISSING, /* one fewer */
	SPOIL_SERVER,  /* a server whose program can be read */
	SPOIL_EARLY,   /* the fetch wave is not waited for */
};

/* What the next child of which seat (SEAT_COUNT: any) is to be. */
void spoil_set(enum spoil what, enum seat seat);

/* Beside that: whether its outer filter lets everything pass. */
void spoil_outer(bool passes);

#endif
