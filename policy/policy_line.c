/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a line of a policy into words, numbers and reasons (policy_line.h). */
#include "policy_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

int
line_bad(struct at *a, const char *place, const char *fmt, ...)
{
	size_t column = place ? (size_t)(place - a->text) : a->bytes;
	char what[POL_ERROR_MAX - POL_PATH_MAX - 32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(a->p->error, sizeof(a->p->error), "%.*s:%u:%zu: %s",
		 (int)POL_PATH_MAX - 1, a->file, a->number, column + 1, what);
	return ERR_FORMAT;
}

/*
 * What is read is what is seen: no byte that moves the cursor, hides a word
 * or turns its direction round in an editor, a review or a terminal.
 */
static int
plain(struct at *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)a->text[i];

		if ((c >= ' ' && c <= '~') || c == '\t')
			continue;
		if (c == '\r')
			return line_bad(a, a->text + i,
					"a carriage return; end lines with a "
					"line feed alone");
		return line_bad(a, a->text + i,
				"the byte 0x%02x; write printable ASCII and "
				"tabs alone",
				c);
	}
	return 0;
}

int
line_take(struct at *a, const char *text, size_t n)
{
	char *save = NULL, *end;
	int r;

	a->count = a->bytes = 0;
	a->comment = NULL;
	a->number++;
	if (n >= sizeof(a->text))
		return line_bad(a, NULL,
				"the line has %zu bytes; at most %u can be", n,
				LINE_MAX_BYTES - 1);
	memcpy(a->text, text, n);
	a->text[n] = '\0';
	if ((r = plain(a, n)) != 0)
		return r;
	a->comment = strchr(a->text, '#');
	if (a->comment) {
		*a->comment++ = '\0';
		end = a->comment + strlen(a->comment);
		while (end > a->comment && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		a->comment += strspn(a->comment, " \t");
	}
	a->bytes = strlen(a->text);
	while (a->bytes > 0 && strchr(" \t", a->text[a->bytes - 1]))
		a->bytes--;
	for (char *w = strtok_r(a->text, " \t", &save); w;
	     w = strtok_r(NULL, " \t", &save)) {
		if (a->count == LINE_WORDS_MAX - 1)
			return line_bad(a, w, "too many words; %u can be",
					LINE_WORDS_MAX - 1);
		a->words[a->count++] = w;
		end = w + strlen(w) - 1;
		if (*end == ',' && end > w) /* for the reader's ear */
			*end = '\0';
	}
	a->words[a->count] = NULL;
	return 0;
}

int
line_words(struct at *a, size_t from, size_t to, char out[static POL_WHEN_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = from; i < to; i++) {
		n += (size_t)snprintf(out + n, POL_WHEN_MAX - n, "%s%s",
				      i == from ? "" : " ", a->words[i]);
		if (n >= POL_WHEN_MAX)
			return line_bad(a, a->words[i],
					"too long with this word; %u bytes "
					"can be shown",
					POL_WHEN_MAX - 1);
	}
	return 0;
}

int
line_name(struct at *a, char out[static POL_NAME_MAX], const char *word)
{
	size_t n = strlen(word);

	if (n == 0 || n >= POL_NAME_MAX || strspn(word, NAME_CHARS) != n)
		return line_bad(a, word,
				"\"%.40s\" is not a name; use at most %u of "
				"a-z 0-9 _ -",
				word, POL_NAME_MAX - 1);
	memcpy(out, word, n + 1);
	return 0;
}

int
line_number(struct at *a, const char *s, size_t chars, uint64_t *out)
{
	char copy[32], *end;
	bool negative = s[0] == '-';

	if (pol_const(s, chars, out) == 0)
		return 0;
	if (chars == 0 || chars >= sizeof(copy) || s[negative] < '0' ||
	    s[negative] > '9')
		return line_bad(a, s,
				"unknown constant \"%.*s\"; use one that "
				"policy_names.c lists, or a number",
				(int)chars, s);
	memcpy(copy, s, chars);
	copy[chars] = '\0';
	errno = 0;
	*out = strtoull(copy + negative, &end, 0);
	/* 010 is ten to people, eight to strtoull(3) */
	if (errno != 0 || *end != '\0' || (negative && *out > INT64_MAX) ||
	    (s[negative] == '0' && chars > negative + 1u &&
	     copy[negative + 1] != 'x'))
		return line_bad(a, s,
				"\"%.30s\" is not a number; use decimal, 0x… "
				"or a constant, joined by | without spaces",
				copy);
	if (negative)
		*out = -*out;
	return 0;
}

/* Cuts "[t:tag]" off the comment's end. */
static int
test_tag(struct at *a, char *tag)
{
	char *at = strstr(a->comment, "[t:"), *end;

	if (!at || !(end = strchr(at, ']')) || end[1] != '\0')
		return line_bad(a, a->comment,
				"the test tag is missing; end the reason with "
				"[t:tag], the test that needs the line");
	*end = '\0';
	*at = '\0';
	return line_name(a, tag, at + 3);
}

int
line_reason(struct at *a, char out[static POL_TEXT_MAX], char *tag)
{
	size_t n;
	int r;

	if (!a->comment)
		return line_bad(a, NULL, "a reason is missing; add # why%s",
				tag ? " [t:tag]" : "");
	if (tag && (r = test_tag(a, tag)) != 0)
		return r;
	n = strlen(a->comment);
	while (n > 0 && strchr(" \t", a->comment[n - 1]))
		n--;
	if (n == 0)
		return line_bad(a, a->comment,
				"the reason is empty; say who needs this, and "
				"for what");
	if (n >= POL_TEXT_MAX)
		return line_bad(a, a->comment,
				"the reason has %zu bytes; at most %u can be",
				n, POL_TEXT_MAX - 1);
	memcpy(out, a->comment, n);
	out[n] = '\0';
	return 0;
}
