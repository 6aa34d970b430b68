/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdio.h>

#include "exit.h"

#define ANY (-1)

/*
 * The first row that fits.  "here": the marker names this very directory.
 *
 * marker, here, store, look, keys -> action
 */
static const struct row {
	int marker, here, store, look, keys;
	enum action action;
} rows[] = {
	/* a local store that is not there: nothing may start before PREPARED */
	{MARKER_NONE, ANY, STORE_EMPTY, SEEN_NOT_YET, KEYS_NOTHING, DO_PREPARE},
	{MARKER_NONE, ANY, STORE_EMPTY, ANY, KEYS_BUNDLE, DO_STOP_LOST},
	{MARKER_NONE, ANY, STORE_EMPTY, ANY, KEYS_OLD, DO_STOP_LOST},
	/* a store without a marker: remote, or from before markers */
	{MARKER_NONE, ANY, ANY, SEEN_NOT_YET, ANY, DO_LOOK},
	{MARKER_NONE, ANY, STORE_REMOTE, SEEN_UNINIT, KEYS_NOTHING, DO_INIT},
	{MARKER_NONE, ANY, ANY, SEEN_UNINIT, KEYS_BUNDLE, DO_STOP_LOST},
	{MARKER_NONE, ANY, ANY, SEEN_UNINIT, KEYS_OLD, DO_STOP_LOST},
	{MARKER_NONE, ANY, ANY, SEEN_INIT, KEYS_OLD, DO_UNSEAL},
	{MARKER_NONE, ANY, ANY, SEEN_INIT, KEYS_BUNDLE, DO_UNSEAL},
	{MARKER_NONE, ANY, ANY, SEEN_INIT, KEYS_NOTHING, DO_STOP_NO_KEYS},
	/* PREPARED: it never had a public life, so it holds no data */
	{MARKER_PREPARED, true, ANY, SEEN_NOT_YET, ANY, DO_LOOK},
	{MARKER_PREPARED, true, ANY, SEEN_UNINIT, KEYS_NOTHING, DO_INIT},
	{MARKER_PREPARED, true, ANY, SEEN_INIT, KEYS_NOTHING, DO_ASIDE},
	{MARKER_PREPARED, true, ANY, SEEN_DEAD, KEYS_NOTHING, DO_ASIDE},
	{MARKER_PREPARED, true, ANY, SEEN_NO_START, KEYS_NOTHING, DO_ASIDE},
	{MARKER_PREPARED, true, ANY, SEEN_INIT, KEYS_BUNDLE, DO_UNSEAL},
	/* moved aside, and dead before the new marker: still nothing there */
	{MARKER_PREPARED, false, STORE_EMPTY, SEEN_NOT_YET, KEYS_NOTHING,
	 DO_PREPARE},
	/* STORED: data may be there; nothing is ever started over, and where
	 * nothing is there no look may leave files that look like a store.  A
	 * copy that was put back is as good as the directory: nothing that is
	 * done to it destroys anything */
	{MARKER_STORED, ANY, STORE_EMPTY, ANY, ANY, DO_STOP_LOST},
	{MARKER_STORED, ANY, ANY, SEEN_NOT_YET, ANY, DO_LOOK},
	{MARKER_STORED, ANY, ANY, SEEN_INIT, KEYS_BUNDLE, DO_UNSEAL},
	{MARKER_STORED, ANY, ANY, SEEN_UNINIT, ANY, DO_STOP_LOST},
	{MARKER_STORED, ANY, ANY, ANY, KEYS_NOTHING, DO_STOP_NO_KEYS},
	{MARKER_STORED, ANY, ANY, ANY, KEYS_OLD, DO_STOP_NO_KEYS},
};

static int
fits(int want, int have)
{
	return want == ANY || want == have;
}

enum action
table_decide(const struct seen *s)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (fits(r->marker, (int)s->marker) &&
		    fits(r->here, s->this_directory) &&
		    fits(r->store, (int)s->store) &&
		    fits(r->look, (int)s->look) && fits(r->keys, (int)s->keys))
			return r->action;
	}
	return DO_STOP_STATE;
}

bool
table_hopeless(const struct seen *s, enum action *out)
{
	struct seen asked = *s;
	bool first = true;

	for (int k = KEYS_NOTHING; k <= KEYS_BUNDLE; k++) {
		enum action a;

		asked.keys = (enum seen_keys)k;
		a = table_decide(&asked);
		if (a < DO_STOP_LOST || (!first && a != *out))
			return false;
		*out = a;
		first = false;
	}
	return true;
}

enum seen_keys
table_keys(int fetch)
{
	return fetch == EXIT_F_BUNDLE ? KEYS_BUNDLE
	       : fetch == EXIT_F_OLD  ? KEYS_OLD
				      : KEYS_NOTHING;
}

void
table_text(const struct seen *s, char *out, unsigned long cap)
{
	static const char *const marker[] = {"no marker", "marker PREPARED",
					     "marker STORED"};
	static const char *const store[] = {"store absent or empty",
					    "store holds files",
					    "store is remote"};
	static const char *const look[] = {"not looked at",
					   "not initialised",
					   "initialised",
					   "half-initialised",
					   "the server does not start",
					   "already unsealed"};
	static const char *const keys[] = {
		"key vault not asked", "no keys in the key vault",
		"keys of the old layout", "a bundle in the key vault"};

	snprintf(out, cap, "%s%s; %s; %s; %s", marker[s->marker],
		 s->marker != MARKER_NONE && !s->this_directory
			 ? " (of another directory)"
			 : "",
		 store[s->store], look[s->look], keys[s->keys]);
}

const char *
table_advice(const struct seen *s)
{
	if (s->store != STORE_REMOTE)
		return NULL;
	if (s->keys == KEYS_NOTHING &&
	    (s->look == SEEN_INIT || s->look == SEEN_DEAD))
		return "a first life that was interrupted looks like this, and "
		       "so does a store whose keys were lost: if nobody ever "
		       "used this server, delete every blob in the container "
		       "and boot again; if it may hold data, delete nothing "
		       "and restore the keys in the key vault";
	if (s->look == SEEN_DEAD)
		return "objects are missing that every boot needs "
		       "(core/seal-config): delete nothing and restore the "
		       "container, from its soft-deleted blobs or versions";
	if (s->look == SEEN_UNINIT)
		return "the container is empty: name the account and the "
		       "container of the keys that are stored, or restore it";
	return NULL;
}
