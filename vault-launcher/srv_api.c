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

static int
call(struct srv *s, const char *method, const char *path, const char *body,
     int *out_status)
{
	struct srv_req q = {.method = method,
			    .path = path,
			    .sk_body = body,
			    .body_bytes = body ? strlen(body) : 0};

	return srv_call(s, &q, out_status);
}

int
api_health(struct srv *s, int *out_status)
{
	return call(s, "GET", "sys/health", NULL, out_status);
}

int
api_init_status(struct srv *s, int *out_status)
{
	return call(s, "GET", "sys/init", NULL, out_status);
}

/* Sends and, on 200, decodes the seal status. */
static int
call_seal(struct srv *s, const char *method, const char *path, const char *body,
	  int *out_status, struct seal_status *out)
{
	int status, r;

	if ((r = call(s, method, path, body, &status)) != 0)
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
	return call_seal(s, "GET", "sys/seal-status", NULL, out_status, out);
}

int
api_unseal_reset(struct srv *s, int *out_status, struct seal_status *out)
{
	return call_seal(s, "PUT", "sys/unseal", "{\"reset\":true}", out_status,
			 out);
}

int
api_init(struct srv *s, unsigned threshold, unsigned shares, int *out_status,
	 struct keyset *out_set)
{
	char body[80];
	int status, r;

	snprintf(body, sizeof(body),
		 "{\"secret_shares\":%u,\"secret_threshold\":%u}", shares,
		 threshold);
	if ((r = call(s, "PUT", "sys/init", body, &status)) != 0)
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
share_body(const struct keyset *k, unsigned i, const char *nonce,
	   struct secret **out)
{
	struct secret *sk;
	size_t bytes, used;
	const uint8_t *share = keyset_share(k, i, &bytes);
	char *p;
	int r;

	if ((r = secret_new(2 * KEYSET_SHARE + SEAL_WORD + 32, &sk)) != 0)
		return r;
	p = (char *)secret_bytes(sk);
	memcpy(p, "{\"key\":\"", 8);
	hex_encode(share, bytes, p + 8);
	used = 8 + 2 * bytes;
	if (nonce)
		snprintf(p + used, secret_size(sk) - used,
			 "\",\"nonce\":\"%s\"}", nonce);
	else
		memcpy(p + used, "\"}", 3);
	*out = sk;
	return 0;
}

int
api_unseal_share(struct srv *s, const struct keyset *k, unsigned i,
		 int *out_status, struct seal_status *out)
{
	struct secret *sk;
	int r;

	if ((r = share_body(k, i, NULL, &sk)) != 0)
		return r;
	r = call_seal(s, "PUT", "sys/unseal", (char *)secret_bytes(sk),
		      out_status, out);
	secret_free(sk);
	return r;
}

static int
call_root(struct srv *s, const char *method, const char *path, const char *body,
	  int *out_status, struct root_status *out)
{
	int status, r;

	if ((r = call(s, method, path, body, &status)) != 0)
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
	return call_root(s, "GET", "sys/generate-root/attempt", NULL,
			 out_status, out);
}

int
api_root_start(struct srv *s, int *out_status, struct root_status *out)
{
	return call_root(s, "PUT", "sys/generate-root/attempt", "{}",
			 out_status, out);
}

/* The nonce: newer servers want it within ten minutes of the start. */
int
api_root_cancel(struct srv *s, const char *nonce, int *out_status)
{
	char body[SEAL_WORD + 16];

	snprintf(body, sizeof(body), "{\"nonce\":\"%s\"}", nonce);
	return call(s, "DELETE", "sys/generate-root/attempt", body, out_status);
}

int
api_root_share(struct srv *s, const char *nonce, const struct keyset *k,
	       unsigned i, int *out_status, struct root_status *out)
{
	struct secret *sk;
	int r;

	if ((r = share_body(k, i, nonce, &sk)) != 0)
		return r;
	r = call_root(s, "PUT", "sys/generate-root/update",
		      (char *)secret_bytes(sk), out_status, out);
	secret_free(sk);
	return r;
}

int
api_lookup_self(struct srv *s, const struct token *t, int *out_status,
		bool *out_root)
{
	int status, r;

	r = api_logical(s, t, "GET", "auth/token/lookup-self", NULL, &status);
	if (r != 0)
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
	return api_logical(s, t, "POST", "auth/token/revoke-self", NULL,
			   out_status);
}

static bool
is_later(int status)
{
	return status == 429 || status == 500 || status == 502 || status == 503;
}

int
api_logical(struct srv *s, const struct token *t, const char *method,
	    const char *path, const json_t *body, int *out_status)
{
	struct srv_req q = {.method = method,
			    .path = path,
			    .sk_token = (const char *)secret_bytes(t->sk),
			    .token_bytes = secret_size(t->sk)};
	char *sk_text = NULL;
	uint32_t wait = RETRY_FIRST_MS, waited = 0;
	int status, r;

	if (body && !(sk_text = json_dumps(body, JSON_COMPACT)))
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
