/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON that a service sent, on jansson: one object as root,
 * no duplicate member, no NUL, nesting counted before it is parsed, members
 * typed by the asker.  Values are borrowed from the root, which the caller
 * frees with json_decref().
 */
#ifndef SP_NET_JSON_H
#define SP_NET_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define NET_JSON_DEPTH 16u /* deepest nesting of any answer we ask for: 7 */

/* Returns 0 and the root (the caller's), or ERR_FORMAT (no memory, too). */
CHECKED int net_json_open(const char *p, size_t bytes, json_t **out_root);

/* Returns 0 and a member that is an object, or ERR_FORMAT. */
CHECKED int net_json_object(const json_t *in, const char *name,
			    const json_t **out);
/* Returns 0 and a member that is an array, or ERR_FORMAT. */
CHECKED int net_json_array(const json_t *in, const char *name,
			   const json_t **out);
/*
 * Returns 0 and a member that is a string of min to max bytes without a NUL,
 * ERR_FORMAT, or ERR_RANGE.
 */
CHECKED int net_json_text(const json_t *in, const char *name, size_t min,
			  size_t max, const char **out);
/*
 * Returns 0 and a member that is an unsigned number, or one written as a
 * string of digits as IMDS does, or ERR_FORMAT.
 */
CHECKED int net_json_u64(const json_t *in, const char *name, uint64_t *out);

#endif
