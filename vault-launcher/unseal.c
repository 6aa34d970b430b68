/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every later life: shares from tpm, the server unsealed with them and proved
 * to be theirs, its configuration compared and mended, a first life's root
 * token handed to the operator or closed, everything revoked that was made on
 * the way.  All of it by exit code: behind START nothing else can be said.
 */
#include <string.h>

#include "configure.h"
#include "control.h"

/*
 * The server's progress is one counter for all its clients.  With a public
 * port open somebody may add to it or reset it: a sequence that was not
 * counted as ours alone is begun again.
 */
#define TRIES	   6u
#define FIRST_WAIT 50u /* ms; doubled */
#define IDLE_FIRST 2u  /* ms between looks whether it became active */
#define IDLE_MOST  250u

enum feed {
	FED,	   /* unsealed, under one nonce, counted 1..t */
	DISTURBED, /* something else was counted */
	WRONG,	   /* refused at the threshold */
	BROKEN,	   /* the server could not unseal itself (500) */
};

static int
receive_keys(struct control *c, struct keyset *out_set)
{
	const struct env_info info = {c->w->session, SEAT_TPM, SEAT_UNSEAL,
				      MSG_SEALED_SHARES};
	uint8_t pub[ENV_PUB];
	struct env_key *key = NULL;
	struct secret *sk = NULL;
	struct inbox in;
	int r;

	if ((r = env_key_new(&key, pub)) != 0)
		goto out;
	if ((r = channel_send(&c->pub, MSG_SEAL_PUB, pub, sizeof(pub))) != 0)
		goto out;
	if ((r = control_recv(c, &c->sealed, MSG_SEALED_SHARES, &in)) != 0)
		goto out;
	r = env_open(key, &info, in.frame.body, in.frame.body_bytes, &sk);
	if (r != 0)
		goto out;
	if ((r = keyset_open(sk, out_set)) == 0)
		sk = NULL;
out:
	secret_free(sk);
	env_key_free(key);
	return r;
}

/* What the answer to share i of t says; FED is also "so far". */
static enum feed
judge(unsigned i, unsigned t, int status, const struct seal_status *st,
      const char *nonce)
{
	bool last = i + 1 == t;

	if (status == 500)
		return BROKEN;
	if (status != 200)
		return last ? WRONG : DISTURBED;
	if (last)
		return st->sealed ? DISTURBED : FED;
	/* unsealed before the threshold: by somebody else's shares */
	if (!st->sealed || st->progress != i + 1)
		return DISTURBED;
	return nonce[0] != '\0' && strcmp(st->nonce, nonce) == 0 ? FED
								 : DISTURBED;
}

/* One sequence: reset, then t shares, each answer as it must be. */
static int
feed(struct srv *s, const struct keyset *k, unsigned t, enum feed *out)
{
	char nonce[SEAL_WORD] = "";
	struct seal_status st = {0};
	int status, r;

	if ((r = api_unseal_reset(s, &status, &st)) != 0)
		return r;
	*out = status == 500 ? BROKEN : DISTURBED;
	if (status != 200 || !st.sealed || st.progress != 0)
		return 0;
	*out = FED;
	for (unsigned i = 0; i < t && *out == FED; i++) {
		const struct share share = {k, i, NULL};

		if ((r = api_unseal_share(s, &share, &status, &st)) != 0)
			return r;
		if (i == 0)
			memcpy(nonce, st.nonce, sizeof(nonce));
		*out = judge(i, t, status, &st, nonce);
	}
	return 0;
}

/* Is it unsealed by now?  Not by us, if we get to ask. */
static int
sealed_now(struct srv *s, const struct keyset *k, struct seal_status *out)
{
	int status, r;

	if ((r = api_seal_status(s, &status, out)) != 0)
		return control_code(r, EXIT_SERVER_API);
	if (status != 200 || !out->initialized ||
	    strcmp(out->type, "shamir") != 0 || out->t < 1)
		return EXIT_SERVER_API;
	if (!out->sealed)
		return EXIT_PROOF;
	return out->t <= k->count ? EXIT_OK : EXIT_NOT_THESE;
}

/* Returns an exit code: OK once the server said that our shares did it. */
static int
unseal(struct srv *s, const struct keyset *k)
{
	uint32_t wait = FIRST_WAIT;
	enum feed f = DISTURBED;
	unsigned wrong = 0;

	for (unsigned i = 0; i < TRIES && wrong < 2; i++) {
		struct seal_status st;
		int code, r;

		if ((code = sealed_now(s, k, &st)) != EXIT_OK)
			return code;
		if ((r = feed(s, k, st.t, &f)) != 0)
			return control_code(r, EXIT_SERVER_API);
		if (f == FED)
			return EXIT_OK;
		/* wrong twice: no disturbance that happened to hit the last */
		wrong += f == WRONG;
		if ((r = srv_pause(s, wait)) != 0)
			return control_code(r, EXIT_SERVER_API);
		wait *= 2;
	}
	if (wrong)
		return EXIT_NOT_THESE;
	return f == BROKEN ? EXIT_SERVER_API : EXIT_PROOF;
}

/* "sealed": false comes before the election is over and the mounts are up. */
static int
wait_active(struct srv *s)
{
	uint32_t wait = IDLE_FIRST;

	for (;;) {
		int status, r;

		if ((r = api_health(s, &status)) != 0)
			return control_code(r, EXIT_SERVER_API);
		if (status == 200)
			return EXIT_OK;
		if (status == 503 || status == 501) /* sealed again, gone */
			return EXIT_PROOF;
		if ((r = srv_pause(s, wait)) != 0)
			return control_code(r, EXIT_SERVER_API);
		wait = 2 * wait < IDLE_MOST ? 2 * wait : IDLE_MOST;
	}
}

/* The root token of a first life that was not finished; out.sk NULL: none. */
static int
fresh_token(struct srv *s, const struct keyset *k, struct token *out)
{
	struct token t = {0};
	const char *sk;
	bool root = false;
	size_t bytes;
	int status, r;

	sk = keyset_token(k, &bytes);
	if (!sk)
		return 0;
	if ((r = token_new(sk, bytes, &t)) != 0)
		return r;
	r = api_lookup_self(s, &t, &status, &root);
	if (r == 0 && status == 200 && root) {
		*out = t;
		return 0;
	}
	token_free(&t);
	/* 403: it was closed, and the end of that life was not stored */
	return r != 0 || status == 403 ? r : ERR_FORMAT;
}

/* To the operator's key, or closed. */
static int
hand_over(struct control *c, const struct token *root)
{
	char jwe[JWE_MAX + 1];
	size_t chars;
	int r;

	if (!c->operator_key)
		return control_revoke(&c->srv, root);
	r = jwe_make(c->operator_key, (char *)secret_bytes(root->sk),
		     secret_size(root->sk), jwe, &chars);
	if (r != 0)
		return r;
	return channel_send(&c->w->broker, MSG_JWE, jwe, chars);
}

/*
 * With the proof's token, or, where the server generates none, with that of
 * the first life; with neither there is nothing to do it by.
 */
static int
configure(struct control *c, const struct token *proof,
	  const struct token *root)
{
	const struct configure conf = {&c->srv, proof->sk ? proof : root};
	int r;

	if (!conf.sk->sk)
		return EXIT_OK;
	r = configure_all(&conf, &c->w->config);
	return control_code(r, EXIT_CONFIGURE);
}

/* All that follows the unsealing; the tokens are the caller's to free. */
static int
finish(struct control *c, const struct keyset *k, struct token *proof,
       struct token *root)
{
	int code, late, r;

	r = control_prove(&c->srv, k, proof);
	if (r != 0 && r != ERR_NOTFOUND)
		return control_code(r, r == ERR_MISMATCH ? EXIT_PROOF
							 : EXIT_SERVER_API);
	if ((r = fresh_token(&c->srv, k, root)) != 0)
		return control_code(r, EXIT_SERVER_API);
	code = configure(c, proof, root);
	if (code == EXIT_OK && root->sk)
		code = control_code(hand_over(c, root), EXIT_SERVER_API);
	/* whatever came before: what we made is taken back */
	late = proof->sk ? control_code(control_revoke(&c->srv, proof),
					EXIT_SERVER_API)
			 : EXIT_OK;
	return code != EXIT_OK ? code : late;
}

int
control_unseal(struct control *c)
{
	struct token proof = {0}, root = {0};
	struct keyset k = {0};
	size_t token_bytes;
	int code, r;

	if ((r = receive_keys(c, &k)) != 0) {
		code = control_code(r, EXIT_PROTOCOL);
		goto out;
	}
	keyset_distinct(&k);
	code = EXIT_NO_WAY_IN; /* its root token would be the last one */
	if (keyset_token(&k, &token_bytes) && !c->operator_key &&
	    !c->revoke_root)
		goto out;
	if ((code = unseal(&c->srv, &k)) == EXIT_OK &&
	    (code = wait_active(&c->srv)) == EXIT_OK)
		code = finish(c, &k, &proof, &root);
out:
	token_free(&root);
	token_free(&proof);
	keyset_free(&k);
	srv_close(&c->srv);
	return code;
}
