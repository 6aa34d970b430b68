/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The released master key, after it has shown that it is the one (DESIGN P2):
 * shape, pin, then the consistency of the private half.  Opens what the
 * deployer wrapped to it, and gives the input of the key derivation.
 */
#ifndef SP_TPM_MASTER_H
#define SP_TPM_MASTER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "secret.h"

#define KEY_ID 32u /* SHA-256 of the SubjectPublicKeyInfo */

struct master;

/*
 * Reads PKCS#8 DER; pin may be NULL.  Returns 0 and the key (owned by the
 * caller: master_free), ERR_FORMAT (not a key of our shape, or its parts do
 * not belong together), ERR_MISMATCH (not the pinned one), ERR_CRYPTO,
 * ERR_NOMEM.
 */
CHECKED int master_new(const uint8_t *sk_der, size_t bytes, const uint8_t *pin,
		       struct master **out_key);

/* Wipes it; NULL is allowed. */
void master_free(struct master *m);

/* SHA-256 of its SubjectPublicKeyInfo, KEY_ID bytes. */
const uint8_t *master_id(const struct master *m);

/*
 * The input of every derivation: the two primes, larger first, each half the
 * modulus' length.
 */
const uint8_t *master_sk_primes(const struct master *m, size_t *out_bytes);

/*
 * Opens RSA-OAEP with SHA-256 for both hashes and an empty label.  Returns 0
 * and the plaintext (owned by the caller), ERR_CRYPTO, or ERR_NOMEM.
 */
CHECKED int master_open(const struct master *m, const uint8_t *in, size_t bytes,
			struct secret **out_sk);

#endif
