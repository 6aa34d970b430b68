/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile keeper and who hears it: the supervisor's own loop (parent/wait.c,
 * keeper.c), or one that believes whatever comes.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit.h"
#include "keeper.h"
#include "stage.h"
#include "wait.h"

#define HEAR_S 10

static bool
told(const struct sup *s, const void *arg)
{
	(void)arg;
	return s->keeper_told[KEEPER_ASKED] || s->keeper_told[KEEPER_HELD];
}

/* What the supervisor made of it; a byte is no word. */
static const char *
honest(struct sup *s, const int ours[static KEEPER_WORDS])
{
	int r;

	s->fail_code = 0;
	s->child[SEAT_KEEPER].ending = true;
	for (int i = 0; i < KEEPER_WORDS; i++) {
		s->keeper_fd[i] = ours[i];
		s->keeper_told[i] = false;
	}
	r = wait_for(s, told, NULL, HEAR_S);
	for (int i = 0; i < KEEPER_WORDS; i++) {
		if (s->keeper_fd[i] >= 0)
			close(s->keeper_fd[i]);
		s->keeper_fd[i] = -1;
	}
	if (r == 0)
		return "done";
	return s->fail_code == EXIT_PROTOCOL ? "PROTOCOL" : "not seen";
}

/* Whatever comes by either is its word. */
static const char *
believing(const int ours[static KEEPER_WORDS])
{
	struct pollfd p[KEEPER_WORDS];
	int n;

	for (int i = 0; i < KEEPER_WORDS; i++)
		p[i] = (struct pollfd){.fd = ours[i], .events = POLLIN};
	n = poll(p, KEEPER_WORDS, HEAR_S * 1000);
	for (int i = 0; i < KEEPER_WORDS; i++)
		close(ours[i]);
	return n > 0 ? "done" : "not heard";
}

const char *
stage_say_keeper(struct stage *st, const struct actor *a, const char *name,
		 bool naive)
{
	struct child *c = &st->sup.child[SEAT_KEEPER];
	int go[2], ours[KEEPER_WORDS], theirs[KEEPER_WORDS], p[2];
	struct child_spec evil = {
		.actor = a, .program = "evil", .told = theirs};
	const char *seen;
	char order[256];

	for (int i = 0; i < KEEPER_WORDS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0)
			return "no sockets";
		theirs[i] = p[0];
		ours[i] = p[1];
	}
	if (pipe2(go, O_CLOEXEC) != 0)
		return "no pipe";
	stage_order(st, a, name, 0, order, sizeof(order));
	evil.order = order;
	evil.broker = go[0];
	if (stage_spawn(st, &evil) != 0)
		return "no spawn";
	close(go[0]);
	for (int i = 0; i < KEEPER_WORDS; i++)
		close(theirs[i]);
	if (!stage_locked(st, SEAT_KEEPER) || write(go[1], "", 1) != 1)
		return "not locked";
	seen = naive ? believing(ours) : honest(&st->sup, ours);
	if (child_alive(c)) { /* the supervisor's loop may have reaped it */
		int status = stage_reap(st, SEAT_KEEPER);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != EVIL_DONE)
			seen = "not said";
	}
	close(go[1]);
	return seen;
}
