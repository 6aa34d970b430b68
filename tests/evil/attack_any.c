/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks that fit every worker, in a whole boot. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"

/* The argument: the code to end with, without a word to the broker. */
static void
end_at_once(struct worker *w)
{
	_exit(atoi(evil_argument()));
}

/* The argument: the code; RESULT says the same. */
static void
say_result(struct worker *w)
{
	__real_worker_exit(w, atoi(evil_argument()));
}

/* All is done, and then another code than the honest one. */
static int
other_code(struct worker *w, int code)
{
	return atoi(evil_argument());
}

/* All is done and said but the end. */
static int
stay(struct worker *w, int code)
{
	while (w)
		(void)worker_left_ms(w);
	return code;
}

/* Its last word is said, and it lives on. */
static int
linger(struct worker *w, int code)
{
	uint8_t body[4];
	struct wr out;

	wr_init(&out, body, sizeof(body));
	wr_u32(&out, (uint32_t)code);
	evil_frame(&w->broker, MSG_RESULT, body, sizeof(body));
	return stay(w, code);
}

static void
hang(struct worker *w)
{
	(void)stay(w, 0);
}

static void
crash(struct worker *w)
{
	__builtin_trap();
}

static void
start_child(struct worker *w)
{
	syscall(SYS_fork);
}

static void
trace_supervisor(struct worker *w)
{
	syscall(SYS_ptrace, 16, 1, 0, 0); /* PTRACE_ATTACH */
}

static void
flood_events(struct worker *w)
{
	for (int i = 0; i < 10000; i++)
		worker_event(w, 1, 0, 0, 0, 0);
	hang(w);
}

static void
flood_notes(struct worker *w)
{
	for (int i = 0; i < 10000; i++)
		worker_note(w, "flood");
	hang(w);
}

static void
wrong_sequence(struct worker *w)
{
	w->broker.send_seq++;
	worker_event(w, 1, 0, 0, 0, 0);
	hang(w);
}

static void
empty_packet(struct worker *w)
{
	evil_packet(&w->broker, "", 0);
	hang(w);
}

/* The argument: the number of a type that is not its to say. */
static void
foreign_message(struct worker *w)
{
	static const uint8_t body[MSG_BODY_MAX];
	const struct msg_row *row = msg_row((unsigned)atoi(evil_argument()));

	evil_frame(&w->broker, row->type, body, row->min);
	hang(w);
}

/* In the role's own time: right behind its last word of that type. */
static int
twice(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	int r = __real_channel_send(c, type, body, bytes);

	if (r == 0 && type == (unsigned)atoi(evil_argument()))
		r = evil_frame(c, type, body, bytes) ? ERR_EOF : 0;
	return r;
}

/* The argument: a type; instead of it, the test's bytes. */
static int
replaced(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	const uint8_t *honest = body, *mine;
	size_t n;

	mine = evil_data(&n);
	/* of the stored objects only the one with that slot and age */
	if (type == (unsigned)atoi(evil_argument()) &&
	    (type != MSG_BLOB || memcmp(honest, mine, 2) == 0)) {
		body = mine;
		bytes = n;
	}
	return evil_frame(c, type, body, bytes) ? ERR_EOF : 0;
}

/* The argument: a type; behind the first of it, the test's bytes as another. */
static int
added(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	static bool done;
	const uint8_t *mine;
	size_t n;
	int r = __real_channel_send(c, type, body, bytes);

	if (r != 0 || done || type != (unsigned)atoi(evil_argument()))
		return r;
	done = true;
	mine = evil_data(&n);
	return evil_frame(c, type, mine, n) ? ERR_EOF : 0;
}

/*
 * The argument: two types; behind the first, on whichever channel, the other
 * is said to the broker.
 */
static int
after(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	static const uint8_t zeros[MSG_BODY_MAX];
	char *second;
	unsigned long first = strtoul(evil_argument(), &second, 10);
	const struct msg_row *row = msg_row((unsigned)atoi(second));
	int r = __real_channel_send(c, type, body, bytes);

	if (r == 0 && type == first)
		evil_frame(&evil_worker()->broker, row->type, zeros, row->min);
	return r;
}

static void
pass_descriptor(struct worker *w)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	uint8_t packet[MSG_HEADER];
	struct iovec iov = {packet, sizeof(packet)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int fd = FD_BROKER;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	frame_put(packet, MSG_RESULT, w->broker.send_seq, 0);
	(void)!sendmsg(w->broker.fd, &m, MSG_NOSIGNAL);
	hang(w);
}

const struct attack attacks_any[] = {
	{.name = "end", .started = end_at_once},
	{.name = "result", .started = say_result},
	{.name = "other-code", .end = other_code},
	{.name = "stay", .end = stay},
	{.name = "linger", .end = linger},
	{.name = "hang", .started = hang},
	{.name = "crash", .started = crash},
	{.name = "fork", .started = start_child},
	{.name = "ptrace", .started = trace_supervisor},
	{.name = "flood-events", .started = flood_events},
	{.name = "flood-notes", .started = flood_notes},
	{.name = "sequence", .started = wrong_sequence},
	{.name = "empty", .started = empty_packet},
	{.name = "foreign", .started = foreign_message},
	{.name = "twice", .send = twice},
	{.name = "replaced", .send = replaced},
	{.name = "added", .send = added},
	{.name = "after", .send = after},
	{.name = "descriptor", .started = pass_descriptor},
	{.name = NULL},
};
