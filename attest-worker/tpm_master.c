/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order counts: nothing is computed with the private half before the
 * public half is the pinned one, and nothing is derived from it or opened
 * with it before EVP_PKEY_check has gone through (a private half that does
 * not belong to the pinned public half passes every other check, tried).
 */
#include "tpm_master.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "tpm_der.h"

struct master {
	EVP_PKEY *sk_key;
	struct secret *sk_primes;
	size_t rsa_bytes;
	uint8_t id[KEY_ID];
};

#define PARTS 8u

/* BNs on the secure heap; to_param() then copies them inside it. */
static int
push_parts(OSSL_PARAM_BLD *bld, const struct rsa_parts *k, BIGNUM **bn)
{
	static const uint8_t e[3] = {1, 0, 1};
	const struct {
		const char *name;
		struct der_int i;
	} part[PARTS] = {
		{OSSL_PKEY_PARAM_RSA_N, k->n},
		{OSSL_PKEY_PARAM_RSA_E, {e, sizeof(e)}},
		{OSSL_PKEY_PARAM_RSA_D, k->sk_d},
		{OSSL_PKEY_PARAM_RSA_FACTOR1, k->sk_p},
		{OSSL_PKEY_PARAM_RSA_FACTOR2, k->sk_q},
		{OSSL_PKEY_PARAM_RSA_EXPONENT1, k->sk_dp},
		{OSSL_PKEY_PARAM_RSA_EXPONENT2, k->sk_dq},
		{OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->sk_qi},
	};

	for (size_t i = 0; i < PARTS; i++) {
		bn[i] = BN_secure_new();
		if (!bn[i] ||
		    !BN_bin2bn(part[i].i.p, (int)part[i].i.bytes, bn[i]) ||
		    OSSL_PARAM_BLD_push_BN(bld, part[i].name, bn[i]) != 1)
			return ERR_CRYPTO;
	}
	return 0;
}

static int
make_key(const struct rsa_parts *k, EVP_PKEY **out)
{
	BIGNUM *bn[PARTS] = {NULL};
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *sk_key = NULL;
	int r = ERR_CRYPTO;

	if (bld && c && push_parts(bld, k, bn) == 0 &&
	    (params = OSSL_PARAM_BLD_to_param(bld)) != NULL &&
	    EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &sk_key, EVP_PKEY_KEYPAIR, params) == 1) {
		*out = sk_key;
		r = 0;
	}
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_BLD_free(bld);
	for (size_t i = 0; i < PARTS; i++)
		BN_clear_free(bn[i]);
	return r;
}

static int
consistent(EVP_PKEY *sk_key)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, sk_key, NULL);
	int ok = c && EVP_PKEY_check(c) == 1;

	EVP_PKEY_CTX_free(c);
	return ok ? 0 : ERR_FORMAT;
}

/*
 * Copies the primes, larger first.  The comparison is a subtraction over all
 * bytes, so that its time says nothing of where they differ.
 */
static int
keep_primes(const struct rsa_parts *k, struct secret **out)
{
	size_t half = k->sk_p.bytes;
	unsigned borrow = 0;
	uint8_t p_smaller, *to;
	struct secret *sk;
	int r;

	if ((r = secret_new(2 * half, &sk)) != 0)
		return r;
	for (size_t i = half; i-- > 0;)
		borrow = ((unsigned)k->sk_p.p[i] - k->sk_q.p[i] - borrow) >> 8 &
			 1;
	p_smaller = (uint8_t)(0u - borrow);
	to = secret_bytes(sk);
	for (size_t i = 0; i < half; i++) {
		uint8_t p = k->sk_p.p[i], q = k->sk_q.p[i];
		uint8_t swap = (uint8_t)((p ^ q) & p_smaller);

		to[i] = (uint8_t)(p ^ swap);
		to[half + i] = (uint8_t)(q ^ swap);
	}
	*out = sk;
	return 0;
}

static int
check_pin(const struct rsa_parts *k, const uint8_t *pin,
	  uint8_t id[static KEY_ID])
{
	uint8_t spki[SPKI_MAX];
	size_t n = der_spki(&k->n, spki);

	if (EVP_Digest(spki, n, id, NULL, EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	return pin && equal_ct(id, pin, KEY_ID) != 0 ? ERR_MISMATCH : 0;
}

int
master_new(const uint8_t *sk_der, size_t bytes, const uint8_t *pin,
	   struct master **out_key)
{
	struct master *m = calloc(1, sizeof(*m));
	struct rsa_parts k;
	int r = ERR_NOMEM;

	if (!m)
		goto out;
	if ((r = der_rsa_key(sk_der, bytes, &k)) != 0 ||
	    (r = check_pin(&k, pin, m->id)) != 0 ||
	    (r = make_key(&k, &m->sk_key)) != 0 ||
	    (r = consistent(m->sk_key)) != 0 ||
	    (r = keep_primes(&k, &m->sk_primes)) != 0)
		goto out;
	m->rsa_bytes = k.n.bytes;
	*out_key = m;
	m = NULL;
out:
	wipe(&k, sizeof(k));
	master_free(m);
	return r;
}

void
master_free(struct master *m)
{
	if (!m)
		return;
	EVP_PKEY_free(m->sk_key);
	secret_free(m->sk_primes);
	wipe(m, sizeof(*m));
	free(m);
}

const uint8_t *
master_id(const struct master *m)
{
	return m->id;
}

const uint8_t *
master_sk_primes(const struct master *m, size_t *out_bytes)
{
	*out_bytes = secret_size(m->sk_primes);
	return secret_bytes(m->sk_primes);
}

static int
oaep_into(const struct master *m, const uint8_t *in, size_t bytes,
	  uint8_t *sk_out, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, m->sk_key, NULL);
	int ok;

	ok = c && EVP_PKEY_decrypt_init(c) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	     EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1 &&
	     EVP_PKEY_decrypt(c, sk_out, n, in, bytes) == 1;
	EVP_PKEY_CTX_free(c);
	return ok ? 0 : ERR_CRYPTO;
}

int
master_open(const struct master *m, const uint8_t *in, size_t bytes,
	    struct secret **out_sk)
{
	struct secret *sk_room = NULL, *sk = NULL;
	size_t n = m->rsa_bytes;
	int r;

	if (bytes != m->rsa_bytes)
		return ERR_CRYPTO;
	if ((r = secret_new(n, &sk_room)) != 0)
		return r;
	r = oaep_into(m, in, bytes, secret_bytes(sk_room), &n);
	if (r == 0 && n == 0)
		r = ERR_CRYPTO;
	if (r == 0)
		r = secret_new(n, &sk);
	if (r == 0) {
		memcpy(secret_bytes(sk), secret_bytes(sk_room), n);
		*out_sk = sk;
	}
	secret_free(sk_room);
	return r;
}
