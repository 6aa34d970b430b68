/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM, AES-256-KWP and HKDF-SHA256 over EVP. */
#include "tpm_cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define LEN_MAX 65536u /* EVP counts in int */

int
gcm_open(const struct gcm *g, const uint8_t *in, size_t bytes,
	 const uint8_t tag[static GCM_TAG], uint8_t *out)
{
	EVP_CIPHER_CTX *c;
	uint8_t copy[GCM_TAG];
	int n = 0, ok;

	if (bytes > LEN_MAX || g->aad_bytes > LEN_MAX)
		return ERR_CRYPTO;
	memcpy(copy, tag, sizeof(copy)); /* the setter's pointer is not const */
	c = EVP_CIPHER_CTX_new();
	ok = c &&
	     EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, g->sk_key, g->iv) ==
		     1 &&
	     EVP_DecryptUpdate(c, NULL, &n, g->aad, (int)g->aad_bytes) == 1 &&
	     EVP_DecryptUpdate(c, out, &n, in, (int)bytes) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, copy) ==
		     1 &&
	     EVP_DecryptFinal_ex(c, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(c);
	if (!ok)
		wipe(out, bytes);
	return ok ? 0 : ERR_CRYPTO;
}

int
gcm_seal(const struct gcm *g, const uint8_t *sk_in, size_t bytes, uint8_t *out)
{
	EVP_CIPHER_CTX *c;
	int n = 0, ok;

	if (bytes > LEN_MAX || g->aad_bytes > LEN_MAX)
		return ERR_CRYPTO;
	c = EVP_CIPHER_CTX_new();
	ok = c &&
	     EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, g->sk_key, g->iv) ==
		     1 &&
	     EVP_EncryptUpdate(c, NULL, &n, g->aad, (int)g->aad_bytes) == 1 &&
	     EVP_EncryptUpdate(c, out, &n, sk_in, (int)bytes) == 1 &&
	     EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
				 out + bytes) == 1;
	EVP_CIPHER_CTX_free(c);
	if (!ok)
		wipe(out, bytes + GCM_TAG);
	return ok ? 0 : ERR_CRYPTO;
}

/* Returns the length that was wrapped, or 0; sk_out takes `bytes`. */
static size_t
unwrap_into(const uint8_t *sk_kek, const uint8_t *in, size_t bytes,
	    uint8_t *sk_out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0, ok;

	if (c)
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = c &&
	     EVP_DecryptInit_ex(c, EVP_aes_256_wrap_pad(), NULL, sk_kek,
				NULL) == 1 &&
	     EVP_DecryptUpdate(c, sk_out, &n, in, (int)bytes) == 1 && n > 0 &&
	     EVP_DecryptFinal_ex(c, sk_out + n, &rest) == 1 && rest == 0;
	EVP_CIPHER_CTX_free(c);
	return ok ? (size_t)n : 0;
}

int
kwp_unwrap(const uint8_t sk_kek[static AES_KEY], const uint8_t *in,
	   size_t bytes, struct secret **out_sk)
{
	struct secret *sk_room = NULL, *sk = NULL;
	size_t n;
	int r;

	if (bytes < KWP_MIN || bytes > KWP_MAX || bytes % 8 != 0)
		return ERR_RANGE;
	/* OpenSSL wipes `bytes` of it on failure: more than is ever filled. */
	if ((r = secret_new(bytes, &sk_room)) != 0)
		return r;
	n = unwrap_into(sk_kek, in, bytes, secret_bytes(sk_room));
	if (n == 0 || n > bytes - 8)
		r = ERR_CRYPTO;
	else
		r = secret_new(n, &sk);
	if (r == 0) {
		memcpy(secret_bytes(sk), secret_bytes(sk_room), n);
		*out_sk = sk;
	}
	secret_free(sk_room);
	return r;
}

int
hkdf_sha256(const struct hkdf *h, uint8_t *sk_out, size_t bytes)
{
	union { /* OSSL_PARAM knows no const; nothing is written to it */
		const uint8_t *from;
		void *to;
	} ikm = {h->sk_ikm}, salt = {h->salt}, info = {h->info};
	char md[] = "SHA256";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, md, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm.to,
						  h->ikm_bytes),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.to,
						  h->salt_bytes),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.to,
						  h->info_bytes),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int ok;

	ok = c && EVP_KDF_derive(c, sk_out, bytes, p) == 1;
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	if (!ok)
		wipe(sk_out, bytes);
	return ok ? 0 : ERR_CRYPTO;
}
