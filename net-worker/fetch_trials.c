/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release policy is half of the lock; that the identity may do nothing
 * else with the key is the other (DESIGN section 7).  Who steals its token
 * could otherwise decrypt what is stored, or change the policy, on any machine
 * of his own.  So a first life tries it, before anything depends on the key,
 * and wants to hear 403.  Nothing would change if it were allowed: what is to
 * be decrypted is random, the change is empty.
 */
#include "b64.h"
#include "events.h"
#include "fetch.h"

#define CIPHER_BYTES 256u /* as long as one of the smallest key */

static const struct {
	const char *what; /* for NOTEs */
	const char *method;
	const char *verb;
} trials[] = {
	{"trying to decrypt with the master key", "POST", "decrypt"},
	{"trying to unwrap with the master key", "POST", "unwrapkey"},
	{"trying to change the master key", "PATCH", NULL},
};

#define TRIALS_COUNT (sizeof(trials) / sizeof(trials[0]))

static void
put_body(const struct fetch *f, const char *verb, struct text *out)
{
	uint8_t cipher[CIPHER_BYTES];

	if (!verb) {
		text_put(out, "{}");
		return;
	}
	for (size_t i = 0; i < sizeof(cipher); i++)
		cipher[i] = f->given->probe[i % sizeof(f->given->probe)];
	cipher[0] = 0; /* below every modulus */
	text_put(out, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"");
	text_b64(out, B64_URL, cipher, sizeof(cipher));
	text_put(out, "\"}");
}

/* One trial's call; *out is its answer. */
static int
try_one(struct fetch *f, unsigned n, struct http_answer *out)
{
	struct http_request rq = {.remote = REMOTE_AKV,
				  .method = trials[n].method,
				  .sk_bearer = f->h->sk_bearer,
				  .max_bytes = AKV_SECRET_MAX,
				  .json = true};
	struct step *s = &f->step[TRIALS];
	char path[CONF_PATH + 32], body[B64_LEN(CIPHER_BYTES) + 64];
	struct text t;
	size_t n_path;

	if (s->tries == 0)
		step_init(s, trials[n].what);
	s->want = 403;
	text_init(&t, path, sizeof(path));
	akv_key_path(f->h->conf, trials[n].verb, &t);
	BUG_ON(text_end(&t, &n_path) != 0);
	rq.path = path;
	text_init(&t, body, sizeof(body));
	put_body(f, trials[n].verb, &t);
	BUG_ON(text_end(&t, &rq.body_bytes) != 0);
	rq.body = body;
	return step_try(f->h, s, &rq, out);
}

int
fetch_trials(struct fetch *f)
{
	struct step *s = &f->step[TRIALS];
	struct http_answer a;
	int r;

	if (plan_outcome(&f->plan, f->h->conf) != EXIT_F_NOTHING) {
		f->done[TRIALS] = true;
		return 0;
	}
	r = try_one(f, f->trial, &a);
	if (r == 0) {
		https_note(f->h, "%s: the key vault (%s) did it", s->what,
			   f->h->conf->host[REMOTE_AKV]);
		f->h->verdict = EXIT_TOO_MUCH;
		return ERR_REFUSED;
	}
	if (r != ERR_REFUSED)
		return r;
	if (a.status != 403)
		return step_fail(f->h, s, REMOTE_AKV, &a,
				 a.status == 401 ? EXIT_AKV_DENIED
						 : EXIT_TOO_MUCH);
	step_init(s, s->what);
	if (++f->trial == TRIALS_COUNT) {
		https_event(f->h, EVENT_TRIED, 0, 0, 0);
		f->done[TRIALS] = true;
	}
	return 0;
}
