/* SPDX-License-Identifier: Apache-2.0 */
/* The two jobs of fetch that stand between tpm and its key. */
#include "events.h"
#include "fetch.h"

/* Sends to the broker; it is gone or we are wrong: neither can be mended. */
static int
say(struct fetch *f, unsigned type, const void *body, size_t bytes)
{
	f->h->verdict = EXIT_PROTOCOL;
	return channel_send(&f->h->w->broker, type, body, bytes);
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

int
fetch_attest(struct fetch *f)
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

int
fetch_release(struct fetch *f)
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
	akv_key_path(f->h->conf, "release", &t);
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
