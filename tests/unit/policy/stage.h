/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for one worker: a child with the descriptors that the supervisor
 * would have given it, CONFIG queued, no_new_privs set, and the other ends
 * here.  For tests of worker.h.
 */
#ifndef SP_TEST_STAGE_H
#define SP_TEST_STAGE_H

#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "channel.h"
#include "fds.h"
#include "filter.h"
#include "tags.h"
#include "worker.h"

static const struct sock_filter all_pass[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct filter_prog filter_all_pass = {"all", all_pass, 1};

/* The first `fds` descriptors of a role's page, and a filter that is none. */
static inline struct page
stage_page(const struct page *p, size_t fds)
{
	struct page out = *p;

	out.inner = &filter_all_pass;
	out.fd_count = fds;
	return out;
}

#define STAGE_FDS 6 /* null three times, broker, config, ready */

struct stage {
	struct channel worker; /* the broker's end */
	int ready;
	pid_t pid;
};

/* What a test does to the child before the worker begins. */
struct twist {
	void (*fds)(void);     /* descriptors are in place */
	const uint8_t *config; /* instead of a right one */
	size_t config_bytes;
	unsigned configs; /* how many; 0: one */
	int keep_privs;	  /* no_new_privs is not set */
};

static inline size_t
right_config(uint8_t *out, size_t cap)
{
	uint8_t id[32] = {7};
	struct wr w;
	size_t n = 0;

	wr_init(&w, out, cap);
	items_put(&w, TAG_SESSION, id, sizeof(id));
	items_put_u32(&w, TAG_DEADLINE_MS, 60000);
	if (wr_end(&w, &n) != 0)
		abort();
	return n;
}

static inline void
queue_config(int fd, enum seat seat, const struct twist *t)
{
	uint8_t buf[256];
	size_t n = right_config(buf, sizeof(buf));
	struct channel c;

	channel_init(&c, fd, SEAT_SUPERVISOR, seat);
	for (unsigned i = 0; i < (t->configs ? t->configs : 1); i++) {
		if (channel_send(&c, MSG_CONFIG, t->config ? t->config : buf,
				 t->config ? t->config_bytes : n) != 0)
			abort();
	}
	close(fd);
}

/* Moves the child's ends to their numbers; nothing else stays open. */
static inline void
place(int broker, int config, int ready)
{
	int from[3] = {broker, config, ready};
	int null = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++)
		from[i] = fcntl(from[i], F_DUPFD, 200);
	null = fcntl(null, F_DUPFD, 200);
	for (int i = 0; i < 3; i++) {
		dup2(null, i);
		dup2(from[i], FD_BROKER + i);
	}
	close_range(FD_FIRST, ~0u, 0);
}

/* Starts `act` as a worker's main; t may be NULL. */
static inline struct stage
stage_start(enum seat seat, void (*act)(void), const struct twist *t)
{
	static const struct twist plain;
	struct stage s = {.pid = -1};
	int broker[2], config[2], ready[2];

	t = t ? t : &plain;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, broker) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, config) != 0 ||
	    pipe(ready) != 0)
		abort();
	queue_config(config[0], seat, t);
	fflush(stdout);
	s.pid = fork();
	if (s.pid == 0) {
		place(broker[1], config[1], ready[1]);
		if (t->fds)
			t->fds();
		if (t->keep_privs && setresuid(65534, 65534, 65534) != 0)
			_exit(90);
		if (!t->keep_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			_exit(91);
		alarm(10);
		act();
		_exit(92);
	}
	close(broker[1]);
	close(config[1]);
	close(ready[1]);
	channel_init(&s.worker, broker[0], SEAT_BROKER, seat);
	s.ready = ready[0];
	return s;
}

/* Returns the exit code, or 1000 + signal; closes everything. */
static inline int
stage_end(struct stage *s)
{
	int status = 0;

	close(s->worker.fd);
	close(s->ready);
	if (waitpid(s->pid, &status, 0) != s->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

/* As stage_end, but the worker speaks first until it is gone. */
static inline int
stage_wait(struct stage *s)
{
	int status = 0;

	if (waitpid(s->pid, &status, 0) != s->pid)
		return -1;
	close(s->worker.fd);
	close(s->ready);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

/* LOCKED comes, the ready pipe closes without a byte.  Returns 1 if so. */
static inline int
stage_locked(struct stage *s)
{
	static uint8_t buf[MSG_MAX];
	struct frame f;
	char byte;

	return channel_expect(&s->worker, MSG_LOCKED, buf, sizeof(buf), &f) ==
		       0 &&
	       read(s->ready, &byte, 1) == 0;
}

#endif
