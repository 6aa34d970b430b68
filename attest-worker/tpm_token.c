/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of ENC_TOKEN:
 *
 *	12 bytes	IV
 *	16 bytes	tag
 *	256 bytes	inner key, RSAES-PKCS1-v1_5
 *	var16		ciphertext
 */
#include "tpm_token.h"

#include <openssl/rand.h>
#include <string.h>

#include "cursor.h"
#include "tpm_cipher.h"

static const uint8_t aad[13] = "Transport Key";

struct envelope_parts {
	const uint8_t *iv, *tag, *inner, *text;
	size_t text_bytes;
};

static int
read_parts(const uint8_t *body, size_t bytes, struct envelope_parts *out)
{
	struct rd r;

	rd_init(&r, body, bytes);
	if (rd_bytes(&r, GCM_IV, &out->iv) != 0 ||
	    rd_bytes(&r, GCM_TAG, &out->tag) != 0 ||
	    rd_bytes(&r, TPM_RSA, &out->inner) != 0 ||
	    rd_var16(&r, TOKEN_MIN, TOKEN_MAX, &out->text, &out->text_bytes) !=
		    0)
		return ERR_CRYPTO;
	return rd_end(&r) == 0 ? 0 : ERR_CRYPTO;
}

int
token_open(struct tpm *t, const uint8_t *body, size_t bytes, uint8_t *out,
	   size_t *out_bytes)
{
	struct envelope_parts p;
	struct secret *sk_key = NULL, *sk_inner = NULL;
	struct gcm g = {.aad = aad, .aad_bytes = sizeof(aad)};
	int r;

	if (read_parts(body, bytes, &p) != 0 ||
	    secret_new(AES_KEY, &sk_key) != 0)
		return ERR_CRYPTO;
	/* Without the right key the work goes on with a random one. */
	if (RAND_priv_bytes(secret_bytes(sk_key), AES_KEY) != 1) {
		secret_free(sk_key);
		return ERR_CRYPTO;
	}
	if (tpm_decrypt(t, p.inner, 0, &sk_inner) == 0 &&
	    secret_size(sk_inner) == AES_KEY)
		memcpy(secret_bytes(sk_key), secret_bytes(sk_inner), AES_KEY);
	g.sk_key = secret_bytes(sk_key);
	g.iv = p.iv;
	r = gcm_open(&g, p.text, p.text_bytes, p.tag, out);
	if (r == 0)
		*out_bytes = p.text_bytes;
	secret_free(sk_inner);
	secret_free(sk_key);
	return r == 0 ? 0 : ERR_CRYPTO;
}
