/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key sets (blob.h): the one form in which shares travel and rest.  Reading
 * is strict: what comes from control or out of a bundle is used only if every
 * byte is as the form says.
 */
#ifndef SP_TPM_KEYSET_H
#define SP_TPM_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "err.h"
#include "secret.h"

/*
 * Returns 0 if the KEYSET_BYTES are a key set with (token) or without a root
 * token, else ERR_FORMAT: threshold and count in range, count shares of 32 or
 * 33 bytes, all of one length, a token of printable ASCII, zero elsewhere.
 */
CHECKED int keyset_check(const uint8_t sk_set[static KEYSET_BYTES], bool token);

/* Removes the root token; cannot fail. */
void keyset_drop_token(uint8_t sk_set[static KEYSET_BYTES]);

/*
 * Starts a key set of separately stored shares: zeroed, no threshold known
 * (it is count: the server says how many it takes).
 */
void keyset_begin(uint8_t sk_set[static KEYSET_BYTES]);

/*
 * Adds a share.  Returns 0; ERR_FORMAT unless it has 32 or 33 bytes and the
 * length of those before; ERR_RANGE when the set is full.
 */
CHECKED int keyset_add(uint8_t sk_set[static KEYSET_BYTES],
		       const uint8_t *sk_share, size_t bytes);

#endif
