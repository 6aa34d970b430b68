/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 7516 section 5.1, compact:
 *
 *	b64u(header) . b64u(RSA-OAEP-256(content key)) . b64u(IV 12 bytes)
 *		. b64u(ciphertext) . b64u(tag 16 bytes)
 *
 * with the encoded header as associated data.  The header is constant.
 */
#include "jwe.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "secret.h"

#define CEK_BYTES 32u
#define TEXT_MAX  128u
#define RSA_BYTES (JWE_RSA_MOST / 8u)

struct jwe_key {
	EVP_PKEY *pkey;
};

/* One dot-separated part after the other. */
struct parts {
	char *at;
	size_t left;
};

static int
put(struct parts *p, const uint8_t *bytes, size_t n, int last)
{
	size_t chars;

	if (B64_LEN(n) + 2 > p->left)
		return ERR_RANGE;
	chars = b64_encode(B64_URL, bytes, n, p->at);
	if (!last)
		p->at[chars++] = '.';
	p->at += chars;
	p->left -= chars;
	*p->at = '\0';
	return 0;
}

static int
key_check(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = NULL;
	int bits, r = ERR_CRYPTO;

	/* EVP_PKEY_RSA: not the RSASSA-PSS kind, which must not encrypt */
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
		return ERR_CRYPTO;
	bits = EVP_PKEY_get_bits(pkey);
	if (bits < (int)JWE_RSA_LEAST || bits > (int)JWE_RSA_MOST)
		return ERR_CRYPTO;
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (ctx && EVP_PKEY_public_check(ctx) == 1)
		r = 0;
	EVP_PKEY_CTX_free(ctx);
	return r;
}

int
jwe_key_new(const uint8_t *der, size_t bytes, struct jwe_key **out_key)
{
	const unsigned char *p = der;
	struct jwe_key *k = calloc(1, sizeof(*k));
	int r = ERR_CRYPTO;

	if (!k)
		return ERR_NOMEM;
	if (bytes == 0 || bytes > 4096)
		goto out;
	k->pkey = d2i_PUBKEY(NULL, &p, (long)bytes);
	if (!k->pkey || p != der + bytes)
		goto out;
	if ((r = key_check(k->pkey)) != 0)
		goto out;
	*out_key = k;
	k = NULL;
out:
	jwe_key_free(k);
	return r;
}

size_t
jwe_key_bytes(const struct jwe_key *k)
{
	return (size_t)EVP_PKEY_get_size(k->pkey);
}

void
jwe_key_free(struct jwe_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

static int
wrap_cek(const struct jwe_key *k, const uint8_t *sk_cek,
	 uint8_t out[static RSA_BYTES], size_t *out_bytes)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	size_t n = RSA_BYTES;
	int r = ERR_CRYPTO;

	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1)
		goto out;
	if (EVP_PKEY_encrypt(ctx, out, &n, sk_cek, CEK_BYTES) != 1)
		goto out;
	*out_bytes = n;
	r = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

struct gcm {
	uint8_t iv[JWE_IV];
	uint8_t text[TEXT_MAX];
	uint8_t tag[JWE_TAG];
	size_t bytes;
};

static int
encrypt(const uint8_t *sk_cek, const char *aad, const char *sk_text,
	struct gcm *g)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, r = ERR_CRYPTO;

	if (!ctx || EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, sk_cek,
				       g->iv) != 1)
		goto out;
	if (EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad,
			      (int)strlen(aad)) != 1 ||
	    EVP_EncryptUpdate(ctx, g->text, &n, (const uint8_t *)sk_text,
			      (int)g->bytes) != 1 ||
	    n != (int)g->bytes)
		goto out;
	if (EVP_EncryptFinal_ex(ctx, g->text + n, &n) != 1 || n != 0 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_TAG, g->tag) !=
		    1)
		goto out;
	r = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

int
jwe_make(const struct jwe_key *k, const char *sk_text, size_t bytes, char *out,
	 size_t *out_chars)
{
	char aad[B64_LEN(sizeof(JWE_HEADER) - 1) + 1];
	uint8_t wrapped[RSA_BYTES];
	struct parts p = {out, JWE_MAX + 1};
	struct gcm g = {.bytes = bytes};
	struct secret *sk_cek = NULL;
	size_t n;
	int r;

	if (bytes < 1 || bytes > TEXT_MAX)
		return ERR_RANGE;
	b64_encode(B64_URL, (const uint8_t *)JWE_HEADER, sizeof(JWE_HEADER) - 1,
		   aad);
	if ((r = secret_new(CEK_BYTES, &sk_cek)) != 0)
		goto out;
	r = ERR_CRYPTO;
	if (RAND_priv_bytes(secret_bytes(sk_cek), CEK_BYTES) != 1 ||
	    RAND_bytes(g.iv, JWE_IV) != 1)
		goto out;
	if ((r = wrap_cek(k, secret_bytes(sk_cek), wrapped, &n)) != 0 ||
	    (r = encrypt(secret_bytes(sk_cek), aad, sk_text, &g)) != 0)
		goto out;
	if ((r = put(&p, (const uint8_t *)JWE_HEADER, sizeof(JWE_HEADER) - 1,
		     0)) != 0 ||
	    (r = put(&p, wrapped, n, 0)) != 0 ||
	    (r = put(&p, g.iv, JWE_IV, 0)) != 0 ||
	    (r = put(&p, g.text, bytes, 0)) != 0 ||
	    (r = put(&p, g.tag, JWE_TAG, 1)) != 0)
		goto out;
	*out_chars = (size_t)(p.at - out);
	BUG_ON(*out_chars != jwe_size(n, bytes));
out:
	secret_free(sk_cek);
	return r;
}
