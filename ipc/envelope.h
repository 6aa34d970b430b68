/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9180 (HPKE) base mode, single shot: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM, on OpenSSL's EVP.  Proved by the RFC's vectors.
 * A receiver's key opens one message and is gone.
 */
#ifndef SP_ENVELOPE_H
#define SP_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "seat.h"
#include "secret.h"

#define ENV_PUB	     32u
#define ENV_OVERHEAD (ENV_PUB + 16u) /* enc in front, tag behind */

struct env_key; /* the receiver's one-use key pair */

/*
 * Fetches algorithms and runs one dummy round; before the lock and after
 * secret_arena().  Nothing below works without it.  Returns 0, ERR_CRYPTO, or
 * ERR_NOMEM (no arena).
 */
CHECKED int env_prime(void);

/*
 * Returns 0 and a fresh key pair (owned by the caller: env_key_free),
 * ERR_CRYPTO or ERR_NOMEM.
 */
CHECKED int env_key_new(struct env_key **out_key,
			uint8_t out_pub[static ENV_PUB]);
void env_key_free(struct env_key *k);

/*
 * The info string of a sealed message: binds it to session, both seats and
 * the message type.
 */
struct env_info {
	const uint8_t *session; /* 32 bytes */
	enum seat from;
	enum seat to;
	unsigned type;
};

/*
 * Seals `bytes` of plaintext; out takes bytes + ENV_OVERHEAD.  Returns 0,
 * ERR_CRYPTO (a useless public key included) or ERR_NOMEM.
 */
CHECKED int env_seal(const uint8_t pub[static ENV_PUB],
		     const struct env_info *info, const uint8_t *sk_plain,
		     size_t bytes, uint8_t *out);

/*
 * Opens a message of `bytes` into a new secret (bytes - ENV_OVERHEAD).  The
 * key cannot be used again, whatever comes out.  Returns 0, ERR_CRYPTO or
 * ERR_NOMEM.
 */
CHECKED int env_open(struct env_key *k, const struct env_info *info,
		     const uint8_t *msg, size_t bytes,
		     struct secret **out_plain);

#endif
