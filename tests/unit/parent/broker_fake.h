/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's outside for tests: what it wanted done, as a list. */
#ifndef SP_TEST_BROKER_FAKE_H
#define SP_TEST_BROKER_FAKE_H

#include "../check.h"
#include "broker.h"
#include "broker_out.h"
#include "go.h"

#define OUT_MAX	 256
#define OUT_HEAD 64 /* bytes of a body that are remembered */

struct out {
	enum seat to;
	unsigned type;
	size_t bytes;
	uint8_t head[OUT_HEAD];
};

static struct out outs[OUT_MAX];
static size_t out_count;
static unsigned log_count, unequal_count;
static int out_result; /* what broker_out answers */
static struct broker b;
static uint8_t body[MSG_BODY_MAX];

int
broker_out(enum seat to, unsigned type, const uint8_t *p, size_t bytes)
{
	struct out *o = &outs[out_count % OUT_MAX];

	/* what goes out must be the broker's to say */
	if (msg_allowed(type, SEAT_BROKER, to, bytes, false) != 0)
		abort();
	*o = (struct out){.to = to, .type = type, .bytes = bytes};
	if (bytes)
		memcpy(o->head, p, bytes < OUT_HEAD ? bytes : OUT_HEAD);
	out_count++;
	return out_result;
}

int
broker_event(enum seat from, unsigned event, const uint64_t n[4])
{
	log_count++;
	return event == 1 ? 0 : ERR_PROTO;
}

void
broker_note(enum seat from, const uint8_t *text, size_t bytes)
{
	log_count++;
}

void
broker_unequal(enum seat from, unsigned type)
{
	unequal_count++;
}

static inline void
fresh(void)
{
	broker_init(&b);
	b.jwe_modulus = 256;
	memset(body, 0, sizeof(body));
	out_count = 0;
	log_count = unequal_count = 0;
	out_result = 0;
}

/* Says `type` with a body of `bytes`, all `fill`. */
static inline int
say(enum seat from, unsigned type, size_t bytes, uint8_t fill)
{
	memset(body, fill, bytes);
	if (type == MSG_EVENT)
		memcpy(body, "\0\1", 2);
	return broker_frame(&b, from, type, body, bytes);
}

/* Go, LOCKED: the seat runs.  Returns 0 when both were taken. */
static inline int
run(enum seat seat)
{
	int r = broker_go(&b, (uint8_t)seat);

	return r ? r : say(seat, MSG_LOCKED, 0, 0);
}

/* RESULT and hang-up. */
static inline int
finish(enum seat seat)
{
	int r = say(seat, MSG_RESULT, 4, 0);

	return r ? r : broker_hangup(&b, seat);
}

/* The nth thing that went out is that. */
static inline int
went(size_t n, enum seat to, unsigned type, uint8_t fill)
{
	return n < out_count && outs[n].to == to && outs[n].type == type &&
	       (outs[n].bytes == 0 || outs[n].head[0] == fill);
}

#endif
