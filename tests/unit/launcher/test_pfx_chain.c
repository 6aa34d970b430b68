/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of an opened PFX: names, time, root; and the PEM files. */
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
open_it(void)
{
	struct pfx_file f = {der.bytes, der.n, PASSWORD, PFX_ROUNDS_MAX};

	code = 0;
	return pfx_open(&f, &pfx, &code);
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
	EXPECT(open_it() == 0);
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
	EXPECT(open_it() == 0);
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
