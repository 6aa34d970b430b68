/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <string.h>
#include <sys/random.h>

#include "control_conf.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "precheck.h"
#include "server.h"
#include "table.h"
#include "wait.h"

#define SESSIONS_MAX 8 /* a boot that needs more goes in a circle */
#define SKIP_MAX     3 /* older bundles that are tried */

enum outcome { OUT_FAILED, OUT_READY, OUT_AGAIN };

/* The private server, and control's look at it. */
static int
look(struct sup *s, struct session *x, struct seen *seen)
{
	int r = server_start(s, LIFE_PRIVATE);

	if (r == 0)
		r = wave_one(s, x, SEAT_LOOK);
	if (r != 0) {
		bool server = s->fail_seat == SEAT_SERVER &&
			      (s->fail_code == EXIT_SERVER_EXIT ||
			       s->fail_code == EXIT_SERVER_SLOW);

		if (server && !conf_local_store(s->conf))
			log_line(LOG_FAIL, NULL, "remote_store",
				 "the server does not start on its store (its "
				 "reason is above): check storage account %s, "
				 "its key (apm-saa-key, wrapped) and the way "
				 "to it",
				 conf_str(s->conf, CONF_SA_NAME));
		/* On a store that is empty it is not the store's fault. */
		if (!server || seen->marker != MARKER_PREPARED ||
		    seen->store == STORE_EMPTY || stopping(s))
			return r;
		/* the table has a row for this; what look says of a server that
		 * is not there any more is no news */
		s->child[SEAT_LOOK].ending = true;
		wait_gone(s, SEAT_LOOK, GONE_S);
		if ((r = wait_kill(s, SEAT_BIT(SEAT_LOOK))) != 0)
			return r;
		s->fail_code = 0;
		server_stop(s);
		seen->look = SEEN_NO_START;
		return 0;
	}
	switch (s->child[SEAT_LOOK].code) {
	case EXIT_L_UNINIT:
		seen->look = SEEN_UNINIT;
		break;
	case EXIT_L_INIT:
		seen->look = SEEN_INIT;
		break;
	case EXIT_L_DEAD:
		seen->look = SEEN_DEAD;
		break;
	default:
		seen->look = SEEN_UNSEALED;
		break;
	}
	if (seen->look != SEEN_UNINIT) /* an init would go on right here */
		server_stop(s);
	return 0;
}

static int
prepare_store(struct sup *s, struct session *x, struct seen *seen)
{
	struct seen now;
	int r;

	if ((r = check_first_life(s)) != 0)
		return r;
	if ((r = store_make(s)) == 0 &&
	    (r = store_unchanged(s, &x->marker, &now)) == 0 &&
	    now.store != STORE_EMPTY)
		return boot_stop(s, &now, EXIT_STATE);
	if (r != 0 ||
	    (r = store_mark(s, MARKER_PREPARED, true, x->generation)) != 0) {
		fail_with(s, r, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	seen->marker = MARKER_PREPARED;
	seen->this_directory = true;
	return look(s, x, seen);
}

/* From the server's init until its keys are stored. */
static int
make_keys(struct sup *s, struct session *x)
{
	unsigned limit = INIT_STEPS * conf_num(s->conf, CONF_T_WAVE);
	uint64_t begin = now_ns();
	int r;

	if ((r = session_start(s, x, SEAT_BIT(SEAT_INIT))) != 0 ||
	    ((r = wait_exits(s, SEAT_BIT(SEAT_INIT) | SEAT_BIT(SEAT_TPM),
			     limit)) != 0 &&
	     !wave_keys_made(s)))
		return r;
	s->server_ns += now_ns() - begin; /* its init, above all raft's */
	server_stop(s);
	log_line(LOG_STEP, NULL, "initialised",
		 "server initialised, bundle made");
	if (s->child[SEAT_TPM].code != EXIT_T_MADE) {
		fail_with(s, EXIT_PROTOCOL, SEAT_TPM);
		return ERR_REFUSED;
	}
	store_sync(s);
	s->storing = true; /* without the lease too: it is the only copy */
	r = wave_store(s, x);
	s->storing = false;
	/* https said so to a broker that may be ended before it speaks */
	if (r == 0 && (s->stop || keeper_lost(s)))
		log_line(LOG_WARN, NULL, "keys_stored",
			 "the server's keys are stored: now this boot ends");
	return r;
}

/* First life: the private server is up and uninitialised. */
static int
initialise(struct sup *s, struct session *x)
{
	int r;

	if ((r = check_first_life(s)) != 0)
		return r;
	if (conf_local_store(s->conf) && (r = wave_open(s, x)) != 0)
		return r;
	if ((r = session_spawn(s, x, SEAT_INIT)) != 0 ||
	    (r = wait_locked(s, SEAT_BIT(SEAT_INIT),
			     conf_num(s->conf, CONF_T_WAVE))) != 0)
		return r;
	/* Who asks us to end from here on waits: nobody else has the keys. */
	s->hold = true;
	r = make_keys(s, x);
	s->hold = false;
	return r != 0 ? r : wave_end(s, x);
}

/* The certificate, the public server, its shares. */
static int
go_public(struct sup *s, struct session *x, const struct seen *seen)
{
	int r;

	if (conf_local_store(s->conf) && (r = wave_open(s, x)) != 0)
		return r;
	server_stop(s);
	life_close(s, LIFE_PRIVATE); /* its configuration may hold a key */
	if ((r = wave_one(s, x, SEAT_TLS)) != 0)
		return r;
	log_line(LOG_STEP, NULL, "opened",
		 "stored objects opened, certificate ready");
	if (seen->marker == MARKER_PREPARED &&
	    (r = store_mark(s, MARKER_STORED, true, x->generation)) != 0) {
		fail_with(s, r, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	if ((r = server_port_free(s)) != 0) {
		fail_with(s, r, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	if ((r = server_start(s, LIFE_PUBLIC)) != 0)
		return r;
	if (life_forget_files(s, LIFE_PUBLIC) != 0) {
		fail_with(s, EXIT_INTERNAL, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	log_line(LOG_STEP, NULL, "public",
		 "server up; its configuration and key are unlinked");
	return 0;
}

int
boot_unseal(struct sup *s, struct session *x, const struct seen *seen)
{
	uint32_t last = SEAT_BIT(SEAT_TPM) | SEAT_BIT(SEAT_UNSEAL);
	unsigned limit = conf_num(s->conf, CONF_T_WAVE);
	int r;

	if ((r = session_spawn(s, x, SEAT_UNSEAL)) != 0 ||
	    (r = session_start(s, x, SEAT_BIT(SEAT_UNSEAL))) != 0 ||
	    (r = wait_exits(s, last, limit)) != 0)
		return r;
	log_line(LOG_STEP, NULL, "unsealed",
		 "server unsealed, proved, configuration compared");
	if (conf_local_store(s->conf) && seen->keys == KEYS_BUNDLE &&
	    (seen->marker == MARKER_NONE ||
	     (seen->marker == MARKER_STORED && !seen->this_directory)) &&
	    (r = store_mark(s, MARKER_STORED, x->marker.generation_known,
			    x->generation)) != 0) {
		fail_with(s, r, SEAT_SUPERVISOR);
		return ERR_REFUSED;
	}
	if (s->child[SEAT_TPM].code == EXIT_T_FRESH) {
		if ((r = wave_store(s, x)) != 0)
			return r;
		s->skip = 0; /* it is the newest now */
		if (strcmp(conf_str(s->conf, CONF_LAYOUT), "bundle") != 0)
			log_line(LOG_STEP, NULL, "layout",
				 "add: layout = bundle (separate keys in the "
				 "key vault then count as none)");
	}
	boot_warn(s, seen);
	return wave_end(s, x);
}

static int
unseal(struct sup *s, struct session *x, const struct seen *seen)
{
	int r = go_public(s, x, seen);

	return r != 0 ? r : boot_unseal(s, x, seen);
}

static enum outcome
put_aside(struct sup *s, struct session *x)
{
	uint8_t fresh[GENERATION_BYTES];
	struct seen now;
	int r;

	s->fail_code = 0; /* of an init */
	server_stop(s);
	if (getrandom(fresh, sizeof(fresh), 0) != sizeof(fresh))
		r = EXIT_INTERNAL;
	else if ((r = store_unchanged(s, &x->marker, &now)) == 0 &&
		 (r = store_move_aside(s, &x->marker)) == 0 &&
		 (r = store_make(s)) == 0)
		r = store_mark(s, MARKER_PREPARED, true, fresh);
	if (r == 0)
		return OUT_AGAIN;
	fail_with(s, r, SEAT_SUPERVISOR);
	return OUT_FAILED;
}

/*
 * A first life that died while its server initialised may have left a store
 * with which none goes on (raft, with its cluster and without a seal).
 */
static bool
is_stuck(const struct sup *s, const struct session *x, const struct seen *seen)
{
	return s->fail_code == EXIT_INIT && !stopping(s) &&
	       x->marker.state == MARKER_PREPARED && seen->store == STORE_FILES;
}

static enum outcome
act(struct sup *s, struct session *x, struct seen *seen, enum action action)
{
	switch (action) {
	case DO_INIT:
		if (initialise(s, x) == 0)
			return OUT_AGAIN;
		return is_stuck(s, x, seen) ? put_aside(s, x) : OUT_FAILED;
	case DO_ASIDE:
		return put_aside(s, x);
	case DO_UNSEAL:
		return unseal(s, x, seen) == 0 ? OUT_READY : OUT_FAILED;
	case DO_STOP_LOST:
		(void)!boot_stop(s, seen, EXIT_STORE_LOST);
		return OUT_FAILED;
	case DO_STOP_NO_KEYS:
		(void)!boot_stop(s, seen, EXIT_NO_KEYS);
		return OUT_FAILED;
	case DO_LOOK:
	case DO_PREPARE:
	case DO_STOP_STATE:
	default:
		(void)!boot_stop(s, seen, EXIT_STATE);
		return OUT_FAILED;
	}
}

static enum outcome
run_session(struct sup *s, struct session *x, struct seen *seen)
{
	bool local = conf_local_store(s->conf);
	enum action action;
	int fetch, r;

	if (life_open(s, LIFE_PRIVATE) != 0 || life_open(s, LIFE_PUBLIC) != 0) {
		fail_with(s, EXIT_PLATFORM, SEAT_SUPERVISOR);
		return OUT_FAILED;
	}
	if (wave_begin(s, x, local) != 0)
		return OUT_FAILED;
	since_now(&s->cert);
	if (wave_attest(s, x) != 0)
		return OUT_FAILED;
	/* PREPARED names one directory: on another nothing is started. */
	if (local &&
	    (seen->marker == MARKER_PREPARED ? seen->this_directory
					     : seen->store == STORE_FILES) &&
	    look(s, x, seen) != 0)
		return OUT_FAILED;
	if (wave_fetched(s, x, &fetch) != 0)
		return OUT_FAILED;
	seen->keys = table_keys(fetch);
	log_line(LOG_STEP, NULL, "fetched", "key released; %s",
		 exit_row(fetch)->what);
	if (!local) {
		if (wave_open(s, x) != 0 || wave_one(s, x, SEAT_RENDER) != 0 ||
		    look(s, x, seen) != 0)
			return OUT_FAILED;
	}
	action = table_decide(seen);
	if (action == DO_PREPARE) {
		if ((r = prepare_store(s, x, seen)) != 0)
			return OUT_FAILED;
		action = table_decide(seen);
	}
	return act(s, x, seen, action);
}

/* Nothing of either life is left. */
static int
gave_up(struct sup *s, int code)
{
	server_stop(s);
	life_close(s, LIFE_PRIVATE);
	life_close(s, LIFE_PUBLIC);
	return code;
}

int
boot(struct sup *s)
{
	int held;

	s->releases = 0;
	s->server_ns = 0;
	s->skip = 0;
	if ((held = keeper_hold(s)) != 0)
		return held;
	for (int i = 0; i < SESSIONS_MAX; i++) {
		enum outcome out;
		enum action stop;
		struct session x;
		struct seen seen;
		int r = session_begin(s, &x, &seen, s->skip);

		if (r != 0)
			return gave_up(s, r);
		if (table_hopeless(&seen, &stop))
			out = act(s, &x, &seen, stop);
		else
			out = run_session(s, &x, &seen);
		session_close(s, &x);
		if (out == OUT_READY) {
			s->sealed = false;
			return 0;
		}
		if (out == OUT_AGAIN)
			continue;
		(void)gave_up(s, 0);
		/* none is left that could serve */
		if (s->skip > 0 && s->fail_code == EXIT_TPM_STATE)
			return EXIT_NOT_THESE;
		if (s->fail_code != EXIT_NOT_THESE || s->skip == SKIP_MAX ||
		    seen.keys != KEYS_BUNDLE)
			return s->fail_code;
		log_line(LOG_WARN, NULL, "older_bundle",
			 "the bundle does not serve this store: trying the "
			 "one before it");
		s->skip++;
	}
	return gave_up(s, EXIT_STATE);
}
