/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate-root: the only call that a server answers for its *own* shares
 * alone, whoever unsealed it.  Start, threshold shares counted under one
 * nonce, the token out of the answer, looked up as a root token.
 *
 * Only an attempt of ours is ever cancelled: one that somebody else began may
 * be an operator's, and is waited for.
 */
#include <string.h>

#include "b64.h"
#include "control.h"

#define TRIES	   4u	/* starts; each may be disturbed from outside */
#define OTHER_ASK  25u	/* how often somebody else's attempt is waited for */
#define OTHER_WAIT 400u /* ms between them: ten seconds in all */

enum outcome { DONE, AGAIN, NOT_OURS, IMPOSSIBLE };

int
prove_decode(struct secret *sk_encoded, struct secret *sk_otp,
	     struct token *out_token)
{
	size_t chars = secret_size(sk_encoded), pad = secret_size(sk_otp), n;
	struct secret *sk_text = NULL, *sk_raw = NULL;
	char *text;
	int r;

	if (pad < 1 || pad > KEYSET_TOKEN || chars > B64_LEN(KEYSET_TOKEN))
		return ERR_FORMAT;
	if ((r = secret_new(B64_LEN(KEYSET_TOKEN) + 4, &sk_text)) != 0 ||
	    (r = secret_new(KEYSET_TOKEN + 3, &sk_raw)) != 0)
		goto out;
	text = (char *)secret_bytes(sk_text);
	memcpy(text, secret_bytes(sk_encoded), chars);
	while (chars % 4 != 0) /* the server writes no padding */
		text[chars++] = '=';
	r = b64_decode(B64_STD, text, chars, secret_bytes(sk_raw),
		       secret_size(sk_raw), &n);
	if (r != 0 || n != pad) {
		r = ERR_FORMAT;
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		secret_bytes(sk_raw)[i] ^= secret_bytes(sk_otp)[i];
	r = token_new((char *)secret_bytes(sk_raw), n, out_token);
out:
	secret_free(sk_raw);
	secret_free(sk_text);
	return r;
}

/* Feeds the shares; DONE leaves the last answer in `last`. */
static int
feed(struct srv *s, const struct keyset *k, const struct root_status *begun,
     struct root_status *last, enum outcome *out)
{
	for (unsigned i = 0; i < begun->required; i++) {
		const struct share share = {k, i, begun->nonce};
		int status, r;

		root_status_free(last);
		r = api_root_share(s, &share, &status, last);
		if (r != 0)
			return r;
		if (status != 200) {
			/* at the last: wrong; before it: somebody cancelled */
			*out = i + 1 == begun->required ? NOT_OURS : AGAIN;
			return 0;
		}
		if (strcmp(last->nonce, begun->nonce) != 0 ||
		    last->progress != i + 1 ||
		    last->complete != (i + 1 == begun->required)) {
			*out = AGAIN;
			return 0;
		}
	}
	*out = DONE;
	return 0;
}

static int
cancel_ours(struct srv *s, const char *nonce)
{
	struct root_status now = {0};
	int status, r;

	if ((r = api_root_status(s, &status, &now)) != 0)
		return r;
	if (status == 200 && now.started && strcmp(now.nonce, nonce) == 0)
		r = api_root_cancel(s, nonce, &status);
	root_status_free(&now);
	return r;
}

/* One attempt, begun and ended by us. */
static int
attempt(struct srv *s, const struct keyset *k, struct token *out_token,
	enum outcome *out)
{
	struct root_status begun = {0}, last = {0};
	int status, r;

	if ((r = api_root_start(s, &status, &begun)) != 0)
		return r;
	if (status != 200) {
		*out = AGAIN; /* somebody was faster */
		return 0;
	}
	r = ERR_FORMAT;
	if (!begun.started || begun.nonce[0] == '\0' || !begun.sk_otp ||
	    begun.progress != 0 || begun.required < 1)
		goto out;
	*out = NOT_OURS;
	r = 0;
	if (begun.required <= k->count)
		r = feed(s, k, &begun, &last, out);
	if (r != 0)
		goto out;
	if (*out != DONE)
		r = cancel_ours(s, begun.nonce);
	else if (last.sk_encoded)
		r = prove_decode(last.sk_encoded, begun.sk_otp, out_token);
	else
		r = ERR_FORMAT;
out:
	root_status_free(&begun);
	root_status_free(&last);
	return r;
}

static bool
is_impossible(int status)
{
	return status == 403 || status == 404 || status == 405;
}

/* Waits until no attempt is running; says whether this server has any. */
static int
wait_idle(struct srv *s, enum outcome *out)
{
	for (unsigned i = 0; i < OTHER_ASK; i++) {
		struct root_status now = {0};
		bool idle;
		int status, r;

		if ((r = api_root_status(s, &status, &now)) != 0)
			return r;
		idle = status == 200 && !now.started;
		root_status_free(&now);
		*out = is_impossible(status) ? IMPOSSIBLE : DONE;
		if (idle || *out == IMPOSSIBLE)
			return 0;
		if ((r = srv_pause(s, OTHER_WAIT)) != 0)
			return r;
	}
	*out = NOT_OURS;
	return 0;
}

int
control_prove(struct srv *s, const struct keyset *k, struct token *out_token)
{
	struct token t = {0};
	enum outcome o = AGAIN;
	bool root = false;
	int status, r;

	for (unsigned i = 0; i < TRIES && o == AGAIN; i++) {
		if ((r = wait_idle(s, &o)) != 0)
			return r;
		if (o == DONE && (r = attempt(s, k, &t, &o)) != 0)
			return r;
	}
	if (o != DONE)
		return o == IMPOSSIBLE ? ERR_NOTFOUND : ERR_MISMATCH;
	r = api_lookup_self(s, &t, &status, &root);
	if (r == 0 && (status != 200 || !root))
		r = ERR_MISMATCH;
	if (r == 0)
		*out_token = t;
	else
		token_free(&t);
	return r;
}

int
control_revoke(struct srv *s, const struct token *t)
{
	bool root;
	int status, r;

	/* 403 may mean that it is dead already: the look-up says */
	if ((r = api_revoke_self(s, t, &status)) != 0)
		return r;
	if ((r = api_lookup_self(s, t, &status, &root)) != 0)
		return r;
	return status == 403 ? 0 : ERR_MISMATCH;
}
