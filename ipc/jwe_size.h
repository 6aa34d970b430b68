/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the operator's JWE is (P9: exactly the computed size).  All its
 * parts have fixed lengths but two: the wrapped content key is as long as the
 * operator key's modulus, and the ciphertext as the root token, of which there
 * are two kinds:
 *	"s." and 24 characters		OpenBao
 *	"hvs." and 24 characters	Vault since 1.10
 */
#ifndef SP_JWE_SIZE_H
#define SP_JWE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

#define JWE_HEADER    "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}"
#define JWE_IV	      12u
#define JWE_TAG	      16u
#define JWE_RSA_LEAST 2048u /* bits of the operator's key */
#define JWE_RSA_MOST  4096u
#define JWE_TOKEN_BAO 26u
#define JWE_TOKEN_HVS 28u

/* Characters of a compact JWE of so many bytes for such a key. */
size_t jwe_size(size_t modulus_bytes, size_t text_bytes);

/*
 * Says whether a JWE of a root token for a key with that modulus can have this
 * length; a modulus of 0 bytes: there is no key, and no length is right.
 */
bool jwe_size_fits(size_t modulus_bytes, size_t chars);

#endif
