/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope: one-use keys, and the info string that binds a message to its
 * place.
 *
 *	info:	"sallyport sealed 1" | session (32) | from u8 | to u8
 *		| type u16
 */
#include "envelope.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "hpke.h"

#define INFO_LABEL "sallyport sealed 1"
#define INFO_BYTES (sizeof(INFO_LABEL) - 1 + 32u + 1u + 1u + 2u)

struct env_key {
	EVP_PKEY *sk_pair; /* NULL once it was used */
};

/* AES-256-GCM; fetched by env_prime(). */
static struct hpke_suite suite = {.aead_id = 2, .key_bytes = 32};

static void
info_put(const struct env_info *info, uint8_t out[static INFO_BYTES])
{
	struct wr w;

	wr_init(&w, out, INFO_BYTES); /* exactly that many follow */
	wr_bytes(&w, INFO_LABEL, sizeof(INFO_LABEL) - 1);
	wr_bytes(&w, info->session, 32);
	wr_u8(&w, (uint8_t)info->from);
	wr_u8(&w, (uint8_t)info->to);
	wr_u16(&w, (uint16_t)info->type);
}

int
env_key_new(struct env_key **out_key, uint8_t out_pub[static ENV_PUB])
{
	struct env_key *k = calloc(1, sizeof(*k));
	uint8_t pub[ENV_PUB];
	size_t n = sizeof(pub);

	if (!k)
		return ERR_NOMEM;
	k->sk_pair = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	if (!k->sk_pair ||
	    EVP_PKEY_get_raw_public_key(k->sk_pair, pub, &n) != 1 ||
	    n != ENV_PUB) {
		env_key_free(k);
		return ERR_CRYPTO;
	}
	memcpy(out_pub, pub, ENV_PUB);
	*out_key = k;
	return 0;
}

void
env_key_free(struct env_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->sk_pair); /* wipes */
	free(k);
}

int
env_seal(const uint8_t pub[static ENV_PUB], const struct env_info *info,
	 const uint8_t *sk_plain, size_t bytes, uint8_t *out)
{
	uint8_t text[INFO_BYTES];
	const struct hpke_context c = {&suite, {text, sizeof(text)}, {NULL, 0}};
	EVP_PKEY *sk_eph;
	int r;

	if (!suite.cipher || bytes > INT_MAX)
		return ERR_CRYPTO;
	if (!(sk_eph = EVP_PKEY_Q_keygen(NULL, NULL, "X25519")))
		return ERR_CRYPTO;
	info_put(info, text);
	r = hpke_seal(&c, sk_eph, pub, (struct hpke_bytes){sk_plain, bytes},
		      out);
	EVP_PKEY_free(sk_eph);
	return r;
}

int
env_open(struct env_key *k, const struct env_info *info, const uint8_t *msg,
	 size_t bytes, struct secret **out_plain)
{
	uint8_t text[INFO_BYTES];
	const struct hpke_context c = {&suite, {text, sizeof(text)}, {NULL, 0}};
	struct secret *sk = NULL;
	int r = ERR_CRYPTO;

	if (!suite.cipher || !k->sk_pair || bytes < ENV_OVERHEAD ||
	    bytes > INT_MAX)
		goto out;
	if ((r = secret_new(bytes - ENV_OVERHEAD, &sk)) != 0)
		goto out;
	info_put(info, text);
	r = hpke_open(&c, k->sk_pair, (struct hpke_bytes){msg, bytes},
		      secret_bytes(sk));
	if (r != 0)
		goto out;
	*out_plain = sk;
	sk = NULL;
out:
	secret_free(sk);
	EVP_PKEY_free(k->sk_pair); /* one message, whatever came of it */
	k->sk_pair = NULL;
	return r;
}

/* A round that must come out equal: priming, and a self-test. */
static int
dummy_round(void)
{
	static const uint8_t session[32], plain[4] = "dumb";
	const struct env_info info = {session, SEAT_TPM, SEAT_TPM, 0};
	uint8_t pub[ENV_PUB], msg[sizeof(plain) + ENV_OVERHEAD];
	struct env_key *k = NULL;
	struct secret *sk = NULL;
	int r;

	if ((r = env_key_new(&k, pub)) != 0)
		goto out;
	if ((r = env_seal(pub, &info, plain, sizeof(plain), msg)) != 0)
		goto out;
	if ((r = env_open(k, &info, msg, sizeof(msg), &sk)) != 0)
		goto out;
	if (equal_ct(secret_bytes(sk), plain, sizeof(plain)) != 0)
		r = ERR_CRYPTO;
out:
	secret_free(sk);
	env_key_free(k);
	return r;
}

int
env_prime(void)
{
	int r;

	if ((r = hpke_init()) != 0)
		return r;
	if (!suite.cipher)
		suite.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	return suite.cipher ? dummy_round() : ERR_CRYPTO;
}
