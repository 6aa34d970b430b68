/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 and hex in constant time: the characters are computed, not looked
 * up, and an error is collected to the end, so that neither a cache line nor
 * a branch tells what was decoded.  Only lengths (and whether the whole was
 * valid) show.  Two passes: nothing is written unless all is valid.
 */
#include "b64.h"

/* Returns all ones if lo <= c <= hi, else 0 (all below 2^15). */
static unsigned
in_range(unsigned c, unsigned lo, unsigned hi)
{
	return 0u - ((((lo - 1u - c) & (c - hi - 1u)) >> 31) & 1u);
}

static char
digit64(enum b64_kind kind, unsigned v)
{
	unsigned c62 = kind == B64_URL ? '-' : '+';
	unsigned c63 = kind == B64_URL ? '_' : '/';

	return (char)((in_range(v, 1, 26) & (v - 1u + 'A')) |
		      (in_range(v, 27, 52) & (v - 27u + 'a')) |
		      (in_range(v, 53, 62) & (v - 53u + '0')) |
		      (in_range(v, 63, 63) & c62) |
		      (in_range(v, 64, 64) & c63));
}

/* Returns 1..64 for a digit's value + 1, or 0 for anything else. */
static unsigned
value64(enum b64_kind kind, unsigned c)
{
	unsigned c62 = kind == B64_URL ? '-' : '+';
	unsigned c63 = kind == B64_URL ? '_' : '/';

	return (in_range(c, 'A', 'Z') & (c - 'A' + 1u)) |
	       (in_range(c, 'a', 'z') & (c - 'a' + 27u)) |
	       (in_range(c, '0', '9') & (c - '0' + 53u)) |
	       (in_range(c, c62, c62) & 63u) | (in_range(c, c63, c63) & 64u);
}

size_t
b64_encode(enum b64_kind kind, const uint8_t *p, size_t bytes, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i += 3) {
		size_t have = bytes - i < 3 ? bytes - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;

		if (have > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (have > 2)
			v |= p[i + 2];
		for (size_t k = 0; k < 4; k++) {
			unsigned six = v >> (18 - 6 * k) & 63u;

			if (k <= have)
				out[n++] = digit64(kind, six + 1u);
			else if (kind == B64_STD)
				out[n++] = '=';
		}
	}
	out[n] = '\0';
	return n;
}

/* Returns the digits without their padding, or SIZE_MAX: no such length. */
static size_t
unpadded(enum b64_kind kind, const char *s, size_t chars)
{
	size_t digits = chars;

	for (size_t pad = 0; pad < 2 && digits && s[digits - 1] == '='; pad++)
		digits--;
	if (digits % 4 == 1)
		return SIZE_MAX;
	if (chars % 4 != 0 && (kind == B64_STD || digits != chars))
		return SIZE_MAX;
	return digits;
}

/* Returns 0 if a digit is none or the last one's spare bits are not zero. */
static unsigned
all_digits(enum b64_kind kind, const char *s, size_t digits)
{
	unsigned bad = 0, last = 1;

	for (size_t i = 0; i < digits; i++) {
		last = value64(kind, (unsigned char)s[i]);
		bad |= in_range(last, 0, 0);
	}
	if (digits % 4 == 2)
		bad |= (last - 1u) & 15u;
	else if (digits % 4 == 3)
		bad |= (last - 1u) & 3u;
	return bad == 0;
}

int
b64_decode(enum b64_kind kind, const char *s, size_t chars, uint8_t *out,
	   size_t cap, size_t *out_bytes)
{
	size_t digits = unpadded(kind, s, chars);
	size_t bytes, n = 0;
	uint32_t v = 0;

	if (digits == SIZE_MAX || !all_digits(kind, s, digits))
		return ERR_FORMAT;
	bytes = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
	if (bytes > cap)
		return ERR_RANGE;

	for (size_t i = 0; i < digits; i++) {
		v = v << 6 | ((value64(kind, (unsigned char)s[i]) - 1u) & 63u);
		if (i % 4 != 0)
			out[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}
	*out_bytes = bytes;
	return 0;
}

void
hex_encode(const uint8_t *p, size_t bytes, char *out)
{
	for (size_t i = 0; i < 2 * bytes; i++) {
		unsigned v = (unsigned)p[i / 2] >> (i % 2 ? 0 : 4) & 15u;

		out[i] = (char)((in_range(v + 1u, 1, 10) & (v + '0')) |
				(in_range(v + 1u, 11, 16) & (v - 10u + 'a')));
	}
	out[2 * bytes] = '\0';
}

/* Returns 1..16 for a digit's value + 1, or 0 for anything else. */
static unsigned
value16(unsigned c)
{
	return (in_range(c, '0', '9') & (c - '0' + 1u)) |
	       (in_range(c, 'a', 'f') & (c - 'a' + 11u)) |
	       (in_range(c, 'A', 'F') & (c - 'A' + 11u));
}

int
hex_decode(const char *s, size_t chars, uint8_t *out, size_t bytes)
{
	unsigned bad = 0;

	if (bytes > SIZE_MAX / 2 || chars != 2 * bytes)
		return ERR_FORMAT;
	for (size_t i = 0; i < chars; i++)
		bad |= in_range(value16((unsigned char)s[i]), 0, 0);
	if (bad)
		return ERR_FORMAT;
	for (size_t i = 0; i < bytes; i++) {
		unsigned hi = value16((unsigned char)s[2 * i]) - 1u;
		unsigned lo = value16((unsigned char)s[2 * i + 1]) - 1u;

		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
