/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recovery table of DESIGN section 7 as a pure function: from what was
 * seen to what is done.  No input and output, so that a test can walk every
 * row and every combination.
 */
#ifndef SP_TABLE_H
#define SP_TABLE_H

#include <stdbool.h>

#include "tags.h"

enum seen_store { STORE_EMPTY, STORE_FILES, STORE_REMOTE };
enum seen_look {
	SEEN_NOT_YET,
	SEEN_UNINIT,
	SEEN_INIT,
	SEEN_DEAD,
	SEEN_NO_START,
	SEEN_UNSEALED
};
enum seen_keys { KEYS_NOT_YET, KEYS_NOTHING, KEYS_OLD, KEYS_BUNDLE };

struct seen {
	enum marker_state marker;
	bool this_directory; /* the marker's inode is the store's */
	enum seen_store store;
	enum seen_look look;
	enum seen_keys keys;
};

enum action {
	DO_LOOK,      /* start the private server and look */
	DO_PREPARE,   /* write PREPARED, then ask again */
	DO_INIT,      /* initialise here and now */
	DO_ASIDE,     /* move the store aside, a new generation, start over */
	DO_UNSEAL,    /* ordinary: open, unseal */
	DO_STOP_LOST, /* EXIT_STORE_LOST */
	DO_STOP_NO_KEYS, /* EXIT_NO_KEYS */
	DO_STOP_STATE,	 /* EXIT_STATE */
};

/*
 * What to do, once the key vault was asked.  With SEEN_NOT_YET it may say
 * DO_LOOK or DO_PREPARE; with a look it never does.
 */
enum action table_decide(const struct seen *s);

/*
 * True when the end is a stop whatever the key vault says, so that nothing
 * need be asked or started; *out is that stop.
 */
bool table_hopeless(const struct seen *s, enum action *out);

/* What https said by its exit code (EXIT_F_...), for struct seen. */
enum seen_keys table_keys(int fetch);

/* "PREPARED, this directory; files; initialised; bundle" for the log. */
void table_text(const struct seen *s, char *out, unsigned long cap);

/*
 * A remote store is never changed, so where the table stops at one the
 * operator must: what he is to check and do, or NULL where there is no more
 * to say than the exit code says.
 */
const char *table_advice(const struct seen *s);

#endif
