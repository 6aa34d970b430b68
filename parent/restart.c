/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server booted again: when, how often, and when never.  A process that
 * its filter killed, one that was not confined, and whatever contradicts the
 * rules of a session ends sallyport: it is not tried twice.
 */
#include "boot.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "rest.h"
#include "server.h"
#include "supervise.h"
#include "wait.h"

#define NS_PER_S UINT64_C(1000000000)

/* What the machine or a service may mend; everything else is final. */
bool
restart_mends(int code)
{
	static const int mends[] = {
		EXIT_DEADLINE,	  EXIT_RESOLVE,	   EXIT_IMDS,
		EXIT_MAA_AWAY,	  EXIT_AKV_AWAY,   EXIT_SERVER_EXIT,
		EXIT_SERVER_SLOW, EXIT_PORT_TAKEN, EXIT_UID_BUSY,
	};

	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (mends[i] == code)
			return true;
	return false;
}

unsigned
restart_pause(unsigned before, unsigned longest)
{
	unsigned pause = 1;

	while (before-- > 0 && pause < longest)
		pause *= 2;
	return pause < longest ? pause : longest;
}

/* How many boots there were within the window. */
static unsigned
recent(const struct sup *s)
{
	uint64_t window = conf_num(s->conf, CONF_R_WINDOW) * NS_PER_S;
	uint64_t now = now_ns();
	unsigned n = 0;

	while (n < s->booted && n < RESTARTS_MAX &&
	       now - s->booted_ns[(s->booted - 1 - n) % RESTARTS_MAX] < window)
		n++;
	return n;
}

/* Says why not. */
static bool
may_again(const struct sup *s, int code, unsigned before)
{
	const struct exit_row *row = exit_row(code);
	unsigned limit = conf_num(s->conf, CONF_R_LIMIT);

	if (!restart_mends(code)) {
		log_line(LOG_FAIL, NULL, "no_restart",
			 "not booted again after this: %s",
			 row ? row->what : "an internal error");
		return false;
	}
	if (s->sealed && !conf_num(s->conf, CONF_LOOK_EVERY)) {
		log_line(LOG_FAIL, NULL, "no_restart",
			 "not booted again: it was sealed from outside, and a "
			 "boot would unseal it");
		return false;
	}
	if (before < limit)
		return true;
	log_line(LOG_FAIL, NULL, "restart_limit",
		 "not booted again: restart_limit = %u within %u s is reached",
		 limit, conf_num(s->conf, CONF_R_WINDOW));
	return false;
}

static void
clear_away(struct sup *s)
{
	server_stop(s);
	life_close(s, LIFE_PRIVATE);
	life_close(s, LIFE_PUBLIC);
	s->fail_code = 0;
}

static bool
never(const struct sup *s, const void *arg)
{
	(void)s;
	(void)arg;
	return false;
}

int
restart(struct sup *s, int why, bool at_once)
{
	for (;;) {
		unsigned before = recent(s);
		unsigned pause =
			restart_pause(before, conf_num(s->conf, CONF_R_PAUSE));

		if (!at_once && !may_again(s, why, before))
			return why;
		clear_away(s);
		if (!at_once) {
			log_line(LOG_WARN, NULL, "restart",
				 "booting the server again in %u s (%u of %u "
				 "within %u s)",
				 pause, before + 1,
				 conf_num(s->conf, CONF_R_LIMIT),
				 conf_num(s->conf, CONF_R_WINDOW));
			(void)!wait_for(s, never, NULL, pause);
		}
		if (stopping(s))
			return EXIT_INTERRUPTED;
		if (keeper_lost(s))
			return s->fail_code;
		s->booted_ns[s->booted++ % RESTARTS_MAX] = now_ns();
		s->rotate = false; /* a boot fetches the newest */
		at_once = false;
		if ((why = boot(s)) == 0) {
			say_ready(s);
			return 0;
		}
		if (stopping(s))
			return EXIT_INTERRUPTED;
	}
}
