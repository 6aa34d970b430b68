/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for the real sallyport-broker: its descriptors as the supervisor
 * gives them, no_new_privs and the outer filter; the workers are played here.
 */
#ifndef SP_TEST_BROKER_STAGE_H
#define SP_TEST_BROKER_STAGE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "channel.h"
#include "events.h"
#include "exit.h"
#include "fds.h"
#include "filter.h"
#include "go.h"
#include "items.h"
#include "tags.h"

#define SEATS (SEAT_UNSEAL - SEAT_RESOLVE + 1)

static const char *program;
static struct channel seats[SEAT_COUNT];
static int go_fd, log_fd, ready_fd;
static pid_t pid;
static uint8_t buf[MSG_MAX];
static char log_text_[65536];

static inline void
queue_config(int fd, uint32_t deadline_ms)
{
	uint8_t body[128], id[32] = {1};
	struct channel c;
	struct wr w;
	size_t n = 0;

	wr_init(&w, body, sizeof(body));
	items_put(&w, TAG_SESSION, id, sizeof(id));
	items_put_u32(&w, TAG_DEADLINE_MS, deadline_ms);
	items_put_u32(&w, TAG_LOG_JSON, 0);
	items_put_u64(&w, TAG_LOG_T0, 0);
	items_put_u32(&w, TAG_JWE_MODULUS, 256);
	channel_init(&c, fd, SEAT_SUPERVISOR, SEAT_BROKER);
	if (wr_end(&w, &n) != 0 || channel_send(&c, MSG_CONFIG, body, n) != 0)
		abort();
	close(fd);
}

_Noreturn static inline void
child(const int *from, size_t count)
{
	char *const argv[] = {(char *)(uintptr_t)program, NULL};
	char *const envp[] = {NULL};
	int high[FD_BROKER_WORKERS + SEATS];

	for (size_t i = 0; i < count; i++)
		high[i] = fcntl(from[i], F_DUPFD, 100);
	for (size_t i = 0; i < count; i++)
		dup2(high[i], (int)i);
	close_range((unsigned)count, ~0u, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (filter_install(&filter_outer) == 0)
		execve(program, argv, envp);
	_exit(99);
}

static inline void
start(uint32_t deadline_ms)
{
	int go[2], config[2], ready[2], log[2], sv[2];
	int from[FD_BROKER_WORKERS + SEATS];

	if (pipe(go) || pipe(ready) || pipe(log) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, config))
		abort();
	queue_config(config[0], deadline_ms);
	from[0] = from[1] = open("/dev/null", O_RDWR);
	from[2] = log[1];
	from[FD_BROKER_GO] = go[0];
	from[FD_CONFIG] = config[1];
	from[FD_READY] = ready[1];
	for (int i = 0; i < SEATS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
			abort();
		from[FD_BROKER_WORKERS + i] = sv[0];
		channel_init(&seats[SEAT_RESOLVE + i], sv[1],
			     (enum seat)(SEAT_RESOLVE + i), SEAT_BROKER);
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(from, FD_BROKER_WORKERS + SEATS);
	for (int i = 1; i < FD_BROKER_WORKERS + SEATS; i++)
		close(from[i]);
	go_fd = go[1];
	log_fd = log[0];
	ready_fd = ready[0];
}

/* Reads the log, reaps; returns the exit code, or 1000 + signal. */
static inline int
end(void)
{
	size_t used = 0;
	ssize_t n;
	int status = 0;

	while ((n = read(log_fd, log_text_ + used,
			 sizeof(log_text_) - 1 - used)) > 0)
		used += (size_t)n;
	log_text_[used] = '\0';
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	for (int s = SEAT_RESOLVE; s <= SEAT_UNSEAL; s++) {
		if (seats[s].fd >= 0)
			close(seats[s].fd);
	}
	if (go_fd >= 0)
		close(go_fd);
	close(log_fd);
	close(ready_fd);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

static inline int
go(uint8_t byte)
{
	return write(go_fd, &byte, 1) == 1 ? 0 : -1;
}

static inline int
say(enum seat seat, unsigned type, size_t bytes)
{
	static uint8_t body[MSG_BODY_MAX];

	return channel_send(&seats[seat], type, body, bytes);
}

static inline int
hears(enum seat seat, unsigned type)
{
	struct pollfd p = {.fd = seats[seat].fd, .events = POLLIN};
	struct frame f;

	if (poll(&p, 1, 5000) != 1)
		return 0;
	return channel_expect(&seats[seat], type, buf, sizeof(buf), &f) == 0;
}

static inline int
runs(enum seat seat)
{
	return say(seat, MSG_LOCKED, 0) == 0 && go((uint8_t)seat) == 0 &&
	       hears(seat, MSG_START);
}

static inline void
hang_up(enum seat seat)
{
	close(seats[seat].fd);
	seats[seat].fd = -1;
}

static inline int
finish(enum seat seat)
{
	int r = say(seat, MSG_RESULT, 4);

	hang_up(seat);
	return r == 0;
}

#endif
