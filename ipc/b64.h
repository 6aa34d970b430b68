/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648 sections 4 and 5) and hex, without a table lookup or a
 * branch that depends on the data: shares pass through here.
 */
#ifndef SP_B64_H
#define SP_B64_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum b64_kind {
	B64_STD, /* + and /, padding demanded when decoding, written */
	B64_URL, /* - and _, padding optional when decoding, not written */
};

/* Characters that `bytes` need, without the NUL. */
#define B64_LEN(bytes) (((bytes) + 2u) / 3u * 4u)

/*
 * Encodes; out takes B64_LEN(bytes) + 1 characters (NUL included).  Returns
 * the length written.
 */
size_t b64_encode(enum b64_kind kind, const uint8_t *p, size_t bytes,
		  char *out);

/*
 * Decodes exactly `chars` characters (no white space, canonical trailing
 * bits); out takes cap bytes.  Returns 0 and the length, ERR_FORMAT, or
 * ERR_RANGE when cap is too small.
 */
CHECKED int b64_decode(enum b64_kind kind, const char *s, size_t chars,
		       uint8_t *out, size_t cap, size_t *out_bytes);

/* Writes 2 * bytes lower-case digits and a NUL. */
void hex_encode(const uint8_t *p, size_t bytes, char *out);

/* Decodes 2 * bytes digits of either case.  Returns 0 or ERR_FORMAT. */
CHECKED int hex_decode(const char *s, size_t chars, uint8_t *out, size_t bytes);

#endif
