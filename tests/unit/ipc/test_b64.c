/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "../check.h"
#include "b64.h"

struct pair {
	const char *plain;
	const char *std;
	const char *url;
};

/* RFC 4648 section 10, and the digits that differ */
static const struct pair rfc[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/", "-_-_"},
};

static int
decode(enum b64_kind kind, const char *s)
{
	uint8_t out[64];
	size_t n = 99;
	int r;

	memset(out, 'o', sizeof(out));
	r = b64_decode(kind, s, strlen(s), out, sizeof(out), &n);
	if (r != 0) /* untouched on failure */
		EXPECT(n == 99 && out[0] == 'o');
	return r == 0 ? (int)n : r;
}

CASE(encodes_the_vectors_of_the_rfc)
{
	for (size_t i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++) {
		const uint8_t *p = (const uint8_t *)rfc[i].plain;
		size_t n = strlen(rfc[i].plain);
		char out[B64_LEN(8) + 1];

		EXPECT(b64_encode(B64_STD, p, n, out) == strlen(rfc[i].std));
		EXPECT(strcmp(out, rfc[i].std) == 0);
		EXPECT(b64_encode(B64_URL, p, n, out) == strlen(rfc[i].url));
		EXPECT(strcmp(out, rfc[i].url) == 0);
	}
}

CASE(decodes_the_vectors_of_the_rfc)
{
	for (size_t i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++) {
		const char *s[] = {rfc[i].std, rfc[i].url};
		uint8_t out[8];
		size_t n;

		for (unsigned k = B64_STD; k <= B64_URL; k++) {
			EXPECT(b64_decode((enum b64_kind)k, s[k], strlen(s[k]),
					  out, sizeof(out), &n) == 0);
			EXPECT(n == strlen(rfc[i].plain));
			EXPECT(memcmp(out, rfc[i].plain, n) == 0);
		}
	}
}

CASE(every_byte_value_survives_in_every_position)
{
	uint8_t in[3], out[3];
	char text[8];
	size_t n;

	for (unsigned v = 0; v < 256; v++)
		for (size_t at = 0; at < 3; at++)
			for (unsigned k = B64_STD; k <= B64_URL; k++) {
				memset(in, 0x5a, 3);
				in[at] = (uint8_t)v;
				n = b64_encode((enum b64_kind)k, in, 3, text);
				EXPECT(b64_decode((enum b64_kind)k, text, n,
						  out, 3, &n) == 0);
				EXPECT(n == 3 && memcmp(in, out, 3) == 0);
			}
}

CASE(knows_exactly_sixty_four_digits)
{
	static const char std[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
		"tuvwxyz0123456789+/";
	char s[5] = "AAAA";

	for (unsigned c = 1; c < 256; c++) {
		bool url;

		s[0] = (char)c;
		EXPECT((decode(B64_STD, s) == 3) ==
		       (strchr(std, (int)c) != NULL));
		url = c == '-' || c == '_' ||
		      (c != '+' && c != '/' && strchr(std, (int)c));
		EXPECT((decode(B64_URL, s) == 3) == url);
	}
	s[0] = '\0';
	EXPECT(decode(B64_STD, "AAA\n") == ERR_FORMAT);
}

CASE(padding_is_demanded_or_optional_but_never_wrong)
{
	static const char *const bad[] = {
		"=",	"==",  "===",	"====",	    "A",	"A=",	"A==",
		"A===", "Zg=", "Zm9v=", "Zm9v====", "Zg==Zg==", "Z=g=", "=Zg="};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT(decode(B64_STD, bad[i]) == ERR_FORMAT);
		EXPECT(decode(B64_URL, bad[i]) == ERR_FORMAT);
	}
	EXPECT(decode(B64_STD, "Zg") == ERR_FORMAT);
	EXPECT(decode(B64_STD, "Zm8") == ERR_FORMAT);
	EXPECT(decode(B64_URL, "Zg==") == 1);
	EXPECT(decode(B64_URL, "Zm8=") == 2);
}

CASE(spare_bits_must_be_zero)
{
	EXPECT(decode(B64_STD, "Zh==") == ERR_FORMAT);
	EXPECT(decode(B64_STD, "Zo==") == ERR_FORMAT);
	EXPECT(decode(B64_STD, "Zm9=") == ERR_FORMAT);
	EXPECT(decode(B64_URL, "Zn") == ERR_FORMAT);
}

CASE(a_small_buffer_is_a_range_error)
{
	uint8_t out[4] = {1, 2, 3, 4};
	size_t n = 99;

	EXPECT(b64_decode(B64_STD, "Zm9v", 4, out, 2, &n) == ERR_RANGE);
	EXPECT(n == 99 && out[0] == 1);
	EXPECT(b64_decode(B64_STD, "Zm9v", 4, out, 3, &n) == 0 && n == 3);
	EXPECT(out[3] == 4);
}

CASE(hex_goes_both_ways_in_either_case)
{
	uint8_t in[256], out[256];
	char text[513];

	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	hex_encode(in, 256, text);
	EXPECT(strlen(text) == 512 && strncmp(text + 508, "feff", 5) == 0);
	EXPECT(hex_decode(text, 512, out, 256) == 0);
	EXPECT(memcmp(in, out, 256) == 0);
	EXPECT(hex_decode("aBCdEf09", 8, out, 4) == 0);
	EXPECT(memcmp(out, "\xab\xcd\xef\x09", 4) == 0);
	EXPECT(hex_decode("", 0, out, 0) == 0);
}

CASE(hex_refuses_other_characters_and_lengths)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint8_t out[2] = {7, 7};
	char s[] = "00";

	EXPECT(hex_decode("000", 3, out, 1) == ERR_FORMAT);
	EXPECT(hex_decode("00", 2, out, 2) == ERR_FORMAT);
	EXPECT(hex_decode("", 0, out, SIZE_MAX / 2 + 1) == ERR_FORMAT);
	EXPECT(hex_decode("0g", 2, out, 1) == ERR_FORMAT && out[0] == 7);
	for (unsigned c = 1; c < 256; c++) {
		s[1] = (char)c;
		EXPECT((hex_decode(s, 2, out, 1) == 0) ==
		       (strchr(digits, (int)c) != NULL));
	}
}

int
main(void)
{
	return check_run();
}
