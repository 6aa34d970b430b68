/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation: two bytes say who listens to whom and whether the sender is
 * tainted; then packets, each behind a 16-bit length, over a real socket into
 * channel_recv().  What comes out must be what the table allows.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fuzz.h"
#include "channel.h"
#include "cursor.h"

static uint8_t buf[MSG_MAX];

static void
check_accepted(const struct channel *c, const struct frame *f)
{
	const struct msg_row *row = msg_row(f->type);

	REQUIRE(row && row->type == f->type);
	REQUIRE(f->body_bytes >= row->min && f->body_bytes <= row->max);
	REQUIRE(!c->peer_tainted || row->after_taint);
	REQUIRE(row->from & SEAT_BIT(c->peer) || c->peer == SEAT_BROKER);
	REQUIRE(row->to & SEAT_BIT(c->self) || c->self == SEAT_BROKER);
	REQUIRE(f->seq + 1 == c->recv_seq);
	for (size_t i = 0; i < f->body_bytes; i++) /* readable to the end */
		buf[0] ^= f->body[i];
}

static void
converse(struct channel *c, struct rd *r, int peer_fd)
{
	const uint8_t *p;
	size_t n;
	struct frame f;

	while (r->left && rd_var16(r, 0, UINT16_MAX, &p, &n) == 0) {
		uint32_t seq = c->recv_seq;

		if (send(peer_fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
		if (channel_recv(c, buf, sizeof(buf), &f) != 0) {
			REQUIRE(c->recv_seq == seq);
			continue;
		}
		check_accepted(c, &f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t seats, tainted;
	struct channel c;
	struct rd r;
	int fds[2];

	rd_init(&r, data, bytes);
	if (rd_u8(&r, &seats) != 0 || rd_u8(&r, &tainted) != 0)
		return 0;
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) ==
		0);
	channel_init(&c, fds[0], (enum seat)(seats >> 4),
		     (enum seat)(seats & 15));
	c.peer_tainted = tainted & 1;
	converse(&c, &r, fds[1]);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
