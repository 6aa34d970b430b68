/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may not be said.  The names of frame-* are here; say-TYPE, short-TYPE,
 * long-TYPE and often-TYPE are made by the driver from messages.def.  A try
 * succeeds when its peer goes on (the driver looks at that): here "succeeded"
 * is that the kernel took it.
 */
#include "try_say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "evil.h"
#include "fds.h"

static uint8_t packet[2 * MSG_MAX];

/*
 * Whom this seat speaks with: the broker; a broker: resolve; a keeper, which
 * has no channel: the supervisor, where it may say one word without a byte.
 */
static struct channel *
peer(const struct world *w)
{
	static struct channel resolve, supervisor;

	if (w->worker->desc->seat == SEAT_KEEPER) {
		if (supervisor.fd == 0)
			channel_init(&supervisor, FD_KEEPER_HELD, SEAT_KEEPER,
				     SEAT_SUPERVISOR);
		return &supervisor;
	}
	if (w->worker->desc->seat != SEAT_BROKER)
		return &w->worker->broker;
	if (resolve.fd == 0)
		channel_init(&resolve, FD_BROKER_WORKERS, SEAT_BROKER,
			     SEAT_RESOLVE);
	return &resolve;
}

/* A RESULT, or what a broker says: an honest frame to be spoilt. */
static size_t
honest(const struct world *w)
{
	bool broker = w->worker->desc->seat == SEAT_BROKER;
	size_t bytes = broker ? 0 : 4;

	frame_put(packet, broker ? MSG_START : MSG_RESULT, peer(w)->send_seq,
		  (uint32_t)bytes);
	memset(packet + MSG_HEADER, 0, bytes);
	return MSG_HEADER + bytes;
}

/* One byte of the header changed. */
static int
spoil(const struct world *w, size_t at, uint8_t xor)
{
	size_t bytes = honest(w);

	packet[at] ^= xor;
	return evil_packet(peer(w), packet, bytes);
}

static int
bad_magic(const struct world *w)
{
	return spoil(w, 0, 1);
}

static int
bad_version(const struct world *w)
{
	return spoil(w, 1, 2);
}

static int
bad_type(const struct world *w)
{
	return spoil(w, 2, 0x40);
}

static int
bad_flags(const struct world *w)
{
	return spoil(w, 4, 1);
}

static int
bad_fds(const struct world *w)
{
	return spoil(w, 5, 1);
}

static int
bad_reserved(const struct world *w)
{
	return spoil(w, 7, 1);
}

static int
sequence_gap(const struct world *w)
{
	return spoil(w, 11, 2);
}

static int
sequence_high(const struct world *w)
{
	return spoil(w, 8, 0x80);
}

static int
length_longer(const struct world *w)
{
	return spoil(w, 15, 1);
}

static int
length_huge(const struct world *w)
{
	return spoil(w, 12, 0xff);
}

static int
cut_header(const struct world *w)
{
	honest(w);
	return evil_packet(peer(w), packet, MSG_HEADER - 1);
}

static int
one_byte(const struct world *w)
{
	honest(w);
	return evil_packet(peer(w), packet, 1);
}

static int
trailing_byte(const struct world *w)
{
	return evil_packet(peer(w), packet, honest(w) + 1);
}

static int
empty(const struct world *w)
{
	return evil_packet(peer(w), packet, 0);
}

static int
oversize(const struct world *w)
{
	honest(w);
	return evil_packet(peer(w), packet, MSG_MAX + 1);
}

/* An honest frame, and with it a descriptor. */
static int
descriptor(const struct world *w)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {packet, honest(w)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int fd = STDIN_FILENO;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return evil_result(sendmsg(peer(w)->fd, &m, MSG_NOSIGNAL));
}

/* The frame that was said first, again. */
static int
replay(const struct world *w)
{
	size_t bytes = honest(w);

	if (w->worker->desc->seat == SEAT_BROKER) { /* START, START twice */
		evil_packet(peer(w), packet, bytes);
		packet[11] ^= 1;
		return spoil(w, 11, 1);
	}
	frame_put(packet, MSG_LOCKED, 0, 0);
	return evil_packet(peer(w), packet, MSG_HEADER);
}

static int
after_result(const struct world *w)
{
	int r = evil_frame(peer(w), MSG_RESULT, packet, 4);

	return r ? r : evil_frame(peer(w), MSG_EVENT, packet, 34);
}

static int
result_twice(const struct world *w)
{
	int r = evil_frame(peer(w), MSG_RESULT, packet, 4);

	return r ? r : evil_frame(peer(w), MSG_RESULT, packet, 4);
}

const struct try tries_say[] = {
	{"frame-magic", bad_magic},
	{"frame-version", bad_version},
	{"frame-type", bad_type},
	{"frame-flags", bad_flags},
	{"frame-fds", bad_fds},
	{"frame-reserved", bad_reserved},
	{"frame-gap", sequence_gap},
	{"frame-high-sequence", sequence_high},
	{"frame-longer", length_longer},
	{"frame-huge", length_huge},
	{"frame-cut", cut_header},
	{"frame-one-byte", one_byte},
	{"frame-trailing", trailing_byte},
	{"frame-empty", empty},
	{"frame-oversize", oversize},
	{"frame-descriptor", descriptor},
	{"frame-replay", replay},
	{"after-result", after_result},
	{"result-twice", result_twice},
	{NULL, NULL},
};

static const struct msg_row *
row_of(const char *name)
{
	for (size_t i = 0; i < msg_row_count; i++)
		if (strcmp(msg_rows[i].name, name) == 0)
			return &msg_rows[i];
	return NULL;
}

int
say_row(const struct world *w)
{
	const char *name = strchr(w->what, '-');
	const struct msg_row *row = name ? row_of(name + 1) : NULL;
	size_t bytes;
	int r = 0;

	if (!row)
		return -1;
	bytes = w->what[0] == 'l'		    ? row->max + 1
		: strncmp(w->what, "short", 5) == 0 ? row->min - 1
						    : row->min;
	memset(packet, 0, sizeof(packet));
	if (row->type == MSG_EVENT) /* one that exists */
		packet[1] = 1;
	for (int i = w->what[0] == 'o' ? 65 : 1; r == 0 && i > 0; i--)
		r = evil_frame(peer(w), row->type, packet, bytes);
	if (r == 0 && w->worker->desc->seat == SEAT_KEEPER)
		r = keeper_heard(FD_KEEPER_HELD);
	return r;
}

int
say_until_taint(struct worker *w)
{
	struct channel *c = &w->broker;
	struct frame f;

	memset(packet, 0, sizeof(packet));
	if (__real_channel_send(c, MSG_EVIDENCE, packet, 512) != 0 ||
	    channel_expect(c, MSG_ENC_TOKEN, packet, MSG_MAX, &f) != 0)
		return -1;
	memset(packet, 0, sizeof(packet));
	if (__real_channel_send(c, MSG_TOKEN, packet, 32) != 0 ||
	    channel_expect(c, MSG_WRAPPED_KEY, packet, MSG_MAX, &f) != 0 ||
	    channel_expect(c, MSG_OPEN, packet, MSG_MAX, &f) != 0)
		return -1;
	return 0;
}
