/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symmetric cryptography of the tpm worker, each one call over OpenSSL's EVP:
 * AES-256-GCM, AES-256-KWP (RFC 5649), HKDF-SHA256 (RFC 5869).
 */
#ifndef SP_TPM_CIPHER_H
#define SP_TPM_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "secret.h"

#define AES_KEY 32u
#define GCM_IV	12u
#define GCM_TAG 16u
#define KWP_MIN 16u
#define KWP_MAX 8192u

struct gcm {
	const uint8_t *sk_key; /* AES_KEY bytes */
	const uint8_t *iv;     /* GCM_IV bytes */
	const uint8_t *aad;
	size_t aad_bytes;
};

/*
 * Opens `bytes` of ciphertext with its tag into out (as many bytes).  Returns
 * 0, or ERR_CRYPTO with out wiped.
 */
CHECKED int gcm_open(const struct gcm *g, const uint8_t *in, size_t bytes,
		     const uint8_t tag[static GCM_TAG], uint8_t *out);

/* Seals `bytes` of plaintext; out takes bytes + GCM_TAG.  0 or ERR_CRYPTO. */
CHECKED int gcm_seal(const struct gcm *g, const uint8_t *sk_in, size_t bytes,
		     uint8_t *out);

/*
 * Unwraps RFC 5649 with a 32-byte key.  Returns 0 and a new secret of exactly
 * the wrapped length, ERR_RANGE (input not KWP_MIN..KWP_MAX or not a multiple
 * of 8), ERR_CRYPTO, ERR_NOMEM.
 */
CHECKED int kwp_unwrap(const uint8_t sk_kek[static AES_KEY], const uint8_t *in,
		       size_t bytes, struct secret **out_sk);

/* HKDF with SHA-256, extract and expand.  Returns 0 or ERR_CRYPTO. */
struct hkdf {
	const uint8_t *sk_ikm;
	size_t ikm_bytes;
	const uint8_t *salt;
	size_t salt_bytes;
	const uint8_t *info;
	size_t info_bytes;
};
CHECKED int hkdf_sha256(const struct hkdf *h, uint8_t *sk_out, size_t bytes);

#endif
