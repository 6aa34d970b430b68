/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of JSON; pure functions over jansson. */
#include "json.h"

#include <stdbool.h>
#include <string.h>

#include "json_whole.h"

/* Counts nesting outside of strings: jansson's parser is recursive. */
static bool
too_deep(const char *p, size_t bytes)
{
	bool string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (string && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			string = !string;
		else if (!string && (p[i] == '{' || p[i] == '['))
			depth++;
		else if (!string && (p[i] == '}' || p[i] == ']') && depth > 0)
			depth--;
		if (depth > NET_JSON_DEPTH)
			return true;
	}
	return false;
}

int
net_json_open(const char *p, size_t bytes, json_t **out_root)
{
	json_t *root;

	if (too_deep(p, bytes))
		return ERR_FORMAT;
	if (!(root = json_whole(p, bytes)))
		return ERR_FORMAT;
	*out_root = root;
	return 0;
}

int
net_json_object(const json_t *in, const char *name, const json_t **out)
{
	const json_t *v = json_object_get(in, name);

	if (!json_is_object(v))
		return ERR_FORMAT;
	*out = v;
	return 0;
}

int
net_json_array(const json_t *in, const char *name, const json_t **out)
{
	const json_t *v = json_object_get(in, name);

	if (!json_is_array(v))
		return ERR_FORMAT;
	*out = v;
	return 0;
}

int
net_json_text(const json_t *in, const char *name, size_t min, size_t max,
	      const char **out)
{
	const json_t *v = json_object_get(in, name);
	size_t n;

	if (!json_is_string(v))
		return ERR_FORMAT;
	n = json_string_length(v);
	if (strlen(json_string_value(v)) != n)
		return ERR_FORMAT;
	if (n < min || n > max)
		return ERR_RANGE;
	*out = json_string_value(v);
	return 0;
}

static int
digits(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return ERR_FORMAT;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' ||
		    __builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return ERR_FORMAT;
	}
	*out = v;
	return 0;
}

int
net_json_u64(const json_t *in, const char *name, uint64_t *out)
{
	const json_t *v = json_object_get(in, name);
	const char *s;
	int r;

	if (json_is_string(v)) {
		if ((r = net_json_text(in, name, 1, 20, &s)) != 0)
			return r;
		return digits(s, out);
	}
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return ERR_FORMAT;
	*out = (uint64_t)json_integer_value(v);
	return 0;
}
