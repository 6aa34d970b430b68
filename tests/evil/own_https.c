/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile https.  "forge": in the place of the release answer it sends a key
 * of the attacker's own, wrapped to the TPM's key as the key service would
 * (hash, RSA-OAEP of an AES key, AES-KWP of the key); for a hostile verify to
 * pass on.  The test's data: the AES key, and what it wraps.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "cursor.h"
#include "evidence.h"
#include "evil.h"
#include "tags.h"

#define MODULUS 256u
#define AES_KEY 32u

static uint8_t modulus[MODULUS]; /* the transfer key's: the end of its area */

static void
take_key(const struct frame *f)
{
	struct evidence e;

	if (f->type == MSG_EVIDENCE &&
	    evidence_get(f->body, f->body_bytes, &e) == 0 &&
	    e.enc_pub.n > MODULUS)
		memcpy(modulus, e.enc_pub.p + e.enc_pub.n - MODULUS, MODULUS);
}

static EVP_PKEY *
transfer_key(void)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(modulus, MODULUS, NULL);
	EVP_PKEY *key = NULL;

	if (OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_uint(b, OSSL_PKEY_PARAM_RSA_E, 65537) != 1 ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY,
			      OSSL_PARAM_BLD_to_param(b)) != 1)
		return NULL;
	return key;
}

static int
oaep(const uint8_t *in, size_t bytes, uint8_t out[static MODULUS])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(transfer_key(), NULL);
	size_t n = MODULUS;

	return EVP_PKEY_encrypt_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_encrypt(ctx, out, &n, in, bytes) == 1 && n == MODULUS;
}

static int
forge(struct channel *c, unsigned type, const void *body, size_t bytes)
{
	static uint8_t wrapped[8192], aes[MODULUS];
	const uint8_t *data;
	struct wr w;
	size_t n;

	if (type != MSG_RELEASE_JWS)
		return __real_channel_send(c, type, body, bytes);
	data = evil_data(&n);
	if (n <= AES_KEY || !oaep(data, AES_KEY, aes))
		return ERR_CRYPTO;
	wr_init(&w, wrapped, sizeof(wrapped));
	wr_u8(&w, ENC_SHA256);
	wr_bytes(&w, aes, MODULUS);
	wr_var16(&w, data + AES_KEY, n - AES_KEY);
	if (wr_end(&w, &n) != 0)
		return ERR_NOMEM;
	return __real_channel_send(c, type, wrapped, n);
}

const struct attack attacks_own[] = {
	{.name = "forge", .heard = take_key, .send = forge},
	{.name = NULL},
};
