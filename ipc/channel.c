/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a SOCK_SEQPACKET pair.  Its only system calls are
 *	sendmsg(fd, ..., MSG_NOSIGNAL)
 *	recvmsg(fd, ..., MSG_CMSG_CLOEXEC)
 * There is no room for control data, so the kernel itself closes a descriptor
 * that somebody sends along, before it gets a number here, and says so with
 * MSG_CTRUNC (recvmsg(2)).
 */
#include "channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "jwe_size.h"

void
channel_init(struct channel *c, int fd, enum seat self, enum seat peer)
{
	*c = (struct channel){.fd = fd, .self = self, .peer = peer};
}

static int
socket_err(void)
{
	switch (errno) {
	case EAGAIN:
		return ERR_TIMEOUT;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return ERR_EOF;
	default:
		return ERR_SYS;
	}
}

int
channel_send(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	uint8_t header[MSG_HEADER];
	union { /* sendmsg() does not write to it; iovec knows no const */
		const void *from;
		void *to;
	} b = {.from = body};
	struct iovec iov[2] = {{header, sizeof(header)}, {b.to, bytes}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = bytes ? 2 : 1};
	ssize_t n;

	if (msg_allowed(type, c->self, c->peer, bytes, c->tainted) != 0)
		return ERR_PROTO;
	if (type == MSG_JWE && !jwe_size_fits(c->jwe_modulus, bytes))
		return ERR_PROTO;
	if (c->send_seq == UINT32_MAX) /* never repeat a number */
		return ERR_PROTO;
	frame_put(header, (uint16_t)type, c->send_seq, (uint32_t)bytes);

	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return socket_err();
	if ((size_t)n != sizeof(header) + bytes) /* packets go whole */
		return ERR_SYS;
	c->send_seq++;
	return 0;
}

/*
 * A peer that dies with unread packets leaves ECONNRESET, and the kernel
 * reports that (once) *before* the packets that peer had sent: its RESULT
 * would be lost.  So that error alone is asked past.
 */
static ssize_t
recv_packet(int fd, struct msghdr *m)
{
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, m, MSG_CMSG_CLOEXEC);
		if (n >= 0)
			return n;
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			return n;
	}
}

int
channel_recv(struct channel *c, uint8_t *buf, size_t cap,
	     struct frame *out_frame)
{
	struct iovec iov = {buf, cap};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct frame f;
	ssize_t n;
	int r;

	if (c->recv_seq == UINT32_MAX)
		return ERR_PROTO;
	n = recv_packet(c->fd, &m);
	if (n < 0)
		return socket_err();
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return ERR_PROTO;
	if (n == 0) /* an empty packet cannot be told from the end */
		return ERR_EOF;
	if ((r = frame_get(buf, (size_t)n, c->recv_seq, &f)) != 0)
		return r;
	r = msg_allowed(f.type, c->peer, c->self, f.body_bytes,
			c->peer_tainted);
	if (r != 0)
		return r;

	c->recv_seq++;
	if (f.type == MSG_WRAPPED_KEY && c->self != SEAT_BROKER)
		c->tainted = true; /* the ratchet: never taken back */
	*out_frame = f;
	return 0;
}

int
channel_expect(struct channel *c, unsigned type, uint8_t *buf, size_t cap,
	       struct frame *out_frame)
{
	struct frame f;
	int r;

	if ((r = channel_recv(c, buf, cap, &f)) != 0)
		return r;
	if (f.type != type)
		return ERR_PROTO;
	*out_frame = f;
	return 0;
}
