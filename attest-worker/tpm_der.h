/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of one shape of DER: PKCS#8 PrivateKeyInfo (RFC 5208) around a
 * two-prime RSAPrivateKey (RFC 8017 A.1.2), e 65537, 2048 to 4096 bits, two
 * primes of half the modulus' length each, no attributes.  Strict DER, every
 * byte accounted for.  Works in place on the secret bytes, copies nothing.
 */
#ifndef SP_TPM_DER_H
#define SP_TPM_DER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define RSA_BYTES_MIN 256u
#define RSA_BYTES_MAX 512u
#define SPKI_MAX      (RSA_BYTES_MAX + 64u)

struct der_int { /* big-endian, no leading zero, borrowed */
	const uint8_t *p;
	size_t bytes;
};

struct rsa_parts {
	struct der_int n;
	struct der_int sk_d;
	struct der_int sk_p; /* n.bytes / 2 bytes, top bit set, like q */
	struct der_int sk_q;
	struct der_int sk_dp;
	struct der_int sk_dq;
	struct der_int sk_qi;
};

/* Returns 0 and views into sk_der, or ERR_FORMAT. */
CHECKED int der_rsa_key(const uint8_t *sk_der, size_t bytes,
			struct rsa_parts *out);

/*
 * Writes the SubjectPublicKeyInfo of (n, 65537); n has RSA_BYTES_MIN to
 * RSA_BYTES_MAX bytes with the top bit set.  Returns its length.
 */
size_t der_spki(const struct der_int *n, uint8_t out[static SPKI_MAX]);

#endif
