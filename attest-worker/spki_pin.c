/* SPDX-License-Identifier: Apache-2.0 */
/* The pin of an RSA public key: a hash that does not depend on encodings. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "release_answer.h"

#define KEY_BITS_MIN 2048
#define KEY_BITS_MAX 4096
#define KEY_EXPONENT 65537u

static void
strip_zeros(const uint8_t **p, size_t *bytes)
{
	while (*bytes > 0 && (*p)[0] == 0) {
		(*p)++;
		(*bytes)--;
	}
}

static EVP_PKEY *
public_key(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (!bld || !ctx ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		goto out;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
out:
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

int
spki_pin(const uint8_t *n, size_t n_bytes, const uint8_t *e, size_t e_bytes,
	 uint8_t out_pin[static 32])
{
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int bytes, r = ERR_RANGE;

	strip_zeros(&n, &n_bytes);
	strip_zeros(&e, &e_bytes);
	if (n_bytes > RSA_MAX || e_bytes > 3)
		return ERR_RANGE;
	bn = BN_bin2bn(n, (int)n_bytes, NULL);
	be = BN_bin2bn(e, (int)e_bytes, NULL);
	if (!bn || !be || BN_num_bits(bn) < KEY_BITS_MIN ||
	    BN_num_bits(bn) > KEY_BITS_MAX || !BN_is_odd(bn) ||
	    !BN_is_word(be, KEY_EXPONENT))
		goto out;
	r = ERR_CRYPTO;
	key = public_key(bn, be);
	if (!key || (bytes = i2d_PUBKEY(key, &der)) <= 0)
		goto out;
	if (EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)bytes, out_pin,
			 NULL) == 1)
		r = 0;
out:
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	BN_free(be);
	BN_free(bn);
	return r;
}
