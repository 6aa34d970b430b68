/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson's parser leaves out what it has no memory for, without an error: of
 * a string that had to grow and could not, the rest is missing (load.c's
 * lex_save() does not look at what strbuffer_append_byte() returns), and where
 * that is the quote at its end, lex_scan_string() copies until it finds one,
 * past all bounds.  So its memory is watched: the first want ends the parsing
 * right there, what is parsed is whole or nothing, and what it had allocated
 * is lost (the process is about to end).
 */
#ifndef SP_JSON_WHOLE_H
#define SP_JSON_WHOLE_H

#include <jansson.h>
#include <stddef.h>

#include "err.h"

/*
 * Where jansson's memory comes from (malloc and free, or the secret arena's),
 * and its hash seed, so that it opens no file later.  Before the lock.
 * Returns 0 or ERR_SYS.
 */
CHECKED int json_begin(json_malloc_t alloc, json_free_t release);

/*
 * Parses bytes that must be one object, with nothing behind it, no member
 * twice, no NUL in a string.  Returns it (the caller's: json_decref), or NULL.
 */
json_t *json_whole(const char *text, size_t bytes);

#endif
