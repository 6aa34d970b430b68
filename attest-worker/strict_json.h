/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as a verifier wants it: one object, nothing behind it, no member
 * twice, no NUL in a string, UTF-8, bounded.  jansson does the parsing; its
 * defaults are not strict enough for something that is signed (two readers
 * that choose different duplicates disagree on what was signed).
 */
#ifndef SP_STRICT_JSON_H
#define SP_STRICT_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * Parses `bytes` of text (at most `max`) that must be one object.  Returns 0
 * and the object (owned by the caller: json_decref), ERR_RANGE or ERR_FORMAT
 * (no memory, too).
 */
CHECKED int sjson_object(const void *text, size_t bytes, size_t max,
			 json_t **out_object);

/*
 * The member `key` of an object, which must be an object itself: 0 and a
 * borrowed reference, or ERR_FORMAT.
 */
CHECKED int sjson_member(const json_t *object, const char *key,
			 json_t **out_member);

/*
 * The member `key`, which must be a string: 0 and a view that lives as long
 * as the object, or ERR_FORMAT.
 */
CHECKED int sjson_str(const json_t *object, const char *key,
		      const char **out_text, size_t *out_bytes);

/*
 * As sjson_str, and decodes it as base64url without padding (RFC 7515
 * section 2).  Returns 0 and the length, ERR_FORMAT, or ERR_RANGE when it is
 * longer than cap.
 */
CHECKED int sjson_b64url(const json_t *object, const char *key, uint8_t *out,
			 size_t cap, size_t *out_bytes);

#endif
