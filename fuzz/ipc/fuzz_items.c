/* SPDX-License-Identifier: Apache-2.0 */
/* CONFIG's body: two bytes name a tag to look for, then the items. */
#include <string.h>

#include "../fuzz.h"
#include "items.h"

static void
check_nth(const struct items *it, unsigned tag, unsigned nth)
{
	const uint8_t *p;
	char s[64], exact[64];
	size_t n;

	REQUIRE(items_get(it, tag, nth, &p, &n) == 0);
	REQUIRE(p >= it->p && n <= it->bytes);
	REQUIRE((size_t)(p - it->p) + n <= it->bytes);
	memset(s, 'x', sizeof(s));
	if (items_str(it, tag, nth, s, sizeof(s)) == 0)
		REQUIRE(strlen(s) == n && memcmp(s, p, n) == 0);
	if (nth == 0 && n < sizeof(exact)) {
		REQUIRE(items_fixed(it, tag, exact, n) == 0);
		REQUIRE(items_fixed(it, tag, exact, n + 1) == ERR_FORMAT);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t again[1 << 16];
	struct items it;
	struct wr w;
	const uint8_t *p;
	char s[8];
	uint16_t tag;
	uint32_t a;
	uint64_t b;
	struct rd r;
	unsigned count;
	size_t n;

	rd_init(&r, data, bytes);
	if (rd_u16(&r, &tag) != 0 || items_open(r.p, r.left, &it) != 0)
		return 0;
	count = items_count(&it, tag);
	for (unsigned i = 0; i < count; i++)
		check_nth(&it, tag, i);
	REQUIRE(items_get(&it, tag, count, &p, &n) == ERR_NOTFOUND);
	REQUIRE(items_str(&it, tag, count, s, sizeof(s)) == ERR_NOTFOUND);
	if (count == 0)
		REQUIRE(items_fixed(&it, tag, s, 4) == ERR_NOTFOUND);
	if (items_u32(&it, tag, &a) == 0) {
		wr_init(&w, again, sizeof(again));
		items_put_u32(&w, tag, a);
		REQUIRE(wr_end(&w, &n) == 0 && n == 10);
	}
	if (items_u64(&it, tag, &b) == 0)
		REQUIRE(items_u32(&it, tag, &a) != 0);
	return 0;
}
