/* SPDX-License-Identifier: Apache-2.0 */
/* Whole sessions through the machine, and what breaks them. */
#include "broker_fake.h"

/* A restart up to the moment before GO_OPEN; returns 0 when all was taken. */
static int
attested(void)
{
	int r = 0;

	fresh();
	r |= run(SEAT_RESOLVE);
	r |= say(SEAT_RESOLVE, MSG_ADDRS, 20, 1);
	r |= finish(SEAT_RESOLVE);
	r |= run(SEAT_TPM);
	r |= run(SEAT_FETCH);
	r |= run(SEAT_VERIFY);
	r |= say(SEAT_TPM, MSG_EVIDENCE, 600, 2);
	r |= say(SEAT_FETCH, MSG_ENC_TOKEN, 400, 3);
	r |= say(SEAT_TPM, MSG_TOKEN, 64, 4);
	r |= say(SEAT_FETCH, MSG_BLOB, 10, 5);
	r |= say(SEAT_FETCH, MSG_PFX, 10, 6);
	r |= say(SEAT_FETCH, MSG_RELEASE_JWS, 100, 7);
	r |= say(SEAT_FETCH, MSG_BLOB, 11, 8);
	r |= say(SEAT_VERIFY, MSG_WRAPPED_KEY, 300, 9);
	return r;
}

static int
opened(void)
{
	int r = attested();

	r |= finish(SEAT_FETCH);
	r |= finish(SEAT_VERIFY);
	out_count = 0;
	r |= broker_go(&b, GO_OPEN);
	return r;
}

CASE(a_restart_goes_through)
{
	EXPECT(attested() == 0);
	EXPECT(went(0, SEAT_RESOLVE, MSG_START, 0));
	EXPECT(went(1, SEAT_TPM, MSG_START, 0));
	EXPECT(went(2, SEAT_FETCH, MSG_START, 0));
	EXPECT(went(3, SEAT_FETCH, MSG_ADDRS, 1));
	EXPECT(went(4, SEAT_VERIFY, MSG_START, 0));
	EXPECT(went(5, SEAT_FETCH, MSG_EVIDENCE, 2));
	EXPECT(went(6, SEAT_TPM, MSG_ENC_TOKEN, 3));
	EXPECT(went(7, SEAT_FETCH, MSG_TOKEN, 4));
	EXPECT(went(8, SEAT_VERIFY, MSG_RELEASE_JWS, 7));
	EXPECT(out_count == 9);

	EXPECT(opened() == 0);
	EXPECT(went(0, SEAT_TPM, MSG_WRAPPED_KEY, 9));
	EXPECT(went(1, SEAT_TPM, MSG_BLOB, 5) && outs[1].bytes == 10);
	EXPECT(went(2, SEAT_TPM, MSG_BLOB, 8) && outs[2].bytes == 11);
	EXPECT(went(3, SEAT_TPM, MSG_OPEN, 2)); /* how many */
	EXPECT(run(SEAT_TLS) == 0);
	EXPECT(went(4, SEAT_TLS, MSG_START, 0));
	EXPECT(went(5, SEAT_TLS, MSG_PFX, 6));
	EXPECT(finish(SEAT_TLS) == 0);
	EXPECT(run(SEAT_UNSEAL) == 0);
	EXPECT(finish(SEAT_TPM) == 0 && finish(SEAT_UNSEAL) == 0);
	EXPECT(out_count == 7 && !b.hurt && !b.ended);
	EXPECT(broker_go(&b, GO_END) == 0 && b.ended);
}

CASE(what_was_delivered_is_wiped)
{
	uint8_t zero[300] = {0};
	const struct kept *o;

	EXPECT(attested() == 0);
	o = keep_next(&b.keep, MSG_WRAPPED_KEY);
	EXPECT(o && keep_body(&b.keep, o)[0] == 9);
	EXPECT(finish(SEAT_FETCH) == 0 && broker_go(&b, GO_OPEN) == 0);
	EXPECT(o && memcmp(keep_body(&b.keep, o), zero, 300) == 0);
	EXPECT(!keep_next(&b.keep, MSG_WRAPPED_KEY));
	EXPECT(!keep_next(&b.keep, MSG_BLOB));
}

CASE(start_needs_both_go_and_locked_in_either_order)
{
	fresh();
	EXPECT(say(SEAT_VERIFY, MSG_LOCKED, 0, 0) == 0 && out_count == 0);
	EXPECT(broker_go(&b, SEAT_VERIFY) == 0);
	EXPECT(out_count == 1 && went(0, SEAT_VERIFY, MSG_START, 0));

	fresh();
	EXPECT(broker_go(&b, SEAT_VERIFY) == 0 && out_count == 0);
	EXPECT(say(SEAT_VERIFY, MSG_LOCKED, 0, 0) == 0);
	EXPECT(out_count == 1 && went(0, SEAT_VERIFY, MSG_START, 0));
}

CASE(go_twice_or_for_nobody_is_refused)
{
	fresh();
	EXPECT(broker_go(&b, SEAT_VERIFY) == 0);
	EXPECT(broker_go(&b, SEAT_VERIFY) == ERR_PROTO);
	fresh();
	EXPECT(run(SEAT_VERIFY) == 0);
	EXPECT(broker_go(&b, SEAT_VERIFY) == ERR_PROTO);
	EXPECT(finish(SEAT_VERIFY) == 0);
	EXPECT(broker_go(&b, SEAT_VERIFY) == ERR_PROTO);
	for (unsigned byte = 0; byte < 256; byte++) {
		bool worker = byte >= SEAT_RESOLVE && byte <= SEAT_UNSEAL;

		fresh();
		if (!worker && byte != GO_END)
			EXPECT(broker_go(&b, (uint8_t)byte) == ERR_PROTO);
	}
}

CASE(what_comes_for_a_seat_that_does_not_run_yet_waits)
{
	fresh();
	EXPECT(run(SEAT_TPM) == 0);
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600, 2) == 0 && out_count == 1);
	EXPECT(run(SEAT_RESOLVE) == 0);
	EXPECT(say(SEAT_RESOLVE, MSG_ADDRS, 20, 1) == 0);
	EXPECT(run(SEAT_FETCH) == 0);
	EXPECT(went(2, SEAT_FETCH, MSG_START, 0));
	EXPECT(went(3, SEAT_FETCH, MSG_ADDRS, 1));
	EXPECT(went(4, SEAT_FETCH, MSG_EVIDENCE, 2) && outs[4].bytes == 600);
	EXPECT(out_count == 5);
}

CASE(what_comes_for_a_seat_that_is_gone_is_dropped)
{
	fresh();
	EXPECT(run(SEAT_TPM) == 0 && run(SEAT_FETCH) == 0);
	EXPECT(finish(SEAT_FETCH) == 0);
	out_count = 0;
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600, 2) == 0);
	EXPECT(out_count == 0 && b.keep.count == 0);
}

CASE(opening_is_refused_while_the_network_lives)
{
	EXPECT(attested() == 0);
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO); /* runs */
	EXPECT(attested() == 0);
	EXPECT(say(SEAT_FETCH, MSG_RESULT, 4, 0) == 0);
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO); /* not hung up */
	EXPECT(!b.opened && !b.seats[SEAT_TPM].tainted);
	EXPECT(attested() == 0 && finish(SEAT_FETCH) == 0);
	b.seats[SEAT_RESOLVE].state = B_DONE;
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO);
}

CASE(opening_is_refused_twice_without_key_or_without_tpm)
{
	EXPECT(opened() == 0);
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO);
	fresh();
	EXPECT(run(SEAT_FETCH) == 0 && run(SEAT_TPM) == 0);
	EXPECT(finish(SEAT_FETCH) == 0);
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO); /* no key */
	EXPECT(attested() == 0 && finish(SEAT_FETCH) == 0);
	EXPECT(finish(SEAT_TPM) == 0);
	EXPECT(broker_go(&b, GO_OPEN) == ERR_PROTO);
}

CASE(a_tainted_tpm_says_result_and_one_bundle_alone)
{
	static const unsigned refused[] = {MSG_EVENT, MSG_EVIDENCE, MSG_TOKEN};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		EXPECT(opened() == 0);
		EXPECT(say(SEAT_TPM, refused[i], msg_row(refused[i])->min, 0) ==
		       ERR_PROTO);
	}
	EXPECT(opened() == 0);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780, 1) == 0);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780, 1) == ERR_PROTO);
}

CASE(a_bundle_before_the_opening_is_refused)
{
	EXPECT(attested() == 0);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780, 1) == ERR_PROTO);
}

CASE(key_holders_are_tainted_from_start_on)
{
	static const enum seat seats[] = {SEAT_TLS, SEAT_INIT, SEAT_UNSEAL};

	for (size_t i = 0; i < sizeof(seats) / sizeof(seats[0]); i++) {
		EXPECT(opened() == 0);
		EXPECT(say(seats[i], MSG_EVENT, 34, 0) == 0); /* still clean */
		EXPECT(run(seats[i]) == 0);
		EXPECT(say(seats[i], MSG_EVENT, 34, 0) == ERR_PROTO);
	}
	fresh();
	EXPECT(run(SEAT_RENDER) == 0);
	EXPECT(say(SEAT_RENDER, MSG_EVENT, 34, 0) == 0); /* local store */
	EXPECT(opened() == 0);
	EXPECT(run(SEAT_RENDER) == 0);
	EXPECT(say(SEAT_RENDER, MSG_EVENT, 34, 0) == ERR_PROTO);
}

CASE(network_and_key_holders_are_never_alive_together)
{
	fresh();
	EXPECT(run(SEAT_FETCH) == 0);
	EXPECT(broker_go(&b, SEAT_TLS) == ERR_PROTO);
	EXPECT(opened() == 0);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780, 1) == 0);
	EXPECT(broker_go(&b, SEAT_STORE0) == ERR_PROTO); /* tpm lives */
	EXPECT(opened() == 0);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780, 1) == 0);
	EXPECT(say(SEAT_TPM, MSG_RESULT, 4, 0) == 0);
	EXPECT(broker_go(&b, SEAT_STORE0) == ERR_PROTO); /* not hung up */
	EXPECT(broker_hangup(&b, SEAT_TPM) == 0);
	EXPECT(broker_go(&b, SEAT_STORE0) == 0);
	EXPECT(broker_go(&b, SEAT_UNSEAL) == ERR_PROTO); /* the other way */
	EXPECT(opened() == 0 && finish(SEAT_TPM) == 0);
	EXPECT(broker_go(&b, SEAT_RESOLVE) == ERR_PROTO);
}

CASE(the_thirty_third_blob_is_refused)
{
	fresh();
	EXPECT(run(SEAT_FETCH) == 0);
	for (unsigned i = 0; i < KEEP_BLOBS; i++)
		EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484, 1) == 0);
	EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484, 1) == ERR_PROTO);
}

CASE(the_largest_session_fits_what_is_kept)
{
	fresh();
	for (size_t i = 0; i < broker_rule_count; i++) {
		const struct brule *l = &broker_rules[i];

		if (l->action != A_KEEP && l->action != A_RELAY)
			continue;
		for (unsigned n = 0; n < l->most; n++)
			EXPECT(keep_put(&b.keep, l->type, body,
					msg_row(l->type)->max) == 0);
	}
}

CASE(a_hang_up_without_result_hurts_only_who_was_running)
{
	fresh();
	EXPECT(broker_hangup(&b, SEAT_UNSEAL) == 0 && !b.hurt);
	EXPECT(broker_hangup(&b, SEAT_UNSEAL) == ERR_PROTO);
	EXPECT(say(SEAT_TLS, MSG_LOCKED, 0, 0) == 0);
	EXPECT(broker_hangup(&b, SEAT_TLS) == 0 && !b.hurt);
	EXPECT(run(SEAT_TPM) == 0 && finish(SEAT_TPM) == 0 && !b.hurt);
	EXPECT(run(SEAT_VERIFY) == 0);
	EXPECT(broker_hangup(&b, SEAT_VERIFY) == 0 && b.hurt);
	EXPECT(broker_go(&b, SEAT_VERIFY) == ERR_PROTO);
}

CASE(an_event_that_does_not_exist_is_refused)
{
	fresh();
	EXPECT(run(SEAT_TPM) == 0);
	memset(body, 0xff, 34);
	EXPECT(broker_frame(&b, SEAT_TPM, MSG_EVENT, body, 34) == ERR_PROTO);
}

CASE(what_sending_fails_with_is_passed_on)
{
	fresh();
	EXPECT(broker_go(&b, SEAT_TPM) == 0);
	out_result = ERR_TIMEOUT;
	EXPECT(say(SEAT_TPM, MSG_LOCKED, 0, 0) == ERR_TIMEOUT);
}

CASE(takes_a_jwe_of_the_computed_size_alone)
{
	for (size_t n = 470; n <= 814; n++) {
		fresh();
		b.seen = ~0u;
		b.seats[SEAT_UNSEAL].state = B_RUN;
		b.seats[SEAT_UNSEAL].tainted = true;
		EXPECT((say(SEAT_UNSEAL, MSG_JWE, n, 1) == 0) ==
		       (n == 470 || n == 473));
		fresh();
		b.jwe_modulus = 0;
		b.seen = ~0u;
		b.seats[SEAT_UNSEAL].state = B_RUN;
		EXPECT(say(SEAT_UNSEAL, MSG_JWE, n, 1) == ERR_PROTO);
	}
}

int
main(void)
{
	return check_run();
}
