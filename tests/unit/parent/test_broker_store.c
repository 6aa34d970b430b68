/* SPDX-License-Identifier: Apache-2.0 */
/* The store wave: order, comparison, and going on after a death. */
#include "broker_fake.h"
#include "jwe_size.h"

/* A session that made a bundle, and a JWE if asked for. */
static int
made(bool jwe)
{
	int r = 0;

	fresh();
	r |= run(SEAT_RESOLVE);
	r |= say(SEAT_RESOLVE, MSG_ADDRS, 20, 1);
	r |= finish(SEAT_RESOLVE);
	b.opened = true;
	b.seen |= 1u << MSG_OPEN;
	r |= run(SEAT_TPM) | run(SEAT_UNSEAL);
	r |= say(SEAT_TPM, MSG_BUNDLE, 780, 0xb);
	if (jwe)
		r |= say(SEAT_UNSEAL, MSG_JWE, jwe_size(256, 26), 0xa);
	r |= finish(SEAT_TPM) | finish(SEAT_UNSEAL);
	out_count = 0;
	return r;
}

CASE(jwe_then_bundle_then_stored)
{
	EXPECT(made(true) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(went(0, SEAT_STORE0, MSG_START, 0));
	EXPECT(went(1, SEAT_STORE0, MSG_ADDRS, 1));
	EXPECT(went(2, SEAT_STORE0, MSG_JWE, 0xa) && out_count == 3);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, jwe_size(256, 26), 0xa) == 0);
	EXPECT(went(3, SEAT_STORE0, MSG_BUNDLE, 0xb) && out_count == 4);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(went(4, SEAT_STORE0, MSG_STORED, 0) && out_count == 5);
	EXPECT(unequal_count == 0);
	EXPECT(finish(SEAT_STORE0) == 0 && !b.hurt);
}

CASE(a_bundle_alone_is_stored_alone)
{
	EXPECT(made(false) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(went(2, SEAT_STORE0, MSG_BUNDLE, 0xb));
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(went(3, SEAT_STORE0, MSG_STORED, 0));
}

CASE(another_echo_makes_the_same_object_go_again)
{
	EXPECT(made(false) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xc) == 0);
	EXPECT(went(3, SEAT_STORE0, MSG_BUNDLE, 0xb) && unequal_count == 1);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 779, 0xb) == 0); /* too short */
	EXPECT(went(4, SEAT_STORE0, MSG_BUNDLE, 0xb) && unequal_count == 2);
	memset(body, 0xb, 780);
	body[779] = 0; /* the last byte counts */
	EXPECT(broker_frame(&b, SEAT_STORE0, MSG_ECHO, body, 780) == 0);
	/* said at the 1st, 2nd, 4th */
	EXPECT(went(5, SEAT_STORE0, MSG_BUNDLE, 0xb) && unequal_count == 2);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(went(6, SEAT_STORE0, MSG_STORED, 0));
}

CASE(an_echo_of_nothing_is_refused)
{
	EXPECT(made(false) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == ERR_PROTO);
}

CASE(the_next_seat_goes_on_where_the_one_before_died)
{
	EXPECT(made(true) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, jwe_size(256, 26), 0xa) == 0);
	EXPECT(broker_hangup(&b, SEAT_STORE0) == 0);
	EXPECT(!b.hurt); /* a store seat may die */
	out_count = 0;
	EXPECT(run(SEAT_STORE1) == 0);
	EXPECT(went(0, SEAT_STORE1, MSG_START, 0));
	EXPECT(went(1, SEAT_STORE1, MSG_ADDRS, 1));
	EXPECT(went(2, SEAT_STORE1, MSG_BUNDLE, 0xb) && out_count == 3);
	EXPECT(broker_hangup(&b, SEAT_STORE1) == 0);
	EXPECT(run(SEAT_STORE2) == 0);
	EXPECT(say(SEAT_STORE2, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(outs[out_count - 1].type == MSG_STORED);
}

CASE(a_seat_after_everything_was_stored_hears_so)
{
	EXPECT(made(false) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(say(SEAT_STORE0, MSG_ECHO, 780, 0xb) == 0);
	EXPECT(broker_hangup(&b, SEAT_STORE0) == 0);
	out_count = 0;
	EXPECT(run(SEAT_STORE1) == 0);
	EXPECT(went(2, SEAT_STORE1, MSG_STORED, 0) && out_count == 3);
}

CASE(store_seats_come_one_at_a_time_and_not_for_nothing)
{
	EXPECT(made(false) == 0);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(broker_go(&b, SEAT_STORE1) == ERR_PROTO);
	fresh();
	EXPECT(broker_go(&b, SEAT_STORE0) == ERR_PROTO);
}

CASE(no_deadline_counts_once_storing_began)
{
	EXPECT(made(false) == 0);
	EXPECT(!b.storing);
	EXPECT(run(SEAT_STORE0) == 0);
	EXPECT(b.storing);
	EXPECT(broker_hangup(&b, SEAT_STORE0) == 0);
	EXPECT(b.storing);
}

int
main(void)
{
	return check_run();
}
