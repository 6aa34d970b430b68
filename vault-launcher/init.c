/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first life: waits until tpm shows that there will be somebody to seal
 * the keys (its public key comes only after the master key passed P2), then
 * asks once, and never again: what this server answers is the only copy in
 * the world, and goes to tpm before anything else is done.
 */
#include <string.h>

#include "control.h"

/* What look saw must still be so. */
static int
check_server(struct control *c)
{
	struct seal_status s;
	int status, r;

	if ((r = api_seal_status(&c->srv, &status, &s)) != 0)
		return r;
	if (status != 200 || s.initialized || strcmp(s.type, "shamir") != 0 ||
	    strcmp(s.storage, c->storage) != 0)
		return ERR_MISMATCH;
	return 0;
}

static int
send_keys(struct control *c, const uint8_t pub[static ENV_PUB],
	  const struct keyset *k)
{
	const struct env_info info = {c->w->session, SEAT_INIT, SEAT_TPM,
				      MSG_SEALED_KEYS};
	uint8_t sealed[KEYSET_BYTES + ENV_OVERHEAD];
	int r;

	r = env_seal(pub, &info, secret_bytes(k->sk_set), KEYSET_BYTES, sealed);
	if (r != 0)
		return r;
	return channel_send(&c->sealed, MSG_SEALED_KEYS, sealed,
			    sizeof(sealed));
}

static int
first_life(struct control *c)
{
	uint8_t pub[ENV_PUB];
	struct keyset k = {0};
	struct inbox in;
	int status, r;

	if ((r = control_recv(c, &c->pub, MSG_TPM_PUB, &in)) != 0)
		return control_code(r, EXIT_PROTOCOL);
	memcpy(pub, in.frame.body, sizeof(pub));
	if ((r = check_server(c)) != 0)
		return control_code(r, EXIT_SERVER_API);
	r = api_init(&c->srv, c->threshold, c->shares, &status, &k);
	if (r != 0)
		return control_code(r, EXIT_INIT);
	if (status != 200)
		return EXIT_INIT;
	r = send_keys(c, pub, &k);
	keyset_free(&k);
	return control_code(r, EXIT_PROTOCOL);
}

int
control_init(struct control *c)
{
	int code = EXIT_INTERNAL;

	if (c->shares >= 1 && c->shares <= KEYSET_SHARES && c->threshold >= 1 &&
	    c->threshold <= c->shares)
		code = first_life(c);
	srv_close(&c->srv);
	return code;
}
