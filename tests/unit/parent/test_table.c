/* SPDX-License-Identifier: Apache-2.0 */
/* The recovery table against a text table written by hand. */
#include "../check.h"
#include "table.h"

static const char *const marker[] = {"none", "prepared", "stored", NULL};
static const char *const store[] = {"empty", "files", "remote", NULL};
static const char *const look[] = {"notyet",  "uninit",	  "init", "dead",
				   "nostart", "unsealed", NULL};
static const char *const keys[] = {"notasked", "nothing", "old", "bundle",
				   NULL};
static const char *const action[] = {"look",   "prepare", "init",
				     "aside",  "unseal",  "lost",
				     "nokeys", "state",	  NULL};
static const char *path;

static int
index_of(const char *const *words, const char *w)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], w))
			return i;
	return -1;
}

CASE(every_written_row_comes_out_as_written)
{
	char line[200], w[5][16], a[16];
	FILE *f = fopen(path, "re");
	int rows = 0;

	EXPECT(f != NULL);
	while (f && fgets(line, sizeof(line), f)) {
		struct seen s;
		int here;

		if (line[0] == '#')
			continue;
		EXPECT(sscanf(line, "%15s %15s %15s %15s %15s -> %15s", w[0],
			      w[1], w[2], w[3], w[4], a) == 6);
		s.marker = (enum marker_state)index_of(marker, w[0]);
		s.store = (enum seen_store)index_of(store, w[2]);
		s.look = (enum seen_look)index_of(look, w[3]);
		s.keys = (enum seen_keys)index_of(keys, w[4]);
		for (here = 0; here < 2; here++) {
			if (w[1][0] != '-' && here != (w[1][0] == 'y'))
				continue;
			s.this_directory = here;
			if ((int)table_decide(&s) != index_of(action, a)) {
				printf("# got %s: %s", action[table_decide(&s)],
				       line);
				check_bad = 1;
			}
		}
		rows++;
	}
	EXPECT(rows > 60);
	if (f)
		fclose(f);
}

/* Calls fn for every combination there is. */
static void
all(void (*fn)(const struct seen *s, enum action a))
{
	struct seen s;

	for (int m = 0; m < 3; m++)
		for (int h = 0; h < 2; h++)
			for (int st = 0; st < 3; st++)
				for (int l = 0; l < 6; l++)
					for (int k = 0; k < 4; k++) {
						s.marker = (enum marker_state)m;
						s.this_directory = h;
						s.store = (enum seen_store)st;
						s.look = (enum seen_look)l;
						s.keys = (enum seen_keys)k;
						fn(&s, table_decide(&s));
					}
}

static void
init_is_safe(const struct seen *s, enum action a)
{
	if (a != DO_INIT)
		return;
	EXPECT(s->look == SEEN_UNINIT && s->keys == KEYS_NOTHING);
	EXPECT(s->marker != MARKER_STORED);
	EXPECT(s->store == STORE_REMOTE || s->marker == MARKER_PREPARED);
}

CASE(initialises_only_what_was_seen_empty_and_has_no_keys)
{
	all(init_is_safe);
}

static void
aside_is_safe(const struct seen *s, enum action a)
{
	if (a == DO_ASIDE)
		EXPECT(s->marker == MARKER_PREPARED && s->this_directory &&
		       s->keys == KEYS_NOTHING);
}

CASE(moves_aside_only_what_is_prepared_here_and_has_no_keys)
{
	all(aside_is_safe);
}

static void
prepare_is_safe(const struct seen *s, enum action a)
{
	if (a == DO_PREPARE)
		EXPECT(s->store == STORE_EMPTY && s->keys == KEYS_NOTHING &&
		       s->marker != MARKER_STORED);
}

CASE(prepares_only_an_absent_or_empty_store)
{
	all(prepare_is_safe);
}

static void
unseal_is_safe(const struct seen *s, enum action a)
{
	if (a == DO_UNSEAL)
		EXPECT(s->look == SEEN_INIT && s->keys > KEYS_NOTHING);
}

CASE(unseals_only_what_was_seen_initialised_with_keys)
{
	all(unseal_is_safe);
}

static void
advice_is_safe(const struct seen *s, enum action a)
{
	const char *text = table_advice(s);

	if (a < DO_STOP_LOST)
		return;
	if (text && strstr(text, "delete every blob"))
		EXPECT(s->store == STORE_REMOTE && s->keys == KEYS_NOTHING);
	if (s->store == STORE_REMOTE && s->marker == MARKER_NONE &&
	    (a != DO_STOP_STATE || s->look == SEEN_DEAD))
		EXPECT(text != NULL);
}

CASE(advises_to_empty_a_remote_store_only_where_no_keys_are)
{
	all(advice_is_safe);
}

static void
hopeless_is_no_guess(const struct seen *s, enum action a)
{
	enum action stop = DO_LOOK;

	if (s->keys == KEYS_NOT_YET || !table_hopeless(s, &stop))
		return;
	EXPECT(a == stop && a >= DO_STOP_LOST);
}

CASE(stops_before_asking_only_where_every_answer_stops_the_same_way)
{
	all(hopeless_is_no_guess);
}

CASE(an_emptied_or_absent_stored_store_is_lost_before_anything_is_asked)
{
	struct seen s = {.marker = MARKER_STORED, .store = STORE_EMPTY};
	enum action stop = DO_LOOK;

	for (int here = 0; here < 2; here++) {
		s.this_directory = here;
		EXPECT(table_hopeless(&s, &stop) && stop == DO_STOP_LOST);
	}
	s.marker = MARKER_NONE;
	EXPECT(!table_hopeless(&s, &stop));
	s.marker = MARKER_PREPARED;
	EXPECT(!table_hopeless(&s, &stop));
}

int
main(int argc, char **argv)
{
	path = argc > 1 ? argv[1] : "tests/tables/recovery.tbl";
	return check_run();
}
