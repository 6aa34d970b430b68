/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles (blob.h): a key set under a key that only the holder of the master
 * key can derive (DESIGN P4), a fresh one for each object.
 *
 *	context	var16 "sallyport sealed object v1", var16 the object's name,
 *		var16 store identity, 16 bytes generation, uint8 kind
 *	HKDF-SHA256	IKM: the two primes, larger first; salt: of the header;
 *			info: context; 44 bytes: AES key, then IV
 *	AES-256-GCM	associated data: the whole header, then context
 */
#ifndef SP_TPM_BUNDLE_H
#define SP_TPM_BUNDLE_H

#include "blob.h"
#include "err.h"
#include "secret.h"
#include "tpm_master.h"

#define STORE_ID_MAX 512u /* bytes of a store identity */

struct bundle_name {
	const char *store_id; /* 1 to STORE_ID_MAX bytes */
	uint8_t generation[GENERATION_BYTES];
	enum bundle_kind kind;
};

/*
 * Opens a bundle of that store.  Returns 0, kind and generation, and the key
 * set (checked, owned by the caller); ERR_MISMATCH when it was made under
 * another master key; ERR_FORMAT, ERR_CRYPTO, ERR_NOMEM.
 */
CHECKED int bundle_open(const struct master *m, const char *store_id,
			const uint8_t *in, size_t bytes,
			struct bundle_name *out_name,
			struct secret **out_sk_set);

struct bundle_seal; /* what is needed to make one bundle, once */

/*
 * Draws a salt and derives the key, so that the master key can be wiped
 * before the shares are known.  Returns 0 (bundle_seal_free), ERR_CRYPTO,
 * ERR_NOMEM or ERR_RANGE (store_id).
 */
CHECKED int bundle_prepare(const struct master *m,
			   const struct bundle_name *name,
			   struct bundle_seal **out_seal);

/*
 * Makes the bundle from a checked key set; the seal is of no use after it.
 * Returns 0 or ERR_CRYPTO.
 */
CHECKED int bundle_make(struct bundle_seal *s,
			const uint8_t sk_set[static KEYSET_BYTES],
			uint8_t out[static BUNDLE_BYTES]);

/* Wipes it; NULL is allowed. */
void bundle_seal_free(struct bundle_seal *s);

#endif
