/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "items.h"

static uint8_t buf[256];
static struct items it;

/* 5: "name", 6: u32, 5: "second", 7: u64, 8: empty, 9: a NUL inside */
static size_t
build(void)
{
	size_t n = 0;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	items_put_str(&w, 5, "name");
	items_put_u32(&w, 6, 0x01020304);
	items_put_str(&w, 5, "second");
	items_put_u64(&w, 7, 0x0102030405060708);
	items_put(&w, 8, NULL, 0);
	items_put(&w, 9, "a\0b", 3);
	EXPECT(wr_end(&w, &n) == 0);
	EXPECT(items_open(buf, n, &it) == 0);
	return n;
}

CASE(an_item_is_tag_length_bytes)
{
	static const uint8_t want[] = {0, 5, 0, 0, 0, 4, 'n', 'a', 'm', 'e'};

	build();
	EXPECT(memcmp(buf, want, sizeof(want)) == 0);
}

CASE(finds_the_nth_of_a_tag)
{
	const uint8_t *p = NULL;
	size_t n = 99;

	build();
	EXPECT(items_get(&it, 5, 1, &p, &n) == 0 && n == 6);
	EXPECT(memcmp(p, "second", 6) == 0);
	EXPECT(items_count(&it, 5) == 2 && items_count(&it, 4) == 0);
	n = 99;
	EXPECT(items_get(&it, 5, 2, &p, &n) == ERR_NOTFOUND && n == 99);
	EXPECT(items_get(&it, 0x10005, 0, &p, &n) == ERR_NOTFOUND);
}

CASE(a_string_fits_or_is_refused)
{
	char s[8] = "before";

	build();
	EXPECT(items_str(&it, 5, 0, s, 4) == ERR_RANGE);
	EXPECT(items_str(&it, 5, 0, s, 0) == ERR_RANGE);
	EXPECT(items_str(&it, 9, 0, s, sizeof(s)) == ERR_FORMAT);
	EXPECT(items_str(&it, 1, 0, s, sizeof(s)) == ERR_NOTFOUND);
	EXPECT(strcmp(s, "before") == 0);
	EXPECT(items_str(&it, 5, 0, s, 5) == 0 && strcmp(s, "name") == 0);
	EXPECT(items_str(&it, 8, 0, s, 1) == 0 && s[0] == '\0');
}

CASE(numbers_have_exactly_their_size)
{
	uint32_t a = 9;
	uint64_t b = 9;

	build();
	EXPECT(items_u32(&it, 7, &a) == ERR_FORMAT && a == 9);
	EXPECT(items_u64(&it, 6, &b) == ERR_FORMAT && b == 9);
	EXPECT(items_u32(&it, 1, &a) == ERR_NOTFOUND && a == 9);
	EXPECT(items_u32(&it, 6, &a) == 0 && a == 0x01020304);
	EXPECT(items_u64(&it, 7, &b) == 0 && b == 0x0102030405060708);
}

CASE(fixed_items_have_exactly_their_size)
{
	char out[6] = "xxxxx";

	build();
	EXPECT(items_fixed(&it, 5, out, 3) == ERR_FORMAT);
	EXPECT(items_fixed(&it, 5, out, 5) == ERR_FORMAT);
	EXPECT(items_fixed(&it, 1, out, 4) == ERR_NOTFOUND);
	EXPECT(strcmp(out, "xxxxx") == 0);
	EXPECT(items_fixed(&it, 5, out, 4) == 0);
	EXPECT(strcmp(out, "namex") == 0);
}

CASE(every_cut_inside_an_item_is_refused)
{
	size_t n = build(), whole = 0;
	struct items cut = {.bytes = 99};

	for (size_t i = 0; i <= n; i++)
		whole += items_open(buf, i, &cut) == 0;
	EXPECT(whole == 7); /* before each of six items, and the whole */
	EXPECT(items_open(NULL, 0, &cut) == 0 && cut.bytes == 0);
}

CASE(a_length_beyond_the_end_is_refused)
{
	size_t n = build();

	memset(buf + 2, 0xff, 4);
	EXPECT(items_open(buf, n, &it) == ERR_FORMAT);
}

CASE(a_tag_that_does_not_fit_shows_at_the_end)
{
	size_t n;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	items_put_u32(&w, 0x10000, 1);
	EXPECT(wr_end(&w, &n) == ERR_NOMEM);
}

int
main(void)
{
	return check_run();
}
