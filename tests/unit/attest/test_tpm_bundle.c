/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN P4: nobody without the key makes one, and none opens elsewhere. */
#include "check.h"
#include "tpm_bundle.h"
#include "tpm_help.h"
#include "tpm_keyset.h"

#define STORE "pebbledb:/var/lib/store"

static struct master *key, *another;
static uint8_t set[KEYSET_BYTES]; /* with a token */

static const struct bundle_name fresh = {
	.store_id = STORE,
	.generation = {7, 7, 7},
	.kind = BUNDLE_FRESH,
};

static void
make(const struct bundle_name *n, uint8_t out[static BUNDLE_BYTES])
{
	uint8_t copy[KEYSET_BYTES];
	struct bundle_seal *s = NULL;

	memcpy(copy, set, sizeof(copy));
	if (n->kind == BUNDLE_FINAL)
		keyset_drop_token(copy);
	EXPECT(bundle_prepare(key, n, &s) == 0);
	EXPECT(s && bundle_make(s, copy, out) == 0);
	bundle_seal_free(s);
}

static int
opens(const struct master *m, const char *store, const uint8_t *in, size_t n)
{
	struct bundle_name name;
	struct secret *sk = NULL;
	int r = bundle_open(m, store, in, n, &name, &sk);

	EXPECT((r == 0) == (sk != NULL));
	secret_free(sk);
	return r;
}

CASE(what_was_sealed_comes_back)
{
	uint8_t b[BUNDLE_BYTES];
	struct bundle_name n;
	struct secret *sk = NULL;

	make(&fresh, b);
	EXPECT(bundle_open(key, STORE, b, sizeof(b), &n, &sk) == 0);
	EXPECT(n.kind == BUNDLE_FRESH);
	EXPECT(memcmp(n.generation, fresh.generation, GENERATION_BYTES) == 0);
	EXPECT(sk && secret_size(sk) == KEYSET_BYTES &&
	       memcmp(secret_bytes(sk), set, KEYSET_BYTES) == 0);
	secret_free(sk);
}

CASE(every_flipped_bit_is_refused)
{
	uint8_t b[BUNDLE_BYTES];

	make(&fresh, b);
	for (size_t bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EXPECT(opens(key, STORE, b, sizeof(b)) != 0);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	EXPECT(opens(key, STORE, b, sizeof(b)) == 0);
}

CASE(other_lengths_are_refused)
{
	uint8_t b[BUNDLE_BYTES + 1] = {0};

	make(&fresh, b);
	for (size_t n = 0; n < BUNDLE_BYTES; n += 13)
		EXPECT(opens(key, STORE, b, n) == ERR_FORMAT);
	EXPECT(opens(key, STORE, b, BUNDLE_BYTES - 1) == ERR_FORMAT);
	EXPECT(opens(key, STORE, b, BUNDLE_BYTES + 1) == ERR_FORMAT);
}

CASE(another_store_is_refused)
{
	uint8_t b[BUNDLE_BYTES];
	char longest[STORE_ID_MAX + 2];

	make(&fresh, b);
	EXPECT(opens(key, STORE "/", b, sizeof(b)) == ERR_CRYPTO);
	EXPECT(opens(key, "raft:/var/lib/store", b, sizeof(b)) == ERR_CRYPTO);
	EXPECT(opens(key, "", b, sizeof(b)) == ERR_RANGE);
	memset(longest, 'a', sizeof(longest));
	longest[STORE_ID_MAX + 1] = '\0';
	EXPECT(opens(key, longest, b, sizeof(b)) == ERR_RANGE);
	longest[STORE_ID_MAX] = '\0';
	EXPECT(opens(key, longest, b, sizeof(b)) == ERR_CRYPTO);
}

CASE(another_master_key_is_refused)
{
	uint8_t b[BUNDLE_BYTES];

	make(&fresh, b);
	EXPECT(opens(another, STORE, b, sizeof(b)) == ERR_MISMATCH);
	/* Its name alone does not help. */
	memcpy(b + 24, master_id(another), KEY_ID);
	EXPECT(opens(another, STORE, b, sizeof(b)) == ERR_CRYPTO);
}

CASE(a_kind_cannot_be_told_as_the_other)
{
	struct bundle_name final = fresh;
	uint8_t b[BUNDLE_BYTES];

	final.kind = BUNDLE_FINAL;
	make(&final, b);
	EXPECT(b[6] == BUNDLE_FINAL && opens(key, STORE, b, sizeof(b)) == 0);
	b[6] = BUNDLE_FRESH;
	EXPECT(opens(key, STORE, b, sizeof(b)) == ERR_CRYPTO);
	b[6] = 0;
	EXPECT(opens(key, STORE, b, sizeof(b)) == ERR_FORMAT);
	b[6] = 3;
	EXPECT(opens(key, STORE, b, sizeof(b)) == ERR_FORMAT);
}

CASE(two_bundles_of_the_same_have_nothing_in_common)
{
	uint8_t a[BUNDLE_BYTES], b[BUNDLE_BYTES];

	make(&fresh, a);
	make(&fresh, b);
	EXPECT(memcmp(a, b, BUNDLE_HEADER - 32) == 0);
	EXPECT(memcmp(a + 56, b + 56, 32) != 0); /* the salt */
	for (size_t at = BUNDLE_HEADER; at + 8 <= BUNDLE_BYTES; at += 8)
		EXPECT(memcmp(a + at, b + at, 8) != 0);
	memcpy(b + 56, a + 56, 32);
	EXPECT(opens(key, STORE, b, sizeof(b)) == ERR_CRYPTO);
}

CASE(a_seal_makes_one_bundle)
{
	uint8_t b[BUNDLE_BYTES];
	struct bundle_seal *s = NULL;

	EXPECT(bundle_prepare(key, &fresh, &s) == 0);
	EXPECT(bundle_make(s, set, b) == 0);
	EXPECT(bundle_make(s, set, b) == ERR_CRYPTO);
	bundle_seal_free(s);
	bundle_seal_free(NULL);
}

CASE(a_final_bundle_takes_no_token_and_a_fresh_one_needs_it)
{
	struct bundle_name final = fresh;
	uint8_t b[BUNDLE_BYTES], bare[KEYSET_BYTES];
	struct bundle_seal *s = NULL;

	final.kind = BUNDLE_FINAL;
	EXPECT(bundle_prepare(key, &final, &s) == 0);
	EXPECT(bundle_make(s, set, b) == ERR_CRYPTO);
	bundle_seal_free(s);
	memcpy(bare, set, sizeof(bare));
	keyset_drop_token(bare);
	EXPECT(bundle_prepare(key, &fresh, &s) == 0);
	EXPECT(bundle_make(s, bare, b) == ERR_CRYPTO);
	bundle_seal_free(s);
}

static struct master *
master_of(unsigned bits)
{
	struct test_key k = new_key(bits);
	struct master *m = NULL;

	if (master_new(k.der, k.der_bytes, NULL, &m) != 0)
		exit(EXIT_FAILURE);
	drop_key(&k);
	return m;
}

int
main(void)
{
	int r;

	need_arena();
	key = master_of(2048);
	another = master_of(2048);
	keyset_begin(set);
	for (unsigned i = 0; i < 5; i++) {
		uint8_t share[33];

		memset(share, 0x30 + (int)i, sizeof(share));
		if (keyset_add(set, share, sizeof(share)) != 0)
			return EXIT_FAILURE;
	}
	set[0] = 3;
	set[2] = 7;
	memcpy(set + 4, "s.token", 7);
	r = check_run();
	master_free(key);
	master_free(another);
	return r;
}
