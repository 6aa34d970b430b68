/* SPDX-License-Identifier: Apache-2.0 */
/* The length of a compact JWE (RFC 7516 section 7.1): five parts, four dots. */
#include "jwe_size.h"

/* base64url has no padding. */
static size_t
b64_chars(size_t bytes)
{
	return (bytes * 4 + 2) / 3;
}

size_t
jwe_size(size_t modulus_bytes, size_t text_bytes)
{
	return b64_chars(sizeof(JWE_HEADER) - 1) + b64_chars(modulus_bytes) +
	       b64_chars(JWE_IV) + b64_chars(text_bytes) + b64_chars(JWE_TAG) +
	       4;
}

bool
jwe_size_fits(size_t modulus_bytes, size_t chars)
{
	return modulus_bytes >= JWE_RSA_LEAST / 8 &&
	       modulus_bytes <= JWE_RSA_MOST / 8 &&
	       (chars == jwe_size(modulus_bytes, JWE_TOKEN_BAO) ||
		chars == jwe_size(modulus_bytes, JWE_TOKEN_HVS));
}
