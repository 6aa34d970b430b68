/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that fetch and store both make: token, secret in, secret out. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "https.h"

int
https_token(struct https *h, struct step *s)
{
	char path[HTTP_PATH_MAX];
	struct http_request rq;
	struct service_error e;
	struct http_answer a;
	int r;

	imds_token_ask(h->conf, path, &rq);
	if ((r = step_try(h, s, &rq, &a)) == ERR_REFUSED) {
		/* something that is no metadata service says no in HTML */
		service_error_read(a.body, a.bytes, &e);
		return step_fail(h, s, REMOTE_IMDS, &a,
				 e.code[0] ? EXIT_IDENTITY : EXIT_IMDS);
	}
	if (r != 0)
		return r;
	r = imds_token_read(a.body, a.bytes, conf_resource(h->conf),
			    (uint64_t)time(NULL), h->sk_bearer);
	if (r == ERR_RANGE)
		worker_note(h->w, "the access token is over already, by this "
				  "machine's clock: check it");
	if (r != 0)
		return step_nonsense(h, s, REMOTE_IMDS);
	h->have_bearer = true;
	return 0;
}

/*
 * What a refused secret means.  A 404 counts as "not there" only in the
 * vault's own words; a 409 comes here only when it is not to be tried again.
 */
static int
refused(struct https *h, struct step *s, const struct http_answer *a,
	bool version)
{
	struct service_error e;

	service_error_read(a->body, a->bytes, &e);
	if (a->status == 404 && strcmp(e.code, "SecretNotFound") == 0)
		return ERR_NOTFOUND;
	if (a->status == 403 && version &&
	    strcmp(e.inner, "SecretDisabled") == 0)
		return ERR_NOTFOUND; /* between the list and now */
	return step_fail(h, s, REMOTE_AKV, a,
			 a->status == 404 || a->status < 400 ? EXIT_AKV_AWAY
							     : EXIT_AKV_DENIED);
}

static int
get(struct https *h, struct step *s, const char *name, const char *version,
    struct http_answer *out)
{
	struct http_request rq = {.remote = REMOTE_AKV,
				  .method = "GET",
				  .sk_bearer = h->sk_bearer,
				  .max_bytes = AKV_SECRET_MAX,
				  .json = true};
	char path[256];
	struct text t;
	size_t n;
	int r;

	text_init(&t, path, sizeof(path));
	akv_secret_path(name, version, &t);
	BUG_ON(text_end(&t, &n) != 0);
	rq.path = path;
	if ((r = step_try(h, s, &rq, out)) == ERR_REFUSED)
		return refused(h, s, out, version != NULL);
	return r;
}

int
https_secret_get(struct https *h, struct step *s, const char *name,
		 const char *version, char *value)
{
	struct http_answer a;
	int r;

	if ((r = get(h, s, name, version, &a)) != 0)
		return r;
	if (akv_secret_read(a.body, a.bytes, value) != 0)
		return step_nonsense(h, s, REMOTE_AKV);
	return 0;
}

int
https_secret_age(struct https *h, struct step *s, const char *name,
		 uint64_t *out_created_s, uint64_t *out_now_s)
{
	struct http_answer a;
	int r;

	if ((r = get(h, s, name, NULL, &a)) != 0)
		return r;
	if (akv_secret_created(a.body, a.bytes, out_created_s) != 0)
		return step_nonsense(h, s, REMOTE_AKV);
	*out_now_s = a.date_s ? a.date_s : (uint64_t)time(NULL);
	return 0;
}

int
https_secret_put(struct https *h, struct step *s, const char *name,
		 const char *value)
{
	struct http_request rq = {.remote = REMOTE_AKV,
				  .method = "PUT",
				  .sk_bearer = h->sk_bearer,
				  .max_bytes = AKV_SECRET_MAX,
				  .json = true};
	static char body[AKV_VALUE_MAX + 64]; /* one thread */
	char path[256];
	struct http_answer a;
	struct text t;
	int r;

	text_init(&t, path, sizeof(path));
	akv_secret_path(name, NULL, &t);
	BUG_ON(text_end(&t, &rq.body_bytes) != 0);
	rq.path = path;
	text_init(&t, body, sizeof(body));
	if ((r = akv_secret_body(value, &t)) != 0 ||
	    (r = text_end(&t, &rq.body_bytes)) != 0) {
		h->verdict = EXIT_PROTOCOL;
		return r;
	}
	rq.body = body;
	if ((r = step_try(h, s, &rq, &a)) == ERR_REFUSED)
		return step_fail(h, s, REMOTE_AKV, &a,
				 a.status < 400 || a.status == 404
					 ? EXIT_AKV_AWAY
					 : EXIT_AKV_DENIED);
	return r;
}
