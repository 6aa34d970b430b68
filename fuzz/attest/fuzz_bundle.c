/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles, under a key of this process.  First byte:
 *	0	the rest is a bundle (its wrapping key id is made ours)
 *	1	uint16 place, uint8 bits, uint8 kind, 16 bytes generation, key
 *		set: sealed, opened; then opened again with those bits flipped
 */
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "cursor.h"
#include "tpm_bundle.h"
#include "tpm_keyset.h"

#define STORE "azure:account/vault"

static struct master *
our_key(void)
{
	static struct master *m;
	enum secret_kind kind;
	EVP_PKEY *key;
	PKCS8_PRIV_KEY_INFO *p8;
	uint8_t *der = NULL;
	int n;

	if (m)
		return m;
	REQUIRE(secret_arena(1 << 18, &kind) == 0);
	key = EVP_RSA_gen(2048);
	p8 = EVP_PKEY2PKCS8(key);
	n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	REQUIRE(n > 0 && master_new(der, (size_t)n, NULL, &m) == 0);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(p8);
	EVP_PKEY_free(key);
	return m;
}

static void
open_raw(const uint8_t *p, size_t n)
{
	static uint8_t copy[BUNDLE_BYTES + 64];
	struct bundle_name name;
	struct secret *sk = NULL;

	if (n > sizeof(copy))
		return;
	memcpy(copy, p, n);
	if (n >= 24 + KEY_ID)
		memcpy(copy + 24, master_id(our_key()), KEY_ID);
	/* Nobody without the key makes one (DESIGN P4). */
	REQUIRE(bundle_open(our_key(), STORE, copy, n, &name, &sk) != 0);
	REQUIRE(sk == NULL);
}

static int
opens_as(const uint8_t *b, const struct bundle_name *want, const uint8_t *set)
{
	struct bundle_name got;
	struct secret *sk = NULL;

	if (bundle_open(our_key(), STORE, b, BUNDLE_BYTES, &got, &sk) != 0)
		return 0;
	REQUIRE(got.kind == want->kind);
	REQUIRE(memcmp(got.generation, want->generation, GENERATION_BYTES) ==
		0);
	REQUIRE(memcmp(secret_bytes(sk), set, KEYSET_BYTES) == 0);
	secret_free(sk);
	return 1;
}

static void
seal_and_open(const uint8_t *p, size_t n)
{
	struct bundle_name name = {.store_id = STORE};
	struct bundle_seal *s = NULL;
	uint8_t b[BUNDLE_BYTES], bits, kind;
	const uint8_t *set;
	uint16_t place;
	struct rd r;
	int fits;

	rd_init(&r, p, n);
	if (rd_u16(&r, &place) != 0 || rd_u8(&r, &bits) != 0 ||
	    rd_u8(&r, &kind) != 0 ||
	    rd_copy(&r, GENERATION_BYTES, name.generation) != 0 ||
	    rd_bytes(&r, KEYSET_BYTES, &set) != 0 || rd_end(&r) != 0)
		return;
	name.kind = kind & 1 ? BUNDLE_FRESH : BUNDLE_FINAL;
	fits = keyset_check(set, name.kind == BUNDLE_FRESH) == 0;
	REQUIRE(bundle_prepare(our_key(), &name, &s) == 0);
	REQUIRE((bundle_make(s, set, b) == 0) == fits);
	bundle_seal_free(s);
	if (!fits)
		return;
	REQUIRE(opens_as(b, &name, set));
	b[place % BUNDLE_BYTES] ^= bits;
	REQUIRE(opens_as(b, &name, set) == (bits == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	if (data[0] == 0)
		open_raw(data + 1, bytes - 1);
	else
		seal_and_open(data + 1, bytes - 1);
	return 0;
}
