/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile worker may put on the wire: any bytes, any descriptor. */
#include <dirent.h>
#include <fcntl.h>

#include "channel.h"
#include "pair.h"

static void
raw_send(const void *p, size_t bytes, int pass_fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	uint8_t copy[256];
	struct iovec iov = {copy, bytes};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	memcpy(copy, p, bytes);
	if (pass_fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	EXPECT(sendmsg(fds[1], &m, 0) == (ssize_t)bytes);
}

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

CASE(refuses_to_receive_what_the_table_does_not_allow)
{
	uint8_t wrong[MSG_HEADER + 40] = {0};

	open_pair(SEAT_TPM, 0);
	frame_put(wrong, MSG_START, 0, 0);
	raw_send(wrong, MSG_HEADER, -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	frame_put(wrong, MSG_NOTE, 0, 5);
	raw_send(wrong, MSG_HEADER + 5, -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	frame_put(wrong, MSG_EVENT, 0, 35);
	raw_send(wrong, MSG_HEADER + 35, -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	frame_put(wrong, MSG_EVENT, 0, 33);
	raw_send(wrong, MSG_HEADER + 33, -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	close_pair();
}

CASE(a_gap_and_a_repeat_are_refused)
{
	uint8_t frame[MSG_HEADER];

	open_pair(SEAT_TPM, 0);
	frame_put(frame, MSG_LOCKED, 1, 0);
	raw_send(frame, sizeof(frame), -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	frame_put(frame, MSG_LOCKED, 0, 0);
	raw_send(frame, sizeof(frame), -1);
	raw_send(frame, sizeof(frame), -1);
	EXPECT(recv_one(&broker) == 0);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	close_pair();
}

CASE(the_last_sequence_number_is_never_used)
{
	uint8_t frame[MSG_HEADER];

	open_pair(SEAT_TPM, 0);
	tpm.send_seq = broker.recv_seq = UINT32_MAX;
	EXPECT(channel_send(&tpm, MSG_LOCKED, NULL, 0) == ERR_PROTO);
	frame_put(frame, MSG_LOCKED, UINT32_MAX, 0);
	raw_send(frame, sizeof(frame), -1);
	EXPECT(recv_one(&broker) == ERR_PROTO);
	close_pair();
}

CASE(a_descriptor_is_refused_and_never_opened)
{
	uint8_t frame[MSG_HEADER];
	int p[2];
	char c;
	unsigned before;

	open_pair(SEAT_TPM, 0);
	EXPECT(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0);
	frame_put(frame, MSG_LOCKED, 0, 0);
	raw_send(frame, sizeof(frame), p[1]);
	close(p[1]); /* the last one is in flight now */
	EXPECT(read(p[0], &c, 1) == -1);
	before = open_fds();
	EXPECT(recv_one(&broker) == ERR_PROTO);
	EXPECT(open_fds() == before);
	EXPECT(read(p[0], &c, 1) == 0); /* closed by the kernel */
	close(p[0]);
	close_pair();
}

CASE(a_packet_longer_than_the_buffer_is_refused)
{
	struct frame f;

	open_pair(SEAT_TPM, 0);
	EXPECT(channel_send(&tpm, MSG_EVENT, body, 34) == 0);
	EXPECT(channel_recv(&broker, buf, MSG_HEADER + 33, &f) == ERR_PROTO);
	close_pair();
}

CASE(truncation_cannot_pass_for_a_shorter_frame)
{
	uint8_t frame[MSG_HEADER + 8] = {0};
	struct frame f;

	open_pair(SEAT_TPM, 0);
	frame_put(frame, MSG_LOCKED, 0, 0); /* 8 bytes too many behind */
	raw_send(frame, sizeof(frame), -1);
	EXPECT(channel_recv(&broker, buf, MSG_HEADER, &f) == ERR_PROTO);
	close_pair();
}

CASE(an_empty_packet_is_the_end)
{
	open_pair(SEAT_TPM, 0);
	raw_send("", 0, -1);
	EXPECT(recv_one(&broker) == ERR_EOF);
	close_pair();
}

int
main(void)
{
	return check_run();
}
