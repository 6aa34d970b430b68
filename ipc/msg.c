/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message table as data, and the one decision made from it.  Three ways
 * lead from a row to a pair of seats:
 *   HUB, KEPT	the broker is one end of every such channel: it receives what
 *		a worker may send, it sends what a worker may receive
 *   DIRECT	one end is the tpm: the pairs that exist (DESIGN section 3)
 *   QUEUED	exactly the seats of the row
 */
#include "msg.h"

#define S(seat) SEAT_BIT(SEAT_##seat)
#define NO	false
#define YES	true

const struct msg_row msg_rows[] = {
#define X(name, num, from, to, via, min, max, taint, text)                     \
	{(num), #name, (from), (to), VIA_##via, (min), (max), (taint), (text)},
#include "messages.def"
#undef X
};

const size_t msg_row_count = sizeof(msg_rows) / sizeof(msg_rows[0]);

/* A limit above MSG_BODY_MAX could never be reached; refuse it here. */
#define X(name, num, from, to, via, min, max, taint, text)                     \
	_Static_assert((min) <= (max) && (max) <= MSG_BODY_MAX &&              \
			       (num) <= UINT16_MAX,                            \
		       #name);
#include "messages.def"
#undef X

const struct msg_row *
msg_row(unsigned type)
{
	for (size_t i = 0; i < msg_row_count; i++)
		if (msg_rows[i].type == type)
			return &msg_rows[i];
	return NULL;
}

static bool
direction_ok(const struct msg_row *row, enum seat from, enum seat to)
{
	bool from_named = row->from & SEAT_BIT(from);
	bool to_named = row->to & SEAT_BIT(to);

	switch (row->via) {
	case VIA_HUB:
	case VIA_KEPT:
		return (from == SEAT_BROKER && to_named) ||
		       (to == SEAT_BROKER && from_named);
	case VIA_DIRECT:
		return from_named && to_named &&
		       (from == SEAT_TPM || to == SEAT_TPM);
	case VIA_QUEUED:
		return from_named && to_named;
	}
	return false;
}

int
msg_allowed(unsigned type, enum seat from, enum seat to, size_t body_bytes,
	    bool tainted)
{
	const struct msg_row *row = msg_row(type);

	if (!row || from >= SEAT_COUNT || to >= SEAT_COUNT || from == to)
		return ERR_PROTO;
	if (!direction_ok(row, from, to))
		return ERR_PROTO;
	if (body_bytes < row->min || body_bytes > row->max)
		return ERR_PROTO;
	if (tainted && !row->after_taint)
		return ERR_PROTO;
	return 0;
}
