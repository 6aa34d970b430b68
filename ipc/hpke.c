/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9180 base mode in the order of the RFC: labels (4), KEM (4.1), key
 * schedule (5.1), one Seal or Open with sequence number 0 (5.2), so that the
 * nonce is the base nonce.  All that is derived lives in one struct secret.
 */
#include "hpke.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "secret.h"

#define TAG_BYTES   16u
#define NONCE_BYTES 12u
#define HASH_BYTES  32u

/* Fetched once: a fetch may load and lock. */
static EVP_MAC *alg_hmac;

/* What is derived; key and nonce use the first bytes of their fields. */
struct schedule {
	uint8_t sk_dh[HPKE_PUB];
	uint8_t sk_prk[HASH_BYTES];
	uint8_t sk_shared[HASH_BYTES];
	uint8_t sk_key[HASH_BYTES];
	uint8_t sk_nonce[HASH_BYTES];
};

static struct schedule *
derived(struct secret *sk)
{
	return (struct schedule *)(void *)secret_bytes(sk);
}

/* What LabeledExtract and LabeledExpand put in front and behind. */
struct labelled {
	struct hpke_bytes suite_id;
	const char *label;
	struct hpke_bytes data; /* ikm or info */
};

/*
 * HMAC-SHA256 of all parts.  Extract with an empty salt is HMAC with a key of
 * zeros (RFC 5869 2.2); Expand to at most 32 bytes is one HMAC with 0x01
 * behind (2.3): both halves of HKDF are this function.
 */
static int
hmac(const uint8_t key[static HASH_BYTES], const struct hpke_bytes *parts,
     size_t count, uint8_t out[static HASH_BYTES])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(alg_hmac);
	size_t n = 0;
	int r = ERR_CRYPTO;

	if (!ctx || EVP_MAC_init(ctx, key, HASH_BYTES, params) != 1)
		goto out;
	for (size_t i = 0; i < count; i++)
		if (parts[i].n &&
		    EVP_MAC_update(ctx, parts[i].p, parts[i].n) != 1)
			goto out;
	if (EVP_MAC_final(ctx, out, &n, HASH_BYTES) == 1 && n == HASH_BYTES)
		r = 0;
out:
	EVP_MAC_CTX_free(ctx); /* wipes */
	return r;
}

/* LabeledExtract; salt NULL is the empty one. */
static int
extract(const uint8_t *salt, const struct labelled *l,
	uint8_t out[static HASH_BYTES])
{
	static const uint8_t zeros[HASH_BYTES];
	const struct hpke_bytes parts[] = {
		{"HPKE-v1", 7},
		l->suite_id,
		{l->label, strlen(l->label)},
		l->data,
	};

	return hmac(salt ? salt : zeros, parts, 4, out);
}

/*
 * LabeledExpand to `length` bytes; 32 are written, the caller takes the first
 * `length` (which is bound in front, so no two lengths share a prefix).
 */
static int
expand(const uint8_t prk[static HASH_BYTES], const struct labelled *l,
       uint8_t length, uint8_t out[static HASH_BYTES])
{
	const uint8_t length_be[2] = {0, length}, one = 1;
	const struct hpke_bytes parts[] = {
		{length_be, 2}, {"HPKE-v1", 7},
		l->suite_id,	{l->label, strlen(l->label)},
		l->data,	{&one, 1},
	};

	return hmac(prk, parts, 6, out);
}

/* X25519; OpenSSL refuses the all-zero result (RFC 9180 7.1.4). */
static int
exchange(EVP_PKEY *sk_own, EVP_PKEY *peer, uint8_t sk_dh[static HPKE_PUB])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, sk_own, NULL);
	size_t n = HPKE_PUB;
	int r = ERR_CRYPTO;

	if (ctx && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	    EVP_PKEY_derive(ctx, sk_dh, &n) == 1 && n == HPKE_PUB)
		r = 0;
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* Encap and Decap from the DH on: kem_context is enc | pkR. */
static int
kem_shared(EVP_PKEY *sk_own, const uint8_t peer_pub[static HPKE_PUB],
	   const uint8_t kem_context[static 2 * HPKE_PUB], struct schedule *sk)
{
	static const uint8_t id[] = {'K', 'E', 'M', 0x00, 0x20};
	struct labelled eae = {{id, sizeof(id)}, "eae_prk", {NULL, 0}};
	const struct labelled shared = {
		{id, sizeof(id)}, "shared_secret", {kem_context, 2 * HPKE_PUB}};
	EVP_PKEY *peer;
	int r = ERR_CRYPTO;

	peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer_pub,
					      HPKE_PUB);
	if (!peer || (r = exchange(sk_own, peer, sk->sk_dh)) != 0)
		goto out;
	eae.data = (struct hpke_bytes){sk->sk_dh, HPKE_PUB};
	if ((r = extract(NULL, &eae, sk->sk_prk)) != 0)
		goto out;
	r = expand(sk->sk_prk, &shared, HASH_BYTES, sk->sk_shared);
out:
	EVP_PKEY_free(peer);
	return r;
}

/* KeySchedule of mode_base: no PSK, so its id and itself are empty. */
static int
key_schedule(const struct hpke_context *c, struct schedule *sk)
{
	const uint8_t id[] = {'H',  'P', 'K', 'E', 0x00,
			      0x20, 0,	 1,   0,   c->suite->aead_id};
	const struct hpke_bytes suite = {id, sizeof(id)}, none = {NULL, 0};
	uint8_t context[1 + 2 * HASH_BYTES] = {0x00};
	const struct hpke_bytes in = {context, sizeof(context)};
	int r;

	r = extract(NULL, &(struct labelled){suite, "psk_id_hash", none},
		    context + 1);
	if (r != 0)
		return r;
	r = extract(NULL, &(struct labelled){suite, "info_hash", c->info},
		    context + 1 + HASH_BYTES);
	if (r != 0)
		return r;
	r = extract(sk->sk_shared, &(struct labelled){suite, "secret", none},
		    sk->sk_prk);
	if (r != 0)
		return r;
	r = expand(sk->sk_prk, &(struct labelled){suite, "key", in},
		   c->suite->key_bytes, sk->sk_key);
	if (r != 0)
		return r;
	return expand(sk->sk_prk, &(struct labelled){suite, "base_nonce", in},
		      NONCE_BYTES, sk->sk_nonce);
}

static int
aead_seal(const struct hpke_context *c, const struct schedule *sk,
	  struct hpke_bytes sk_plain, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, r = ERR_CRYPTO;

	if (!ctx || EVP_EncryptInit_ex2(ctx, c->suite->cipher, sk->sk_key,
					sk->sk_nonce, NULL) != 1)
		goto out;
	if (c->aad.n &&
	    EVP_EncryptUpdate(ctx, NULL, &n, c->aad.p, (int)c->aad.n) != 1)
		goto out;
	if (sk_plain.n &&
	    EVP_EncryptUpdate(ctx, out, &n, sk_plain.p, (int)sk_plain.n) != 1)
		goto out;
	if (EVP_EncryptFinal_ex(ctx, out + sk_plain.n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
				out + sk_plain.n) == 1)
		r = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

/* What it writes is nobody's until it returned 0: the tag comes last. */
static int
aead_open(const struct hpke_context *c, const struct schedule *sk,
	  struct hpke_bytes sealed, uint8_t *sk_out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t bytes = sealed.n - TAG_BYTES;
	const uint8_t *p = sealed.p;
	uint8_t tag[TAG_BYTES];
	int n, r = ERR_CRYPTO;

	memcpy(tag, p + bytes, TAG_BYTES);
	if (!ctx || EVP_DecryptInit_ex2(ctx, c->suite->cipher, sk->sk_key,
					sk->sk_nonce, NULL) != 1)
		goto out;
	if (c->aad.n &&
	    EVP_DecryptUpdate(ctx, NULL, &n, c->aad.p, (int)c->aad.n) != 1)
		goto out;
	if (bytes && EVP_DecryptUpdate(ctx, sk_out, &n, p, (int)bytes) != 1)
		goto out;
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) ==
		    1 &&
	    EVP_DecryptFinal_ex(ctx, sk_out + bytes, &n) == 1)
		r = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
hpke_seal(const struct hpke_context *c, EVP_PKEY *sk_eph,
	  const uint8_t pub[static HPKE_PUB], struct hpke_bytes sk_plain,
	  uint8_t *out)
{
	uint8_t kem_context[2 * HPKE_PUB];
	struct secret *sk = NULL;
	size_t n = HPKE_PUB;
	int r;

	if (EVP_PKEY_get_raw_public_key(sk_eph, kem_context, &n) != 1 ||
	    n != HPKE_PUB)
		return ERR_CRYPTO;
	memcpy(kem_context + HPKE_PUB, pub, HPKE_PUB);
	if ((r = secret_new(sizeof(struct schedule), &sk)) != 0)
		return r;
	if ((r = kem_shared(sk_eph, pub, kem_context, derived(sk))) != 0)
		goto out;
	if ((r = key_schedule(c, derived(sk))) != 0)
		goto out;
	r = aead_seal(c, derived(sk), sk_plain, out + HPKE_PUB);
	if (r == 0)
		memcpy(out, kem_context, HPKE_PUB);
out:
	secret_free(sk);
	return r;
}

int
hpke_open(const struct hpke_context *c, EVP_PKEY *sk_own, struct hpke_bytes msg,
	  uint8_t *sk_out)
{
	const uint8_t *enc = msg.p;
	uint8_t kem_context[2 * HPKE_PUB];
	struct hpke_bytes sealed;
	struct secret *sk = NULL;
	size_t n = HPKE_PUB;
	int r;

	if (msg.n < HPKE_OVERHEAD)
		return ERR_CRYPTO;
	sealed = (struct hpke_bytes){enc + HPKE_PUB, msg.n - HPKE_PUB};
	memcpy(kem_context, enc, HPKE_PUB);
	if (EVP_PKEY_get_raw_public_key(sk_own, kem_context + HPKE_PUB, &n) !=
		    1 ||
	    n != HPKE_PUB)
		return ERR_CRYPTO;
	if ((r = secret_new(sizeof(struct schedule), &sk)) != 0)
		return r;
	if ((r = kem_shared(sk_own, enc, kem_context, derived(sk))) != 0)
		goto out;
	if ((r = key_schedule(c, derived(sk))) != 0)
		goto out;
	r = aead_open(c, derived(sk), sealed, sk_out);
out:
	secret_free(sk);
	return r;
}

int
hpke_init(void)
{
	if (!alg_hmac)
		alg_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	return alg_hmac ? 0 : ERR_CRYPTO;
}
