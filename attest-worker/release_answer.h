/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the key service's signed answer says, against what was asked (DESIGN
 * P7).  The questions are the supervisor's; this file only compares, and
 * hands on fields of fixed size: a number for the hash, the key's pin, the
 * two parts of the ciphertext.
 *
 *   payload:  request{api-version, enc, kid, nonce}
 *             response.key.key{kid, kty, key_ops, n, e, key_hsm}
 *   key_hsm:  base64url of {schema_version, header{kid, alg, enc}, ciphertext}
 */
#ifndef SP_RELEASE_ANSWER_H
#define SP_RELEASE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "verdict.h"

#define KEY_URL_MAX    512u  /* characters */
#define KEY_VERSION    32u   /* hex digits of a key's version */
#define NONCE_CHARS    64u   /* hex digits */
#define QUESTION_PAIRS 3u    /* one per key-wrap algorithm at most */
#define OAEP_BYTES     256u  /* the transfer key is RSA-2048 */
#define KWP_MIN	       16u   /* bytes: RFC 5649's shortest */
#define KWP_MAX	       8192u /* bytes, and a multiple of 8 */
#define RSA_MAX	       512u  /* bytes of a modulus of 4096 bits */

struct question {
	char key_url[KEY_URL_MAX + 1];
	bool versioned; /* the URL ends in a version */
	unsigned pairs;
	struct {
		uint8_t enc; /* enum enc */
		char nonce[NONCE_CHARS + 1];
	} pair[QUESTION_PAIRS];
};

struct answer {
	uint8_t enc; /* enum enc, as signed */
	uint8_t pin[32];
	uint8_t oaep[OAEP_BYTES];
	uint8_t kwp[KWP_MAX];
	size_t kwp_bytes;
};

/*
 * Fills a question from CONFIG's strings: the URL must be
 * https://HOST/keys/NAME or …/NAME/VERSION (32 hex digits).  Pairs are added
 * one by one; enc may not repeat, nor may a nonce.  Returns 0 or ERR_FORMAT.
 */
CHECKED int question_key(struct question *q, const char *key_url);
CHECKED int question_pair(struct question *q, const uint8_t *item,
			  size_t bytes);

/*
 * Reads a payload whose signature was verified.  Returns 0 and the answer,
 * or ERR_REFUSED and a verdict: EXIT_ANSWER_WRONG, or EXIT_KEY_KIND when the
 * key is no RSA key of 2048 to 4096 bits with e = 65537.
 */
CHECKED int release_answer_read(const struct question *q,
				const uint8_t *payload, size_t bytes,
				struct answer *out_answer, struct verdict *v);

/*
 * SHA-256 over the DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of an RSA key
 * given as big-endian numbers; leading zeros do not count (the service
 * writes e as 00 01 00 01).  Returns 0, ERR_RANGE when modulus or exponent
 * are not what a master key may have, or ERR_CRYPTO.
 */
CHECKED int spki_pin(const uint8_t *n, size_t n_bytes, const uint8_t *e,
		     size_t e_bytes, uint8_t out_pin[static 32]);

#endif
