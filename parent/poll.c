/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there a newer certificate?  https compares the age of the newest version
 * with the age of the one in use; nothing is released, nothing opened (P10).
 * What it says is worth a rotation at most, which checks everything itself.
 */
#include "boot.h"
#include "log.h"
#include "rest.h"
#include "wait.h"

/*
 * The key vault's times are whole seconds.  A version that is fetched some
 * seconds after it was made is older than the question for it, for certain.
 */
#define SETTLE_S 3

static bool
never(const struct sup *s, const void *arg)
{
	(void)arg;
	return !child_alive(&s->child[SEAT_SERVER]);
}

static int
ask(struct sup *s, struct session *x, int *out_code)
{
	int r;

	session_init(x);
	x->poll = true;
	s->fail_code = 0;
	if ((r = wave_begin(s, x, false)) != 0)
		return r;
	session_only(x, SEAT_BIT(SEAT_FETCH));
	if ((r = wave_one(s, x, SEAT_FETCH)) != 0)
		return r;
	*out_code = s->child[SEAT_FETCH].code;
	if (*out_code != EXIT_F_NEWER && *out_code != EXIT_F_SAME) {
		fail_with(s, EXIT_PROTOCOL, SEAT_FETCH);
		return ERR_REFUSED;
	}
	return wave_end(s, x);
}

int
poll_certificate(struct sup *s)
{
	const struct exit_row *row;
	struct session x;
	int code = 0, r = ask(s, &x, &code);

	row = exit_row(s->fail_code);
	session_close(s, &x);
	if (r != 0) {
		if (!stopping(s) && child_alive(&s->child[SEAT_SERVER]))
			log_line(LOG_WARN, NULL, "not_asked",
				 "no answer whether there is a newer "
				 "certificate (%s)",
				 row ? row->what : "an internal error");
		return 0;
	}
	if (code == EXIT_F_SAME || s->rotate)
		return 0;
	if (wait_for(s, never, NULL, SETTLE_S) != ERR_TIMEOUT)
		return 0;
	return rotate(s, "a newer certificate or password is stored");
}
