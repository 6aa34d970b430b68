/* SPDX-License-Identifier: Apache-2.0 */
/* PFX files: the shapes that people have, and those that attackers make. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "check.h"
#include "fake_pfx.h"
#include "pfx.h"
#include "secret.h"

static struct pki pki;
static struct der der;
static struct pfx pfx;
static int code;

static int
open_with(const char *password, long rounds)
{
	struct pfx_file f = {der.bytes, der.n, password, rounds};

	code = 0;
	return pfx_open(&f, &pfx, &code);
}

/* Makes a file and opens it; frees what came out. */
static int
shape(struct pfx_shape s)
{
	int r;

	fake_pfx(&pki, &s, &der);
	r = open_with(PASSWORD, PFX_ROUNDS_MAX);
	if (r == 0)
		pfx_free(&pfx);
	return r;
}

#define REFUSED(expr, want)                                                    \
	do {                                                                   \
		EXPECT((expr) == ERR_REFUSED);                                 \
		if (code != (want))                                            \
			printf("# code %d\n", code);                           \
		EXPECT(code == (want));                                        \
	} while (0)

CASE(opens_a_modern_file)
{
	EXPECT(shape((struct pfx_shape){0}) == 0);
	EXPECT(shape((struct pfx_shape){.mac = EVP_sha512()}) == 0);
	EXPECT(shape((struct pfx_shape){.cert_nid = -1}) == 0);
}

CASE(opens_old_files)
{
	const int des3 = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	const int rc2 = NID_pbe_WithSHA1And40BitRC2_CBC;

	EXPECT(shape((struct pfx_shape){.key_nid = des3,
					.cert_nid = rc2,
					.mac = EVP_sha1()}) == 0);
	EXPECT(shape((struct pfx_shape){.key_nid = des3,
					.cert_nid = des3,
					.mac = EVP_sha1()}) == 0);
	EXPECT(shape((struct pfx_shape){
		       .key_nid = NID_pbe_WithSHA1And128BitRC2_CBC,
		       .cert_nid = rc2,
		       .mac = EVP_sha1()}) == 0);
}

CASE(orders_the_chain_leaf_first)
{
	struct pfx_shape s = {.backwards = true, .root = true};

	fake_pfx(&pki, &s, &der);
	EXPECT(open_with(PASSWORD, PFX_ROUNDS_MAX) == 0);
	EXPECT(sk_X509_num(pfx.chain) == 3);
	EXPECT(X509_cmp(sk_X509_value(pfx.chain, 0), pki.leaf) == 0);
	EXPECT(X509_cmp(sk_X509_value(pfx.chain, 1), pki.middle) == 0);
	EXPECT(X509_cmp(sk_X509_value(pfx.chain, 2), pki.root) == 0);
	EXPECT(EVP_PKEY_eq(pfx.sk_key, pki.leaf_key) == 1);
	pfx_free(&pfx);
}

CASE(a_wrong_password_is_named)
{
	struct pfx_shape s = {0};

	fake_pfx(&pki, &s, &der);
	REFUSED(open_with("wrong", PFX_ROUNDS_MAX), EXIT_PFX_PASSWORD);
	REFUSED(open_with(PASSWORD " ", PFX_ROUNDS_MAX), EXIT_PFX_PASSWORD);
	s.password = "";
	fake_pfx(&pki, &s, &der);
	REFUSED(open_with(PASSWORD, PFX_ROUNDS_MAX), EXIT_PFX_PASSWORD);
}

CASE(a_password_has_1_to_128_printable_characters)
{
	struct pfx_shape s = {0};
	char longest[130];

	fake_pfx(&pki, &s, &der);
	REFUSED(open_with("", PFX_ROUNDS_MAX), EXIT_BLOB_CONTENT);
	REFUSED(open_with("a\n", PFX_ROUNDS_MAX), EXIT_BLOB_CONTENT);
	REFUSED(open_with("\303\244", PFX_ROUNDS_MAX), EXIT_BLOB_CONTENT);
	memset(longest, '~', sizeof(longest));
	longest[129] = '\0';
	REFUSED(open_with(longest, PFX_ROUNDS_MAX), EXIT_BLOB_CONTENT);
	longest[128] = '\0';
	s.password = longest;
	fake_pfx(&pki, &s, &der);
	EXPECT(open_with(longest, PFX_ROUNDS_MAX) == 0);
	pfx_free(&pfx);
}

/* The empty password in both its forms (a NUL character, or none). */
CASE(a_file_with_an_empty_password_is_refused)
{
	struct pfx_shape s = {.password = ""};

	fake_pfx(&pki, &s, &der);
	REFUSED(open_with("", PFX_ROUNDS_MAX), EXIT_BLOB_CONTENT);
}

CASE(an_unencrypted_key_bag_is_refused)
{
	REFUSED(shape((struct pfx_shape){.key_nid = -1}), EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.key_nid = -1, .cert_nid = -1}),
		EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.key_inside = true}), EXIT_PFX);
	/* seen before the password is tried */
	REFUSED(open_with("wrong", PFX_ROUNDS_MAX), EXIT_PFX_PASSWORD);
	fake_pfx(&pki, &(struct pfx_shape){.key_nid = -1}, &der);
	REFUSED(open_with("wrong", PFX_ROUNDS_MAX), EXIT_PFX);
}

CASE(a_file_without_a_mac_is_refused)
{
	REFUSED(shape((struct pfx_shape){.no_mac = true}), EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.mac = EVP_md5()}), EXIT_PFX);
}

CASE(key_and_certificate_must_match)
{
	REFUSED(shape((struct pfx_shape){.key = pki.other_key}), EXIT_CERT_KEY);
	REFUSED(shape((struct pfx_shape){.no_leaf = true}), EXIT_CERT_KEY);
}

CASE(one_key_and_at_least_one_certificate)
{
	REFUSED(shape((struct pfx_shape){.no_key = true}), EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.two_keys = true}), EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.no_leaf = true, .no_middle = true}),
		EXIT_PFX);
}

CASE(ciphers_outside_the_list_are_refused)
{
	/* RC4 was never what people have; not even OpenSSL makes it well */
	REFUSED(shape((struct pfx_shape){.key_nid =
						 NID_pbe_WithSHA1And128BitRC4}),
		EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.cert_nid =
						 NID_pbe_WithSHA1And40BitRC4}),
		EXIT_PFX);
	REFUSED(shape((struct pfx_shape){.key_nid = NID_aes_256_ofb128}),
		EXIT_PFX);
}

CASE(rounds_are_bounded)
{
	struct pfx_shape s = {.rounds = 3000};

	fake_pfx(&pki, &s, &der);
	EXPECT(open_with(PASSWORD, 3000) == 0);
	pfx_free(&pfx);
	REFUSED(open_with(PASSWORD, 2999), EXIT_PFX);
	s = (struct pfx_shape){.rounds = 3000, .cert_nid = -1};
	fake_pfx(&pki, &s, &der);
	REFUSED(open_with(PASSWORD, 2999), EXIT_PFX);
	s.key_nid = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	fake_pfx(&pki, &s, &der);
	REFUSED(open_with(PASSWORD, 2999), EXIT_PFX);
	EXPECT(open_with(PASSWORD, 3000) == 0);
	pfx_free(&pfx);
	s = (struct pfx_shape){.mac_rounds = 3000};
	fake_pfx(&pki, &s, &der);
	REFUSED(open_with(PASSWORD, 2999), EXIT_PFX);
	EXPECT(open_with(PASSWORD, 3000) == 0);
	pfx_free(&pfx);
}

/* The leaf's public half, and a private half that is not its own. */
static EVP_PKEY *
forged_key(void)
{
	static const struct {
		const char *name;
		bool own;
	} parts[] = {
		{OSSL_PKEY_PARAM_RSA_N, true},
		{OSSL_PKEY_PARAM_RSA_E, true},
		{OSSL_PKEY_PARAM_RSA_D, false},
		{OSSL_PKEY_PARAM_RSA_FACTOR1, false},
		{OSSL_PKEY_PARAM_RSA_FACTOR2, false},
		{OSSL_PKEY_PARAM_RSA_EXPONENT1, false},
		{OSSL_PKEY_PARAM_RSA_EXPONENT2, false},
		{OSSL_PKEY_PARAM_RSA_COEFFICIENT1, false},
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn[8] = {NULL};
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < 8; i++) {
		EVP_PKEY_get_bn_param(parts[i].own ? pki.leaf_key
						   : pki.other_key,
				      parts[i].name, &bn[i]);
		OSSL_PARAM_BLD_push_BN(bld, parts[i].name, bn[i]);
	}
	params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	for (size_t i = 0; i < 8; i++)
		BN_free(bn[i]);
	return key;
}

CASE(a_private_half_of_another_key_is_refused)
{
	EVP_PKEY *key = forged_key();

	EXPECT(key && X509_check_private_key(pki.leaf, key) == 1);
	REFUSED(shape((struct pfx_shape){.key = key}), EXIT_PFX);
	EVP_PKEY_free(key);
}

CASE(a_file_has_a_longest_length)
{
	static char san[26000] = "DNS:" PKI_HOST;
	struct leaf_shape leaf = {.san = san};
	struct pfx_shape s = {.cert_nid = -1};
	struct pki big;

	for (size_t n = strlen(san); n + 20 < 17000; n = strlen(san))
		snprintf(san + n, sizeof(san) - n, ",DNS:x%zu.example", n);
	pki_begin(&big, &leaf);
	fake_pfx(&big, &s, &der);
	EXPECT(der.n <= PFX_MAX && open_with(PASSWORD, 9999) == 0);
	pfx_free(&pfx);
	pki_end(&big);
	for (size_t n = strlen(san); n + 20 < sizeof(san); n = strlen(san))
		snprintf(san + n, sizeof(san) - n, ",DNS:x%zu.example", n);
	pki_begin(&big, &leaf);
	fake_pfx(&big, &s, &der);
	EXPECT(der.n > PFX_MAX);
	REFUSED(open_with(PASSWORD, 9999), EXIT_PFX);
	pki_end(&big);
}

CASE(weak_keys_are_refused)
{
	EVP_PKEY *small = EVP_RSA_gen(1024);
	struct leaf_shape leaf = {.key = small};
	struct pki weak;
	struct pfx_shape s = {0};

	pki_begin(&weak, &leaf);
	fake_pfx(&weak, &s, &der);
	REFUSED(open_with(PASSWORD, PFX_ROUNDS_MAX), EXIT_PFX);
	pki_end(&weak);
	EVP_PKEY_free(small);
}

CASE(elliptic_keys_are_fine)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	struct leaf_shape leaf = {.key = ec};
	struct pki p;
	struct pfx_shape s = {0};

	pki_begin(&p, &leaf);
	fake_pfx(&p, &s, &der);
	EXPECT(open_with(PASSWORD, PFX_ROUNDS_MAX) == 0);
	pfx_free(&pfx);
	pki_end(&p);
	EVP_PKEY_free(ec);
}

CASE(garbage_and_damage_are_refused)
{
	struct pfx_shape s = {.rounds = 1};

	REFUSED((der.n = 0, open_with(PASSWORD, 1)), EXIT_PFX);
	memset(der.bytes, 'A', 1000);
	REFUSED((der.n = 1000, open_with(PASSWORD, 1)), EXIT_PFX);
	fake_pfx(&pki, &s, &der);
	der.bytes[der.n] = 0;
	der.n++;
	REFUSED(open_with(PASSWORD, 9), EXIT_PFX);
	der.n -= 2;
	REFUSED(open_with(PASSWORD, 9), EXIT_PFX);
	der.n = PFX_MAX + 1;
	REFUSED(open_with(PASSWORD, 9), EXIT_PFX);
	for (size_t i = 0; i < 400; i++) {
		fake_pfx(&pki, &s, &der);
		der.bytes[(i * 7919) % der.n] ^= (uint8_t)(1 << i % 8);
		EXPECT(open_with(PASSWORD, 9) == ERR_REFUSED);
	}
}

int
main(void)
{
	static const struct leaf_shape leaf;
	enum secret_kind kind;
	int r;

	if (secret_arena(65536, &kind) != 0 || pfx_prime() != 0) {
		printf("Bail out! no arena or no legacy provider\n");
		return 1;
	}
	pki_begin(&pki, &leaf);
	r = check_run();
	pki_end(&pki);
	return r;
}
