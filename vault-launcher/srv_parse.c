/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer's state machine.
 *
 *	STATUS -> HEADER -> LENGTH ----------------------------> DONE
 *			 -> SIZE -> CHUNK -> EDGE -> SIZE ...
 *			    SIZE (0) -> TRAILER ---------------> DONE
 *			 -> DONE (204, or a length of 0)
 */
#include "srv_parse.h"

#include <string.h>
#include <strings.h>

void
answer_begin(struct answer *a, uint8_t *sk_body, size_t cap)
{
	memset(a, 0, sizeof(*a));
	a->sk_body = sk_body;
	a->body_cap = cap;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9112 section 4: "HTTP/1.1 200 OK"; the reason may be empty. */
static int
status_line(struct answer *a)
{
	const char *s = a->line;

	if (a->line_bytes < 12 || memcmp(s, "HTTP/1.1 ", 9) != 0)
		return ERR_FORMAT;
	if (!is_digit(s[9]) || !is_digit(s[10]) || !is_digit(s[11]))
		return ERR_FORMAT;
	if (a->line_bytes > 12 && s[12] != ' ')
		return ERR_FORMAT;
	a->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
	/* 1xx: nothing was sent that the server could answer so */
	if (a->status < 200 || a->status > 599)
		return ERR_FORMAT;
	a->state = ANSWER_HEADER;
	return 0;
}

/* RFC 9110 section 8.6: digits alone. */
static int
content_length(struct answer *a, const char *value)
{
	uint64_t n = 0;

	if (a->has_length || a->chunked || !is_digit(*value))
		return ERR_FORMAT;
	for (; is_digit(*value); value++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (unsigned)(*value - '0'), &n))
			return ERR_RANGE;
	if (*value != '\0')
		return ERR_FORMAT;
	if (n > a->body_cap)
		return ERR_RANGE;
	a->has_length = true;
	a->left = n;
	return 0;
}

static int
transfer_encoding(struct answer *a, const char *value)
{
	if (a->has_length || a->chunked || strcasecmp(value, "chunked") != 0)
		return ERR_FORMAT;
	a->chunked = true;
	return 0;
}

/* The header lines end: what comes now (RFC 9112 section 6.3)? */
static int
head_end(struct answer *a)
{
	if (a->status == 204 || a->status == 304) {
		if (a->chunked || a->left != 0)
			return ERR_FORMAT;
		a->state = ANSWER_DONE;
	} else if (a->chunked) {
		a->state = ANSWER_SIZE;
	} else if (a->has_length) {
		a->state = a->left ? ANSWER_LENGTH : ANSWER_DONE;
	} else {
		return ERR_FORMAT; /* would end with the connection */
	}
	return 0;
}

/* Splits "Name:  value " in place; the name must be a token (RFC 9110 5.6.2) */
static int
split_header(char *line, size_t bytes, char **out_value)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-.^_`|~";
	size_t name = strspn(line, token);
	char *value = line + name + 1;

	if (name == 0 || line[name] != ':')
		return ERR_FORMAT;
	line[name] = '\0';
	while (*value == ' ' || *value == '\t')
		value++;
	for (char *end = line + bytes; end > value; *--end = '\0')
		if (end[-1] != ' ' && end[-1] != '\t')
			break;
	*out_value = value;
	return 0;
}

static int
header_line(struct answer *a)
{
	char *value;

	if (a->line_bytes == 0)
		return head_end(a);
	if (split_header(a->line, a->line_bytes, &value) != 0)
		return ERR_FORMAT;
	if (strcasecmp(a->line, "content-length") == 0)
		return content_length(a, value);
	if (strcasecmp(a->line, "transfer-encoding") == 0)
		return transfer_encoding(a, value);
	if (strcasecmp(a->line, "connection") == 0 &&
	    strcasecmp(value, "close") == 0)
		a->closing = true;
	return 0;
}

/* RFC 9112 section 7.1; an extension after ';' means nothing to us. */
static int
chunk_size(struct answer *a)
{
	const char *s = a->line;
	size_t digits = strspn(s, "0123456789abcdefABCDEF");
	uint64_t n = 0;

	if (digits == 0 || digits > 8)
		return ERR_FORMAT;
	if (s[digits] != '\0' && s[digits] != ';')
		return ERR_FORMAT;
	for (size_t i = 0; i < digits; i++) {
		unsigned v = (unsigned char)s[i];

		v = is_digit(s[i]) ? v - '0' : (v | 0x20u) - 'a' + 10;
		n = n * 16 + v;
	}
	if (n > a->body_cap - a->body_bytes)
		return ERR_RANGE;
	a->left = n;
	a->state = n ? ANSWER_CHUNK : ANSWER_TRAILER;
	return 0;
}

static int
line_done(struct answer *a)
{
	char *unused;

	a->line[a->line_bytes] = '\0';
	switch (a->state) {
	case ANSWER_STATUS:
		return status_line(a);
	case ANSWER_HEADER:
		return header_line(a);
	case ANSWER_SIZE:
		return chunk_size(a);
	case ANSWER_EDGE:
		if (a->line_bytes != 0)
			return ERR_FORMAT;
		a->state = ANSWER_SIZE;
		return 0;
	case ANSWER_TRAILER:
		if (a->line_bytes == 0)
			a->state = ANSWER_DONE;
		else if (split_header(a->line, a->line_bytes, &unused) != 0)
			return ERR_FORMAT;
		return 0;
	case ANSWER_LENGTH:
	case ANSWER_CHUNK:
	case ANSWER_DONE:
	default:
		BUG_ON(1);
	}
}

/* One byte of a line: text, HTAB, or CR LF at the end. */
static int
line_byte(struct answer *a, uint8_t c)
{
	bool cr = a->line_bytes > 0 && a->line[a->line_bytes - 1] == '\r';
	int r;

	if (++a->head_bytes > ANSWER_HEAD)
		return ERR_RANGE;
	if (cr) {
		if (c != '\n')
			return ERR_FORMAT;
		a->line_bytes--;
		r = line_done(a);
		a->line_bytes = 0;
		return r;
	}
	if (c != '\r' && c != '\t' && (c < 0x20 || c == 0x7f))
		return ERR_FORMAT;
	if (a->line_bytes == ANSWER_LINE - 1)
		return ERR_RANGE;
	a->line[a->line_bytes++] = (char)c;
	return 0;
}

static size_t
body_bytes(struct answer *a, const uint8_t *p, size_t bytes)
{
	size_t n = bytes < a->left ? bytes : (size_t)a->left;

	/* content_length() and chunk_size() saw that it fits */
	BUG_ON(n > a->body_cap - a->body_bytes);
	memcpy(a->sk_body + a->body_bytes, p, n);
	a->body_bytes += n;
	a->left -= n;
	if (a->left == 0)
		a->state = a->chunked ? ANSWER_EDGE : ANSWER_DONE;
	return n;
}

int
answer_feed(struct answer *a, const uint8_t *p, size_t bytes, size_t *out_eaten)
{
	size_t i = 0;
	int r;

	while (i < bytes && a->state != ANSWER_DONE) {
		if (a->state == ANSWER_LENGTH || a->state == ANSWER_CHUNK) {
			i += body_bytes(a, p + i, bytes - i);
			continue;
		}
		if ((r = line_byte(a, p[i++])) != 0)
			return r;
	}
	*out_eaten = i;
	return 0;
}
