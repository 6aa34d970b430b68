/* SPDX-License-Identifier: Apache-2.0 */
/* The JWE: which keys are taken, and that their owner can open it. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "../check.h"
#include "b64.h"
#include "jwe.h"
#include "secret.h"

#define HEADER "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}"

static void
arena(void)
{
	static int made;
	enum secret_kind kind;

	if (!made && secret_arena(65536, &kind) != 0)
		abort();
	made = 1;
}

static EVP_PKEY *
rsa(unsigned bits)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

/* The public half in DER; out takes 1024 bytes. */
static size_t
spki(EVP_PKEY *k, uint8_t *out)
{
	unsigned char *p = NULL;
	int n = i2d_PUBKEY(k, &p);

	if (n <= 0 || n > 1000)
		abort();
	memcpy(out, p, (size_t)n);
	OPENSSL_free(p);
	return (size_t)n;
}

static int
taken(EVP_PKEY *k)
{
	struct jwe_key *j = NULL;
	uint8_t der[1024];
	int r;

	arena();
	r = jwe_key_new(der, spki(k, der), &j);
	jwe_key_free(j);
	EVP_PKEY_free(k);
	return r;
}

CASE(takes_rsa_keys_of_2048_to_4096_bits_and_nothing_else)
{
	EXPECT(taken(rsa(2048)) == 0);
	EXPECT(taken(rsa(3072)) == 0);
	EXPECT(taken(rsa(1024)) == ERR_CRYPTO);
	EXPECT(taken(rsa(2040)) == ERR_CRYPTO);
	EXPECT(taken(rsa(4104)) == ERR_CRYPTO);
	EXPECT(taken(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")) ==
	       ERR_CRYPTO);
	EXPECT(taken(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")) == ERR_CRYPTO);
}

CASE(refuses_a_key_that_is_for_signatures_alone)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA_PSS, NULL);
	EVP_PKEY *k = NULL;

	EXPECT(EVP_PKEY_keygen_init(ctx) == 1);
	EXPECT(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1);
	EXPECT(EVP_PKEY_keygen(ctx, &k) == 1);
	EXPECT(taken(k) == ERR_CRYPTO);
	EVP_PKEY_CTX_free(ctx);
}

CASE(refuses_der_that_is_cut_or_has_something_behind_it)
{
	EVP_PKEY *k = rsa(2048);
	struct jwe_key *j;
	uint8_t der[1025];
	size_t n = spki(k, der);

	arena();
	der[n] = 0;
	EXPECT(jwe_key_new(der, n + 1, &j) == ERR_CRYPTO);
	EXPECT(jwe_key_new(der, n - 1, &j) == ERR_CRYPTO);
	EXPECT(jwe_key_new(der, 0, &j) == ERR_CRYPTO);
	der[n - 1] ^= 1; /* an even exponent */
	EXPECT(jwe_key_new(der, n, &j) == ERR_CRYPTO);
	EVP_PKEY_free(k);
}

/* Splits and decodes the five parts of a compact JWE. */
static int
split(char *text, uint8_t part[5][512], size_t len[5])
{
	char *save = NULL;

	for (int i = 0; i < 5; i++) {
		char *p = strtok_r(i ? NULL : text, ".", &save);

		if (!p || b64_decode(B64_URL, p, strlen(p), part[i], 512,
				     &len[i]) != 0)
			return -1;
	}
	return strtok_r(NULL, ".", &save) ? -1 : 0;
}

static int
unwrap(EVP_PKEY *k, const uint8_t *p, size_t n, uint8_t cek[512])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	size_t out = 512;
	int ok = EVP_PKEY_decrypt_init(ctx) == 1 &&
		 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) ==
			 1 &&
		 EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
		 EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
		 EVP_PKEY_decrypt(ctx, cek, &out, p, n) == 1 && out == 32;

	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : -1;
}

/* Opens it as any other implementation would; returns the text's length. */
static int
open_jwe(EVP_PKEY *k, const char *jwe, uint8_t *out)
{
	static uint8_t part[5][512];
	uint8_t cek[512];
	char copy[JWE_MAX + 1];
	size_t len[5], aad = strcspn(jwe, ".");
	EVP_CIPHER_CTX *c;
	int n = 0, m = 0, ok;

	strcpy(copy, jwe);
	if (split(copy, part, len) != 0 || len[0] != strlen(HEADER) ||
	    memcmp(part[0], HEADER, len[0]) != 0 || len[2] != 12 ||
	    len[4] != 16 || unwrap(k, part[1], len[1], cek) != 0)
		return -1;
	c = EVP_CIPHER_CTX_new();
	ok = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, cek, part[2]) &&
	     EVP_DecryptUpdate(c, NULL, &m, (const uint8_t *)jwe, (int)aad) &&
	     EVP_DecryptUpdate(c, out, &n, part[3], (int)len[3]) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, part[4]) &&
	     EVP_DecryptFinal_ex(c, out + n, &m) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? n : -1;
}

CASE(its_owner_opens_it)
{
	static const unsigned bits[] = {2048, 4096};

	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *k = rsa(bits[i]);
		struct jwe_key *j = NULL;
		uint8_t der[1024], out[512];
		char text[129], jwe[JWE_MAX + 1], again[JWE_MAX + 1];
		size_t n;

		arena();
		memset(text, 't', sizeof(text));
		EXPECT(jwe_key_new(der, spki(k, der), &j) == 0);
		EXPECT(jwe_make(j, text, 128, jwe, &n) == 0);
		EXPECT(n == strlen(jwe) && n == jwe_size(bits[i] / 8, 128));
		EXPECT(open_jwe(k, jwe, out) == 128);
		EXPECT(memcmp(out, text, 128) == 0);
		EXPECT(jwe_make(j, "s", 1, again, &n) == 0);
		EXPECT(jwe_key_bytes(j) == bits[i] / 8);
		EXPECT(n == jwe_size(bits[i] / 8, 1));
		EXPECT(open_jwe(k, again, out) == 1 && out[0] == 's');
		jwe[10] ^= 1; /* the header is authenticated */
		EXPECT(open_jwe(k, jwe, out) == -1);
		EXPECT(jwe_make(j, text, 129, jwe, &n) == ERR_RANGE);
		EXPECT(jwe_make(j, text, 0, jwe, &n) == ERR_RANGE);
		jwe_key_free(j);
		EVP_PKEY_free(k);
	}
}

int
main(void)
{
	return check_run();
}
