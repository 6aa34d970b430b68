/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile worker and its peer, both real processes: the installed broker
 * (or, when the broker is the hostile one, the installed resolve), or the
 * naive peer, which believes everything.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit.h"
#include "fds.h"
#include "go.h"
#include "stage.h"

#define SEATS_HERE (SEAT_UNSEAL - SEAT_RESOLVE + 1)

struct talk {
	int broker[SEATS_HERE];		 /* the broker's ends */
	int worker[SEATS_HERE];		 /* the workers' */
	struct channel play[SEATS_HERE]; /* we as a worker */
	int go[2];
};

static int
open_talk(struct talk *t)
{
	for (int i = 0; i < SEATS_HERE; i++) {
		int p[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p))
			return -1;
		t->broker[i] = p[0];
		t->worker[i] = p[1];
		channel_init(&t->play[i], p[1], (enum seat)(SEAT_RESOLVE + i),
			     SEAT_BROKER);
	}
	return pipe2(t->go, O_CLOEXEC);
}

static void
close_talk(const struct talk *t)
{
	for (int i = 0; i < SEATS_HERE; i++) {
		if (t->broker[i] >= 0)
			close(t->broker[i]);
		if (t->worker[i] >= 0)
			close(t->worker[i]);
	}
	close(t->go[0]);
	if (t->go[1] >= 0)
		close(t->go[1]);
}

static bool
go(const struct talk *t, uint8_t byte)
{
	return write(t->go[1], &byte, 1) == 1;
}

/* We are that worker, and say one thing. */
static bool
say(struct talk *t, enum seat seat, unsigned type, size_t bytes)
{
	static const uint8_t body[1024];

	return channel_send(&t->play[seat - SEAT_RESOLVE], type, body, bytes) ==
	       0;
}

static bool
hear(struct talk *t, enum seat seat, unsigned type)
{
	struct channel *c = &t->play[seat - SEAT_RESOLVE];
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	static uint8_t buf[MSG_MAX];
	struct frame f;

	return poll(&p, 1, 5000) == 1 &&
	       channel_expect(c, type, buf, sizeof(buf), &f) == 0;
}

static void
hang_up(struct talk *t, enum seat seat)
{
	close(t->worker[seat - SEAT_RESOLVE]);
	t->worker[seat - SEAT_RESOLVE] = -1;
}

static bool
begin(struct talk *t, enum seat seat)
{
	return say(t, seat, MSG_LOCKED, 0) && go(t, (uint8_t)seat) &&
	       hear(t, seat, MSG_START);
}

static bool
end(struct talk *t, enum seat seat)
{
	bool said = say(t, seat, MSG_RESULT, 4);

	hang_up(t, seat);
	return said;
}

/*
 * fetch and verify do their part, end, and the supervisor says: open.  The
 * tpm is the hostile one, or played too.
 */
static bool
up_to_taint(struct talk *t, bool tpm)
{
	return begin(t, SEAT_FETCH) && begin(t, SEAT_VERIFY) &&
	       (!tpm || say(t, SEAT_TPM, MSG_EVIDENCE, 512)) &&
	       hear(t, SEAT_FETCH, MSG_EVIDENCE) &&
	       say(t, SEAT_FETCH, MSG_ENC_TOKEN, 300) &&
	       (!tpm || (hear(t, SEAT_TPM, MSG_ENC_TOKEN) &&
			 say(t, SEAT_TPM, MSG_TOKEN, 32))) &&
	       hear(t, SEAT_FETCH, MSG_TOKEN) &&
	       say(t, SEAT_FETCH, MSG_RELEASE_JWS, 64) &&
	       hear(t, SEAT_VERIFY, MSG_RELEASE_JWS) &&
	       say(t, SEAT_VERIFY, MSG_WRAPPED_KEY, 275) &&
	       end(t, SEAT_FETCH) && end(t, SEAT_VERIFY) && go(t, GO_OPEN);
}

/* A whole session that made a bundle: now a store seat has work. */
static bool
up_to_store(struct talk *t)
{
	return begin(t, SEAT_TPM) && up_to_taint(t, true) &&
	       hear(t, SEAT_TPM, MSG_WRAPPED_KEY) &&
	       hear(t, SEAT_TPM, MSG_OPEN) &&
	       say(t, SEAT_TPM, MSG_BUNDLE, 780) && end(t, SEAT_TPM);
}

static const char *
verdict(int status)
{
	static char text[32];

	if (status == -1)
		return "hangs";
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "signal-%d", WTERMSIG(status));
		return text;
	}
	if (WEXITSTATUS(status) == EXIT_OK)
		return "done";
	if (WEXITSTATUS(status) == EXIT_PROTOCOL)
		return "PROTOCOL";
	snprintf(text, sizeof(text), "exit-%d", WEXITSTATUS(status));
	return text;
}

/* Both are there; the hostile one says its thing and ends. */
static const char *
after_spawn(struct stage *st, const struct actor *a, struct talk *t)
{
	bool broker = a->seat == SEAT_BROKER;
	enum seat other = broker ? SEAT_RESOLVE : SEAT_BROKER;
	int status;

	if (!stage_locked(st, a->seat) || !stage_locked(st, other))
		return "not locked";
	if (!go(t, (uint8_t)a->seat)) /* a hostile broker waits for any byte */
		return "no go";
	if (a->tainted && !up_to_taint(t, false))
		return "no taint";
	status = stage_reap(st, a->seat);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EVIL_DONE)
		return "not said";
	if (!broker) /* a broker that is gone by now has its verdict */
		(void)go(t, GO_END);
	return NULL;
}

const char *
stage_say(struct stage *st, const struct actor *a, const char *name, bool naive)
{
	static const struct actor *const peers[] = {&actors[0], &actors[1]};
	bool broker = a->seat == SEAT_BROKER;
	const struct actor *peer = peers[broker];
	struct talk t;
	char order[256];
	const char *bad = NULL;
	int status, at = (int)a->seat - SEAT_RESOLVE;

	if (open_talk(&t) != 0)
		return "no sockets";
	stage_order(st, a, name, 0, order, sizeof(order));
	struct child_spec evil = {.actor = a,
				  .program = "evil",
				  .order = order,
				  .broker = broker ? t.go[0] : t.worker[at],
				  .workers = t.broker};
	struct child_spec honest = {.actor = peer,
				    .program = naive ? "evil" : NULL,
				    .order = naive ? "naive" : NULL,
				    .broker = broker ? t.worker[0] : t.go[0],
				    .workers = t.broker};
	if (stage_spawn(st, &honest) != 0)
		bad = "no spawn";
	/* nobody of the network is there while the key is open */
	else if (a->seat == SEAT_STORE0 && !up_to_store(&t))
		bad = "no bundle";
	else if (stage_spawn(st, &evil) != 0)
		bad = "no spawn";
	if (!bad)
		bad = after_spawn(st, a, &t);
	status = stage_reap(st, peer->seat);
	if (bad && st->sup.child[a->seat].pidfd >= 0)
		(void)stage_reap(st, a->seat);
	close_talk(&t);
	return bad ? bad : verdict(status);
}
