/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's way in: the root token as a compact JWE (RFC 7516 section
 * 7.1) for the operator's RSA key, RSA-OAEP-256 (RFC 7518 4.3) and A256GCM
 * (5.3).  One key holds one OpenSSL object; the content key lives in a secret.
 */
#ifndef SP_JWE_H
#define SP_JWE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "jwe_size.h"

#define JWE_MAX 1200u /* room for the characters of any of them */

struct jwe_key;

/*
 * Reads a DER SubjectPublicKeyInfo: RSA (rsaEncryption) of 2048 to 4096 bits,
 * consistent, nothing behind it.  Returns 0 (jwe_key_free) or ERR_CRYPTO.
 */
CHECKED int jwe_key_new(const uint8_t *der, size_t bytes,
			struct jwe_key **out_key);
void jwe_key_free(struct jwe_key *k);

/* Bytes of its modulus, which the size of a JWE follows from (jwe_size.h). */
size_t jwe_key_bytes(const struct jwe_key *k);

/*
 * Encrypts 1..128 bytes.  out takes JWE_MAX + 1 characters; before the lock a
 * dummy text fetches the algorithms.  Returns 0 and the length, ERR_RANGE,
 * ERR_CRYPTO or ERR_NOMEM.
 */
CHECKED int jwe_make(const struct jwe_key *k, const char *sk_text, size_t bytes,
		     char *out, size_t *out_chars);

#endif
