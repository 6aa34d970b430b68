/* SPDX-License-Identifier: Apache-2.0 */
#include "reap.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "spawn.h"
#include "wait.h"

int
fail_weight(int code, enum seat seat)
{
	if (code == EXIT_FILTER || code == EXIT_CRASH ||
	    code == EXIT_SERVER_EXIT)
		return 4;
	if (seat == SEAT_BROKER || code == EXIT_PROTOCOL)
		return 1;
	return code == EXIT_DEADLINE ? 2 : 3;
}

void
fail_with(struct sup *s, int code, enum seat seat)
{
	if (s->fail_code &&
	    fail_weight(code, seat) <= fail_weight(s->fail_code, s->fail_seat))
		return;
	s->fail_code = code;
	s->fail_seat = seat;
}

int
server_end(const struct sup *s)
{
	const struct child *c = &s->child[SEAT_SERVER];
	bool early = s->server_ready == 0; /* perhaps sallyport-exec's code */
	bool stage1 = c->code >= STEP_EXIT && c->code < STEP_EXIT + STEP_COUNT;

	if (c->code == EXIT_FILTER)
		return EXIT_FILTER;
	if (early && (stage1 || c->code == EXIT_LOCK))
		return EXIT_LOCK;
	return early && c->code == EXIT_SERVER_GONE ? EXIT_SERVER_GONE
						    : EXIT_SERVER_EXIT;
}

static void
say_death(const struct sup *s, enum seat seat)
{
	const struct child *c = &s->child[seat];
	const struct exit_row *row = exit_row(c->code);
	const char *name = seat_name(seat);

	if (c->code == EXIT_FILTER)
		log_line(LOG_FAIL, name, "filter_kill",
			 "%s was killed by its system-call filter", name);
	else if (c->code == EXIT_CRASH)
		log_line(LOG_FAIL, name, "crash", "%s died by signal %d", name,
			 c->signal);
	else if (c->code >= STEP_EXIT && c->code < STEP_EXIT + STEP_COUNT)
		log_line(LOG_FAIL, name, "stage1",
			 "%s could not be confined: %s", name,
			 step_name(c->code - STEP_EXIT));
	else if (seat == SEAT_SERVER && server_end(s) == EXIT_SERVER_EXIT)
		log_line(LOG_FAIL, name, "server_exit",
			 "the server exited with code %d", c->code);
	else if (c->code == EXIT_PROTOCOL)
		log_line(LOG_FAIL, name, "worker_failed",
			 "%s: who it works with ended, or broke the rules of "
			 "the session",
			 name);
	else if (row && row->code != EXIT_OK && row->code < 100)
		log_line(LOG_FAIL, name, "worker_failed", "%s: %s", name,
			 row->what);
}

/* What the end of a process means that nobody asked to end; 0: no failure. */
static int
failure(const struct sup *s, enum seat seat)
{
	const struct child *c = &s->child[seat];
	bool stage1 = c->code >= STEP_EXIT && c->code < STEP_EXIT + STEP_COUNT;

	if (seat == SEAT_SERVER)
		return server_end(s);
	if (stage1)
		return EXIT_LOCK;
	if (c->signal)
		return c->code;
	/* the broker's 0: nobody said GO_END */
	if (!exit_allowed(c->code, seat) ||
	    (seat == SEAT_BROKER && c->code == EXIT_OK))
		return EXIT_PROTOCOL;
	return c->code < 100 ? c->code : 0;
}

/* Turns a wait status into a code that the seat may say. */
static void
judge(struct sup *s, enum seat seat, const siginfo_t *info)
{
	struct child *c = &s->child[seat];
	int code;

	c->code = info->si_status;
	if (info->si_code != CLD_EXITED) {
		c->signal = info->si_status;
		c->code = c->signal == SIGSYS ? EXIT_FILTER : EXIT_CRASH;
	}
	if (c->ending)
		return;
	say_death(s, seat);
	if ((code = failure(s, seat)) != 0)
		fail_with(s, code, seat);
}

void
reap_seat(struct sup *s, enum seat seat)
{
	struct child *c = &s->child[seat];
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0)
		return;
	c->state = CHILD_GONE;
	judge(s, seat, &info);
	close(c->pidfd);
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	c->pidfd = c->ready_fd = -1;
}

void
reap_orphans(const struct sup *s)
{
	siginfo_t info;

	for (;;) {
		bool ours = false;

		memset(&info, 0, sizeof(info));
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid == 0)
			return;
		for (int i = 0; i < SEAT_COUNT; i++)
			ours = ours || (child_alive(&s->child[i]) &&
					s->child[i].pid == info.si_pid);
		if (ours)
			return; /* its pidfd will say so */
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}
