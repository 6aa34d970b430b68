/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's session machine as a stream of what workers and supervisor may
 * send it, in four-byte steps:
 *
 *	0 seat type fill	a frame, shortest body
 *	1 seat type fill	a frame, longest body
 *	2 seat type n		a frame, shortest body and n bytes more
 *	3 seat - -		a hang-up
 *	4 byte - -		a go byte
 *	5 seat - -		a store seat gives back what it was given
 *
 * What the machine sends is held against rules that it does not share: START
 * after go and LOCKED, nothing before START, no key beside the network.
 */
#include <string.h>

#include "../fuzz.h"
#include "broker.h"
#include "broker_out.h"
#include "go.h"
#include "jwe_size.h"

struct seen {
	bool go, locked, started, result, gone;
	bool tainted;
};

static struct broker b;
static struct seen seen[SEAT_COUNT];
static uint8_t body[MSG_BODY_MAX + 256];
static uint8_t given[MSG_BODY_MAX]; /* what was sent last */
static size_t given_bytes;
static bool opened;

#define NET (SEAT_BIT(SEAT_RESOLVE) | SEAT_BIT(SEAT_FETCH) | SEATS_STORE)
#define KEY (SEAT_BIT(SEAT_TLS) | SEAT_BIT(SEAT_INIT) | SEAT_BIT(SEAT_UNSEAL))

static bool
lives(unsigned s)
{
	return seen[s].started && !seen[s].gone;
}

/* P1, after every step. */
static void
never_together(void)
{
	bool net = false, key = false;

	for (unsigned s = 0; s < SEAT_COUNT; s++) {
		net = net || (lives(s) && (NET & SEAT_BIT(s)));
		key = key || (lives(s) && seen[s].tainted);
	}
	REQUIRE(!(net && key));
}

static void
started(enum seat to)
{
	struct seen *s = &seen[to];

	REQUIRE(s->go && s->locked && !s->started && !s->gone);
	s->started = true;
	s->tainted = (KEY & SEAT_BIT(to)) || (to == SEAT_RENDER && opened);
}

int
broker_out(enum seat to, unsigned type, const uint8_t *p, size_t bytes)
{
	REQUIRE(msg_allowed(type, SEAT_BROKER, to, bytes, false) == 0);
	if (type == MSG_START) {
		started(to);
		return 0;
	}
	REQUIRE(lives(to) && !seen[to].result);
	if (bytes) {
		memcpy(given, p, bytes);
		given_bytes = bytes;
	}
	if (type == MSG_WRAPPED_KEY) {
		opened = true;
		seen[SEAT_TPM].tainted = true;
		never_together();
	}
	if (type == MSG_JWE)
		REQUIRE(jwe_size_fits(b.jwe_modulus, bytes));
	if (type == MSG_BLOB || type == MSG_OPEN)
		REQUIRE(opened);
	if (type == MSG_EVIDENCE || type == MSG_TOKEN)
		REQUIRE(!seen[SEAT_TPM].tainted || seen[SEAT_TPM].gone);
	return 0;
}

int
broker_event(enum seat from, unsigned event, const uint64_t n[4])
{
	REQUIRE(!seen[from].tainted);
	return event == 1 ? 0 : ERR_PROTO;
}

void
broker_note(enum seat from, const uint8_t *text, size_t bytes)
{
	REQUIRE(!seen[from].tainted && bytes >= 1 && bytes <= 200);
}

void
broker_unequal(enum seat from, unsigned type)
{
	REQUIRE((SEATS_STORE & SEAT_BIT(from)) &&
		(type == MSG_JWE || type == MSG_BUNDLE));
}

static int
frame(const uint8_t step[4], enum seat from)
{
	const struct msg_row *row = msg_row(step[2]);
	size_t n = row ? row->min : 0;
	int r;

	if (row && step[0] == 1)
		n = row->max;
	if (step[0] == 2)
		n += step[3];
	memset(body, step[3], n);
	if (step[2] == MSG_EVENT)
		memcpy(body, "\0\1", 2);
	/* the machine answers LOCKED at once, when go came before */
	if (step[2] == MSG_LOCKED)
		seen[from].locked = true;
	r = broker_frame(&b, from, step[2], body, n);
	if (r == 0 && step[2] == MSG_RESULT)
		seen[from].result = true;
	return r;
}

static int
take(const uint8_t step[4])
{
	enum seat seat = (enum seat)(SEAT_RESOLVE + step[1] % 13);
	int r;

	switch (step[0]) {
	case 3:
		r = broker_hangup(&b, seat);
		seen[seat].gone = true;
		return r;
	case 4:
		if (step[1] < SEAT_COUNT)
			seen[step[1]].go = true;
		return broker_go(&b, step[1]);
	case 5:
		memcpy(body, given, given_bytes);
		return broker_frame(&b, seat, MSG_ECHO, body, given_bytes);
	default:
		return frame(step, seat);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	broker_init(&b);
	b.jwe_modulus = 256;
	memset(seen, 0, sizeof(seen));
	opened = false;
	given_bytes = 0;
	/* the first violation ends a session */
	for (size_t at = 0; at + 4 <= bytes; at += 4) {
		if (take(data + at) != 0 || b.ended || b.hurt)
			break;
		never_together();
	}
	REQUIRE(b.keep.used <= sizeof(b.keep.bytes));
	return 0;
}
