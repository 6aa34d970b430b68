/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of fetch.  There are six things to do; each is done as soon as
 * what it needs is there, what the release waits for first.  A thing that a
 * service asks to do later leaves room for the others.
 *
 *   attest	EVIDENCE of tpm and the certificates	-> ENC_TOKEN
 *   release	TOKEN of tpm, access token		-> RELEASE_JWS
 *   thim	nothing					certificates
 *   token	nothing					access token
 *   probe	access token				EVENT PROBED
 *   secrets	access token				-> PFX, BLOB …
 */
#include <poll.h>
#include <string.h>

#include "b64.h"
#include "events.h"
#include "evidence.h"
#include "https.h"
#include "maa.h"
#include "plan.h"

enum job { ATTEST, RELEASE, THIM, TOKEN, PROBE, SECRETS, JOB_COUNT };

struct fetch {
	struct https *h;
	const struct fetch_given *given;
	struct step step[JOB_COUNT]; /* of SECRETS: in the plan */
	bool done[JOB_COUNT];
	bool have_evidence;
	bool have_target;
	bool probe_written;
	unsigned ask; /* which enc of CONFIG */
	size_t target_bytes;
	struct evidence evidence; /* views into h->frame */
	struct plan plan;
	struct text request; /* of attest; used > 0 once it is made */
	char target[MAA_TOKEN_MAX + 1];
	char pem[THIM_PEM_MAX];
	char inner[MAA_INNER_MAX];
	char outer[MAA_REQUEST_MAX + 1];
};

static struct fetch the_fetch; /* large, and one per process */

/* Sends to the broker; it is gone or we are wrong: neither can be mended. */
static int
say(struct fetch *f, unsigned type, const void *body, size_t bytes)
{
	f->h->verdict = EXIT_PROTOCOL;
	return channel_send(&f->h->w->broker, type, body, bytes);
}

static int
thim(struct fetch *f)
{
	static const struct http_request rq = {.remote = REMOTE_IMDS,
					       .method = "GET",
					       .path = THIM_PATH,
					       .max_bytes = THIM_BODY_MAX};
	struct step *s = &f->step[THIM];
	struct http_answer a;
	struct text t;
	int r;

	if ((r = step_try(f->h, s, &rq, &a)) == ERR_REFUSED)
		return step_fail(f->h, s, REMOTE_IMDS, &a, EXIT_IMDS);
	if (r != 0)
		return r;
	text_init(&t, f->pem, sizeof(f->pem));
	if (imds_thim_read(a.body, a.bytes, &t) != 0)
		return step_nonsense(f->h, s, REMOTE_IMDS);
	f->done[THIM] = true;
	return 0;
}

static int
token(struct fetch *f)
{
	int r = https_token(f->h, &f->step[TOKEN]);

	if (r == 0)
		step_init(&f->step[TOKEN], "access token");
	return r;
}

/* Writes a random value under apm-probe, then reads it back by name. */
static int
probe(struct fetch *f)
{
	static char back[AKV_VALUE_MAX + 1];
	struct step *s = &f->step[PROBE];
	char hex[65];
	int r;

	hex_encode(f->given->probe, sizeof(f->given->probe), hex);
	if (!f->probe_written) {
		r = https_secret_put(f->h, s, NAME_PROBE, hex);
		if (r == 0) {
			f->probe_written = true;
			step_init(s, "reading " NAME_PROBE);
		} else if (f->h->verdict == EXIT_AKV_DENIED) {
			f->h->verdict = EXIT_PROBE;
		}
		return r;
	}
	r = https_secret_get(f->h, s, NAME_PROBE, NULL, back);
	if (r == 0 && strcmp(hex, back) == 0) {
		f->done[PROBE] = true;
		https_event(f->h, EVENT_PROBED, 0, 0, 0);
		return 0;
	}
	if (r == 0 || r == ERR_NOTFOUND) {
		https_note(f->h, "%s: it is not what was written", s->what);
		f->h->verdict = EXIT_PROBE;
		return ERR_MISMATCH;
	}
	if (f->h->verdict == EXIT_AKV_DENIED)
		f->h->verdict = EXIT_PROBE;
	return r;
}

static int
secrets(struct fetch *f)
{
	int r = plan_run(f->h, &f->plan);

	f->step[SECRETS].due_ms = f->plan.step.due_ms;
	if (r == 0 && f->plan.phase == PLAN_DONE)
		f->done[SECRETS] = true;
	return r;
}

static int
send_envelope(struct fetch *f, const struct maa_envelope *e)
{
	static uint8_t
		body[MAA_IV + MAA_TAG + MAA_INNER_KEY + 2 + MAA_TOKEN_MAX];
	struct wr w;
	size_t n;
	int r;

	wr_init(&w, body, sizeof(body));
	wr_bytes(&w, e->iv, sizeof(e->iv));
	wr_bytes(&w, e->tag, sizeof(e->tag));
	wr_bytes(&w, e->inner_key, sizeof(e->inner_key));
	wr_var16(&w, e->cipher, e->cipher_bytes);
	if ((r = wr_end(&w, &n)) != 0) {
		f->h->verdict = EXIT_INTERNAL;
		return r;
	}
	return say(f, MSG_ENC_TOKEN, body, n);
}

/* Makes the body once; a repeated try sends the same. */
static int
attest_body(struct fetch *f, struct http_request *rq)
{
	struct maa_input in = {.conf = f->h->conf,
			       .evidence = &f->evidence,
			       .log = {f->given->log, f->given->log_bytes},
			       .pem = f->pem};
	struct text inner;

	if (f->request.used == 0) {
		text_init(&inner, f->inner, sizeof(f->inner));
		text_init(&f->request, f->outer, sizeof(f->outer));
		maa_request(&in, &inner, &f->request);
	}
	rq->body = f->outer;
	return text_end(&f->request, &rq->body_bytes);
}

static int
attest(struct fetch *f)
{
	static struct maa_envelope envelope;
	struct http_request rq = {.remote = REMOTE_MAA,
				  .method = "POST",
				  .path = MAA_PATH,
				  .max_bytes = MAA_ANSWER_MAX,
				  .json = true};
	struct step *s = &f->step[ATTEST];
	struct http_answer a;
	int r;

	if ((r = attest_body(f, &rq)) != 0) {
		f->h->verdict = EXIT_INTERNAL;
		return r;
	}
	if ((r = step_try(f->h, s, &rq, &a)) == ERR_REFUSED) {
		bool no = a.status == 400 || a.status == 401 || a.status == 403;

		return step_fail(f->h, s, REMOTE_MAA, &a,
				 no ? EXIT_ATTEST : EXIT_MAA_AWAY);
	}
	if (r != 0)
		return r;
	if (maa_answer_read(a.body, a.bytes, &envelope) != 0)
		return step_nonsense(f->h, s, REMOTE_MAA);
	if ((r = send_envelope(f, &envelope)) != 0)
		return r;
	https_event(f->h, EVENT_ATTESTED, 0, 0, 0);
	f->done[ATTEST] = true;
	return 0;
}

/* The service's no: the next enc, or the end. */
static int
release_refused(struct fetch *f, const struct http_answer *a)
{
	const struct net_conf *c = f->h->conf;
	struct step *s = &f->step[RELEASE];
	struct service_error e;
	enum enc enc = c->ask[f->ask].enc;

	service_error_read(a->body, a->bytes, &e);
	if (!akv_enc_refused(a->status, &e, enc) || f->ask + 1 >= c->asks)
		return step_fail(f->h, s, REMOTE_AKV, a,
				 akv_release_verdict(a->status, &e));
	https_event(f->h, EVENT_ENC_REFUSED, enc, 0, 0);
	f->ask++;
	step_init(s, s->what);
	return 0;
}

static int
release(struct fetch *f)
{
	struct http_request rq = {.remote = REMOTE_AKV,
				  .method = "POST",
				  .sk_bearer = f->h->sk_bearer,
				  .max_bytes = AKV_RELEASE_MAX,
				  .json = true};
	static char body[MAA_TOKEN_MAX + 256], jws[AKV_JWS_MAX + 1];
	const struct enc_ask *ask = &f->h->conf->ask[f->ask];
	char path[CONF_PATH + 32];
	struct http_answer a;
	struct text t;
	size_t n;
	int r;

	text_init(&t, path, sizeof(path));
	akv_release_path(f->h->conf, &t);
	BUG_ON(text_end(&t, &n) != 0);
	rq.path = path;
	text_init(&t, body, sizeof(body));
	BUG_ON(akv_release_body(f->target, f->target_bytes, ask, &t) != 0);
	BUG_ON(text_end(&t, &rq.body_bytes) != 0);
	rq.body = body;
	if ((r = step_try(f->h, &f->step[RELEASE], &rq, &a)) == ERR_REFUSED)
		return release_refused(f, &a);
	if (r != 0)
		return r;
	if (akv_release_read(a.body, a.bytes, jws, &n) != 0)
		return step_nonsense(f->h, &f->step[RELEASE], REMOTE_AKV);
	if ((r = say(f, MSG_RELEASE_JWS, jws, n)) != 0)
		return r;
	https_event(f->h, EVENT_RELEASED, ask->enc, 0, 0);
	f->done[RELEASE] = true;
	return 0;
}

/* ---- which of them can be done */

static bool
attest_ready(const struct fetch *f)
{
	return f->have_evidence && f->done[THIM];
}

static bool
release_ready(const struct fetch *f)
{
	return f->have_target && f->h->have_bearer;
}

static bool
at_once(const struct fetch *f)
{
	return true;
}

static bool
token_ready(const struct fetch *f)
{
	return !f->h->have_bearer;
}

static bool
vault_ready(const struct fetch *f)
{
	return f->h->have_bearer;
}

static const struct {
	const char *what;
	bool (*ready)(const struct fetch *f);
	int (*run)(struct fetch *f);
} jobs[JOB_COUNT] = {
	/* in the order of what is done first */
	[ATTEST] = {"attestation", attest_ready, attest},
	[RELEASE] = {"key release", release_ready, release},
	[THIM] = {"AMD certificates", at_once, thim},
	[TOKEN] = {"access token", token_ready, token},
	[PROBE] = {"writing " NAME_PROBE, vault_ready, probe},
	[SECRETS] = {"secrets", vault_ready, secrets},
};

/* Takes what the broker has said, without waiting. */
static int
listen_once(struct fetch *f)
{
	struct https *h = f->h;
	struct pollfd p = {.fd = h->w->broker.fd, .events = POLLIN};
	struct frame m;
	int r;

	if (poll(&p, 1, 0) <= 0)
		return 0;
	h->verdict = EXIT_PROTOCOL;
	if ((r = channel_recv(&h->w->broker, h->frame, sizeof(h->frame), &m)) !=
	    0)
		return r;
	if (m.type == MSG_EVIDENCE && !f->have_evidence) {
		r = evidence_get(m.body, m.body_bytes, &f->evidence);
		f->have_evidence = r == 0;
		return r;
	}
	if (m.type != MSG_TOKEN || !f->done[ATTEST] || f->have_target ||
	    m.body_bytes > MAA_TOKEN_MAX)
		return ERR_PROTO;
	memcpy(f->target, m.body, m.body_bytes);
	f->target_bytes = m.body_bytes;
	f->have_target = true;
	if (text_is_compact(f->target, f->target_bytes, 2))
		return 0;
	https_note(h, "attestation: what the envelope holds is no token");
	h->verdict = EXIT_ATTEST;
	return ERR_FORMAT;
}

/*
 * Does the first thing that can be done now.  Returns 0; ERR_NOTFOUND and the
 * time of the next one that is due (0: none, the broker must speak first);
 * another error when all is over.
 */
static int
do_one(struct fetch *f, uint64_t *out_due)
{
	uint64_t now = https_now_ms(), due = 0;

	for (enum job j = 0; j < JOB_COUNT; j++) {
		const struct step *s = &f->step[j];
		int r;

		if (f->done[j] || !jobs[j].ready(f))
			continue;
		if (s->due_ms > now) {
			if (due == 0 || s->due_ms < due)
				due = s->due_ms;
			continue;
		}
		r = jobs[j].run(f);
		return r == ERR_TRANSIENT ? 0 : r;
	}
	*out_due = due;
	return ERR_NOTFOUND;
}

static bool
all_done(const struct fetch *f)
{
	for (enum job j = 0; j < JOB_COUNT; j++)
		if (j != TOKEN && !f->done[j])
			return false;
	return true;
}

/* The deadline: says what was being waited for. */
static int
too_late(struct fetch *f)
{
	const char *what = "EVIDENCE of the tpm process";

	if (f->done[ATTEST] && !f->have_target)
		what = "TOKEN of the tpm process";
	for (enum job j = 0; j < JOB_COUNT; j++)
		if (!f->done[j] && j != TOKEN && f->step[j].tries > 0)
			what = jobs[j].what;
	https_note(f->h, "deadline: still waiting for: %s", what);
	return EXIT_DEADLINE;
}

int
https_fetch(struct https *h, const struct fetch_given *given)
{
	struct fetch *f = &the_fetch;
	uint64_t due = 0;
	int r;

	f->h = h;
	f->given = given;
	f->done[PROBE] = !h->conf->probe;
	for (enum job j = 0; j < JOB_COUNT; j++)
		step_init(&f->step[j], jobs[j].what);
	plan_init(&f->plan, h->conf);
	if (https_open(h) != 0)
		return h->verdict;
	while (!all_done(f)) {
		if (worker_left_ms(h->w) == 0)
			return too_late(f);
		if (listen_once(f) != 0)
			return h->verdict;
		r = do_one(f, &due);
		if (r == ERR_NOTFOUND)
			r = https_wait(h, due);
		if (r == ERR_TIMEOUT && worker_left_ms(h->w) == 0)
			return too_late(f);
		if (r != 0 && r != ERR_TRANSIENT)
			return h->verdict;
	}
	return plan_outcome(&f->plan, h->conf);
}
