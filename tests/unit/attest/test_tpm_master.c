/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN P2: the key is who it says, or it is not used. */
#include "check.h"
#include "tpm_der.h"
#include "tpm_help.h"
#include "tpm_master.h"

static struct test_key good, other; /* RSA-2048 */

static void
id_of(const struct test_key *k, uint8_t out[static KEY_ID])
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(k->key, &der);

	EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
}

CASE(the_pinned_key_is_taken)
{
	struct master *m = NULL;
	uint8_t pin[KEY_ID];

	id_of(&good, pin);
	EXPECT(master_new(good.der, good.der_bytes, pin, &m) == 0);
	EXPECT(m && memcmp(master_id(m), pin, KEY_ID) == 0);
	master_free(m);
}

CASE(another_key_than_the_pinned_is_refused)
{
	struct master *m = NULL;
	uint8_t pin[KEY_ID];

	id_of(&other, pin);
	EXPECT(master_new(good.der, good.der_bytes, pin, &m) == ERR_MISMATCH);
	id_of(&good, pin);
	for (unsigned bit = 0; bit < 8 * KEY_ID; bit++) {
		pin[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EXPECT(master_new(good.der, good.der_bytes, pin, &m) ==
		       ERR_MISMATCH);
		pin[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	EXPECT(m == NULL);
}

/* Copies a number of `from` over the same number of `to`. */
static void
graft(uint8_t *to, const struct der_int *at, const uint8_t *der,
      const struct der_int *from)
{
	if (at->bytes == from->bytes)
		memcpy(to + (at->p - der), from->p, from->bytes);
}

/*
 * The attack of P2: the public half is the pinned one, the private half is of
 * a key that the attacker knows.
 */
CASE(a_private_half_of_another_key_is_refused)
{
	struct rsa_parts a, b;
	struct master *m = NULL;
	uint8_t pin[KEY_ID], *der = malloc(good.der_bytes);
	const uint8_t *g = good.der;

	id_of(&good, pin);
	EXPECT(der_rsa_key(good.der, good.der_bytes, &a) == 0);
	EXPECT(der_rsa_key(other.der, other.der_bytes, &b) == 0);
	memcpy(der, good.der, good.der_bytes);
	graft(der, &a.sk_d, g, &b.sk_d);
	graft(der, &a.sk_p, g, &b.sk_p);
	graft(der, &a.sk_q, g, &b.sk_q);
	graft(der, &a.sk_dp, g, &b.sk_dp);
	graft(der, &a.sk_dq, g, &b.sk_dq);
	graft(der, &a.sk_qi, g, &b.sk_qi);
	EXPECT(memcmp(der, good.der, good.der_bytes) != 0);
	EXPECT(master_new(der, good.der_bytes, pin, &m) == ERR_FORMAT);
	EXPECT(m == NULL);
	free(der);
}

/* One number alone, and one bit of one number, are as bad. */
CASE(every_private_number_must_belong_to_the_others)
{
	struct rsa_parts a;
	struct master *m = NULL;

	EXPECT(der_rsa_key(good.der, good.der_bytes, &a) == 0);
	for (const struct der_int *i = &a.n; i <= &a.sk_qi; i++) {
		uint8_t *last = good.der + (i->p - good.der) + i->bytes - 1;

		*last ^= 2;
		EXPECT(master_new(good.der, good.der_bytes, NULL, &m) ==
		       ERR_FORMAT);
		*last ^= 2;
	}
	EXPECT(master_new(good.der, good.der_bytes, NULL, &m) == 0);
	master_free(m);
}

CASE(the_derivation_begins_with_the_larger_prime)
{
	struct master *m = NULL;
	const uint8_t *sk;
	uint8_t p[128], q[128];
	BIGNUM *bp = NULL, *bq = NULL;
	size_t n;

	EXPECT(master_new(good.der, good.der_bytes, NULL, &m) == 0);
	EVP_PKEY_get_bn_param(good.key, "rsa-factor1", &bp);
	EVP_PKEY_get_bn_param(good.key, "rsa-factor2", &bq);
	if (BN_cmp(bp, bq) < 0)
		BN_swap(bp, bq);
	BN_bn2binpad(bp, p, sizeof(p));
	BN_bn2binpad(bq, q, sizeof(q));
	sk = master_sk_primes(m, &n);
	EXPECT(n == 256 && memcmp(sk, p, 128) == 0 &&
	       memcmp(sk + 128, q, 128) == 0);
	BN_free(bp);
	BN_free(bq);
	master_free(m);
}

/* The same key, written with its primes the other way round. */
CASE(the_order_in_the_encoding_does_not_matter)
{
	struct rsa_parts a;
	struct master *m = NULL, *w = NULL;
	uint8_t *der = malloc(good.der_bytes);
	const uint8_t *x, *y;
	BN_CTX *c = BN_CTX_new();
	BIGNUM *p, *q, *qi;
	size_t n;

	EXPECT(der_rsa_key(good.der, good.der_bytes, &a) == 0);
	memcpy(der, good.der, good.der_bytes);
	graft(der, &a.sk_p, good.der, &a.sk_q);
	graft(der, &a.sk_q, good.der, &a.sk_p);
	p = BN_bin2bn(a.sk_p.p, (int)a.sk_p.bytes, NULL);
	q = BN_bin2bn(a.sk_q.p, (int)a.sk_q.bytes, NULL);
	qi = BN_mod_inverse(NULL, p, q, c);
	if (a.sk_dp.bytes == a.sk_dq.bytes &&
	    BN_num_bytes(qi) == (int)a.sk_qi.bytes &&
	    (BN_num_bits(qi) % 8 == 0) == (a.sk_qi.p[0] >= 0x80) &&
	    (a.sk_dp.p[0] >= 0x80) == (a.sk_dq.p[0] >= 0x80)) {
		graft(der, &a.sk_dp, good.der, &a.sk_dq);
		graft(der, &a.sk_dq, good.der, &a.sk_dp);
		BN_bn2bin(qi, der + (a.sk_qi.p - good.der));
		EXPECT(master_new(good.der, good.der_bytes, NULL, &m) == 0);
		EXPECT(master_new(der, good.der_bytes, NULL, &w) == 0);
		x = master_sk_primes(m, &n);
		y = master_sk_primes(w, &n);
		EXPECT(memcmp(x, y, n) == 0);
	} else {
		printf("# numbers of other lengths: not tried this time\n");
	}
	BN_free(p);
	BN_free(q);
	BN_free(qi);
	BN_CTX_free(c);
	master_free(m);
	master_free(w);
	free(der);
}

static size_t
wrap_to(const struct test_key *k, const EVP_MD *md, const void *text,
	size_t bytes, uint8_t out[static 256])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k->key, NULL);
	size_t n = 256;

	if (EVP_PKEY_encrypt_init(c) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, md) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(c, md) != 1 ||
	    EVP_PKEY_encrypt(c, out, &n, text, bytes) != 1)
		n = 0;
	EVP_PKEY_CTX_free(c);
	return n;
}

CASE(only_what_was_wrapped_to_it_opens)
{
	struct master *m = NULL;
	struct secret *sk = NULL;
	uint8_t box[256];

	EXPECT(master_new(good.der, good.der_bytes, NULL, &m) == 0);
	EXPECT(wrap_to(&good, EVP_sha256(), "text", 4, box) == 256);
	EXPECT(master_open(m, box, 256, &sk) == 0);
	EXPECT(sk && secret_size(sk) == 4 &&
	       memcmp(secret_bytes(sk), "text", 4) == 0);
	secret_free(sk);
	sk = NULL;
	EXPECT(master_open(m, box, 255, &sk) == ERR_CRYPTO);
	EXPECT(master_open(m, box, 0, &sk) == ERR_CRYPTO);
	box[100] ^= 1;
	EXPECT(master_open(m, box, 256, &sk) == ERR_CRYPTO);
	wrap_to(&other, EVP_sha256(), "text", 4, box);
	EXPECT(master_open(m, box, 256, &sk) == ERR_CRYPTO);
	wrap_to(&good, EVP_sha1(), "text", 4, box);
	EXPECT(master_open(m, box, 256, &sk) == ERR_CRYPTO);
	wrap_to(&good, EVP_sha256(), "", 0, box);
	EXPECT(master_open(m, box, 256, &sk) == ERR_CRYPTO);
	EXPECT(sk == NULL);
	master_free(m);
}

CASE(junk_is_no_key)
{
	struct master *m = NULL;

	EXPECT(master_new((const uint8_t *)"", 0, NULL, &m) == ERR_FORMAT);
	EXPECT(master_new(good.der, good.der_bytes - 1, NULL, &m) ==
	       ERR_FORMAT);
	master_free(NULL);
}

int
main(void)
{
	int r;

	need_arena();
	good = new_key(2048);
	other = new_key(2048);
	r = check_run();
	drop_key(&good);
	drop_key(&other);
	return r;
}
