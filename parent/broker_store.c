/* SPDX-License-Identifier: Apache-2.0 */
/* The store wave (broker_store.h). */
#include "broker_store.h"

#include <string.h>

#include "broker_out.h"

/*
 * The bundle comes last: the final one no longer holds the root token, so the
 * operator's copy must be safe before it takes the fresh one's place.
 */
static const uint16_t order[] = {MSG_JWE, MSG_BUNDLE};

#define ORDER_COUNT (sizeof(order) / sizeof(order[0]))

static struct kept *
current(struct broker *b)
{
	struct kept *o = NULL;

	for (size_t i = 0; i < ORDER_COUNT && !o; i++)
		o = keep_next(&b->keep, order[i]);
	return o;
}

int
broker_store_may_go(struct broker *b)
{
	unsigned kept = 0;

	for (size_t i = 0; i < ORDER_COUNT; i++)
		kept += keep_count(&b->keep, order[i]);
	if (kept == 0) {
		b->why = "a store seat with nothing to store";
		return ERR_PROTO;
	}
	for (unsigned s = 0; s < SEAT_COUNT; s++) {
		enum bstate st = b->seats[s].state;

		if ((SEATS_STORE & SEAT_BIT(s)) && st != B_WAIT &&
		    st != B_LOCKED && st != B_GONE) {
			b->why = "two store seats";
			return ERR_PROTO;
		}
	}
	return 0;
}

int
broker_store_begin(struct broker *b, enum seat seat)
{
	const struct kept *o = current(b);

	b->storing = true;
	b->seats[seat].echo_due = o != NULL;
	if (!o)
		return broker_out(seat, MSG_STORED, NULL, 0);
	return broker_out(seat, o->type, keep_body(&b->keep, o), o->bytes);
}

static bool
is_power_of_2(unsigned n)
{
	return (n & (n - 1)) == 0;
}

int
broker_store_echo(struct broker *b, enum seat from, const uint8_t *body,
		  size_t bytes)
{
	struct kept *o = current(b);

	if (!b->seats[from].echo_due || !o) {
		b->why = "an echo of nothing";
		return ERR_PROTO;
	}
	if (bytes == o->bytes &&
	    memcmp(body, keep_body(&b->keep, o), bytes) == 0)
		keep_done(&b->keep, o);
	else if (is_power_of_2(++b->unequal)) /* a vault that lies for hours */
		broker_unequal(from, o->type);
	return broker_store_begin(b, from);
}
