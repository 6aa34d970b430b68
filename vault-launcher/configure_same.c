/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing what is wanted with what a server gives back.  Too strict, and
 * every boot would write what is already there and then fail on reading it
 * back; too lax, and a changed value would stay.  Only writings that mean the
 * same to the server are equal here.
 */
#include <stdint.h>
#include <string.h>

#include "configure.h"

#define SECONDS_MAX INT64_C(1000000000000)

static int64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

/* "3600", "1h", "1h30m": seconds; -1 for any other text. */
static int64_t
text_seconds(const char *s)
{
	int64_t all = 0;

	if (*s == '\0')
		return -1;
	while (*s) {
		size_t digits = strspn(s, "0123456789");
		int64_t n = 0;

		if (digits == 0 || digits > 9)
			return -1;
		for (size_t i = 0; i < digits; i++)
			n = n * 10 + (s[i] - '0');
		s += digits;
		if (*s == '\0') /* a number without unit stands alone */
			return all == 0 ? n : -1;
		if (unit_seconds(*s) == 0)
			return -1;
		all += n * unit_seconds(*s++);
		if (all > SECONDS_MAX)
			return -1;
	}
	return all;
}

static int64_t
seconds(const json_t *v)
{
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		return json_integer_value(v);
	return json_is_string(v) ? text_seconds(json_string_value(v)) : -1;
}

static bool
is_empty(const json_t *v)
{
	if (!v || json_is_null(v))
		return true;
	if (json_is_string(v))
		return json_string_length(v) == 0;
	if (json_is_array(v))
		return json_array_size(v) == 0;
	return json_is_object(v) && json_object_size(v) == 0;
}

static bool
array_has(const json_t *array, const char *s, size_t n)
{
	const json_t *v;
	size_t i;

	json_array_foreach(array, i, v) if (json_is_string(v) &&
					    json_string_length(v) == n &&
					    memcmp(json_string_value(v), s,
						   n) == 0) return true;
	return false;
}

/* "a,b" against ["b","a"]. */
static bool
same_list(const json_t *text, const json_t *array)
{
	const char *s = json_string_value(text);
	size_t words = 0;

	for (;;) {
		size_t n = strcspn(s, ",");

		if (!array_has(array, s, n))
			return false;
		words++;
		if (s[n] == '\0')
			return words == json_array_size(array);
		s += n + 1;
	}
}

static bool
all_in(const json_t *some, const json_t *others)
{
	const json_t *v, *o;
	size_t i, k;

	json_array_foreach(some, i, v)
	{
		bool found = false;

		json_array_foreach(others, k, o) found =
			found || json_equal(v, o);
		if (!found)
			return false;
	}
	return true;
}

/* As sets: servers sort lists of names. */
static bool
same_arrays(const json_t *want, const json_t *have)
{
	return json_array_size(want) == json_array_size(have) &&
	       all_in(want, have) && all_in(have, want);
}

static bool
same_bool(const json_t *boolean, const json_t *text)
{
	return strcmp(json_string_value(text),
		      json_is_true(boolean) ? "true" : "false") == 0;
}

bool
conf_same(const json_t *want, const json_t *have)
{
	if (json_equal(want, have) || (is_empty(want) && is_empty(have)))
		return true;
	if (json_is_array(want) && json_is_array(have))
		return same_arrays(want, have);
	if (json_is_string(want) && json_is_array(have))
		return same_list(want, have);
	if (json_is_array(want) && json_is_string(have))
		return same_list(have, want);
	if (json_is_boolean(want) && json_is_string(have))
		return same_bool(want, have);
	if (json_is_string(want) && json_is_boolean(have))
		return same_bool(have, want);
	if (json_is_integer(want) || json_is_integer(have))
		return seconds(want) >= 0 && seconds(want) == seconds(have);
	return false;
}

enum conf_match
conf_match(const json_t *want, const json_t *have)
{
	enum conf_match match = MATCH_ALL;
	const json_t *v, *h;
	const char *key;

	/* jansson's iterator wants no const, and changes nothing */
	json_object_foreach((json_t *)(uintptr_t)want, key, v)
	{
		h = json_object_get(have, key);
		if (h && !conf_same(v, h))
			return MATCH_DIFFERS;
		if (!h)
			match = MATCH_UNREADABLE;
	}
	return match;
}
