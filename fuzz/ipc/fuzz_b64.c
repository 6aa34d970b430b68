/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of an attacker as base64 and as hex; one byte says which.  Both
 * alphabets are canonical: what decodes encodes to the same characters (URL:
 * but for its padding), so nothing has two spellings.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "b64.h"

static void
check_b64(enum b64_kind kind, const char *s, size_t chars)
{
	uint8_t *out = malloc(chars + 1);
	char *again = malloc(B64_LEN(chars) + 1);
	size_t n = 0, len;

	REQUIRE(out && again);
	if (b64_decode(kind, s, chars, out, chars, &n) == 0) {
		len = b64_encode(kind, out, n, again);
		REQUIRE(len <= chars && memcmp(again, s, len) == 0);
		REQUIRE(strlen(again) == len);
		REQUIRE(kind == B64_URL || len == chars);
		for (size_t i = len; i < chars; i++)
			REQUIRE(s[i] == '=');
		if (n > 0)
			REQUIRE(b64_decode(kind, s, chars, out, n - 1, &n) ==
				ERR_RANGE);
	}
	free(again);
	free(out);
}

static void
check_hex(const char *s, size_t chars)
{
	uint8_t *out = malloc(chars / 2 + 1);
	char *again = malloc(chars + 2);

	REQUIRE(out && again);
	if (hex_decode(s, chars, out, chars / 2) == 0) {
		hex_encode(out, chars / 2, again);
		REQUIRE(strlen(again) == chars);
		for (size_t i = 0; i < chars; i++)
			REQUIRE(again[i] == (s[i] >= 'A' && s[i] <= 'F'
						     ? s[i] | 0x20
						     : s[i]));
	}
	free(again);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const char *s = (const char *)data + 1;

	if (bytes == 0)
		return 0;
	if (data[0] % 3 == 2)
		check_hex(s, bytes - 1);
	else
		check_b64(data[0] % 3 ? B64_URL : B64_STD, s, bytes - 1);
	return 0;
}
