/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text: building, character classes, showing; pure functions. */
#include "text.h"

#include <string.h>

void
text_init(struct text *t, char *p, size_t cap)
{
	BUG_ON(cap == 0);
	*t = (struct text){.p = p, .cap = cap};
	p[0] = '\0';
}

void
text_bytes(struct text *t, const char *p, size_t bytes)
{
	if (t->full || bytes >= t->cap - t->used) {
		t->full = true;
		return;
	}
	memcpy(t->p + t->used, p, bytes);
	t->used += bytes;
	t->p[t->used] = '\0';
}

void
text_put(struct text *t, const char *s)
{
	text_bytes(t, s, strlen(s));
}

void
text_u32(struct text *t, uint32_t v)
{
	char digits[10];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	text_bytes(t, digits + at, sizeof(digits) - at);
}

void
text_b64(struct text *t, enum b64_kind kind, const void *p, size_t bytes)
{
	if (t->full || bytes > SIZE_MAX / 2 ||
	    B64_LEN(bytes) >= t->cap - t->used) {
		t->full = true;
		return;
	}
	t->used += b64_encode(kind, p, bytes, t->p + t->used);
}

void
text_percent(struct text *t, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[3] = {'%', hex[c >> 4], hex[c & 15]};

		if (text_is(s, 1, TEXT_B64URL | TEXT_DOT | TEXT_TILDE))
			text_bytes(t, s, 1);
		else
			text_bytes(t, esc, sizeof(esc));
	}
}

int
text_end(const struct text *t, size_t *out_bytes)
{
	if (t->full)
		return ERR_NOMEM;
	*out_bytes = t->used;
	return 0;
}

static unsigned
kinds_of(char c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9'))
		return TEXT_B64URL | TEXT_B64;
	if (c == '-' || c == '_')
		return TEXT_B64URL;
	if (c == '+' || c == '/' || c == '=')
		return TEXT_B64;
	if (c == '.')
		return TEXT_DOT;
	return c == '~' ? TEXT_TILDE : 0;
}

bool
text_is(const char *p, size_t bytes, unsigned kinds)
{
	for (size_t i = 0; i < bytes; i++)
		if ((kinds_of(p[i]) & kinds) == 0)
			return false;
	return bytes > 0;
}

bool
text_is_compact(const char *p, size_t bytes, unsigned dots)
{
	unsigned seen = 0;
	size_t part = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i] != '.') {
			part++;
			continue;
		}
		if (part == 0)
			return false;
		part = 0;
		seen++;
	}
	return seen == dots && part > 0 &&
	       text_is(p, bytes, TEXT_B64URL | TEXT_DOT);
}

/* How many bytes at p have the look of a token; 0: it is none. */
static size_t
token_look(const char *p, size_t bytes)
{
	const unsigned kinds = TEXT_B64URL | TEXT_B64 | TEXT_DOT | TEXT_TILDE;
	size_t n = 0;

	if (bytes < 23 || memcmp(p, "eyJ", 3) != 0)
		return 0;
	while (n < bytes && text_is(p + n, 1, kinds))
		n++;
	return n >= 23 ? n : 0;
}

void
text_show(const char *p, size_t bytes, char *out, size_t cap)
{
	struct text t;

	text_init(&t, out, cap);
	for (size_t i = 0; i < bytes && !t.full; i++) {
		size_t token = token_look(p + i, bytes - i);
		bool space = p[i] == ' ' || p[i] == '\t' || p[i] == '\r' ||
			     p[i] == '\n';

		if (token > 0) {
			text_put(&t, "[token]");
			i += token - 1;
		} else if (space) {
			if (t.used > 0 && out[t.used - 1] != ' ')
				text_put(&t, " ");
		} else if (p[i] > 0x20 && p[i] < 0x7f) {
			text_bytes(&t, p + i, 1);
		} else {
			text_put(&t, "?");
		}
	}
}

/* Copies without CR and LF.  Returns 0 and the length, or ERR_RANGE. */
static int
unfold(const char *p, size_t chars, char *out, size_t cap, size_t *out_chars)
{
	size_t n = 0;

	for (size_t i = 0; i < chars; i++) {
		if (p[i] == '\r' || p[i] == '\n')
			continue;
		if (n >= cap)
			return ERR_RANGE;
		out[n++] = p[i];
	}
	*out_chars = n;
	return 0;
}

int
text_unb64(const char *p, size_t chars, uint8_t *out, size_t cap,
	   size_t *out_bytes)
{
	static char flat[32768]; /* one thread; AKV values end at 25,600 */
	size_t n;
	int r;

	if ((r = unfold(p, chars, flat, sizeof(flat), &n)) != 0)
		return r;
	return b64_decode(B64_STD, flat, n, out, cap, out_bytes);
}
