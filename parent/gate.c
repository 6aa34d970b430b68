/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "page.h"
#include "status.h"

/* Returns NULL, or the first property that is wrong. */
static const char *
wrong_ids(const struct status *st, uid_t id)
{
	for (int i = 0; i < 4; i++) {
		if (st->uid[i] != id)
			return "uid";
		if (st->gid[i] != id)
			return "gid";
	}
	if (st->groups != 0)
		return "groups";
	for (int i = 0; i < 5; i++)
		if (st->caps[i] != 0)
			return "capabilities";
	if (st->no_new_privs != 1)
		return "no_new_privs";
	return NULL;
}

static const char *
wrong_status(const struct sup *s, const struct status *st, uid_t id)
{
	const char *bad = wrong_ids(st, id);

	if (bad)
		return bad;
	if (st->seccomp != 2)
		return "seccomp mode";
	if (st->filters != s->own_filters + 2) /* the outer and the inner */
		return "number of filters";
	if (st->threads != 1)
		return "threads";
	if (st->owner != 0)
		return "dumpable";
	return NULL;
}

/* The numbers in /proc/PID/fd, as a set, against the seat's page. */
static const char *
wrong_fds(pid_t pid, enum seat seat)
{
	char path[64];
	const uint64_t want = page_fds(page_of_seat[seat], seat, true);
	uint64_t seen = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (!(d = opendir(path)))
		return "descriptors (unreadable)";
	while ((e = readdir(d)) != NULL) {
		unsigned long n;
		if (e->d_name[0] == '.')
			continue;
		n = strtoul(e->d_name, NULL, 10);
		if (n >= 64) {
			closedir(d);
			return "an extra descriptor";
		}
		seen |= UINT64_C(1) << n;
	}
	closedir(d);
	if (seen & ~want)
		return "an extra descriptor";
	return seen == want ? NULL : "a missing descriptor";
}

/*
 * The pid may have been given to somebody else meanwhile.  And who is dying
 * has lost its filters, and closed its ready pipe, before it is dead: what
 * looks wrong is judged when it had the time to end.
 */
#define DYING_MS 200

static bool
still_there(const struct child *c, const char *bad)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	return c->pidfd >= 0 && poll(&p, 1, bad ? DYING_MS : 0) == 0;
}

int
gate_check(struct sup *s, enum seat seat)
{
	const struct child *c = &s->child[seat];
	const char *bad;
	struct status st;

	if (status_read(c->pid, &st) != 0)
		bad = "status";
	else if ((bad = wrong_status(s, &st, seat_uid(s, seat))) == NULL)
		bad = wrong_fds(c->pid, seat);
	if (!still_there(c, bad))
		return ERR_EOF;
	if (!bad)
		return 0;
	log_line(LOG_FAIL, seat_name(seat), "gate",
		 "%s is not confined as it must be: %s", seat_name(seat), bad);
	return ERR_LOCK;
}

int
gate_check_server(struct sup *s)
{
	const struct child *c = &s->child[SEAT_SERVER];
	const char *bad;
	struct status st;

	if (status_read(c->pid, &st) != 0)
		bad = "status";
	else if ((bad = wrong_ids(&st, seat_uid(s, SEAT_SERVER))) == NULL &&
		 (st.seccomp != 2 || st.filters != s->own_filters + 2))
		bad = "filters";
	else if (!bad && st.owner != 0)
		bad = "dumpable (its executable must be unreadable)";
	if (!still_there(c, bad))
		return ERR_EOF;
	if (!bad)
		return 0;
	log_line(LOG_FAIL, "server", "gate",
		 "the server is not confined as it must be: %s", bad);
	return ERR_LOCK;
}
