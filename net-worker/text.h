/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that goes out: bounded building of URLs and JSON in the caller's
 * storage (nothing is ever escaped: what goes in is checked by character
 * first), and text from outside made fit for a NOTE.
 */
#ifndef SP_TEXT_H
#define SP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "b64.h"
#include "err.h"

struct text {
	char *p;
	size_t cap; /* with the NUL */
	size_t used;
	bool full;
};

/* Starts a text in cap (> 0) bytes of caller's storage; cannot fail. */
void text_init(struct text *t, char *p, size_t cap);
/* Each appends; a text that is full stays full, which shows at text_end(). */
void text_put(struct text *t, const char *s);
void text_bytes(struct text *t, const char *p, size_t bytes);
void text_u32(struct text *t, uint32_t v);
void text_b64(struct text *t, enum b64_kind kind, const void *p, size_t bytes);
/* All but the unreserved characters of RFC 3986 2.3 as %XX. */
void text_percent(struct text *t, const char *s);
/* Returns 0 and the length without the NUL, or ERR_NOMEM. */
CHECKED int text_end(const struct text *t, size_t *out_bytes);

enum text_kind {
	TEXT_B64URL = 1, /* [A-Za-z0-9_-] */
	TEXT_B64 = 2,	 /* [A-Za-z0-9+/=] */
	TEXT_DOT = 4,	 /* . */
	TEXT_TILDE = 8,	 /* ~ */
};

/* Says whether there is at least one byte and all are of the kinds. */
bool text_is(const char *p, size_t bytes, unsigned kinds);

/*
 * Says whether it has the form of a compact JWS (or, with four dots, JWE):
 * `dots` dots, base64url between them, no part empty.
 */
bool text_is_compact(const char *p, size_t bytes, unsigned dots);

/*
 * Copies what a service said so that it can be shown: printable ASCII, other
 * bytes become '?', white space one blank, and anything with the look of a
 * token ("eyJ" and 20 or more token characters) "[token]".
 */
void text_show(const char *p, size_t bytes, char *out, size_t cap);

/*
 * Decodes what a person stored: standard base64, line ends anywhere.  Returns
 * 0 and the length, ERR_FORMAT, or ERR_RANGE when cap is too small.
 */
CHECKED int text_unb64(const char *p, size_t chars, uint8_t *out, size_t cap,
		       size_t *out_bytes);

#endif
