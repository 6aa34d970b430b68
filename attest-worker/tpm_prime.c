/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm_prime.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdint.h>

#include "crypto_heap.h"
#include "envelope.h"
#include "tpm_cipher.h"

#define ARENA_BYTES  (512u * 1024u) /* a 4096-bit key needs under 256 KiB */
#define SECURE_BYTES (64u * 1024u)  /* a power of two, OpenSSL's own rule */
#define SECURE_MIN   32u
#define DUMMY_BITS   576u /* of the priming key: OAEP-256 just fits */

static int
dummy_symmetric(void)
{
	uint8_t key[AES_KEY], iv[GCM_IV], text[16] = {0}, box[16 + GCM_TAG];
	struct gcm g = {.sk_key = key, .iv = iv, .aad = iv, .aad_bytes = 1};
	struct hkdf h = {key, sizeof(key), iv, sizeof(iv), iv, sizeof(iv)};
	struct secret *sk = NULL;
	int r;

	if (RAND_bytes(iv, sizeof(iv)) != 1 ||
	    RAND_priv_bytes(key, sizeof(key)) != 1)
		return ERR_CRYPTO;
	if ((r = hkdf_sha256(&h, key, sizeof(key))) != 0 ||
	    (r = gcm_seal(&g, text, sizeof(text), box)) != 0 ||
	    (r = gcm_open(&g, box, sizeof(text), box + sizeof(text), text)) !=
		    0)
		return r;
	/* Zeros are no wrapped key; that it fails is the round. */
	r = kwp_unwrap(key, text, sizeof(text), &sk);
	secret_free(sk);
	wipe(key, sizeof(key));
	return r == ERR_CRYPTO ? 0 : ERR_CRYPTO;
}

/* A small key of the moment: made, used once, forgotten. */
static int
dummy_rsa(void)
{
	EVP_PKEY *key = EVP_RSA_gen(DUMMY_BITS);
	EVP_PKEY_CTX *c =
		key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	uint8_t in[1] = {0}, box[DUMMY_BITS / 8], out[DUMMY_BITS / 8];
	size_t n = sizeof(box), m = sizeof(out);
	int ok;

	ok = c && EVP_PKEY_encrypt_init(c) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	     EVP_PKEY_encrypt(c, box, &n, in, sizeof(in)) == 1 &&
	     EVP_PKEY_decrypt_init(c) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	     EVP_PKEY_decrypt(c, out, &m, box, n) == 1 && m == sizeof(in);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
	return ok ? 0 : ERR_CRYPTO;
}

int
tpm_prime(enum secret_kind *out_kind)
{
	int r;

	if ((r = crypto_heap()) != 0)
		return r;
	if ((r = secret_arena(ARENA_BYTES, out_kind)) != 0)
		return r;
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
					OPENSSL_INIT_NO_ATEXIT,
				NULL) != 1)
		return ERR_CRYPTO;
	/* 2 would be a heap that is not locked. */
	if (CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_MIN) != 1)
		return ERR_LOCK;
	if ((r = dummy_symmetric()) != 0 || (r = dummy_rsa()) != 0)
		return r;
	return env_prime();
}

void
tpm_prime_secret(void)
{
	crypto_heap_from(secret_malloc, secret_mfree);
}
