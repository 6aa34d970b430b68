/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lives of the keeper: it makes the blob, takes the lease and gives it
 * back; and, which it could not if it had not, takes it again, renews it, and
 * ends when the renewal is refused.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fds.h"
#include "go.h"
#include "rig.h"
#include "wait.h"

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What resolve leaves: LOCKED, ADDRS, RESULT, and nobody at the other end. */
static int
give_names(struct rig *r)
{
	uint8_t addrs[FIX_ADDRS], code[4] = {0};
	struct channel c;
	int p[2], e;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
		return ERR_SYS;
	rig_give(r, FD_KEEPER_NAMES, p[1], true);
	fixture_addrs(addrs);
	channel_init(&c, p[0], SEAT_RESOLVE, SEAT_BROKER);
	if ((e = channel_send(&c, MSG_LOCKED, NULL, 0)) == 0 &&
	    (e = channel_send(&c, MSG_ADDRS, addrs, sizeof(addrs))) == 0)
		e = channel_send(&c, MSG_RESULT, code, sizeof(code));
	close(p[0]);
	return e;
}

/* Its go pipe and the two sockets by which it says a word each. */
static int
give_pipes(struct rig *r)
{
	static const int word[KEEPER_WORDS] = {FD_KEEPER_ASKED, FD_KEEPER_HELD};
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return ERR_SYS;
	r->s.keeper_go = p[1];
	rig_give(r, FD_KEEPER_GO, p[0], true);
	for (int i = 0; i < KEEPER_WORDS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0)
			return ERR_SYS;
		r->s.keeper_fd[i] = p[1];
		r->s.keeper_told[i] = false;
		rig_give(r, word[i], p[0], true);
	}
	return 0;
}

/* It said so, or is gone. */
static bool
is_held(const struct sup *s, const void *arg)
{
	(void)arg;
	return s->keeper_told[KEEPER_HELD] ||
	       !child_alive(&s->child[SEAT_KEEPER]);
}

static int
take(struct rig *r)
{
	const uint8_t byte = GO_HOLD;
	int roots, e;

	if ((e = rig_open(r, SEAT_KEEPER)) != 0)
		return e;
	if ((roots = fixture_roots(&r->f)) < 0)
		return ERR_SYS;
	rig_give(r, FD_KEEPER_ROOTS, roots, true);
	if ((e = give_names(r)) != 0 || (e = give_pipes(r)) != 0 ||
	    (e = rig_start(r)) != 0)
		return e;
	rig_step(r, "take the lease");
	if (write(r->s.keeper_go, &byte, 1) != 1)
		return ERR_SYS;
	e = wait_for(&r->s, is_held, NULL, LIFE_S);
	if (e != 0 && e != ERR_TIMEOUT)
		return e;
	return r->s.keeper_told[KEEPER_ASKED] && r->s.keeper_told[KEEPER_HELD]
		       ? 0
		       : rig_wrong(r, "it did not say that it has the lease");
}

static int
life(struct rig *r, int code)
{
	int e = take(r);

	/* asked for: no failure of a session */
	r->s.child[SEAT_KEEPER].ending = true;
	if (e == 0) {
		rig_step(r, code == EXIT_OK ? "give the lease back" : "renew");
		if (code == EXIT_OK)
			shut(&r->s.keeper_go);
		e = rig_end(r, code);
	}
	shut(&r->s.keeper_go);
	for (int i = 0; i < KEEPER_WORDS; i++)
		shut(&r->s.keeper_fd[i]);
	return e;
}

int
role_keeper(struct rig *r)
{
	int e = life(r, EXIT_OK);

	return e != 0 ? e : life(r, EXIT_LEASE_LOST);
}
