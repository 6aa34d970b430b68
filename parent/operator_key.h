/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's public key: a file that root wrote, of one fixed shape, so
 * that a key which nothing can be encrypted for is seen before a boot.
 */
#ifndef SP_OPERATOR_KEY_H
#define SP_OPERATOR_KEY_H

#include <stdint.h>

#include "conf.h"

#define OPERATOR_DER_MAX 1024u /* bytes of its SubjectPublicKeyInfo */

struct operator_key {
	uint8_t der[OPERATOR_DER_MAX];
	size_t bytes;	      /* 0: none is configured */
	size_t modulus_bytes; /* 256 to 512; 0: none */
};

/*
 * Reads the configured key.  Returns 0, also where none is configured, or
 * ERR_FORMAT, said: not to be read, not PEM, not RSA, not of 2048 to 4096 bits.
 */
CHECKED int operator_key_read(const struct conf *c, struct operator_key *out);

/*
 * The bytes of the modulus of a DER SubjectPublicKeyInfo of rsaEncryption (RFC
 * 3279 section 2.3.1), from 256 to 512; 0 when it is anything else.
 */
size_t operator_key_modulus(const uint8_t *der, size_t bytes);

#endif
