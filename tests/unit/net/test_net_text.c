/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "text.h"

CASE(a_full_text_stays_full)
{
	char buf[5];
	struct text t;
	size_t n = 77;

	text_init(&t, buf, sizeof(buf));
	text_put(&t, "abcd");
	EXPECT(text_end(&t, &n) == 0 && n == 4 && strcmp(buf, "abcd") == 0);
	text_put(&t, "e");
	text_put(&t, "");
	n = 77;
	EXPECT(text_end(&t, &n) == ERR_NOMEM && n == 77);
	EXPECT(strcmp(buf, "abcd") == 0);
}

CASE(base64_that_does_not_fit_is_not_begun)
{
	char buf[9];
	struct text t;
	size_t n;

	text_init(&t, buf, sizeof(buf));
	text_b64(&t, B64_STD, "123456", 6);
	EXPECT(text_end(&t, &n) == 0 && strcmp(buf, "MTIzNDU2") == 0);
	text_init(&t, buf, sizeof(buf) - 1);
	text_b64(&t, B64_STD, "123456", 6);
	EXPECT(text_end(&t, &n) == ERR_NOMEM && buf[0] == '\0');
}

CASE(writes_numbers_and_percent)
{
	char buf[64];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_u32(&t, 0);
	text_u32(&t, UINT32_MAX);
	text_percent(&t, "/a-Z_0.~&=\xc3");
	EXPECT(strcmp(buf, "04294967295%2Fa-Z_0.~%26%3D%C3") == 0);
}

CASE(character_kinds)
{
	EXPECT(text_is("aZ9-_", 5, TEXT_B64URL));
	EXPECT(!text_is("", 0, TEXT_B64URL));
	EXPECT(!text_is("a+", 2, TEXT_B64URL));
	EXPECT(text_is("a+/=", 4, TEXT_B64));
	EXPECT(!text_is("a\r\nX: y", 7, TEXT_B64 | TEXT_B64URL | TEXT_DOT));
	EXPECT(!text_is("a\0b", 3, TEXT_B64));
}

CASE(a_compact_form_has_its_dots_and_no_empty_part)
{
	EXPECT(text_is_compact("a.b.c", 5, 2));
	EXPECT(!text_is_compact("a.b.c", 5, 4));
	EXPECT(!text_is_compact("a..c", 4, 2));
	EXPECT(!text_is_compact(".b.c", 4, 2));
	EXPECT(!text_is_compact("a.b.", 4, 2));
	EXPECT(!text_is_compact("a.b.c\"", 6, 2));
	EXPECT(!text_is_compact("", 0, 0));
}

CASE(what_is_shown_holds_no_token)
{
	static const char said[] =
		"no\r\n\ttoken Bearer eyJ0eXAiOiJKV1QiLCJhbGciOi.J.x, \x01\xff";
	char out[200];

	text_show(said, sizeof(said) - 1, out, sizeof(out));
	EXPECT(strcmp(out, "no token Bearer [token], ??") == 0);
	text_show("eyJzaG9ydA is short", 19, out, sizeof(out));
	EXPECT(strcmp(out, "eyJzaG9ydA is short") == 0);
	text_show("abcdefgh", 8, out, 5);
	EXPECT(strcmp(out, "abcd") == 0);
}

CASE(stored_base64_may_be_folded)
{
	uint8_t out[8];
	size_t n = 0;

	EXPECT(text_unb64("MTIz\r\nNDU2\n", 11, out, sizeof(out), &n) == 0);
	EXPECT(n == 6 && memcmp(out, "123456", 6) == 0);
	EXPECT(text_unb64("MTIz NDU2", 9, out, sizeof(out), &n) == ERR_FORMAT);
	EXPECT(text_unb64("MTI-", 4, out, sizeof(out), &n) == ERR_FORMAT);
	EXPECT(text_unb64("MTIzNDU2", 8, out, 5, &n) == ERR_RANGE);
	EXPECT(text_unb64("", 0, out, sizeof(out), &n) == 0 && n == 0);
}

int
main(void)
{
	return check_run();
}
