/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of channels between the broker and a worker, for the tests. */
#ifndef SP_TEST_PAIR_H
#define SP_TEST_PAIR_H

#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "channel.h"

static int fds[2];
static struct channel broker, tpm;
static uint8_t buf[MSG_MAX];
static const uint8_t body[MSG_BODY_MAX + 1];

/* A fresh pair between the broker (0) and a worker (1). */
static inline void
open_pair(enum seat worker, int flags)
{
	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0,
			  fds) == 0);
	channel_init(&broker, fds[0], SEAT_BROKER, worker);
	channel_init(&tpm, fds[1], worker, SEAT_BROKER);
}

static inline void
close_pair(void)
{
	close(fds[0]);
	close(fds[1]);
}

static inline int
recv_one(struct channel *c)
{
	struct frame f = {.type = 0xdead};
	int r = channel_recv(c, buf, sizeof(buf), &f);

	if (r != 0)
		EXPECT(f.type == 0xdead);
	return r;
}

#endif
