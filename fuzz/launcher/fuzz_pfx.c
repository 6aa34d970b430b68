/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#12 files.  The MAC would stop every altered file, so beside the whole
 * way the bags are unpacked and ordered without it, after the inspection
 * that bounds the work.
 */
#include <string.h>

#include "../fuzz.h"
#include "pfx.h"
#include "secret.h"

#define ROUNDS 64 /* the seeds have fewer; more would only be slow */

static void
parts(const struct pfx_file *file)
{
	const uint8_t *p = file->der;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)file->bytes);
	struct pfx_bags bags;

	if (!p12)
		return;
	if (pfx_inspect(p12, file->rounds) == 0 &&
	    pfx_unpack(file, p12, &bags) == 0) {
		REQUIRE(bags.key && sk_X509_num(bags.certs) >= 1);
		REQUIRE(sk_X509_num(bags.certs) <= PFX_CERTS);
		REQUIRE(PKCS12_SAFEBAG_get_nid(bags.key) ==
			NID_pkcs8ShroudedKeyBag);
		pfx_bags_free(&bags);
	}
	PKCS12_free(p12);
}

static void
whole(const struct pfx_file *file)
{
	static uint8_t out[65536];
	struct pfx_want want = {.host = "apm.example.org", .now = 1700000000};
	struct pfx pfx;
	struct wr w;
	int code = 0;

	if (pfx_open(file, &pfx, &code) != 0) {
		REQUIRE(code == EXIT_PFX || code == EXIT_PFX_PASSWORD ||
			code == EXIT_CERT_KEY);
		return;
	}
	REQUIRE(X509_check_private_key(sk_X509_value(pfx.chain, 0),
				       pfx.sk_key) == 1);
	want.ca = sk_X509_value(pfx.chain, sk_X509_num(pfx.chain) - 1);
	if (pfx_check(&pfx, &want, &code) != 0)
		REQUIRE(code == EXIT_CERT_NAME || code == EXIT_CERT_TIME ||
			code == EXIT_CERT_CA);
	wr_init(&w, out, sizeof(out));
	REQUIRE(pfx_put_chain(&pfx, &w) == 0);
	REQUIRE(pfx_put_key(&pfx, &w) == 0);
	pfx_free(&pfx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct pfx_file file = {data, bytes, "correct horse", ROUNDS};
	static int made;
	enum secret_kind kind;

	if (!made)
		REQUIRE(secret_arena(65536, &kind) == 0 && pfx_prime() == 0);
	made = 1;
	if (bytes > PFX_MAX)
		return 0;
	parts(&file);
	whole(&file);
	return 0;
}
