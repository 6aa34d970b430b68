/* SPDX-License-Identifier: Apache-2.0 */
/* PFX files: the shapes that people have, and those that attackers make. */
#include <openssl/pem.h>

#include "check.h"
#include "fake_pfx.h"
#include "pem.h"
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

/* Checks of the chain; want is the exit code, 0 for good. */
static int
checked(struct leaf_shape leaf, struct pfx_shape s, const char *host, int ca)
{
	struct pki p;
	struct pfx_want want = {.host = host, .now = PKI_NOW};
	int r;

	pki_begin(&p, &leaf);
	want.ca = ca == 1 ? p.root : ca == 2 ? p.other_root : NULL;
	if (ca == 3)
		want.ca = p.middle;
	fake_pfx(&p, &s, &der);
	EXPECT(open_with(PASSWORD, PFX_ROUNDS_MAX) == 0);
	r = pfx_check(&pfx, &want, &code);
	EXPECT(r == (code == 0 ? 0 : ERR_REFUSED) || r == 0);
	pfx_free(&pfx);
	pki_end(&p);
	return r == 0 ? 0 : code;
}

CASE(host_name_must_be_in_the_names)
{
	static const struct leaf_shape right;
	static const struct pfx_shape s;

	EXPECT(checked(right, s, PKI_HOST, 0) == 0);
	EXPECT(checked(right, s, "APM.example.org", 0) == 0);
	EXPECT(checked(right, s, "example.org", 0) == EXIT_CERT_NAME);
	EXPECT(checked(right, s, "leaf.invalid", 0) == EXIT_CERT_NAME);
	EXPECT(checked((struct leaf_shape){.san = "DNS:*.example.org"}, s,
		       PKI_HOST, 0) == 0);
	EXPECT(checked((struct leaf_shape){.san = "DNS:a*.example.org"}, s,
		       PKI_HOST, 0) == EXIT_CERT_NAME);
	EXPECT(checked((struct leaf_shape){.san = "DNS:*.org"}, s, PKI_HOST,
		       0) == EXIT_CERT_NAME);
}

CASE(leaf_must_be_valid_now)
{
	static const struct pfx_shape s;
	struct leaf_shape old = {.from = -9 * PKI_DAY, .until = -1};
	struct leaf_shape young = {.from = 1, .until = PKI_DAY};

	EXPECT(checked(old, s, PKI_HOST, 0) == EXIT_CERT_TIME);
	EXPECT(checked(young, s, PKI_HOST, 0) == EXIT_CERT_TIME);
	EXPECT(checked(old, s, PKI_HOST, 1) == EXIT_CERT_TIME);
}

CASE(chain_must_end_in_tls_ca_where_given)
{
	static const struct leaf_shape l;

	EXPECT(checked(l, (struct pfx_shape){0}, PKI_HOST, 1) == 0);
	EXPECT(checked(l, (struct pfx_shape){.root = true}, PKI_HOST, 1) == 0);
	EXPECT(checked(l, (struct pfx_shape){0}, PKI_HOST, 2) == EXIT_CERT_CA);
	EXPECT(checked(l, (struct pfx_shape){.root = true}, PKI_HOST, 2) ==
	       EXIT_CERT_CA);
	/* the root is not in the file: fine; the intermediate is not: no */
	EXPECT(checked(l, (struct pfx_shape){.no_middle = true}, PKI_HOST, 1) ==
	       EXIT_CERT_CA);
	EXPECT(checked(l, (struct pfx_shape){.no_middle = true}, PKI_HOST, 0) ==
	       0);
	/* an intermediate is no root */
	EXPECT(checked(l, (struct pfx_shape){0}, PKI_HOST, 3) == EXIT_CERT_CA);
}

CASE(writes_what_openssl_reads_back)
{
	static uint8_t chain[65536];
	struct secret *sk = NULL;
	struct pfx_shape s = {.root = true, .backwards = true};
	size_t chain_n = 0, key_n = 0;
	struct wr w, sk_w;
	EVP_PKEY *key;
	X509 *x;
	BIO *b;

	fake_pfx(&pki, &s, &der);
	EXPECT(open_with(PASSWORD, PFX_ROUNDS_MAX) == 0);
	EXPECT(secret_new(16384, &sk) == 0);
	wr_init(&w, chain, sizeof(chain));
	wr_init(&sk_w, secret_bytes(sk), 16384);
	EXPECT(pfx_put_chain(&pfx, &w) == 0 && wr_end(&w, &chain_n) == 0);
	EXPECT(pfx_put_key(&pfx, &sk_w) == 0 && wr_end(&sk_w, &key_n) == 0);
	b = BIO_new_mem_buf(chain, (int)chain_n);
	x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EXPECT(x && X509_cmp(x, pki.leaf) == 0);
	X509_free(x);
	x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EXPECT(x && X509_cmp(x, pki.middle) == 0);
	X509_free(x);
	x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EXPECT(!x); /* the root is left out */
	BIO_free(b);
	b = BIO_new_mem_buf(secret_bytes(sk), (int)key_n);
	key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	EXPECT(key && EVP_PKEY_eq(key, pki.leaf_key) == 1);
	EXPECT(memcmp(secret_bytes(sk), "-----BEGIN PRIVATE KEY-----\n", 28) ==
	       0);
	EVP_PKEY_free(key);
	BIO_free(b);
	secret_free(sk);
	pfx_free(&pfx);
}

CASE(pem_fits_its_bound)
{
	static uint8_t text[PEM_MAX(4096)], raw[4096];
	struct wr w;
	size_t n;

	for (size_t bytes = 0; bytes <= sizeof(raw); bytes += 31) {
		wr_init(&w, text, PEM_MAX(bytes));
		pem_put(&w, "CERTIFICATE", raw, bytes);
		EXPECT(wr_end(&w, &n) == 0);
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
