/* SPDX-License-Identifier: Apache-2.0 */
#include "strict_json.h"

#include <string.h>

#include "b64.h"
#include "json_whole.h"

int
sjson_object(const void *text, size_t bytes, size_t max, json_t **out_object)
{
	json_t *root;

	if (bytes > max)
		return ERR_RANGE;
	if (!(root = json_whole(text, bytes)))
		return ERR_FORMAT;
	*out_object = root;
	return 0;
}

int
sjson_member(const json_t *object, const char *key, json_t **out_member)
{
	json_t *m = json_object_get(object, key);

	if (!json_is_object(m))
		return ERR_FORMAT;
	*out_member = m;
	return 0;
}

int
sjson_str(const json_t *object, const char *key, const char **out_text,
	  size_t *out_bytes)
{
	const json_t *m = json_object_get(object, key);

	if (!json_is_string(m))
		return ERR_FORMAT;
	*out_text = json_string_value(m);
	*out_bytes = json_string_length(m);
	return 0;
}

int
sjson_b64url(const json_t *object, const char *key, uint8_t *out, size_t cap,
	     size_t *out_bytes)
{
	const char *text;
	size_t chars;
	int r;

	if ((r = sjson_str(object, key, &text, &chars)) != 0)
		return r;
	if (memchr(text, '=', chars))
		return ERR_FORMAT;
	return b64_decode(B64_URL, text, chars, out, cap, out_bytes);
}
