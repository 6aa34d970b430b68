/* SPDX-License-Identifier: Apache-2.0 */
/* Every (state, sender, type) against tests/tables/broker.tbl. */
#include "broker_fake.h"

#define TYPES 48u /* beyond the last number of messages.def */
#define LINES 32u

struct want {
	unsigned states;
	uint32_t senders;
	unsigned type;
	char next[8];
	char goes[8];
	unsigned most;
	unsigned after;
};

static struct want wants[LINES];
static size_t want_count;
static const char *table;

static unsigned
type_of(const char *name)
{
	for (size_t i = 0; i < msg_row_count; i++) {
		if (strcmp(msg_rows[i].name, name) == 0)
			return msg_rows[i].type;
	}
	return 0;
}

static unsigned
state_of(const char *name)
{
	unsigned s = 0;

	while (s < B_STATE_COUNT &&
	       strcmp(broker_state_name((enum bstate)s), name) != 0)
		s++;
	return s;
}

static unsigned
states_of(char *list)
{
	char *save = NULL;
	unsigned set = 0;

	for (char *w = strtok_r(list, ",", &save); w;
	     w = strtok_r(NULL, ",", &save))
		set |= 1u << state_of(w);
	return set;
}

static uint32_t
seats_of(char *list)
{
	char *save = NULL;
	uint32_t set = 0;

	if (strcmp(list, "*") == 0)
		return SEATS_WORKER;
	for (char *w = strtok_r(list, ",", &save); w;
	     w = strtok_r(NULL, ",", &save)) {
		for (unsigned s = 0; s < SEAT_COUNT; s++) {
			if (strcmp(seat_name(s), w) == 0)
				set |= SEAT_BIT(s);
		}
	}
	return set;
}

static void
read_table(void)
{
	char line[256], st[64], se[128], ty[16], af[16];
	FILE *f = fopen(table, "re");

	if (!f)
		exit(2);
	while (fgets(line, sizeof(line), f)) {
		struct want w = {0};

		if (line[0] == '#' ||
		    sscanf(line, "%63s %127s %15s %7s %7s %u %15s", st, se, ty,
			   w.next, w.goes, &w.most, af) != 7)
			continue;
		w.states = states_of(st);
		w.senders = seats_of(se);
		w.type = type_of(ty);
		w.after = type_of(af);
		if (!w.states || !w.senders || !w.type || want_count == LINES)
			exit(3);
		wants[want_count++] = w;
	}
	fclose(f);
}

static const struct want *
find(unsigned state, unsigned sender, unsigned type)
{
	for (size_t i = 0; i < want_count; i++) {
		const struct want *w = &wants[i];

		if ((w->states & (1u << state)) &&
		    (w->senders & SEAT_BIT(sender)) && w->type == type)
			return w;
	}
	return NULL;
}

/* A session where everything that the sender may need is there. */
static void
prepare(unsigned state, unsigned sender, bool tainted)
{
	fresh();
	for (unsigned s = 0; s < SEAT_COUNT; s++)
		b.seats[s].state = B_RUN;
	b.seen = ~0u;
	b.seats[sender].state = (enum bstate)state;
	b.seats[sender].tainted = tainted;
	b.seats[sender].echo_due = true;
	memset(body, 0x55, sizeof(body));
	if (keep_put(&b.keep, MSG_BUNDLE, body, 780) != 0)
		abort();
}

/* The shortest body that the table allows. */
static int
speak(unsigned sender, unsigned type)
{
	const struct msg_row *row = msg_row(type);

	return say((enum seat)sender, type, row ? row->min : 0, 0);
}

/* The worker hears START and, a store seat, the rest; others START alone. */
static int
right_effect(const struct want *w, unsigned state, unsigned sender)
{
	unsigned next = strcmp(w->next, "=") == 0 ? state : state_of(w->next);
	size_t kept = b.keep.count - 1;

	if (b.seats[sender].state != (enum bstate)next)
		return 0;
	if (next == B_RUN && state == B_GO && !went(0, sender, MSG_START, 0))
		return 0;
	if (strcmp(w->goes, "kept") == 0)
		return kept == 1 && out_count == 0 && log_count == 0;
	if (strcmp(w->goes, "log") == 0)
		return kept == 0 && out_count == 0 && log_count == 1;
	if (strcmp(w->goes, "nowhere") == 0)
		return kept == 0 && log_count == 0;
	if (strcmp(w->goes, "echo") == 0) /* unequal: the same again */
		return out_count == 1 && unequal_count == 1 &&
		       went(0, (enum seat)sender, MSG_BUNDLE, 0x55);
	return kept == 0 && out_count == 1 && outs[0].type == w->type &&
	       strcmp(seat_name(outs[0].to), w->goes) == 0;
}

static void
walk(bool tainted)
{
	for (unsigned st = 0; st < B_STATE_COUNT; st++) {
		for (unsigned s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
			for (unsigned t = 0; t < TYPES; t++) {
				const struct want *w = find(st, s, t);
				int r;

				if (tainted && !(w && msg_row(t)->after_taint))
					w = NULL;
				prepare(st, s, tainted);
				r = speak(s, t);
				if (w ? r == 0 && right_effect(w, st, s)
				      : r == ERR_PROTO && b.why && !out_count)
					continue;
				printf("# %s %s type %u: %d\n",
				       broker_state_name((enum bstate)st),
				       seat_name(s), t, r);
				EXPECT(!"as the table says");
			}
		}
	}
}

CASE(every_state_sender_and_type_is_as_the_table_says)
{
	EXPECT(want_count == 16);
	walk(false);
}

CASE(after_taint_only_result_and_ciphertext_pass)
{
	unsigned n = 0;

	for (size_t i = 0; i < want_count; i++)
		n += msg_row(wants[i].type)->after_taint;
	EXPECT(n == 3); /* RESULT, BUNDLE, JWE */
	walk(true);
}

CASE(nothing_comes_before_what_it_answers)
{
	for (size_t i = 0; i < want_count; i++) {
		const struct want *w = &wants[i];

		for (unsigned s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
			if (!(w->senders & SEAT_BIT(s)) || !w->after)
				continue;
			prepare(B_RUN, s, false);
			b.seen = ~(1u << w->after);
			EXPECT(speak(s, w->type) == ERR_PROTO);
			prepare(B_RUN, s, false);
			b.seen = 1u << w->after;
			EXPECT(speak(s, w->type) == 0);
		}
	}
}

/* EVENT, NOTE and ECHO end otherwise than by the first state they were in. */
CASE(nobody_repeats_more_often_than_the_table_says)
{
	for (size_t i = 0; i < want_count; i++) {
		const struct want *w = &wants[i];

		for (unsigned s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
			unsigned state = (unsigned)__builtin_ctz(w->states);

			if (!(w->senders & SEAT_BIT(s)))
				continue;
			prepare(state, s, false);
			for (unsigned n = 0; n < (w->most ?: 1000); n++) {
				b.seats[s].state = (enum bstate)state;
				EXPECT(speak(s, w->type) == 0);
			}
			b.seats[s].state = (enum bstate)state;
			if (w->most)
				EXPECT(speak(s, w->type) == ERR_PROTO);
		}
	}
}

CASE(lengths_beside_the_limits_are_refused)
{
	for (size_t i = 0; i < want_count; i++) {
		const struct msg_row *row = msg_row(wants[i].type);
		unsigned s = (unsigned)__builtin_ctz(wants[i].senders);
		unsigned st = (unsigned)__builtin_ctz(wants[i].states);

		prepare(st, s, false);
		EXPECT(say((enum seat)s, row->type, row->max + 1, 0) ==
		       ERR_PROTO);
		if (row->min == 0)
			continue;
		prepare(st, s, false);
		EXPECT(say((enum seat)s, row->type, row->min - 1, 0) ==
		       ERR_PROTO);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	table = argv[1];
	read_table();
	return check_run();
}
