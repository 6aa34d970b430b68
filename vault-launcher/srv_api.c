/* SPDX-License-Identifier: Apache-2.0 */
/* The server's small calls, one function each. */
#include "srv_api.h"

#include <stdio.h>
#include <string.h>

#include "b64.h"

#define RETRY_ALL_MS   5000u /* one logical call, all its repetitions */
#define RETRY_FIRST_MS 25u
#define RETRY_MOST_MS  1000u

int
token_new(const char *sk_p, size_t bytes, struct token *out)
{
	struct secret *sk;
	int r;

	if (token_check(sk_p, bytes) != 0)
		return ERR_FORMAT;
	if ((r = secret_new(bytes, &sk)) != 0)
		return r;
	memcpy(secret_bytes(sk), sk_p, bytes);
	out->sk = sk;
	return 0;
}

void
token_free(struct token *t)
{
	secret_free(t->sk);
	t->sk = NULL;
}

/* A call without a token; the body is a string or NULL. */
static struct srv_req
plain(const char *method, const char *path, const char *body)
{
	return (struct srv_req){.method = method,
				.path = path,
				.sk_body = body,
				.body_bytes = body ? strlen(body) : 0};
}

int
api_health(struct srv *s, int *out_status)
{
	const struct srv_req q = plain("GET", "sys/health", NULL);

	return srv_call(s, &q, out_status);
}

int
api_init_status(struct srv *s, int *out_status)
{
	const struct srv_req q = plain("GET", "sys/init", NULL);

	return srv_call(s, &q, out_status);
}

/* Sends and, on 200, decodes the seal status. */
static int
call_seal(struct srv *s, const struct srv_req *q, int *out_status,
	  struct seal_status *out)
{
	int status, r;

	if ((r = srv_call(s, q, &status)) != 0)
		return r;
	if (status == 200 && (r = read_seal_status(secret_bytes(s->sk_body),
						   s->body_bytes, out)) != 0)
		return r;
	*out_status = status;
	return 0;
}

int
api_seal_status(struct srv *s, int *out_status, struct seal_status *out)
{
	const struct srv_req q = plain("GET", "sys/seal-status", NULL);

	return call_seal(s, &q, out_status, out);
}

int
api_unseal_reset(struct srv *s, int *out_status, struct seal_status *out)
{
	const struct srv_req q = plain("PUT", "sys/unseal", "{\"reset\":true}");

	return call_seal(s, &q, out_status, out);
}

int
api_init(struct srv *s, unsigned threshold, unsigned shares, int *out_status,
	 struct keyset *out_set)
{
	char body[80];
	struct srv_req q;
	int status, r;

	snprintf(body, sizeof(body),
		 "{\"secret_shares\":%u,\"secret_threshold\":%u}", shares,
		 threshold);
	q = plain("PUT", "sys/init", body);
	if ((r = srv_call(s, &q, &status)) != 0)
		return r;
	if (status == 200 &&
	    (r = read_init(secret_bytes(s->sk_body), s->body_bytes, threshold,
			   shares, out_set)) != 0)
		return r;
	*out_status = status;
	return 0;
}

/* {"key":"hex"} or {"key":"hex","nonce":"..."}, in secret memory. */
static int
share_body(const struct share *sk_share, struct secret **out)
{
	struct secret *sk;
	size_t bytes, used;
	const uint8_t *raw = keyset_share(sk_share->keys, sk_share->i, &bytes);
	char *p;
	int r;

	if ((r = secret_new(2 * KEYSET_SHARE + SEAL_WORD + 32, &sk)) != 0)
		return r;
	p = (char *)secret_bytes(sk);
	memcpy(p, "{\"key\":\"", 8);
	hex_encode(raw, bytes, p + 8);
	used = 8 + 2 * bytes;
	if (sk_share->nonce)
		snprintf(p + used, secret_size(sk) - used,
			 "\",\"nonce\":\"%s\"}", sk_share->nonce);
	else
		memcpy(p + used, "\"}", 3);
	*out = sk;
	return 0;
}

int
api_unseal_share(struct srv *s, const struct share *sk_share, int *out_status,
		 struct seal_status *out)
{
	struct secret *sk;
	struct srv_req q;
	int r;

	if ((r = share_body(sk_share, &sk)) != 0)
		return r;
	q = plain("PUT", "sys/unseal", (char *)secret_bytes(sk));
	r = call_seal(s, &q, out_status, out);
	secret_free(sk);
	return r;
}

static int
call_root(struct srv *s, const struct srv_req *q, int *out_status,
	  struct root_status *out)
{
	int status, r;

	if ((r = srv_call(s, q, &status)) != 0)
		return r;
	if (status == 200 &&
	    (r = read_root(secret_bytes(s->sk_body), s->body_bytes, out)) != 0)
		return r;
	*out_status = status;
	return 0;
}

int
api_root_status(struct srv *s, int *out_status, struct root_status *out)
{
	const struct srv_req q =
		plain("GET", "sys/generate-root/attempt", NULL);

	return call_root(s, &q, out_status, out);
}

int
api_root_start(struct srv *s, int *out_status, struct root_status *out)
{
	const struct srv_req q =
		plain("PUT", "sys/generate-root/attempt", "{}");

	return call_root(s, &q, out_status, out);
}

/* The nonce: newer servers want it within ten minutes of the start. */
int
api_root_cancel(struct srv *s, const char *nonce, int *out_status)
{
	char body[SEAL_WORD + 16];
	struct srv_req q;

	snprintf(body, sizeof(body), "{\"nonce\":\"%s\"}", nonce);
	q = plain("DELETE", "sys/generate-root/attempt", body);
	return srv_call(s, &q, out_status);
}

int
api_root_share(struct srv *s, const struct share *sk_share, int *out_status,
	       struct root_status *out)
{
	struct secret *sk;
	struct srv_req q;
	int r;

	if ((r = share_body(sk_share, &sk)) != 0)
		return r;
	q = plain("PUT", "sys/generate-root/update", (char *)secret_bytes(sk));
	r = call_root(s, &q, out_status, out);
	secret_free(sk);
	return r;
}

int
api_lookup_self(struct srv *s, const struct token *t, int *out_status,
		bool *out_root)
{
	const struct logical call = {"GET", "auth/token/lookup-self", NULL};
	int status, r;

	if ((r = api_logical(s, t, &call, &status)) != 0)
		return r;
	if (status == 200 && (r = read_is_root(secret_bytes(s->sk_body),
					       s->body_bytes, out_root)) != 0)
		return r;
	*out_status = status;
	return 0;
}

int
api_revoke_self(struct srv *s, const struct token *t, int *out_status)
{
	const struct logical call = {"POST", "auth/token/revoke-self", NULL};

	return api_logical(s, t, &call, out_status);
}

static bool
is_later(int status)
{
	return status == 429 || status == 500 || status == 502 || status == 503;
}

int
api_logical(struct srv *s, const struct token *t, const struct logical *call,
	    int *out_status)
{
	struct srv_req q = {.method = call->method,
			    .path = call->path,
			    .sk_token = (const char *)secret_bytes(t->sk),
			    .token_bytes = secret_size(t->sk)};
	char *sk_text = NULL;
	uint32_t wait = RETRY_FIRST_MS, waited = 0;
	int status, r;

	if (call->body && !(sk_text = json_dumps(call->body, JSON_COMPACT)))
		return ERR_NOMEM;
	q.sk_body = sk_text;
	q.body_bytes = sk_text ? strlen(sk_text) : 0;
	for (;;) {
		if ((r = srv_call(s, &q, &status)) != 0)
			break;
		if (!is_later(status) || waited >= RETRY_ALL_MS) {
			*out_status = status;
			break;
		}
		if ((r = srv_pause(s, wait)) != 0)
			break;
		waited += wait;
		wait = 2 * wait < RETRY_MOST_MS ? 2 * wait : RETRY_MOST_MS;
	}
	secret_mfree(sk_text);
	return r;
}
