/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "fds.h"
#include "go.h"
#include "log.h"
#include "spawn.h"
#include "wait.h"

#define RELEASE_S 10 /* more than the one call that gives it back may take */

bool
keeper_lost(const struct sup *s)
{
	return s->lease && !child_alive(&s->child[SEAT_KEEPER]);
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Half shut: its word.  Wholly: it died.  A byte: it has no business to. */
void
keeper_told(struct sup *s, int word, short revents)
{
	if (!(revents & (POLLHUP | POLLRDHUP)))
		fail_with(s, EXIT_PROTOCOL, SEAT_KEEPER);
	s->keeper_told[word] = revents & POLLRDHUP && !(revents & POLLHUP);
	shut(&s->keeper_fd[word]);
}

/* The code of a keeper that ended and was not asked to. */
static int
code_of(const struct child *c)
{
	if (c->signal == SIGKILL) /* its own timer, or somebody */
		return EXIT_LEASE_LOST;
	if (c->signal)
		return c->code;
	return c->code != EXIT_OK && exit_allowed(c->code, SEAT_KEEPER)
		       ? c->code
		       : EXIT_PROTOCOL;
}

static void
say(const struct child *c, int code)
{
	const struct exit_row *row = exit_row(code);

	if (c->signal == SIGSYS)
		log_line(LOG_FAIL, "keeper", "filter_kill",
			 "keeper was killed by its system-call filter");
	else if (c->signal)
		log_line(LOG_FAIL, "keeper", "keeper_died",
			 "the keeper died by signal %d%s", c->signal,
			 c->signal == SIGKILL
				 ? " (sent by somebody, or by its own timer: "
				   "the lease was not renewed in time)"
				 : "");
	else
		log_line(LOG_FAIL, "keeper", "worker_failed", "keeper: %s",
			 row ? row->what : "?");
}

void
keeper_fail(struct sup *s)
{
	const struct child *c = &s->child[SEAT_KEEPER];

	if (!s->lease_said)
		say(c, code_of(c));
	s->lease_said = true;
	fail_with(s, code_of(c), SEAT_KEEPER);
}

/*
 * resolve, outside of any session: what it says stays in its socket, and the
 * keeper reads it there when nobody is at the other end any more.
 */
static int
names(struct sup *s, struct session *x)
{
	const unsigned limit = conf_num(s->conf, CONF_T_WAVE);
	struct channel c;
	int r;

	if ((r = session_spawn(s, x, SEAT_RESOLVE)) != 0 ||
	    (r = wait_locked(s, SEAT_BIT(SEAT_RESOLVE), limit)) != 0)
		return r;
	channel_init(&c, x->broker_end[SEAT_RESOLVE], SEAT_BROKER,
		     SEAT_RESOLVE);
	if ((r = channel_send(&c, MSG_START, NULL, 0)) != 0) {
		fail_with(s, EXIT_INTERNAL, SEAT_SUPERVISOR);
		return r;
	}
	return wait_exits(s, SEAT_BIT(SEAT_RESOLVE), limit);
}

int
keeper_fds(struct sup *s, struct session *x, struct spawn *sp,
	   int opened[static 4])
{
	int p[2];

	if (session_file(s, CONF_ROOTS, conf_str(s->conf, CONF_ROOTS),
			 ROOTS_MAX, &opened[0]) != 0)
		return ERR_REFUSED;
	if (pipe2(p, O_CLOEXEC) != 0)
		return ERR_SYS;
	opened[1] = p[0];
	s->keeper_go = p[1];
	for (int i = 0; i < KEEPER_WORDS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0)
			return ERR_SYS;
		opened[2 + i] = p[0];
		s->keeper_fd[i] = p[1];
		s->keeper_told[i] = false;
	}
	sp->fd[FD_KEEPER_ROOTS] = opened[0];
	sp->fd[FD_KEEPER_GO] = opened[1];
	sp->fd[FD_KEEPER_ASKED] = opened[2 + KEEPER_ASKED];
	sp->fd[FD_KEEPER_HELD] = opened[2 + KEEPER_HELD];
	sp->fd[FD_KEEPER_NAMES] = x->broker_end[SEAT_RESOLVE];
	return 0;
}

/* Starts it, looks at it in /proc, and lets it begin. */
static int
start(struct sup *s, struct session *x)
{
	const uint8_t byte = GO_HOLD;
	int r;

	if ((r = session_spawn(s, x, SEAT_KEEPER)) != 0)
		return r;
	r = wait_locked(s, SEAT_BIT(SEAT_KEEPER),
			conf_num(s->conf, CONF_T_WAVE));
	if (r != 0)
		return r;
	/* From here on its end is judged by who waits for it. */
	s->child[SEAT_KEEPER].ending = true;
	/* one that is gone is named by its end, which is about to be seen */
	if (write(s->keeper_go, &byte, 1) == 1 || errno == EPIPE)
		return 0;
	fail_with(s, EXIT_INTERNAL, SEAT_SUPERVISOR);
	return ERR_REFUSED;
}

static bool
said(const struct sup *s, const void *arg)
{
	return s->keeper_told[*(const enum keeper_word *)arg] ||
	       !child_alive(&s->child[SEAT_KEEPER]);
}

/* It ended before it held the lease: alone, or not at all. */
static int
without(struct sup *s)
{
	const struct child *c = &s->child[SEAT_KEEPER];
	const struct conf *conf = s->conf;
	int code = code_of(c);

	if (code == EXIT_LEASE_DENIED)
		log_line(strcmp(conf_str(conf, CONF_LEASE), "auto") ? LOG_FAIL
								    : LOG_WARN,
			 NULL, "no_lease",
			 "no lease on the store: container %s of storage "
			 "account %s is not there, or the identity may not "
			 "write in it. No second node may run on this store; "
			 "for several, create that container, give the "
			 "identity Storage Blob Data Contributor on it, and "
			 "boot this node again before another starts",
			 conf_str(conf, CONF_LEASE_CONT),
			 conf_str(conf, CONF_SA_NAME));
	else
		say(c, code);
	if (code == EXIT_LEASE_DENIED &&
	    !strcmp(conf_str(conf, CONF_LEASE), "auto"))
		return 0;
	fail_with(s, code, SEAT_KEEPER);
	return ERR_REFUSED;
}

/* It has no end; but a keeper that stands still will never hold it. */
static int
await_turn(struct sup *s)
{
	static const enum keeper_word held = KEEPER_HELD;
	int r;

	log_line(LOG_WARN, NULL, "lease_waiting",
		 "another node holds the lease on this store: waiting for it; "
		 "nothing is started");
	do
		r = wait_for(s, said, &held, conf_num(s->conf, CONF_T_WAVE));
	while (r == ERR_TIMEOUT && !wait_stands_still(s, SEAT_KEEPER));
	return r;
}

/* Until it is held; another node may have it for years. */
static int
await(struct sup *s)
{
	static const enum keeper_word asked = KEEPER_ASKED, held = KEEPER_HELD;
	const unsigned limit = conf_num(s->conf, CONF_T_RETRY) +
			       conf_num(s->conf, CONF_T_WAVE);
	uint64_t begin = now_ns();
	int r = wait_for(s, said, &asked, limit);

	if (r == ERR_TIMEOUT) {
		log_line(LOG_FAIL, "keeper", "deadline",
			 "keeper did not ask for the lease in time");
		fail_with(s, EXIT_DEADLINE, SEAT_KEEPER);
	}
	if (r != 0)
		return r;
	/* Both are said together where nobody else has it. */
	r = wait_for(s, said, &held, 1);
	if (r == ERR_TIMEOUT)
		r = await_turn(s);
	if (r != 0)
		return r;
	if (!child_alive(&s->child[SEAT_KEEPER]))
		return without(s);
	s->lease = true;
	log_line(LOG_STEP, NULL, "lease",
		 "lease on the store taken (waited %u ms)",
		 (unsigned)((now_ns() - begin) / 1000000));
	return 0;
}

int
keeper_hold(struct sup *s)
{
	const struct conf *conf = s->conf;
	struct session x;
	int r = 0;

	if (conf_local_store(conf) || child_alive(&s->child[SEAT_KEEPER]))
		return 0;
	if (!strcmp(conf_str(conf, CONF_LEASE), "off")) {
		log_line(LOG_WARN, NULL, "no_lease",
			 "lease = off: no second node may run on this store");
		return 0;
	}
	session_init(&x);
	x.lease = true;
	if ((r = session_open(s, &x)) == 0 && (r = names(s, &x)) == 0)
		r = start(s, &x);
	session_close(s, &x);
	if (r == 0 && !s->fail_code && await(s) == 0 && s->lease)
		return 0;
	keeper_release(s);
	return s->fail_code;
}

void
keeper_release(struct sup *s)
{
	s->lease = false;
	shut(&s->keeper_go);
	wait_gone(s, SEAT_KEEPER, RELEASE_S);
	(void)!wait_kill(s, SEAT_BIT(SEAT_KEEPER)); /* said */
	for (int i = 0; i < KEEPER_WORDS; i++)
		shut(&s->keeper_fd[i]);
}
