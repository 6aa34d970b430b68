/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "rest.h"
#include "server.h"
#include "wait.h"

#define NS_PER_S UINT64_C(1000000000)

void
sup_init(struct sup *s, struct conf *conf)
{
	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->t0_ns = now_ns();
	s->signal_fd = s->null_fd = -1;
	s->log_fd = 2;
	s->netns_host = s->netns_empty = s->netns_lo = -1;
	s->keeper_go = -1;
	for (int i = 0; i < KEEPER_WORDS; i++)
		s->keeper_fd[i] = -1;
	for (int i = 0; i < SEAT_COUNT; i++)
		s->child[i].pidfd = s->child[i].ready_fd = -1;
	for (int i = 0; i < LIFE_COUNT; i++) {
		struct life *l = &s->life[i];
		l->mount_fd = l->conf_fd = l->tls_fd = -1;
		l->sock_fd = l->notify_fd = -1;
	}
}

int
open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int
open_log(void)
{
	struct stat st;
	int fd, flags;

	if (fstat(2, &st) != 0 ||
	    (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !isatty(2)))
		return 2;
	if (S_ISSOCK(st.st_mode)) { /* it cannot be opened anew */
		flags = fcntl(2, F_GETFL);
		if (flags >= 0)
			(void)!fcntl(2, F_SETFL, flags | O_NONBLOCK);
		return 2;
	}
	/* Opened anew: the flag is of the open file, and 2 is the server's. */
	fd = open("/proc/self/fd/2",
		  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? 2 : fd;
}

static bool
something(const struct sup *s, const void *arg)
{
	(void)arg;
	return s->rotate || !child_alive(&s->child[SEAT_SERVER]);
}

static int
end(struct sup *s, int code)
{
	server_stop(s);
	life_close(s, LIFE_PRIVATE);
	life_close(s, LIFE_PUBLIC);
	if (code == 0)
		log_line(LOG_STEP, NULL, "stopped", "server stopped");
	return code;
}

void
say_ready(const struct sup *s)
{
	log_line(LOG_STEP, NULL, "ready",
		 "READY: %s:%u is unsealed (%u key releases; waited for the "
		 "server %u ms)",
		 conf_str(s->conf, CONF_HOSTNAME), conf_num(s->conf, CONF_PORT),
		 s->releases, (unsigned)(s->server_ns / 1000000));
}

/* What is due at rest; 0: never. */
struct due {
	uint64_t look_ns;
	uint64_t certificate_ns;
};

static uint64_t
in_seconds(unsigned seconds)
{
	return seconds ? now_ns() + seconds * NS_PER_S : 0;
}

/* Seconds until the first of them, at least 1; 0: for ever. */
static unsigned
rest_s(const struct due *d)
{
	uint64_t first = d->look_ns, now = now_ns();

	if (!first || (d->certificate_ns && d->certificate_ns < first))
		first = d->certificate_ns;
	if (!first)
		return 0;
	return first > now ? (unsigned)((first - now) / NS_PER_S) + 1 : 1;
}

/* SIGHUP: the new certificate; and, as we are at it, is it sealed? */
static int
on_hangup(struct sup *s)
{
	int code;

	s->rotate = false;
	if ((code = rotate(s, "SIGHUP")) != 0 || stopping(s) ||
	    !child_alive(&s->child[SEAT_SERVER]))
		return code;
	return look_again(s);
}

/* One thing that is due.  Returns 0, or the exit code to end with. */
static int
act(struct sup *s, struct due *d)
{
	unsigned look = conf_num(s->conf, CONF_LOOK_EVERY);
	unsigned certificate = conf_num(s->conf, CONF_CERT_EVERY);
	int code = 0;

	if (!child_alive(&s->child[SEAT_SERVER])) {
		code = restart(s, server_end(s), false);
		*d = (struct due){in_seconds(look), in_seconds(certificate)};
	} else if (s->rotate) {
		code = on_hangup(s);
		d->certificate_ns = in_seconds(certificate);
	} else if (d->look_ns && d->look_ns <= now_ns()) {
		code = look_again(s);
		d->look_ns = in_seconds(look);
	} else if (d->certificate_ns && d->certificate_ns <= now_ns()) {
		code = poll_certificate(s);
		d->certificate_ns = in_seconds(certificate);
	}
	return code;
}

int
supervise(struct sup *s)
{
	struct due due = {
		in_seconds(conf_num(s->conf, CONF_LOOK_EVERY)),
		in_seconds(conf_num(s->conf, CONF_CERT_EVERY)),
	};
	int code;

	say_ready(s);
	for (;;) {
		s->fail_code = 0;
		(void)!wait_for(s, something, NULL, rest_s(&due));
		if (s->stop)
			return end(s, 0);
		if (keeper_lost(s)) /* others may have the store by now */
			return end(s, s->fail_code);
		if ((code = act(s, &due)) != 0)
			return end(s, code);
	}
}

void
report_end(int code)
{
	const struct exit_row *row = exit_row(code);

	if (!row)
		row = exit_row(EXIT_INTERNAL);
	log_line(LOG_FAIL, NULL, row->name, "%s (exit code %d)", row->what,
		 row->code);
	log_line(LOG_FAIL, NULL, "todo", "what to do: %s", row->todo);
}
