/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile broker; and the naive one, which believes everything. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "broker_out.h"
#include "evil.h"
#include "fds.h"
#include "go.h"

int __real_broker_frame(struct broker *b, enum seat from, unsigned type,
			const uint8_t *body, size_t bytes);
int __wrap_broker_frame(struct broker *b, enum seat from, unsigned type,
			const uint8_t *body, size_t bytes);
int __real_broker_go(struct broker *b, uint8_t byte);
int __wrap_broker_go(struct broker *b, uint8_t byte);

static bool drops, alters, hurries, early, ended;

static void
drop(struct worker *w)
{
	drops = true;
}

static void
alter(struct worker *w)
{
	alters = true;
}

static void
hurry(struct worker *w)
{
	hurries = true;
}

/* Some key to the tpm while https waits for the token: it cannot be gone. */
static void
before_time(struct worker *w)
{
	early = true;
}

/* Of the right form: one byte, 256, a length of two bytes, so many bytes. */
#define SOME_KEY (1 + 256 + 2 + 16)

static const uint8_t *
some_key(void)
{
	static uint8_t body[SOME_KEY] = {[0] = 2, [1 + 256 + 1] = 16};

	memset(body + 1, 0x5a, 256);
	return body;
}

/* Everything that comes is answered by all that the broker may say. */
static void
rave(struct worker *w)
{
	static const uint8_t zeros[MSG_BODY_MAX];

	for (unsigned s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
		struct channel c;

		channel_init(&c, FD_BROKER_WORKERS + (int)(s - SEAT_RESOLVE),
			     SEAT_BROKER, (enum seat)s);
		for (size_t i = 0; i < msg_row_count; i++)
			evil_frame(&c, msg_rows[i].type, zeros,
				   msg_rows[i].min);
	}
}

/*
 * The key and every stored object to the tpm as soon as they are there, with
 * https alive, though it said its last word.
 */
static int
taint_now(struct broker *b)
{
	uint8_t count = (uint8_t)keep_count(&b->keep, MSG_BLOB);
	struct kept *o;

	if (b->opened || !keep_next(&b->keep, MSG_WRAPPED_KEY) || count == 0)
		return 0;
	b->opened = true;
	b->seen |= 1u << MSG_OPEN;
	b->seats[SEAT_TPM].tainted = true;
	o = keep_next(&b->keep, MSG_WRAPPED_KEY);
	if (broker_out(SEAT_TPM, MSG_WRAPPED_KEY, keep_body(&b->keep, o),
		       o->bytes) != 0)
		return ERR_SYS;
	while ((o = keep_next(&b->keep, MSG_BLOB)) != NULL) {
		if (broker_out(SEAT_TPM, MSG_BLOB, keep_body(&b->keep, o),
			       o->bytes) != 0)
			return ERR_SYS;
		keep_done(&b->keep, o);
	}
	return broker_out(SEAT_TPM, MSG_OPEN, &count, 1);
}

int
__wrap_broker_frame(struct broker *b, enum seat from, unsigned type,
		    const uint8_t *body, size_t bytes)
{
	static uint8_t other[MSG_BODY_MAX];
	int r;

	if (early && from == SEAT_TPM && type == MSG_TOKEN)
		return broker_out(SEAT_TPM, MSG_WRAPPED_KEY, some_key(),
				  SOME_KEY);
	if (drops && type == (unsigned)atoi(evil_argument()))
		return 0;
	if (alters && type == (unsigned)atoi(evil_argument())) {
		memcpy(other, body, bytes);
		other[bytes - 1] ^= 1;
		body = other;
	}
	r = __real_broker_frame(b, from, type, body, bytes);
	ended |= from == SEAT_FETCH && type == MSG_RESULT;
	if (hurries && r == 0 && ended)
		return taint_now(b);
	return evil_naive() && r == ERR_PROTO ? 0 : r;
}

int
__wrap_broker_go(struct broker *b, uint8_t byte)
{
	if (hurries && byte == GO_OPEN && b->opened)
		return 0;
	return __real_broker_go(b, byte);
}

const struct attack attacks_own[] = {
	{.name = "drop", .started = drop},
	{.name = "alter", .started = alter},
	{.name = "hurry", .started = hurry},
	{.name = "early", .started = before_time},
	{.name = "rave", .started = rave},
	{.name = NULL},
};
