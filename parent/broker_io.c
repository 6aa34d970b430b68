/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's loop.  Its order matters:
 *
 *   what is done              before              because
 *   go pipe polled            the workers         what a worker said before its
 *                                                 exit made the supervisor say
 *                                                 go is then seen as ready
 *   every worker drained      a go byte is read   the same: a byte acts on
 *                                                 everything said before it
 *   every worker drained      exit on a hang-up   the others' last lines
 */
#include "broker_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "broker_out.h"
#include "channel.h"
#include "exit.h"
#include "fds.h"
#include "log.h"

#define FIRST SEAT_RESOLVE
#define LAST  SEAT_UNSEAL

static struct broker session;
static struct channel channels[SEAT_COUNT]; /* fd -1: gone */
static uint8_t packet[MSG_MAX];
static const struct worker *worker; /* for the deadline */
static enum seat told;		    /* whom broker_out spoke to last */

int
broker_sockets(uint32_t jwe_modulus)
{
	for (unsigned s = FIRST; s <= LAST; s++) {
		int fd = FD_BROKER_WORKERS + (int)(s - FIRST);

		if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
			return ERR_SYS;
		channel_init(&channels[s], fd, SEAT_BROKER, (enum seat)s);
		channels[s].jwe_modulus = jwe_modulus;
	}
	broker_init(&session);
	session.jwe_modulus = jwe_modulus;
	return 0;
}

/*
 * Waits; returns what ppoll(2) does, 0 when the deadline has passed.  Storing
 * goes on for ever: the bundle here may be the only one (DESIGN, Waves).
 */
static int
wait_for(struct pollfd *fds, nfds_t count)
{
	bool endless = worker->deadline_ms == 0 || session.storing;
	struct timespec ts;
	uint32_t left;
	int n;

	do {
		left = worker_left_ms(worker);
		ts.tv_sec = left / 1000;
		ts.tv_nsec = (long)(left % 1000) * 1000000;
		n = ppoll(fds, count, endless ? NULL : &ts, NULL);
	} while (n < 0 && errno == EINTR);
	return n;
}

int
broker_out(enum seat to, unsigned type, const uint8_t *body, size_t bytes)
{
	struct channel *c = &channels[to];
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};
	int r;

	if (c->fd < 0)
		return 0;
	told = to;
	while ((r = channel_send(c, type, body, bytes)) == ERR_TIMEOUT) {
		if (wait_for(&p, 1) <= 0)
			return ERR_TIMEOUT;
	}
	return r == ERR_EOF ? 0 : r; /* its hang-up will be seen */
}

static int
failed(enum seat seat, int r, const char *why)
{
	switch (r) {
	case ERR_PROTO:
		log_line(LOG_FAIL, seat_name(seat), "protocol",
			 "%s broke the rules of the session: %s (it was in "
			 "state %s)",
			 seat_name(seat), why,
			 broker_state_name(session.seats[seat].state));
		return EXIT_PROTOCOL;
	case ERR_TIMEOUT:
		log_line(LOG_FAIL, seat_name(told), "deadline",
			 "%s does not read what it is told", seat_name(told));
		return EXIT_DEADLINE;
	default:
		log_line(LOG_FAIL, seat_name(seat), "broker",
			 "broker: error %d at %s's socket", -r,
			 seat_name(seat));
		return EXIT_INTERNAL;
	}
}

/*
 * One frame or hang-up of a worker.  Returns ERR_TIMEOUT when there was
 * nothing, 0, or an exit code (positive).
 */
static int
receive(enum seat seat)
{
	struct channel *c = &channels[seat];
	struct frame f;
	int r;

	c->peer_tainted = session.seats[seat].tainted;
	r = channel_recv(c, packet, sizeof(packet), &f);
	if (r == ERR_TIMEOUT)
		return r;
	session.why = "a frame that is malformed or not its to send";
	if (r == 0) {
		r = broker_frame(&session, seat, f.type, f.body, f.body_bytes);
	} else if (r == ERR_EOF) {
		close(c->fd);
		c->fd = -1;
		r = broker_hangup(&session, seat);
	}
	return r == 0 ? 0 : failed(seat, r, session.why);
}

/* Everything that was said so far.  Returns 0 or an exit code. */
static int
drain(void)
{
	int r;

	for (unsigned s = FIRST; s <= LAST; s++) {
		while (channels[s].fd >= 0) {
			r = receive((enum seat)s);
			if (r == ERR_TIMEOUT)
				break;
			if (r != 0)
				return r;
		}
	}
	return 0;
}

/* One byte of the supervisor.  Returns 0, an exit code, or ERR_EOF. */
static int
decision(void)
{
	uint8_t byte;
	ssize_t n;
	int r;

	if ((r = drain()) != 0)
		return r;
	n = read(FD_BROKER_GO, &byte, 1);
	if (n == 0)
		return ERR_EOF;
	if (n != 1)
		return failed(SEAT_SUPERVISOR, ERR_SYS, NULL);
	r = broker_go(&session, byte);
	return r == 0 ? 0 : failed(SEAT_SUPERVISOR, r, session.why);
}

/* The go pipe first, see above.  Returns how many. */
static nfds_t
gather(struct pollfd fds[static SEAT_COUNT], enum seat seats[static SEAT_COUNT])
{
	nfds_t n = 0;

	fds[n++] = (struct pollfd){.fd = FD_BROKER_GO, .events = POLLIN};
	for (unsigned s = FIRST; s <= LAST; s++) {
		if (channels[s].fd < 0)
			continue;
		seats[n] = (enum seat)s;
		fds[n++] =
			(struct pollfd){.fd = channels[s].fd, .events = POLLIN};
	}
	return n;
}

/* One turn: at most one message of each.  Returns as decision(). */
static int
turn(void)
{
	struct pollfd fds[SEAT_COUNT];
	enum seat seats[SEAT_COUNT];
	nfds_t count = gather(fds, seats);
	int r = wait_for(fds, count);

	if (r < 0)
		return failed(SEAT_BROKER, ERR_SYS, NULL);
	if (r == 0) {
		log_line(LOG_FAIL, NULL, "deadline",
			 "the session took longer than its deadline");
		return EXIT_DEADLINE;
	}
	for (nfds_t i = 1; i < count; i++) {
		if (!fds[i].revents)
			continue;
		r = receive(seats[i]);
		if (r != 0 && r != ERR_TIMEOUT)
			return r;
	}
	return fds[0].revents ? decision() : 0;
}

int
broker_run(const struct worker *self)
{
	int r = 0;

	worker = self;
	while (r == 0 && !session.ended && !session.hurt)
		r = turn();
	if (r == ERR_EOF)
		return EXIT_OK;
	if (r == 0 && session.hurt) {
		r = drain();
		if (r == 0)
			r = EXIT_PROTOCOL;
	}
	return r;
}
