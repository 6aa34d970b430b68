/* SPDX-License-Identifier: Apache-2.0 */
/* The real sallyport-broker under its real filters. */
#include "broker_stage.h"

CASE(a_session_goes_through_under_the_real_filters)
{
	char byte;

	start(60000);
	EXPECT(read(ready_fd, &byte, 1) == 0);
	EXPECT(runs(SEAT_RESOLVE));
	EXPECT(say(SEAT_RESOLVE, MSG_ADDRS, 20) == 0 && finish(SEAT_RESOLVE));
	EXPECT(runs(SEAT_TPM) && runs(SEAT_FETCH) && runs(SEAT_VERIFY));
	EXPECT(hears(SEAT_FETCH, MSG_ADDRS));
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 32768) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_EVIDENCE));
	EXPECT(say(SEAT_FETCH, MSG_ENC_TOKEN, 50000) == 0);
	EXPECT(hears(SEAT_TPM, MSG_ENC_TOKEN));
	EXPECT(say(SEAT_TPM, MSG_TOKEN, 49152) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_TOKEN));
	EXPECT(say(SEAT_FETCH, MSG_RELEASE_JWS, 65000) == 0);
	EXPECT(hears(SEAT_VERIFY, MSG_RELEASE_JWS));
	for (int i = 0; i < 32; i++)
		EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484) == 0);
	EXPECT(say(SEAT_VERIFY, MSG_WRAPPED_KEY, 8451) == 0);
	EXPECT(finish(SEAT_VERIFY) && finish(SEAT_FETCH));
	/* the hang-ups are older than this byte: it acts on them */
	EXPECT(go(GO_OPEN) == 0);
	EXPECT(hears(SEAT_TPM, MSG_WRAPPED_KEY));
	for (int i = 0; i < 32; i++) /* more than the socket holds at once */
		EXPECT(hears(SEAT_TPM, MSG_BLOB));
	EXPECT(hears(SEAT_TPM, MSG_OPEN) && buf[MSG_HEADER] == 32);
	EXPECT(say(SEAT_TPM, MSG_BUNDLE, 780) == 0 && finish(SEAT_TPM));
	EXPECT(runs(SEAT_STORE0) && hears(SEAT_STORE0, MSG_ADDRS));
	EXPECT(hears(SEAT_STORE0, MSG_BUNDLE));
	hang_up(SEAT_STORE0);
	EXPECT(runs(SEAT_STORE1) && hears(SEAT_STORE1, MSG_ADDRS));
	EXPECT(hears(SEAT_STORE1, MSG_BUNDLE));
	EXPECT(say(SEAT_STORE1, MSG_ECHO, 780) == 0);
	EXPECT(hears(SEAT_STORE1, MSG_STORED) && finish(SEAT_STORE1));
	EXPECT(go(GO_END) == 0);
	EXPECT(end() == EXIT_OK);
	EXPECT(log_text_[0] == '\0');
}

CASE(events_and_notes_come_out_in_order)
{
	uint8_t event[34] = {0, EVENT_RESOLVED};

	event[9] = 7;
	start(60000);
	EXPECT(runs(SEAT_RESOLVE));
	EXPECT(channel_send(&seats[SEAT_RESOLVE], MSG_EVENT, event,
			    sizeof(event)) == 0);
	EXPECT(channel_send(&seats[SEAT_RESOLVE], MSG_NOTE, "why", 3) == 0);
	EXPECT(finish(SEAT_RESOLVE) && go(GO_END) == 0);
	EXPECT(end() == EXIT_OK);
	EXPECT(strstr(log_text_, "names resolved (7 addresses)\n"));
	EXPECT(strstr(log_text_, "warning: resolve: why\n"));
}

CASE(a_violation_ends_the_session_and_is_named)
{
	start(60000);
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600) == 0);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "error: tpm broke the rules of the session: a "
				 "message in the wrong state (it was in state "
				 "wait)"));
}

CASE(a_malformed_frame_ends_the_session)
{
	start(60000);
	EXPECT(send(seats[SEAT_LOOK].fd, "x", 1, 0) == 1);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "look broke the rules"));
}

CASE(a_descriptor_that_comes_along_ends_the_session)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	uint8_t head[MSG_HEADER];
	struct iovec iov = {head, sizeof(head)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	start(60000);
	frame_put(head, MSG_LOCKED, 0, 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &log_fd, sizeof(int));
	EXPECT(sendmsg(seats[SEAT_TPM].fd, &m, 0) == sizeof(head));
	EXPECT(end() == EXIT_PROTOCOL);
}

CASE(a_running_worker_that_vanishes_ends_the_session)
{
	start(60000);
	EXPECT(runs(SEAT_VERIFY) && runs(SEAT_LOOK));
	EXPECT(channel_send(&seats[SEAT_LOOK], MSG_NOTE, "last word", 9) == 0);
	hang_up(SEAT_VERIFY);
	EXPECT(end() == EXIT_PROTOCOL);
	EXPECT(strstr(log_text_, "look: last word"));
}

CASE(the_end_of_the_go_pipe_ends_the_broker_quietly)
{
	start(60000);
	EXPECT(runs(SEAT_VERIFY));
	close(go_fd);
	go_fd = -1;
	EXPECT(end() == EXIT_OK);
	EXPECT(log_text_[0] == '\0');
}

CASE(the_deadline_ends_the_session)
{
	start(100);
	EXPECT(end() == EXIT_DEADLINE);
	EXPECT(strstr(log_text_, "longer than its deadline"));
}

CASE(a_worker_that_does_not_read_is_caught_by_the_deadline)
{
	start(700);
	EXPECT(runs(SEAT_TPM) && runs(SEAT_FETCH) && runs(SEAT_VERIFY));
	EXPECT(say(SEAT_TPM, MSG_EVIDENCE, 600) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_EVIDENCE));
	EXPECT(say(SEAT_FETCH, MSG_ENC_TOKEN, 400) == 0);
	EXPECT(hears(SEAT_TPM, MSG_ENC_TOKEN));
	EXPECT(say(SEAT_TPM, MSG_TOKEN, 64) == 0);
	EXPECT(hears(SEAT_FETCH, MSG_TOKEN));
	EXPECT(say(SEAT_FETCH, MSG_RELEASE_JWS, 64) == 0);
	EXPECT(hears(SEAT_VERIFY, MSG_RELEASE_JWS));
	EXPECT(say(SEAT_VERIFY, MSG_WRAPPED_KEY, 275) == 0);
	for (int i = 0; i < 32; i++)
		EXPECT(say(SEAT_FETCH, MSG_BLOB, 20484) == 0);
	EXPECT(finish(SEAT_FETCH) && finish(SEAT_VERIFY));
	EXPECT(go(GO_OPEN) == 0);
	EXPECT(end() == EXIT_DEADLINE);
	EXPECT(strstr(log_text_, "tpm does not read what it is told"));
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	program = argv[1];
	signal(SIGPIPE, SIG_IGN);
	return check_run();
}
