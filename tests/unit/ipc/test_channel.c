/* SPDX-License-Identifier: Apache-2.0 */
/* Channels between processes that keep to the rules, and taint. */
#include "channel.h"
#include "pair.h"

CASE(carries_frames_both_ways_in_order)
{
	struct frame f;

	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&tpm, MSG_LOCKED, NULL, 0) == 0);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == 0);
	EXPECT(channel_send(&broker, MSG_START, NULL, 0) == 0);
	EXPECT(channel_expect(&tpm, MSG_START, buf, sizeof(buf), &f) == 0);
	EXPECT(f.type == MSG_START && f.seq == 0 && f.body_bytes == 0);
	EXPECT(recv_one(&broker) == 0);
	EXPECT(channel_recv(&broker, buf, sizeof(buf), &f) == 0);
	EXPECT(f.type == MSG_EVENT && f.seq == 1 && f.body_bytes == 34);
	EXPECT(f.body == buf + MSG_HEADER);
	close_pair();
}

CASE(the_longest_message_goes_through)
{
	struct channel child, supervisor;
	struct frame f;

	open_pair(SEAT_TPM, 0);
	channel_init(&supervisor, fds[0], SEAT_SUPERVISOR, SEAT_TPM);
	channel_init(&child, fds[1], SEAT_TPM, SEAT_SUPERVISOR);
	EXPECT(channel_send(&supervisor, MSG_CONFIG, body, MSG_BODY_MAX + 1) ==
	       ERR_PROTO);
	EXPECT(channel_send(&supervisor, MSG_CONFIG, body, MSG_BODY_MAX) == 0);
	EXPECT(channel_recv(&child, buf, sizeof(buf), &f) == 0);
	EXPECT(f.body_bytes == MSG_BODY_MAX);
	close_pair();
}

CASE(refuses_to_send_what_the_table_does_not_allow)
{
	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&tpm, MSG_START, NULL, 0) == ERR_PROTO);
	EXPECT(channel_send(&tpm, MSG_NOTE, "x", 1) == ERR_PROTO);
	EXPECT(channel_send(&tpm, MSG_RESULT, body, 3) == ERR_PROTO);
	EXPECT(channel_send(&tpm, 0x10000u + MSG_LOCKED, NULL, 0) == ERR_PROTO);
	EXPECT(channel_send(&tpm, MSG_LOCKED, NULL, 0) == 0);
	EXPECT(recv_one(&broker) == 0); /* and no number was used up */
	close_pair();
}

CASE(expecting_one_type_refuses_another_that_is_allowed)
{
	struct frame f = {.type = 0xdead};

	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&tpm, MSG_LOCKED, NULL, 0) == 0);
	EXPECT(channel_expect(&broker, MSG_EVENT, buf, sizeof(buf), &f) ==
	       ERR_PROTO);
	EXPECT(f.type == 0xdead);
	close_pair();
}

CASE(a_hang_up_is_the_end_both_ways_without_a_signal)
{
	open_pair(SEAT_TPM, 0);
	close(fds[1]);
	EXPECT(recv_one(&broker) == ERR_EOF);
	EXPECT(channel_send(&broker, MSG_START, NULL, 0) == ERR_EOF);
	EXPECT(broker.send_seq == 0);
	close(fds[0]);
}

CASE(the_last_word_of_a_peer_that_died_reading_nothing_arrives)
{
	struct frame f = {0};

	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&broker, MSG_START, NULL, 0) == 0);
	EXPECT(channel_send(&tpm, MSG_RESULT, body, 4) == 0);
	close(fds[1]); /* START unread: ECONNRESET comes before RESULT */
	EXPECT(channel_recv(&broker, buf, sizeof(buf), &f) == 0);
	EXPECT(f.type == MSG_RESULT);
	EXPECT(recv_one(&broker) == ERR_EOF);
	close(fds[0]);
}

CASE(without_blocking_nothing_there_is_a_time_out)
{
	int r, sent = 0;

	open_pair(SEAT_TPM, SOCK_NONBLOCK);
	EXPECT(recv_one(&broker) == ERR_TIMEOUT);
	while ((r = channel_send(&tpm, MSG_EVENT, body, 34)) == 0)
		sent++;
	EXPECT(r == ERR_TIMEOUT && sent > 1);
	EXPECT(tpm.send_seq == (uint32_t)sent);
	while (sent-- > 0)
		EXPECT(recv_one(&broker) == 0);
	EXPECT(recv_one(&broker) == ERR_TIMEOUT);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == 0);
	EXPECT(recv_one(&broker) == 0);
	close_pair();
}

CASE(the_wrapped_key_taints_its_receiver)
{
	struct channel from_verify;

	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&broker, MSG_WRAPPED_KEY, body, 275) == 0);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == 0);
	EXPECT(recv_one(&tpm) == 0);
	EXPECT(tpm.tainted && !broker.tainted);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == ERR_PROTO);
	EXPECT(channel_send(&tpm, MSG_TOKEN, body, 64) == ERR_PROTO);
	EXPECT(channel_send(&tpm, MSG_RESULT, body, 4) == 0);
	close_pair();

	open_pair(SEAT_VERIFY, 0);
	channel_init(&from_verify, fds[1], SEAT_VERIFY, SEAT_BROKER);
	EXPECT(channel_send(&from_verify, MSG_WRAPPED_KEY, body, 275) == 0);
	EXPECT(recv_one(&broker) == 0 && !broker.tainted);
	close_pair();
}

CASE(a_tainted_peer_is_held_to_it)
{
	open_pair(SEAT_TPM, 0);
	broker.peer_tainted = true;
	EXPECT(channel_send(&tpm, MSG_BUNDLE, body, 780) == 0);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == 0);
	EXPECT(recv_one(&broker) == 0);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	close_pair();
}

CASE(a_direct_pair_carries_its_own_rows_alone)
{
	struct channel out, in;

	open_pair(SEAT_TPM, 0);
	channel_init(&out, fds[0], SEAT_TPM, SEAT_RENDER);
	channel_init(&in, fds[1], SEAT_RENDER, SEAT_TPM);
	out.tainted = true;
	EXPECT(channel_send(&out, MSG_SEALED_STORAGE, body, 112) == 0);
	EXPECT(channel_send(&out, MSG_SEALED_SHARES, body, 724) == ERR_PROTO);
	EXPECT(channel_send(&out, MSG_TOKEN, body, 64) == ERR_PROTO);
	EXPECT(channel_send(&out, MSG_RESULT, body, 4) == ERR_PROTO);
	EXPECT(recv_one(&in) == 0);
	EXPECT(channel_send(&in, MSG_SEAL_PUB, body, 32) == 0);
	EXPECT(recv_one(&out) == 0);
	close_pair();
}

/* The size follows from the operator's key and the kind of token (P9). */
CASE(sends_a_jwe_of_the_computed_size_alone)
{
	struct channel out;
	unsigned wrong = 0;

	open_pair(SEAT_UNSEAL, SOCK_NONBLOCK); /* a failure must not block */
	channel_init(&out, fds[0], SEAT_UNSEAL, SEAT_BROKER);
	out.tainted = true;
	EXPECT(channel_send(&out, MSG_JWE, body, 470) == ERR_PROTO);
	out.jwe_modulus = 256;
	for (size_t n = 460; n < 820; n++)
		wrong += (channel_send(&out, MSG_JWE, body, n) == 0) !=
			 (n == 470 || n == 473);
	EXPECT(wrong == 0);
	out.jwe_modulus = 512;
	EXPECT(channel_send(&out, MSG_JWE, body, 470) == ERR_PROTO);
	EXPECT(channel_send(&out, MSG_JWE, body, 814) == 0);
	close_pair();
}

int
main(void)
{
	return check_run();
}
