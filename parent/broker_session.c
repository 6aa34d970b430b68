/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a frame, a hang-up and a go byte (broker.h). */
#include <string.h>

#include "broker.h"
#include "broker_out.h"
#include "broker_store.h"
#include "cursor.h"
#include "go.h"
#include "jwe_size.h"

/* Seats that may reach the internet, and seats that hold keys from START on. */
#define SEATS_NET (SEAT_BIT(SEAT_RESOLVE) | SEAT_BIT(SEAT_FETCH) | SEATS_STORE)
#define SEATS_KEY                                                              \
	(SEAT_BIT(SEAT_TLS) | SEAT_BIT(SEAT_INIT) | SEAT_BIT(SEAT_UNSEAL))

static int
refuse(struct broker *b, const char *why)
{
	b->why = why;
	return ERR_PROTO;
}

void
broker_init(struct broker *b)
{
	memset(b, 0, sizeof(*b));
}

static bool
alive(const struct broker *b, unsigned seat)
{
	enum bstate s = b->seats[seat].state;

	return s == B_GO || s == B_LOCKED || s == B_RUN || s == B_DONE;
}

/* P1: network and taint are never alive together. */
static bool
any_net_alive(const struct broker *b)
{
	for (unsigned s = 0; s < SEAT_COUNT; s++) {
		if ((SEATS_NET & SEAT_BIT(s)) && alive(b, s))
			return true;
	}
	return false;
}

/* Render too where the store is remote: it gets the storage key then. */
static bool
key_from_start(const struct broker *b, unsigned seat)
{
	return (SEATS_KEY & SEAT_BIT(seat)) ||
	       (seat == SEAT_RENDER && b->opened);
}

static bool
any_key_alive(const struct broker *b)
{
	for (unsigned s = 0; s < SEAT_COUNT; s++) {
		if (alive(b, s) &&
		    (b->seats[s].tainted || key_from_start(b, s)))
			return true;
	}
	return false;
}

/* Gives a running seat everything of that type that waits for it. */
static int
deliver(struct broker *b, enum seat to, unsigned type)
{
	struct kept *o;
	int r;

	while ((o = keep_next(&b->keep, type))) {
		r = broker_out(to, type, keep_body(&b->keep, o), o->bytes);
		if (r != 0)
			return r;
		keep_done(&b->keep, o);
	}
	return 0;
}

/* What waited for a seat that was not running yet. */
static int
deliver_relayed(struct broker *b, enum seat to)
{
	int r;

	for (size_t i = 0; i < broker_rule_count; i++) {
		const struct brule *l = &broker_rules[i];

		if (l->action == A_RELAY && l->to == to &&
		    (r = deliver(b, to, l->type)) != 0)
			return r;
	}
	return 0;
}

/* ADDRS go to every network seat, so they are never done. */
static int
give_addrs(struct broker *b, enum seat to)
{
	const struct kept *o = keep_next(&b->keep, MSG_ADDRS);

	if (!o)
		return 0;
	return broker_out(to, MSG_ADDRS, keep_body(&b->keep, o), o->bytes);
}

/* START, then what the seat is due at its start. */
static int
start(struct broker *b, enum seat seat)
{
	int r;

	b->seats[seat].state = B_RUN;
	b->seats[seat].tainted = key_from_start(b, seat);
	if ((r = broker_out(seat, MSG_START, NULL, 0)) != 0)
		return r;
	if ((SEAT_BIT(seat) & SEATS_NET) && seat != SEAT_RESOLVE &&
	    (r = give_addrs(b, seat)) != 0)
		return r;
	if (SEAT_BIT(seat) & SEATS_STORE)
		return broker_store_begin(b, seat);
	if (seat == SEAT_TLS)
		return deliver(b, seat, MSG_PFX);
	return deliver_relayed(b, seat);
}

static int
act_locked(struct broker *b, enum seat from)
{
	if (b->seats[from].state == B_GO)
		return start(b, from);
	b->seats[from].state = B_LOCKED;
	return 0;
}

static int
act_event(struct broker *b, enum seat from, const uint8_t *body, size_t bytes)
{
	uint64_t n[4] = {0};
	uint16_t event;
	struct rd in;
	int r;

	rd_init(&in, body, bytes);
	if ((r = rd_u16(&in, &event)) != 0)
		return refuse(b, "an event that does not parse");
	for (size_t i = 0; i < 4; i++) {
		if ((r = rd_u64(&in, &n[i])) != 0)
			return refuse(b, "an event that does not parse");
	}
	if (broker_event(from, event, n) != 0)
		return refuse(b, "an event that does not exist");
	return 0;
}

static int
act_keep(struct broker *b, unsigned type, const uint8_t *body, size_t bytes)
{
	if (keep_put(&b->keep, type, body, bytes) != 0)
		return refuse(b, "more than may be kept");
	return 0;
}

/*
 * At once when the receiver runs; kept when it will; dropped when it is no
 * more (the session has failed, and its exit code says why).
 */
static int
act_relay(struct broker *b, const struct brule *rule, const uint8_t *body,
	  size_t bytes)
{
	switch (b->seats[rule->to].state) {
	case B_RUN:
		return broker_out((enum seat)rule->to, rule->type, body, bytes);
	case B_WAIT:
	case B_GO:
	case B_LOCKED:
		return act_keep(b, rule->type, body, bytes);
	case B_DONE:
	case B_GONE:
	case B_STATE_COUNT:
		break;
	}
	return 0;
}

static int
act(struct broker *b, enum seat from, const struct brule *rule,
    const uint8_t *body, size_t bytes)
{
	switch (rule->action) {
	case A_LOCKED:
		return act_locked(b, from);
	case A_RESULT:
		b->seats[from].state = B_DONE;
		return 0;
	case A_EVENT:
		return act_event(b, from, body, bytes);
	case A_NOTE:
		broker_note(from, body, bytes);
		return 0;
	case A_KEEP:
		return act_keep(b, rule->type, body, bytes);
	case A_RELAY:
		return act_relay(b, rule, body, bytes);
	case A_ECHO:
		return broker_store_echo(b, from, body, bytes);
	}
	return refuse(b, "no such action");
}

int
broker_frame(struct broker *b, enum seat from, unsigned type,
	     const uint8_t *body, size_t bytes)
{
	const struct brule *rule = broker_rule(type);
	struct bseat *s = &b->seats[from];

	if (!rule || type > MSG_TYPE_MAX)
		return refuse(b, "a type that nobody says to the broker");
	if (msg_allowed(type, from, SEAT_BROKER, bytes, s->tainted) != 0)
		return refuse(b, "a message that the table does not allow it");
	if (type == MSG_JWE && !jwe_size_fits(b->jwe_modulus, bytes))
		return refuse(b, "a JWE that is not of the computed size");
	if (!(rule->states & (1u << s->state)))
		return refuse(b, "a message in the wrong state");
	if (rule->most && s->said[type] >= rule->most)
		return refuse(b, "a message too often");
	if (rule->after && !(b->seen & (1u << rule->after)))
		return refuse(b, "a message too early");
	s->said[type]++;
	b->seen |= 1u << type;
	return act(b, from, rule, body, bytes);
}

int
broker_hangup(struct broker *b, enum seat seat)
{
	struct bseat *s = &b->seats[seat];

	if (s->state == B_GONE)
		return refuse(b, "a hang-up twice");
	/* a store seat may die: the next one goes on (DESIGN, Waves) */
	if (s->state == B_RUN && !(SEAT_BIT(seat) & SEATS_STORE))
		b->hurt = true;
	s->state = B_GONE;
	return 0;
}

/* P1, P6: what may not be alive beside the seat that is to start. */
static int
may_go(struct broker *b, enum seat seat)
{
	const struct bseat *s = &b->seats[seat];

	/* It died between the gate and its go: the next store seat follows. */
	if (s->state == B_GONE && (SEAT_BIT(seat) & SEATS_STORE))
		return 0;
	if (s->state != B_WAIT && s->state != B_LOCKED)
		return refuse(b, "go for a seat that is past it");
	if (SEAT_BIT(seat) & SEATS_NET) {
		if (any_key_alive(b))
			return refuse(b, "network beside a tainted process");
		if (b->opened && !(SEAT_BIT(seat) & SEATS_STORE))
			return refuse(b, "network after the opening");
	}
	if (SEAT_BIT(seat) & SEATS_STORE)
		return broker_store_may_go(b);
	if (key_from_start(b, seat) && any_net_alive(b))
		return refuse(b, "a key holder beside the network");
	return 0;
}

static int
go_seat(struct broker *b, enum seat seat)
{
	struct bseat *s = &b->seats[seat];
	int r;

	if ((r = may_go(b, seat)) != 0)
		return r;
	if (s->state == B_GONE)
		return 0;
	if (s->state == B_LOCKED)
		return start(b, seat);
	s->state = B_GO;
	return 0;
}

/* The ratchet: from here on the tpm holds a key (P9). */
static int
go_open(struct broker *b)
{
	struct bseat *tpm = &b->seats[SEAT_TPM];
	uint8_t count = (uint8_t)keep_count(&b->keep, MSG_BLOB);
	int r;

	if (b->opened)
		return refuse(b, "opening twice");
	if (b->seats[SEAT_FETCH].state != B_GONE || any_net_alive(b))
		return refuse(b, "opening beside the network");
	if (tpm->state != B_RUN || !keep_next(&b->keep, MSG_WRAPPED_KEY))
		return refuse(b, "opening without tpm or key");
	b->opened = true;
	b->seen |= 1u << MSG_OPEN;
	tpm->tainted = true;
	if ((r = deliver(b, SEAT_TPM, MSG_WRAPPED_KEY)) != 0 ||
	    (r = deliver(b, SEAT_TPM, MSG_BLOB)) != 0)
		return r;
	return broker_out(SEAT_TPM, MSG_OPEN, &count, sizeof(count));
}

int
broker_go(struct broker *b, uint8_t byte)
{
	if (byte == GO_OPEN)
		return go_open(b);
	if (byte == GO_END) {
		b->ended = true;
		return 0;
	}
	if (byte >= SEAT_COUNT || !(SEATS_WORKER & SEAT_BIT(byte)))
		return refuse(b, "a go byte that does not exist");
	return go_seat(b, (enum seat)byte);
}
