/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "cursor.h"
#include "fds.h"
#include "filter.h"
#include "gate.h"
#include "items.h"
#include "page.h"
#include "seats.h"
#include "spawn.h"
#include "spoil.h"
#include "stage_world.h"
#include "tags.h"

#define PATIENCE_MS 10000
#define OTHER_PORT  80

const struct actor actors[] = {
	{"broker", SEAT_BROKER, false}, {"resolve", SEAT_RESOLVE, false},
	{"fetch", SEAT_FETCH, false},	{"store", SEAT_STORE0, false},
	{"verify", SEAT_VERIFY, false}, {"tpm", SEAT_TPM, false},
	{"tainted", SEAT_TPM, true},	{"render", SEAT_RENDER, false},
	{"tls", SEAT_TLS, false},	{"look", SEAT_LOOK, false},
	{"init", SEAT_INIT, false},	{"unseal", SEAT_UNSEAL, false},
	{"keeper", SEAT_KEEPER, false},
};
const size_t actor_count = sizeof(actors) / sizeof(actors[0]);

static bool
without(const struct child_spec *c, enum layer l)
{
	return c->without & LAYER_BIT(l);
}

bool
stage_has_go(enum seat seat)
{
	return seat == SEAT_BROKER || seat == SEAT_KEEPER;
}

/* The kinds are ipc/fds.h's: what the worker's own audit wants to see. */
static void
seat_table(const struct stage *st, const struct child_spec *c, struct spawn *sp)
{
	enum seat seat = c->actor->seat;
	uint64_t all = page_fds(page_of_seat[seat], seat, true);

	for (int fd = FD_FIRST; fd < SPAWN_FDS; fd++)
		if (all & (UINT64_C(1) << fd))
			sp->fd[fd] = st->seq;
	if (SEAT_BIT(seat) & (SEAT_BIT(SEAT_FETCH) | SEATS_STORE))
		sp->fd[FD_HTTPS_ROOTS] = sp->fd[FD_HTTPS_EVENTLOG] = st->memfd;
	if (seat == SEAT_KEEPER) {
		sp->fd[FD_KEEPER_ROOTS] = st->memfd;
		sp->fd[FD_KEEPER_ASKED] = c->told[KEEPER_ASKED];
		sp->fd[FD_KEEPER_HELD] = c->told[KEEPER_HELD];
	}
	if (seat == SEAT_RENDER) {
		sp->fd[FD_RENDER_TEMPLATE] = st->memfd;
		sp->fd[FD_RENDER_PUBLIC] = st->file;
		sp->fd[FD_RENDER_PRIVATE] = st->file;
	}
	if (seat == SEAT_TLS)
		sp->fd[FD_TLS_CERT] = sp->fd[FD_TLS_KEY] = st->file;
	if (seat == SEAT_TPM || seat == SEAT_LOOK || seat == SEAT_INIT ||
	    seat == SEAT_UNSEAL)
		sp->fd[FD_FIRST] = st->stream;
	if (seat == SEAT_TPM)
		sp->fd[FD_TPM_GO] = st->pipe;
	if (seat == SEAT_BROKER)
		for (int i = 0; c->workers && i <= SEAT_UNSEAL - SEAT_RESOLVE;
		     i++)
			sp->fd[FD_BROKER_WORKERS + i] = c->workers[i];
	sp->fd[FD_BROKER] = c->broker;
}

/* CONFIG with what every seat wants, and resolve's and the broker's own. */
static int
queue_config(enum seat seat)
{
	static uint8_t body[512];
	uint8_t id[32] = {7};
	struct channel ch;
	struct wr w;
	size_t bytes;
	int p[2];

	wr_init(&w, body, sizeof(body));
	items_put(&w, TAG_SESSION, id, sizeof(id));
	items_put_u32(&w, TAG_DEADLINE_MS, 8000);
	items_put_u32(&w, TAG_LOG_JSON, 1);
	items_put_u64(&w, TAG_LOG_T0, 0);
	items_put_u32(&w, TAG_JWE_MODULUS, 0);
	items_put(&w, TAG_NAME, "127.0.0.1", 9);
	if (wr_end(&w, &bytes) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
		return -1;
	channel_init(&ch, p[0], SEAT_SUPERVISOR, seat);
	if (channel_send(&ch, MSG_CONFIG, body, bytes) != 0)
		return -1;
	close(p[0]);
	return p[1];
}

int
stage_spawn(struct stage *st, const struct child_spec *c)
{
	static char order[256], path[128];
	enum seat seat = c->actor->seat;
	struct sup *s = &st->sup;
	struct spawn sp;
	int config = queue_config(seat), r;

	s->full = st->full && !without(c, LAYER_BOX);
	s->child[seat].state = CHILD_NONE;
	seat_spawn(s, seat, &sp);
	seat_table(st, c, &sp);
	sp.fd[FD_CONFIG] = config;
	if (c->program) {
		snprintf(path, sizeof(path), "%s/evil-%s", st->programs,
			 seat_program(seat));
		sp.program = path;
	}
	if (c->order) {
		snprintf(order, sizeof(order), "EVIL=%s", c->order);
		sp.envp[0] = order;
	}
	if (without(c, LAYER_BOX))
		sp.root = NULL, sp.bind_count = 0;
	if (without(c, LAYER_NET))
		sp.netns = -1;
	spoil_outer(without(c, LAYER_OUTER));
	spoil_set(without(c, LAYER_IDS) ? SPOIL_IDS : SPOIL_NOTHING, seat);
	r = spawn(s, &sp);
	close(config);
	return r == 0 ? 0 : -1;
}

bool
stage_locked(struct stage *st, enum seat seat)
{
	struct child *c = &st->sup.child[seat];
	struct pollfd p = {.fd = c->ready_fd, .events = POLLIN};
	bool well = poll(&p, 1, PATIENCE_MS) == 1;

	close(c->ready_fd);
	c->ready_fd = -1;
	p = (struct pollfd){.fd = c->pidfd, .events = POLLIN};
	return well && poll(&p, 1, 0) == 0;
}

int
stage_reap(struct stage *st, enum seat seat)
{
	struct child *c = &st->sup.child[seat];
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
	int status = 0;
	bool late = poll(&p, 1, PATIENCE_MS) != 1;

	if (late)
		kill(c->pid, SIGKILL);
	waitpid(c->pid, &status, 0);
	close(c->pidfd);
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	c->pidfd = c->ready_fd = -1;
	c->state = CHILD_GONE;
	return late ? -1 : status;
}

static const char *
in_words(int status)
{
	static char text[32];
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (status == -1)
		return "hangs";
	if (code < 0)
		return sigabbrev_np(WTERMSIG(status)) &&
				       snprintf(text, sizeof(text), "SIG%s",
						sigabbrev_np(
							WTERMSIG(status))) > 0
			       ? text
			       : "signal";
	if (code == EVIL_DONE)
		return "done";
	if (code > EVIL_ERRNO && code < EVIL_DONE &&
	    strerrorname_np(code - EVIL_ERRNO))
		return strerrorname_np(code - EVIL_ERRNO);
	snprintf(text, sizeof(text), "exit-%d", code);
	return text;
}

void
stage_order(const struct stage *st, const struct actor *a, const char *name,
	    unsigned missing, char *out, size_t cap)
{
	unsigned port = a->seat == SEAT_RESOLVE ? 53 : 443;

	snprintf(out, cap, "%s %u %d %d %lx %d %u %u %u %s", name, missing,
		 (int)st->server, (int)getpid(), (unsigned long)world_address(),
		 st->server_fd, port, OTHER_PORT, a->tainted, st->dir);
}

/* START, after the gate: the real one, where nothing is missing. */
static const char *
let_go(struct stage *st, const struct actor *a, unsigned missing, int socket)
{
	struct channel ch;

	if (missing == 0 && gate_check(&st->sup, a->seat) != 0)
		return "gate";
	if (stage_has_go(a->seat))
		return write(socket, "", 1) == 1 ? NULL : "no go";
	channel_init(&ch, socket, SEAT_BROKER, a->seat);
	return channel_send(&ch, MSG_START, NULL, 0) == 0 ? NULL : "no START";
}

const char *
stage_try(struct stage *st, const struct actor *a, const char *name,
	  unsigned missing)
{
	struct child_spec c = {
		.actor = a, .program = "evil", .without = missing};
	const char *bad = NULL;
	int p[2], told[2], status;
	char order[256];

	/* a try may have shut the ones before */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, told) != 0)
		return "no socket";
	if ((stage_has_go(a->seat)
		     ? pipe2(p, O_CLOEXEC)
		     : socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				  p)) != 0)
		return "no socket";
	stage_order(st, a, name, missing, order, sizeof(order));
	world_again(st);
	c.order = order;
	c.broker = p[0];
	c.told = (const int[KEEPER_WORDS]){told[0], told[0]};
	if (stage_spawn(st, &c) != 0)
		return "no spawn";
	close(p[0]);
	close(told[0]);
	if (stage_locked(st, a->seat))
		bad = let_go(st, a, missing, p[1]);
	status = stage_reap(st, a->seat);
	close(p[1]);
	close(told[1]);
	return bad ? bad : in_words(status);
}
