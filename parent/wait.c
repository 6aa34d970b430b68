/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "gate.h"
#include "keeper.h"
#include "log.h"
#include "notify.h"
#include "reap.h"
#include "status.h"

#define NS_PER_S UINT64_C(1000000000)
/* How long others may take to fail too, so that the cause is named. */
#define TOGETHER_MS 150
#define KILLED_S    5u /* from SIGKILL to the reaped exit */

uint64_t
now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void
since_now(struct since *out)
{
	out->boot_ns = clock_ns(CLOCK_BOOTTIME);
	out->real_s = (uint64_t)time(NULL);
}

bool
stopping(const struct sup *s)
{
	return s->stop && (!s->hold || now_ns() >= s->stop_by_ns);
}

bool
child_alive(const struct child *c)
{
	return c->state == CHILD_STARTED || c->state == CHILD_LOCKED;
}

int
wait_setup(struct sup *s)
{
	sigset_t all;

	/* whoever started us may ignore it: then nobody could be reaped */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return ERR_SYS;
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
		return ERR_SYS;
	s->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? ERR_SYS : 0;
}

/* A hang-up is the sign; a byte in the pipe is a violation. */
static void
ready(struct sup *s, enum seat seat, short revents)
{
	struct child *c = &s->child[seat];

	if (revents & POLLIN)
		fail_with(s, EXIT_PROTOCOL, seat);
	else if (c->state == CHILD_STARTED)
		c->state = CHILD_LOCKED;
	close(c->ready_fd);
	c->ready_fd = -1;
}

/* Keys that nobody else has are stored first, for as long as a step takes. */
static void
asked_to_end(struct sup *s)
{
	unsigned most = conf_num(s->conf, CONF_T_WAVE);

	if (s->stop)
		return;
	s->stop = true;
	s->stop_by_ns = now_ns() + most * NS_PER_S;
	if (s->hold)
		log_line(LOG_WARN, NULL, "deferred",
			 "asked to end: first, for %u s at most, the server's "
			 "keys are stored, which nobody else has",
			 most);
}

static void
take_signals(struct sup *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			asked_to_end(s);
			break;
		case SIGHUP:
			s->rotate = true;
			break;
		default:
			break;
		}
	}
}

/* One turn of the loop. */
static void
turn(struct sup *s, int timeout_ms)
{
	struct pollfd p[2 * SEAT_COUNT + 1 + LIFE_COUNT + KEEPER_WORDS];
	int what[sizeof(p) / sizeof(p[0])];
	nfds_t n = 0;

	p[n] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	what[n++] = -1;
	for (int i = 0; i < LIFE_COUNT; i++) {
		p[n] = (struct pollfd){s->life[i].notify_fd, POLLIN, 0};
		what[n++] = -2 - i;
	}
	for (int i = 0; i < KEEPER_WORDS; i++) {
		what[n] = 2 * SEAT_COUNT + i;
		p[n++] =
			(struct pollfd){s->keeper_fd[i], POLLIN | POLLRDHUP, 0};
	}
	for (int i = 0; i < SEAT_COUNT; i++) {
		if (!child_alive(&s->child[i]))
			continue;
		if (s->child[i].ready_fd >= 0) {
			p[n] = (struct pollfd){s->child[i].ready_fd, POLLIN, 0};
			what[n++] = SEAT_COUNT + i;
		}
		p[n] = (struct pollfd){s->child[i].pidfd, POLLIN, 0};
		what[n++] = i;
	}
	if (poll(p, n, timeout_ms) <= 0)
		return;
	for (nfds_t k = 0; k < n; k++) {
		if (!p[k].revents)
			continue;
		if (what[k] == -1)
			take_signals(s);
		else if (what[k] < -1)
			notify_drain(s, (enum life_kind)(-2 - what[k]));
		else if (what[k] >= 2 * SEAT_COUNT)
			keeper_told(s, what[k] - 2 * SEAT_COUNT, p[k].revents);
		else if (what[k] >= SEAT_COUNT)
			ready(s, (enum seat)(what[k] - SEAT_COUNT),
			      p[k].revents);
		else
			reap_seat(s, (enum seat)what[k]);
	}
	reap_orphans(s);
}

int
wait_settle(struct sup *s)
{
	uint64_t until = now_ns() + TOGETHER_MS * UINT64_C(1000000);

	while (now_ns() < until && fail_weight(s->fail_code, s->fail_seat) < 4)
		turn(s, 20);
	return ERR_REFUSED;
}

/* For poll(2): at least 1. */
static int
ms_until(uint64_t end)
{
	uint64_t now = now_ns();

	return end > now ? (int)((end - now) / 1000000) + 1 : 1;
}

int
wait_for(struct sup *s, wait_done *done, const void *arg, unsigned seconds)
{
	uint64_t end = now_ns() + seconds * NS_PER_S;

	for (;;) {
		int ms = -1;

		if (stopping(s)) {
			if (s->hold)
				log_line(LOG_WARN, NULL, "keys_gone",
					 "the server's keys, if it made any, "
					 "could not be stored and are gone "
					 "with this boot; its store holds no "
					 "data yet%s",
					 conf_local_store(s->conf)
						 ? ""
						 : ": delete every blob in its "
						   "container before the next "
						   "boot");
			fail_with(s, EXIT_INTERRUPTED, SEAT_SUPERVISOR);
			return ERR_REFUSED;
		}
		if (keeper_lost(s) && !s->storing)
			keeper_fail(s);
		if (s->fail_code)
			return wait_settle(s);
		if (done(s, arg))
			return 0;
		if (seconds && now_ns() >= end)
			return ERR_TIMEOUT;
		if (seconds || s->stop)
			ms = ms_until(
				!seconds || (s->stop && s->stop_by_ns < end)
					? s->stop_by_ns
					: end);
		turn(s, ms);
	}
}

static bool
all_gone(const struct sup *s, const void *arg)
{
	uint32_t seats = *(const uint32_t *)arg;

	for (int i = 0; i < SEAT_COUNT; i++)
		if ((seats & SEAT_BIT(i)) && child_alive(&s->child[i]))
			return false;
	return true;
}

static bool
all_locked(const struct sup *s, const void *arg)
{
	uint32_t seats = *(const uint32_t *)arg;

	for (int i = 0; i < SEAT_COUNT; i++)
		if ((seats & SEAT_BIT(i)) && s->child[i].state == CHILD_STARTED)
			return false;
	return true;
}

/* Names the seats that a deadline caught. */
static int
too_slow(struct sup *s, uint32_t seats, const char *what)
{
	for (int i = 0; i < SEAT_COUNT; i++) {
		if (!(seats & SEAT_BIT(i)) || !child_alive(&s->child[i]))
			continue;
		log_line(LOG_FAIL, seat_name((unsigned)i), "deadline",
			 "%s did not %s in time", seat_name((unsigned)i), what);
		fail_with(s, EXIT_DEADLINE, (enum seat)i);
	}
	return ERR_TIMEOUT;
}

bool
wait_stands_still(struct sup *s, enum seat seat)
{
	struct status st;

	if (!child_alive(&s->child[seat]) ||
	    status_read(s->child[seat].pid, &st) != 0 || !st.stopped)
		return false;
	log_line(LOG_FAIL, seat_name(seat), "deadline", "%s stands still",
		 seat_name(seat));
	fail_with(s, EXIT_DEADLINE, seat);
	return true;
}

int
wait_exits(struct sup *s, uint32_t seats, unsigned seconds)
{
	int r = wait_for(s, all_gone, &seats, seconds);

	return r == ERR_TIMEOUT ? too_slow(s, seats, "end") : r;
}

/* A child that died meanwhile has said why by its exit. */
static int
not_confined(struct sup *s, enum seat seat, int r)
{
	if (r == ERR_EOF)
		(void)!wait_exits(s, SEAT_BIT(seat), 1);
	if (!s->fail_code)
		fail_with(s, EXIT_GATE, seat);
	return wait_settle(s);
}

int
wait_locked(struct sup *s, uint32_t seats, unsigned seconds)
{
	int r = wait_for(s, all_locked, &seats, seconds);

	if (r != 0)
		return r == ERR_TIMEOUT ? too_slow(s, seats, "lock itself") : r;
	for (int i = 0; i < SEAT_COUNT; i++)
		if ((seats & SEAT_BIT(i)) &&
		    (r = gate_check(s, (enum seat)i)) != 0)
			return not_confined(s, (enum seat)i, r);
	return 0;
}

void
wait_gone(struct sup *s, enum seat seat, unsigned seconds)
{
	uint64_t end = now_ns() + seconds * NS_PER_S;

	while (child_alive(&s->child[seat]) && now_ns() < end)
		turn(s, 200);
}

int
wait_kill(struct sup *s, uint32_t seats)
{
	int r = 0;

	for (int i = 0; i < SEAT_COUNT; i++) {
		struct child *c = &s->child[i];
		if (!(seats & SEAT_BIT(i)) || !child_alive(c))
			continue;
		c->ending = true;
		syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	}
	for (int i = 0; i < SEAT_COUNT; i++) {
		if (!(seats & SEAT_BIT(i)) || !child_alive(&s->child[i]))
			continue;
		wait_gone(s, (enum seat)i, KILLED_S);
		if (!child_alive(&s->child[i]))
			continue;
		log_line(LOG_FAIL, seat_name((unsigned)i), "lingers",
			 "%s was killed and is not gone after %u s: the kernel "
			 "holds it, for a device or a file system that does "
			 "not answer",
			 seat_name((unsigned)i), KILLED_S);
		fail_with(s, EXIT_DEADLINE, (enum seat)i);
		r = ERR_TIMEOUT;
	}
	return r;
}
