/* SPDX-License-Identifier: Apache-2.0 */
#include "storage_block.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct scan {
	const char *p;
	const char *end;
};

struct word {
	const char *p;
	size_t n;
};

static bool
is(struct word w, const char *s)
{
	return w.n == strlen(s) && memcmp(w.p, s, w.n) == 0;
}

/* HCL 1 finds blocks whatever the case of their names. */
static bool
is_like(struct word w, const char *s)
{
	return w.n == strlen(s) && strncasecmp(w.p, s, w.n) == 0;
}

static bool
at(const struct scan *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static bool
name_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
name_more(char c)
{
	return name_first(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static int
skip_long_comment(struct scan *s)
{
	for (s->p += 2; s->end - s->p >= 2; s->p++)
		if (s->p[0] == '*' && s->p[1] == '/') {
			s->p += 2;
			return 0;
		}
	return ERR_FORMAT;
}

/* Passes blanks and comments. */
static int
skip(struct scan *s)
{
	while (s->p < s->end) {
		bool pair = s->end - s->p >= 2;

		if (*s->p == ' ' || *s->p == '\t' || *s->p == '\n') {
			s->p++;
		} else if (pair && s->p[0] == '\r' && s->p[1] == '\n') {
			s->p += 2;
		} else if (*s->p == '#' ||
			   (pair && s->p[0] == '/' && s->p[1] == '/')) {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		} else if (pair && s->p[0] == '/' && s->p[1] == '*') {
			if (skip_long_comment(s) != 0)
				return ERR_FORMAT;
		} else {
			return 0;
		}
	}
	return 0;
}

static int
name(struct scan *s, struct word *out)
{
	const char *from = s->p;

	if (s->p == s->end || !name_first(*s->p))
		return ERR_FORMAT;
	while (s->p < s->end && name_more(*s->p))
		s->p++;
	out->p = from;
	out->n = (size_t)(s->p - from);
	return 0;
}

/*
 * A string; out is what stands between the quotes.  With an interpolation
 * (${) quotes would nest and lines go on: refused.
 */
static int
string(struct scan *s, struct word *out)
{
	const char *from = ++s->p;

	for (; s->p < s->end && *s->p != '\n' && *s->p != '\r'; s->p++) {
		if (*s->p == '"') {
			out->p = from;
			out->n = (size_t)(s->p - from);
			s->p++;
			return 0;
		}
		if (s->end - s->p < 2)
			break;
		if (s->p[0] == '$' && s->p[1] == '{')
			return ERR_FORMAT;
		if (s->p[0] == '\\' && *++s->p != '\\' && *s->p != '"' &&
		    *s->p != 'n' && *s->p != 't' && *s->p != 'r')
			return ERR_FORMAT;
	}
	return ERR_FORMAT;
}

/* From an opening bracket to its closing one, everything inside passed. */
static int
brackets(struct scan *s)
{
	char open[BLOCK_DEPTH];
	unsigned depth = 0;
	struct word w;

	do {
		if (skip(s) != 0 || s->p == s->end)
			return ERR_FORMAT;
		switch (*s->p) {
		case '"':
			if (string(s, &w) != 0)
				return ERR_FORMAT;
			continue;
		case '{':
		case '[':
			if (depth == BLOCK_DEPTH)
				return ERR_FORMAT;
			open[depth++] = *s->p;
			break;
		case '}':
		case ']':
			if (depth == 0 ||
			    open[--depth] != (*s->p == '}' ? '{' : '['))
				return ERR_FORMAT;
			break;
		case '=':
		case ',':
			break;
		default: /* a name, a number; no other sign, "<" above all */
			if (!name_more(*s->p) && *s->p != '+')
				return ERR_FORMAT;
		}
		s->p++;
	} while (depth > 0);
	return 0;
}

/* What stands after "=": out is the string if it is one, else p is NULL. */
static int
value(struct scan *s, struct word *out)
{
	const char *from;

	out->p = NULL;
	out->n = 0;
	if (skip(s) != 0)
		return ERR_FORMAT;
	if (at(s, '"'))
		return string(s, out);
	if (at(s, '{') || at(s, '['))
		return brackets(s);
	for (from = s->p; s->p < s->end && (name_more(*s->p) || *s->p == '+');)
		s->p++;
	return s->p > from ? 0 : ERR_FORMAT;
}

/* One item: its name, how many labels, the last one, and its body. */
struct item {
	struct word name;
	struct word label; /* the only one, if it is a string */
	unsigned labels;
	bool is_block;
	struct word value;    /* of an attribute, if it is a string */
	const char *body;     /* of a block: behind its opening brace */
	const char *body_end; /* at its closing brace */
};

static int
item(struct scan *s, struct item *out)
{
	struct word w;

	memset(out, 0, sizeof(*out));
	if (name(s, &out->name) != 0 || skip(s) != 0)
		return ERR_FORMAT;
	for (; s->p < s->end && (*s->p == '"' || name_first(*s->p));
	     out->labels++) {
		bool quoted = *s->p == '"';

		if ((quoted ? string(s, &w) : name(s, &w)) != 0 || skip(s) != 0)
			return ERR_FORMAT;
		if (quoted)
			out->label = w;
	}
	if (at(s, '=') && out->labels == 0) {
		s->p++;
		return value(s, &out->value);
	}
	if (!at(s, '{'))
		return ERR_FORMAT;
	out->is_block = true;
	out->body = s->p + 1;
	if (brackets(s) != 0)
		return ERR_FORMAT;
	out->body_end = s->p - 1;
	return 0;
}

struct attribute {
	const char *name;
	const char *value; /* "": anything */
	unsigned seen;
};

#define ATTRIBUTES 3u

/* One of ours is spelt as the server reads it, stands once, and is equal. */
static int
check_attribute(const struct item *it, struct attribute *a)
{
	if (!is_like(it->name, a->name))
		return 0;
	if (!is(it->name, a->name) || it->is_block || !it->value.p ||
	    ++a->seen > 1)
		return ERR_FORMAT;
	if (a->value[0] != '\0' && !is(it->value, a->value))
		return ERR_MISMATCH;
	return 0;
}

/* Inside the block: every name bare, each of ours once and as configured. */
static int
check_body(const struct item *block, const struct block_want *want)
{
	struct scan s = {.p = block->body, .end = block->body_end};
	struct attribute ours[ATTRIBUTES] = {{"path", want->path, 0},
					     {"accountName", want->account, 0},
					     {"container", want->container, 0}};
	struct item it;
	int r;

	for (;;) {
		if (skip(&s) != 0)
			return ERR_FORMAT;
		if (at(&s, ',')) { /* HCL 1 lets one stand between items */
			s.p++;
			continue;
		}
		if (s.p == s.end)
			break;
		if (item(&s, &it) != 0)
			return ERR_FORMAT;
		for (unsigned i = 0; i < ATTRIBUTES; i++)
			if ((r = check_attribute(&it, &ours[i])) != 0)
				return r;
	}
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		if (ours[i].value[0] != '\0' && ours[i].seen != 1)
			return ERR_MISMATCH;
	return 0;
}

static int
check_block(const struct item *it, const struct block_want *want)
{
	if (!is(it->name, "storage") || !it->is_block || it->labels != 1 ||
	    !it->label.p)
		return ERR_FORMAT;
	if (!is(it->label, want->type))
		return ERR_MISMATCH;
	return check_body(it, want);
}

/* Every byte the scanner may meet; a NUL or a form feed is nobody's HCL. */
static const char *
first_odd(const char *p, const char *end)
{
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
		    c == 0x7f)
			return p;
		if (c == '\r' && (p + 1 == end || p[1] != '\n'))
			return p;
	}
	return NULL;
}

/* All items of the file; out gets the storage block. */
static int
scan(struct scan *s, const struct block_want *want, struct word *out)
{
	bool found = false;
	struct item it;
	int r;

	for (;;) {
		if (skip(s) != 0)
			return ERR_FORMAT;
		if (s->p == s->end)
			return found ? 0 : ERR_NOTFOUND;
		if (item(s, &it) != 0)
			return ERR_FORMAT;
		if (is_like(it.name, "backend"))
			return ERR_FORMAT;
		if (!is_like(it.name, "storage"))
			continue;
		if (found)
			return ERR_FORMAT;
		if ((r = check_block(&it, want)) != 0)
			return r;
		found = true;
		out->p = it.name.p;
		out->n = (size_t)(s->p - it.name.p);
	}
}

int
storage_block(const char *text, size_t bytes, const struct block_want *want,
	      struct block_found *out_found)
{
	struct scan s = {.p = text, .end = text + bytes};
	const char *odd = first_odd(text, s.end);
	struct word block;
	int r = ERR_FORMAT;

	if (odd)
		s.p = odd;
	else
		r = scan(&s, want, &block);
	if (r != 0) {
		out_found->line = 1;
		for (const char *p = text; p < s.p; p++)
			out_found->line += *p == '\n';
		return r;
	}
	out_found->from = (size_t)(block.p - text);
	out_found->bytes = block.n;
	return 0;
}
