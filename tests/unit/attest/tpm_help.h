/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the tpm worker share: an arena, keys, secrets. */
#ifndef SP_TPM_HELP_H
#define SP_TPM_HELP_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

struct test_key {
	EVP_PKEY *key;
	uint8_t *der; /* PKCS#8 */
	size_t der_bytes;
};

/* For main(): secrets need their arena. */
static inline void
need_arena(void)
{
	enum secret_kind kind;

	if (secret_arena(1u << 20, &kind) != 0) {
		printf("Bail out! no secret memory\n");
		exit(EXIT_FAILURE);
	}
}

static inline struct test_key
key_from(EVP_PKEY *key)
{
	struct test_key k = {.key = key};
	PKCS8_PRIV_KEY_INFO *p8 = key ? EVP_PKEY2PKCS8(key) : NULL;
	int n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &k.der) : 0;

	if (n <= 0) {
		printf("Bail out! no RSA key\n");
		exit(EXIT_FAILURE);
	}
	k.der_bytes = (size_t)n;
	PKCS8_PRIV_KEY_INFO_free(p8);
	return k;
}

static inline struct test_key
new_key(unsigned bits)
{
	return key_from(EVP_RSA_gen(bits));
}

static inline void
drop_key(struct test_key *k)
{
	EVP_PKEY_free(k->key);
	OPENSSL_free(k->der);
}

/* A secret that holds a copy of these bytes (owned by the caller). */
static inline struct secret *
secret_of(const void *p, size_t bytes)
{
	struct secret *s = NULL;

	if (secret_new(bytes, &s) != 0)
		exit(EXIT_FAILURE);
	memcpy(secret_bytes(s), p, bytes);
	return s;
}

#endif
