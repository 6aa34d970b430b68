/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's key: its size, and what is refused. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "../check.h"
#include "operator_key.h"

static uint8_t der[2048];

/* The DER of a fresh key; bits 0: an elliptic one. */
static size_t
spki(unsigned bits)
{
	EVP_PKEY *k = bits ? EVP_RSA_gen(bits) : EVP_EC_gen("P-521");
	unsigned char *p = der;
	int n = i2d_PUBKEY(k, &p);

	EVP_PKEY_free(k);
	return n > 0 ? (size_t)n : 0;
}

CASE(says_the_size_of_the_modulus)
{
	static const unsigned bits[] = {2048, 2056, 2052, 3072, 4096};

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		EXPECT(operator_key_modulus(der, spki(bits[i])) ==
		       (bits[i] + 7) / 8);
}

CASE(refuses_other_sizes_and_kinds)
{
	EXPECT(operator_key_modulus(der, spki(1024)) == 0);
	EXPECT(operator_key_modulus(der, spki(2040)) == 0);
	EXPECT(operator_key_modulus(der, spki(4104)) == 0);
	EXPECT(operator_key_modulus(der, spki(0)) == 0);
	EXPECT(operator_key_modulus(der, 0) == 0);
}

CASE(refuses_every_cut_and_a_byte_behind)
{
	size_t n = spki(2048);

	for (size_t i = 0; i < n; i++)
		EXPECT(operator_key_modulus(der, i) == 0);
	der[n] = 0;
	EXPECT(operator_key_modulus(der, n + 1) == 0);
	EXPECT(operator_key_modulus(der, n) == 256);
}

/* All but the modulus' own bytes and the exponent's is fixed. */
CASE(refuses_any_other_head)
{
	size_t n = spki(2048);

	for (size_t i = 0; i < 32; i++) {
		der[i] ^= 0x55;
		EXPECT(operator_key_modulus(der, n) == 0);
		der[i] ^= 0x55;
	}
	der[33] = 0x01; /* a zero that need not be there */
	EXPECT(operator_key_modulus(der, n) == 0);
}

int
main(void)
{
	return check_run();
}
