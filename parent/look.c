/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the running server, and what follows from it.  A seal from outside
 * was meant by somebody: without look_interval nothing here undoes it.
 */
#include "boot.h"
#include "life.h"
#include "log.h"
#include "rest.h"
#include "server.h"
#include "table.h"
#include "wait.h"

/* The broker and control alone.  Returns 0 and control's word. */
static int
look(struct sup *s, int *out_code)
{
	struct session x;
	int r;

	session_init(&x);
	s->fail_code = 0;
	if ((r = wave_alone(s, &x)) == 0) {
		session_only(&x, SEAT_BIT(SEAT_LOOK));
		if ((r = wave_one(s, &x, SEAT_LOOK)) == 0) {
			*out_code = s->child[SEAT_LOOK].code;
			r = wave_end(s, &x);
		}
	}
	session_close(s, &x);
	return r;
}

/* Everything fetched anew, as in a boot, but for what the server has. */
static int
fetch_keys(struct sup *s, struct session *x, struct seen *seen)
{
	uint32_t workers = SEAT_BIT(SEAT_FETCH) | SEAT_BIT(SEAT_VERIFY) |
			   SEAT_BIT(SEAT_TPM) | SEAT_BIT(SEAT_LOOK) |
			   SEAT_BIT(SEAT_UNSEAL) | SEATS_STORE;
	int fetch, r;

	x->plan &= SLOT_BIT(SLOT_BUNDLE) | SLOT_BIT(SLOT_OLD_KEY);
	x->may_init = x->probe = false; /* it has been initialised */
	if ((r = wave_begin(s, x, false)) != 0)
		return r;
	session_only(x, workers);
	if ((r = wave_attest(s, x)) != 0 ||
	    (r = wave_one(s, x, SEAT_LOOK)) != 0 ||
	    (r = wave_fetched(s, x, &fetch)) != 0)
		return r;
	seen->look = s->child[SEAT_LOOK].code == EXIT_L_INIT ? SEEN_INIT
							     : SEEN_UNSEALED;
	seen->keys = table_keys(fetch);
	return 0;
}

/*
 * Returns 0, or the code of what failed.  *out_told: control was started, so
 * the server may be unsealed and unproved.
 */
static int
unseal_session(struct sup *s, bool *out_told)
{
	struct session x;
	struct seen seen;
	int r = session_begin(s, &x, &seen, s->skip), code;

	if (r == 0 && (r = fetch_keys(s, &x, &seen)) == 0) {
		if (seen.look != SEEN_INIT) {
			log_line(LOG_STEP, NULL, "unsealed_by_others",
				 "somebody else unsealed the server meanwhile");
		} else if (table_decide(&seen) != DO_UNSEAL) {
			fail_with(s, EXIT_STATE, SEAT_SUPERVISOR);
			r = ERR_REFUSED;
		} else if ((r = wave_open(s, &x)) == 0) {
			r = boot_unseal(s, &x, &seen);
		}
	} else if (r > 0) {
		fail_with(s, r, SEAT_SUPERVISOR); /* session_begin's own */
	}
	*out_told = s->child[SEAT_UNSEAL].state != CHILD_NONE;
	code = s->fail_code;
	session_close(s, &x);
	if (r == 0)
		return 0;
	return code ? code : EXIT_INTERNAL;
}

static int
unseal_again(struct sup *s)
{
	const struct exit_row *row;
	bool told;
	int code = unseal_session(s, &told);

	if (code == 0) {
		s->sealed = false;
		log_line(LOG_STEP, NULL, "unsealed_again",
			 "the server is unsealed again");
		return 0;
	}
	if (stopping(s) || !child_alive(&s->child[SEAT_SERVER]))
		return 0;
	if (told) {
		/* As in a boot: half told, or not the one we know. */
		server_stop(s);
		s->sealed = false;
		return restart(s, code, false);
	}
	row = exit_row(code);
	log_line(LOG_WARN, NULL, "still_sealed",
		 "the server stays sealed for now (%s)",
		 row ? row->what : "an internal error");
	return 0;
}

int
look_again(struct sup *s)
{
	unsigned every = conf_num(s->conf, CONF_LOOK_EVERY);
	int code = 0;

	if (look(s, &code) != 0) {
		if (!stopping(s) && child_alive(&s->child[SEAT_SERVER]))
			log_line(LOG_WARN, NULL, "not_looked",
				 "the look at the server failed; it is left "
				 "as it is");
		return 0;
	}
	if (code == EXIT_L_UNINIT) {
		server_stop(s); /* it would belong to whoever comes first */
		return EXIT_STORE_LOST;
	}
	if (code == EXIT_L_DEAD)
		log_line(LOG_WARN, NULL, "not_looked",
			 "the server cannot read its store; it is left as it "
			 "is");
	if (code != EXIT_L_INIT) {
		s->sealed = false;
		return 0;
	}
	if (!s->sealed)
		log_line(LOG_WARN, NULL, "sealed",
			 "the server was sealed from outside: %s",
			 every ? "look_interval is set, so it is unsealed"
			       : "it stays so (look_interval is not set)");
	s->sealed = true;
	return every ? unseal_again(s) : 0;
}
