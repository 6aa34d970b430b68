/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key set of ipc/blob.h (shares, threshold, maybe a root token), as it
 * travels sealed between tpm and control.  It lives in one struct secret from
 * the first byte to the last; the accessors point into it.
 */
#ifndef SP_KEYSET_H
#define SP_KEYSET_H

#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "err.h"
#include "secret.h"

struct keyset {
	unsigned threshold;
	unsigned count;
	struct secret *sk_set; /* KEYSET_BYTES in wire form, owned */
};

/*
 * Makes an empty set that will hold `count` shares.  Returns 0 (freed by
 * keyset_free), ERR_RANGE for numbers that blob.h does not allow, ERR_NOMEM.
 */
CHECKED int keyset_new(unsigned threshold, unsigned count,
		       struct keyset *out_set);

/*
 * Checks the whole structure of a wire form and takes it over: returns 0 and
 * owns sk_set, or ERR_FORMAT and the caller still owns it.
 */
CHECKED int keyset_open(struct secret *sk_set, struct keyset *out_set);

/* Wipes and gives back; an empty one ({0}) is allowed. */
void keyset_free(struct keyset *k);

/* Writes share i (32 or 33 bytes).  Returns 0 or ERR_RANGE. */
CHECKED int keyset_put_share(struct keyset *k, unsigned i,
			     const uint8_t *sk_share, size_t bytes);
/*
 * Writes the root token: 1 to 128 printable bytes without a space.  Returns
 * 0, ERR_RANGE or ERR_FORMAT.
 */
CHECKED int keyset_put_token(struct keyset *k, const char *sk_token,
			     size_t bytes);

/*
 * Drops shares that are there twice: a server does not count them (and what
 * the old layout stored, anybody may have written).
 */
void keyset_distinct(struct keyset *k);

/* Share i (0..count-1) and its length; valid until keyset_free. */
const uint8_t *keyset_share(const struct keyset *k, unsigned i,
			    size_t *out_bytes);
/* The root token (not terminated) and its length; NULL and 0: none. */
const char *keyset_token(const struct keyset *k, size_t *out_bytes);

/*
 * Says whether these bytes can stand in an X-Vault-Token header: 1 to 128,
 * 0x21..0x7e each.  Returns 0, ERR_RANGE or ERR_FORMAT.
 */
CHECKED int token_check(const char *sk_token, size_t bytes);

#endif
