/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "check.h"
#include "json.h"
#include "json_whole.h"

static int
opens(const char *p, size_t bytes)
{
	json_t *root = NULL;
	int r = net_json_open(p, bytes, &root);

	json_decref(root);
	return r;
}

#define OPENS(text) opens(text, sizeof(text) - 1)

CASE(one_object_is_a_root_and_nothing_else)
{
	EXPECT(OPENS("{}") == 0);
	EXPECT(OPENS(" {\"a\":1}\r\n") == 0);
	EXPECT(OPENS("[]") == ERR_FORMAT);
	EXPECT(OPENS("1") == ERR_FORMAT);
	EXPECT(OPENS("") == ERR_FORMAT);
	EXPECT(OPENS("{}{}") == ERR_FORMAT);
	EXPECT(OPENS("{\"a\":1,\"a\":1}") == ERR_FORMAT);
	EXPECT(OPENS("{\"a\":\"\\u0000\"}") == ERR_FORMAT);
	EXPECT(OPENS("{\"a\":\"\xff\"}") == ERR_FORMAT);
}

CASE(nesting_is_counted_outside_of_strings)
{
	static char deep[64];

	EXPECT(OPENS("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[\"}") == 0);
	memcpy(deep, "{\"a\":", 5);
	memset(deep + 5, '[', 15);
	memset(deep + 20, ']', 15);
	deep[35] = '}';
	EXPECT(opens(deep, 36) == 0); /* 16 */
	memset(deep + 5, '[', 16);
	memset(deep + 21, ']', 16);
	deep[37] = '}';
	EXPECT(opens(deep, 38) == ERR_FORMAT);
}

CASE(members_are_of_their_type)
{
	static const char text[] =
		"{\"s\":\"abc\",\"n\":5,\"m\":-1,\"d\":\"17\",\"r\":1.0,"
		"\"e\":\"\",\"big\":\"18446744073709551616\",\"o\":{},\"a\":[]"
		"}";
	json_t *root;
	const json_t *v;
	const char *s;
	uint64_t n = 0;

	EXPECT(net_json_open(text, sizeof(text) - 1, &root) == 0);
	EXPECT(net_json_text(root, "s", 3, 3, &s) == 0);
	EXPECT(net_json_text(root, "s", 4, 9, &s) == ERR_RANGE);
	EXPECT(net_json_text(root, "s", 0, 2, &s) == ERR_RANGE);
	EXPECT(net_json_text(root, "n", 0, 9, &s) == ERR_FORMAT);
	EXPECT(net_json_text(root, "x", 0, 9, &s) == ERR_FORMAT);
	EXPECT(net_json_u64(root, "n", &n) == 0 && n == 5);
	EXPECT(net_json_u64(root, "d", &n) == 0 && n == 17);
	EXPECT(net_json_u64(root, "m", &n) == ERR_FORMAT);
	EXPECT(net_json_u64(root, "r", &n) == ERR_FORMAT);
	EXPECT(net_json_u64(root, "s", &n) == ERR_FORMAT);
	EXPECT(net_json_u64(root, "e", &n) != 0);
	EXPECT(net_json_u64(root, "big", &n) == ERR_FORMAT);
	EXPECT(net_json_object(root, "o", &v) == 0);
	EXPECT(net_json_object(root, "a", &v) == ERR_FORMAT);
	EXPECT(net_json_array(root, "a", &v) == 0);
	EXPECT(net_json_array(root, "x", &v) == ERR_FORMAT);
	json_decref(root);
}

static unsigned left; /* allocations that still succeed */
static uint8_t arena[1 << 16];
static size_t used; /* what is lost is given back with the arena */

static void *
some(size_t bytes)
{
	uint8_t *p = arena + used;

	used += (bytes + 15) / 16 * 16;
	return used <= sizeof(arena) ? p : NULL;
}

static void *
scarce(size_t bytes)
{
	return left > 0 ? (left--, some(bytes)) : NULL;
}

static void *
once_scarce(size_t bytes)
{
	return left-- == 1 ? NULL : some(bytes);
}

static void
none(void *p)
{
	(void)p;
}

/* Whether it is read whole with every allocation failing in turn, or not. */
static void
in_turn(const char *text, size_t bytes, size_t chars)
{
	const char *v;
	json_t *root;
	unsigned n;

	for (n = 1; n < 100; n++) {
		left = n;
		used = 0;
		if (net_json_open(text, bytes, &root) != 0)
			continue;
		EXPECT(net_json_text(root, "a", chars, chars, &v) == 0);
		json_decref(root);
		if (left > 0 && left < 100)
			break; /* nothing failed any more */
	}
	EXPECT(n > 5 && n < 100); /* it failed, and came through */
}

/* jansson itself gives {"a": ""} and the like, or reads on past its end. */
CASE(a_text_that_memory_was_missing_for_is_no_text)
{
	static char text[600] = "{\"a\":\"";

	for (size_t chars = 1; chars < 580; chars++) {
		memset(text + 6, 'x', chars);
		memcpy(text + 6 + chars, "\"}", 2);
		EXPECT(json_begin(scarce, none) == 0);
		in_turn(text, 8 + chars, chars);
		EXPECT(json_begin(once_scarce, none) == 0);
		in_turn(text, 8 + chars, chars);
	}
	EXPECT(json_begin(malloc, free) == 0);
}

int
main(void)
{
	return check_run();
}
