/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waves.  Each starts on the reaped exits of the one before (P1): who is
 * alive beside whom is decided here and nowhere else.
 */
#include "boot.h"
#include "go.h"
#include "log.h"
#include "wait.h"

static unsigned
limit(const struct sup *s)
{
	return conf_num(s->conf, CONF_T_WAVE);
}

static int
open_with_broker(struct sup *s, struct session *x)
{
	int r = session_open(s, x);

	return r != 0 ? r : session_spawn(s, x, SEAT_BROKER);
}

int
wave_alone(struct sup *s, struct session *x)
{
	int r = open_with_broker(s, x);

	return r != 0 ? r : wait_locked(s, SEAT_BIT(SEAT_BROKER), limit(s));
}

int
wave_begin(struct sup *s, struct session *x, bool render)
{
	uint32_t first = SEAT_BIT(SEAT_RESOLVE);
	int r;

	if ((r = open_with_broker(s, x)) != 0 ||
	    (r = session_spawn(s, x, SEAT_RESOLVE)) != 0)
		return r;
	if (render) {
		first |= SEAT_BIT(SEAT_RENDER);
		if ((r = session_spawn(s, x, SEAT_RENDER)) != 0)
			return r;
	}
	if ((r = wait_locked(s, SEAT_BIT(SEAT_BROKER), limit(s))) != 0 ||
	    (r = session_start(s, x, first)) != 0)
		return r;
	return wait_exits(s, first, limit(s));
}

int
wave_attest(struct sup *s, struct session *x)
{
	uint32_t seats = SEAT_BIT(SEAT_TPM) | SEAT_BIT(SEAT_FETCH) |
			 SEAT_BIT(SEAT_VERIFY);
	int r;

	/* The tpm first: its key takes longest. */
	if ((r = session_spawn(s, x, SEAT_TPM)) != 0 ||
	    (r = session_spawn(s, x, SEAT_FETCH)) != 0 ||
	    (r = session_spawn(s, x, SEAT_VERIFY)) != 0)
		return r;
	return session_start(s, x, seats);
}

/*
 * "No keys" must be said, never concluded from a failure: a store could be
 * moved aside for it.
 */
static int
all_well(struct sup *s, enum seat seat, const struct session *x)
{
	const struct child *c = &s->child[seat];
	bool keys = x->plan & SLOT_BIT(SLOT_BUNDLE);
	bool well = seat == SEAT_VERIFY || !keys
			    ? c->code == EXIT_OK
			    : c->code == EXIT_F_BUNDLE ||
				      c->code == EXIT_F_OLD ||
				      c->code == EXIT_F_NOTHING;

	if (well && c->signal == 0)
		return 0;
	fail_with(s, c->code > 0 && c->code < 100 ? c->code : EXIT_PROTOCOL,
		  seat);
	return ERR_REFUSED;
}

int
wave_fetched(struct sup *s, struct session *x, int *out_fetch)
{
	uint32_t seats = SEAT_BIT(SEAT_FETCH) | SEAT_BIT(SEAT_VERIFY);
	int r = wait_exits(s, seats, limit(s) + x->absent_s);

	if (r != 0)
		return r;
	if ((r = all_well(s, SEAT_FETCH, x)) != 0 ||
	    (r = all_well(s, SEAT_VERIFY, x)) != 0)
		return r;
	s->releases++;
	*out_fetch = s->child[SEAT_FETCH].code;
	return 0;
}

int
wave_open(struct sup *s, struct session *x)
{
	BUG_ON(child_alive(&s->child[SEAT_FETCH]) ||
	       child_alive(&s->child[SEAT_RESOLVE]));
	return session_let_open(s, x);
}

int
wave_one(struct sup *s, struct session *x, enum seat seat)
{
	int r;

	if ((r = session_spawn(s, x, seat)) != 0 ||
	    (r = session_start(s, x, SEAT_BIT(seat))) != 0)
		return r;
	return wait_exits(s, SEAT_BIT(seat), limit(s));
}

static bool
is_gone(const struct sup *s, const void *arg)
{
	(void)s;
	return !child_alive(arg);
}

/* Storing has no deadline, but who stands still does not store. */
static int
store_one(struct sup *s, struct session *x, enum seat seat)
{
	int r = session_start(s, x, SEAT_BIT(seat));

	if (r != 0)
		return r;
	do
		r = wait_for(s, is_gone, &s->child[seat], limit(s));
	while (r == ERR_TIMEOUT && !wait_stands_still(s, seat) &&
	       !wait_stands_still(s, SEAT_BROKER));
	return r;
}

bool
wave_keys_made(struct sup *s)
{
	const struct child *init = &s->child[SEAT_INIT];
	const struct child *tpm = &s->child[SEAT_TPM];

	if (stopping(s) ||
	    (s->fail_seat != SEAT_SERVER && s->fail_seat != SEAT_KEEPER))
		return false;
	wait_gone(s, SEAT_INIT, GONE_S);
	wait_gone(s, SEAT_TPM, GONE_S);
	if (init->state != CHILD_GONE || init->signal != 0 ||
	    init->code != EXIT_OK || tpm->state != CHILD_GONE ||
	    tpm->signal != 0 || tpm->code != EXIT_T_MADE)
		return false;
	s->fail_code = 0;
	return true;
}

/* The store process failed alone, and the broker still has what it was for. */
static bool
next_may_follow(const struct sup *s, enum seat seat)
{
	return !stopping(s) && s->fail_seat == seat &&
	       child_alive(&s->child[SEAT_BROKER]) &&
	       (!child_alive(&s->child[seat]) || s->fail_code == EXIT_DEADLINE);
}

int
wave_store(struct sup *s, struct session *x)
{
	for (int seat = SEAT_STORE0; seat <= SEAT_STORE3; seat++) {
		struct child *c = &s->child[seat];
		int r;

		BUG_ON(child_alive(&s->child[SEAT_TPM]) ||
		       child_alive(&s->child[SEAT_UNSEAL]) ||
		       child_alive(&s->child[SEAT_INIT]));
		if ((r = session_spawn(s, x, (enum seat)seat)) != 0)
			return r;
		c->ending =
			true; /* its death is no failure: the next follows */
		r = store_one(s, x, (enum seat)seat);
		if (r != 0 && !next_may_follow(s, (enum seat)seat))
			return r;
		if (r != 0) {
			if ((r = wait_kill(s, SEAT_BIT(seat))) != 0)
				return r;
			s->fail_code = 0;
		}
		if (c->signal == 0 && c->code == EXIT_OK)
			return 0;
		log_line(LOG_WARN, seat_name((unsigned)seat), "store_died",
			 "%s ended with %d before everything was stored: the "
			 "next one goes on",
			 seat_name((unsigned)seat), c->code);
	}
	fail_with(s, EXIT_AKV_AWAY, SEAT_STORE3);
	return ERR_REFUSED;
}

int
wave_end(struct sup *s, struct session *x)
{
	struct child *c = &s->child[SEAT_BROKER];
	int r;

	/* one that is dead already did not end because it was told to */
	if ((r = session_go(s, x, GO_END)) != 0)
		return r;
	c->ending = true;
	if ((r = wait_exits(s, SEAT_BIT(SEAT_BROKER), limit(s))) != 0)
		return r;
	if (c->signal == 0 && c->code == EXIT_OK)
		return 0;
	fail_with(s, c->signal ? EXIT_CRASH : EXIT_PROTOCOL, SEAT_BROKER);
	return ERR_REFUSED;
}
