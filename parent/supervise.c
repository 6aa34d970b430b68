/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "life.h"
#include "log.h"
#include "server.h"
#include "wait.h"

void
sup_init(struct sup *s, struct conf *conf)
{
	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->t0_ns = now_ns();
	s->signal_fd = s->null_fd = -1;
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

int
supervise(struct sup *s)
{
	int r;

	say_ready(s);
	for (;;) {
		s->fail_code = 0;
		if (wait_for(s, something, NULL, 0) != 0) {
			if (s->stop)
				return end(s, 0);
			return end(s, s->fail_code);
		}
		if (!s->rotate)
			return end(s, EXIT_SERVER_EXIT);
		s->rotate = false;
		if ((r = rotate(s)) != 0 &&
		    !child_alive(&s->child[SEAT_SERVER]))
			return end(s, r);
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
