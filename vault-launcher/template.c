/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include <stdbool.h>
#include <string.h>

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
#define NAME_1	LOWER UPPER "_"	       /* a name begins with one of these */
#define NAME_N	LOWER UPPER DIGITS "_" /* and goes on with these */
#define KEY_B64 88u		       /* base64 of 64 bytes: 86 digits, == */

static const char *const names[VAR_COUNT] = {
	[VAR_HOSTNAME] = "APM_HOSTNAME",
	[VAR_PORT] = "APM_PORT",
	[VAR_SA_NAME] = "APM_SA_NAME",
	[VAR_SAA_KEY] = "APM_SAA_KEY",
	[VAR_STORAGE] = "STORAGE",
	[VAR_STORAGE_PATH] = "STORAGE_PATH",
	[VAR_RUN_DIRECTORY] = "RUN_DIRECTORY",
};

static bool
only(const char *s, const char *set, size_t min, size_t max)
{
	size_t n = strspn(s, set);

	return s[n] == '\0' && n >= min && n <= max;
}

/* RFC 1123 2.1, RFC 1034 3.1: labels of 1 to 63, no hyphen at their ends. */
static bool
is_hostname(const char *s)
{
	if (strlen(s) > 253)
		return false;
	for (;;) {
		size_t n = strspn(s, LOWER UPPER DIGITS "-");

		if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		if (s[n] == '\0')
			return true;
		if (s[n] != '.')
			return false;
		s += n + 1;
	}
}

static bool
is_port(const char *s)
{
	unsigned v = 0;

	if (!only(s, DIGITS, 1, 5) || s[0] == '0')
		return false;
	for (; *s; s++)
		v = v * 10 + (unsigned)(*s - '0');
	return v <= 65535;
}

/* The last digit before "==" carries two bits only (RFC 4648 section 3.5). */
static bool
is_storage_key(const char *s)
{
	size_t n = strspn(s, LOWER UPPER DIGITS "+/");

	return n == KEY_B64 - 2 && strcmp(s + n, "==") == 0 &&
	       strchr("AQgw", s[n - 1]) != NULL;
}

/* /a/b: no empty part, none that is "." or "..", none that ends the path. */
static bool
is_path(const char *s)
{
	if (s[0] != '/' || strlen(s) > VALUE_MAX)
		return false;
	while (s[0] == '/') {
		size_t n = strspn(++s, LOWER UPPER DIGITS "._-");

		if (n == 0 || (n == 1 && s[0] == '.') ||
		    (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += n;
	}
	return s[0] == '\0';
}

int
template_value(enum variable v, const char *sk_value)
{
	bool good = false;

	switch (v) {
	case VAR_HOSTNAME:
		good = is_hostname(sk_value);
		break;
	case VAR_PORT:
		good = is_port(sk_value);
		break;
	case VAR_SA_NAME:
		good = only(sk_value, LOWER DIGITS, 3, 24);
		break;
	case VAR_SAA_KEY:
		good = is_storage_key(sk_value);
		break;
	case VAR_STORAGE:
		good = only(sk_value, LOWER DIGITS "_", 1, 32);
		break;
	case VAR_STORAGE_PATH:
	case VAR_RUN_DIRECTORY:
		good = is_path(sk_value);
		break;
	case VAR_COUNT:
		break;
	}
	return good ? 0 : ERR_FORMAT;
}

/* The value of a name, or NULL: unknown, without a value, or a bad one. */
static const char *
value_of(const struct template_values *values, const char *name, size_t chars)
{
	for (unsigned v = 0; v < VAR_COUNT; v++) {
		const char *sk_value = values->sk_value[v];

		if (strlen(names[v]) == chars &&
		    memcmp(names[v], name, chars) == 0)
			return sk_value && template_value((enum variable)v,
							  sk_value) == 0
				       ? sk_value
				       : NULL;
	}
	return NULL;
}

/* Printable ASCII, tab and line end; UTF-8 above (comments have it). */
static bool
is_text(unsigned char c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

static size_t
span(const char *s, size_t left, const char *set)
{
	size_t n = 0;

	while (n < left && s[n] != '\0' && strchr(set, s[n]))
		n++;
	return n;
}

/*
 * Reads a reference that begins at text[0] == '$'.  Returns how many bytes
 * of the template it takes (0: it is none, the $ stands for itself) or
 * ERR_FORMAT.
 */
static int
reference(const char *text, size_t left, const char **out_name,
	  size_t *out_chars)
{
	bool braced = left > 1 && text[1] == '{';
	size_t skip = braced ? 2 : 1, chars;

	chars = span(text + skip, left - skip, NAME_N);
	if (chars && !memchr(NAME_1, text[skip], sizeof(NAME_1) - 1))
		chars = 0;
	if (!braced && chars == 0)
		return 0;
	if (braced &&
	    (chars == 0 || skip + chars == left || text[skip + chars] != '}'))
		return ERR_FORMAT;
	*out_name = text + skip;
	*out_chars = chars;
	return (int)(skip + chars + (braced ? 1 : 0));
}

/* Renders what begins at text; returns the bytes taken, or ERR_. */
static int
piece(const char *text, size_t left, const struct template_values *values,
      struct wr *sk_out)
{
	const char *sk_from = text, *name = NULL;
	size_t chars = 0, n = 1;
	int taken = 0;

	if (!is_text((unsigned char)text[0]))
		return ERR_FORMAT;
	if (text[0] == '$' &&
	    (taken = reference(text, left, &name, &chars)) < 0)
		return taken;
	if (name) {
		sk_from = value_of(values, name, chars);
		if (!sk_from)
			return ERR_FORMAT;
		n = strlen(sk_from);
	}
	if (wr_bytes(sk_out, sk_from, n) != 0)
		return ERR_RANGE;
	return taken > 0 ? taken : 1;
}

int
template_render(const char *text, size_t bytes,
		const struct template_values *values, struct wr *sk_out,
		unsigned *out_line)
{
	unsigned line = 1;
	int n;

	if (bytes > TEMPLATE_MAX)
		return ERR_RANGE;
	for (size_t at = 0; at < bytes; at += (size_t)n) {
		n = piece(text + at, bytes - at, values, sk_out);
		if (n == ERR_FORMAT)
			*out_line = line;
		if (n < 0)
			return n;
		line += text[at] == '\n';
	}
	return 0;
}
