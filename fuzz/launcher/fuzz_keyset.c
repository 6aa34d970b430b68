/* SPDX-License-Identifier: Apache-2.0 */
/* The key set's wire form: what is taken is exactly what we would write. */
#include <string.h>

#include "../fuzz.h"
#include "keyset.h"

/* Writes the same set anew. */
static void
again(const struct keyset *k, struct keyset *out)
{
	const char *token;
	size_t n;

	REQUIRE(keyset_new(k->threshold, k->count, out) == 0);
	for (unsigned i = 0; i < k->count; i++) {
		const uint8_t *share = keyset_share(k, i, &n);

		REQUIRE(n == 32 || n == 33);
		REQUIRE(keyset_put_share(out, i, share, n) == 0);
	}
	if ((token = keyset_token(k, &n)))
		REQUIRE(keyset_put_token(out, token, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static int made;
	enum secret_kind kind;
	struct keyset k, copy, reread;
	struct secret *sk;

	if (!made)
		REQUIRE(secret_arena(65536, &kind) == 0);
	made = 1;
	if (bytes > 2 * KEYSET_BYTES)
		return 0;
	REQUIRE(secret_new(bytes, &sk) == 0);
	if (bytes)
		memcpy(secret_bytes(sk), data, bytes);
	if (keyset_open(sk, &k) != 0) {
		secret_free(sk);
		return 0;
	}
	REQUIRE(bytes == KEYSET_BYTES);
	again(&k, &copy);
	REQUIRE(memcmp(secret_bytes(copy.sk_set), data, KEYSET_BYTES) == 0);
	keyset_free(&copy);

	keyset_distinct(&k);
	REQUIRE(k.count >= 1 && k.threshold <= k.count);
	REQUIRE(keyset_open(k.sk_set, &reread) == 0);
	REQUIRE(reread.count == k.count && reread.threshold == k.threshold);
	keyset_free(&k);
	return 0;
}
