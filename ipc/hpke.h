/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9180 base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and a GCM
 * cipher: what the envelope is made of.  Workers use envelope.h; this header
 * is for it and for the RFC's vectors, which need keys of their own, another
 * cipher and associated data.
 *
 *	sealed message:	enc (32) | ciphertext | tag (16)
 */
#ifndef SP_HPKE_H
#define SP_HPKE_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HPKE_PUB      32u
#define HPKE_OVERHEAD (HPKE_PUB + 16u)

struct hpke_suite {
	uint8_t aead_id;    /* RFC 9180 7.3 */
	uint8_t key_bytes;  /* at most 32 */
	EVP_CIPHER *cipher; /* borrowed */
};

struct hpke_bytes {
	const void *p;
	size_t n; /* at most INT_MAX */
};

/* One call of Seal or Open; all borrowed. */
struct hpke_context {
	const struct hpke_suite *suite;
	struct hpke_bytes info;
	struct hpke_bytes aad;
};

/* Fetches HMAC; before anything below.  Returns 0 or ERR_CRYPTO. */
CHECKED int hpke_init(void);

/*
 * SealBase with the ephemeral pair given; out takes sk_plain.n +
 * HPKE_OVERHEAD and counts for nothing on failure.  Returns 0, ERR_CRYPTO or
 * ERR_NOMEM (arena).
 */
CHECKED int hpke_seal(const struct hpke_context *c, EVP_PKEY *sk_eph,
		      const uint8_t pub[static HPKE_PUB],
		      struct hpke_bytes sk_plain, uint8_t *out);

/*
 * OpenBase; sk_out takes msg.n - HPKE_OVERHEAD and counts for nothing on
 * failure: GCM decrypts before it knows.  Returns 0, ERR_CRYPTO (a message
 * shorter than HPKE_OVERHEAD included) or ERR_NOMEM (arena).
 */
CHECKED int hpke_open(const struct hpke_context *c, EVP_PKEY *sk_own,
		      struct hpke_bytes msg, uint8_t *sk_out);

#endif
