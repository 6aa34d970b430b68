/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signed answer in the compact form of RFC 7515: header.payload.signature,
 * and its header as the key service writes it.  Everything is copied into
 * fixed buffers; nothing here trusts a byte of it.
 */
#ifndef SP_JWS_H
#define SP_JWS_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "verdict.h"

#define JWS_CHARS     65000u /* characters of the longest answer */
#define JWS_HEADER    32768u /* bytes of the longest header, decoded */
#define JWS_PAYLOAD   32768u /* bytes of the longest payload, decoded */
#define JWS_SIGNATURE 512u   /* bytes: RSA of 4096 bits */
#define JWS_CERTS_MIN 2u     /* a leaf alone cannot have a chain */
#define JWS_CERTS     5u
#define JWS_CERT      6144u /* bytes of the longest certificate, DER */

struct jws {
	const char *signed_text; /* borrowed: "header.payload" */
	size_t signed_chars;
	uint8_t header[JWS_HEADER];
	size_t header_bytes;
	uint8_t payload[JWS_PAYLOAD];
	size_t payload_bytes;
	uint8_t signature[JWS_SIGNATURE];
	size_t signature_bytes;
};

struct jws_cert {
	uint8_t der[JWS_CERT];
	size_t bytes;
};

struct jws_header {
	uint8_t kid[20];      /* SHA-1 of the leaf, upper-case hex there */
	uint8_t x5t[20];      /* the same, base64url there */
	uint8_t x5t_s256[32]; /* SHA-256 of the leaf */
	struct jws_cert x5c[JWS_CERTS];
	unsigned certs;
};

/*
 * Splits and decodes the three parts: exactly two dots, base64url without
 * padding (an empty part decodes to nothing).  Returns 0 (out_jws borrows
 * text), ERR_FORMAT or ERR_RANGE.
 */
CHECKED int jws_split(const char *text, size_t chars, struct jws *out_jws);

/*
 * Reads the header: alg is RS256 and nothing else (the constant; it never
 * chooses an algorithm), typ is JWT where given, crit and b64 are refused
 * (RFC 7515 section 4.1.11), the three thumbprints are there and x5c has 2
 * to 5 certificates (standard base64).  Members that we do not know are
 * passed over, as the RFC demands.  Returns 0 or ERR_REFUSED and a verdict.
 */
CHECKED int jws_header_read(const struct jws *j, struct jws_header *out_header,
			    struct verdict *v);

/*
 * Verifies the signature as RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518
 * section 3.3) by an RSA key of 2048 to 4096 bits, whatever the header says.
 * Returns 0 or ERR_CRYPTO.
 */
CHECKED int jws_rs256(const struct jws *j, EVP_PKEY *key);

#endif
