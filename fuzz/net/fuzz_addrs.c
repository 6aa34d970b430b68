/* SPDX-License-Identifier: Apache-2.0 */
/* The body of ADDRS; what is read, written again, is the same. */
#include <string.h>

#include "../fuzz.h"
#include "addrs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t again[ADDRS_BYTES];
	struct addrs all, twice;
	char text[ADDR_TEXT];
	struct addr a;
	struct wr w;
	size_t n;

	if (addrs_get(data, bytes, &all) != 0)
		return 0;
	wr_init(&w, again, sizeof(again));
	for (unsigned r = 0; r < REMOTE_COUNT; r++) {
		REQUIRE(all.n[r] <= ADDRS_EACH);
		for (unsigned i = 0; i < all.n[r]; i++) {
			addr_text(&all.a[r][i], text);
			REQUIRE(addr_literal(text, &a) == 0);
			REQUIRE(memcmp(&a, &all.a[r][i], sizeof(a)) == 0);
			addrs_put(&w, r, &a);
		}
	}
	REQUIRE(wr_end(&w, &n) == 0 && n == bytes);
	REQUIRE(addrs_get(again, n, &twice) == 0);
	REQUIRE(memcmp(&all, &twice, sizeof(all)) == 0);
	return 0;
}
