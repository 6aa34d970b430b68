/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile certificates: a list of {uint16 length, DER}, leaf first.  The
 * thumbprints are made to fit; the last certificate is the only root if it
 * may be one.  What is accepted must be an RSA or other public key whose
 * chain a second, plain run of the verifier accepts too.
 */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "../fuzz.h"
#include "cursor.h"
#include "jws_chain.h"

#define NOW 1700000000

static struct jws_header header;

static void
fit_thumbprints(void)
{
	const struct jws_cert *leaf = &header.x5c[0];

	EVP_Digest(leaf->der, leaf->bytes, header.kid, NULL, EVP_sha1(), NULL);
	memcpy(header.x5t, header.kid, sizeof(header.x5t));
	EVP_Digest(leaf->der, leaf->bytes, header.x5t_s256, NULL, EVP_sha256(),
		   NULL);
}

static bool
read_list(const uint8_t *data, size_t bytes)
{
	struct rd r;

	header.certs = 0;
	rd_init(&r, data, bytes);
	while (header.certs < JWS_CERTS && rd_end(&r) != 0) {
		struct jws_cert *c = &header.x5c[header.certs];
		const uint8_t *p;

		if (rd_var16(&r, 0, JWS_CERT, &p, &c->bytes) != 0)
			return false;
		memcpy(c->der, p, c->bytes);
		header.certs++;
	}
	return header.certs >= JWS_CERTS_MIN;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct chain_want want = {NULL, "myvault.vault.azure.net", NOW};
	const struct jws_cert *last;
	EVP_PKEY *key = NULL;
	struct verdict v = {0};
	int r;

	if (!read_list(data, bytes))
		return 0;
	fit_thumbprints();
	want.roots = X509_STORE_new();
	REQUIRE(want.roots);
	last = &header.x5c[header.certs - 1];
	r = chain_add_root(want.roots, last->der, last->bytes);
	if (r == 0)
		r = chain_check(&header, &want, &key, &v);
	REQUIRE((r == 0) == (key != NULL));
	REQUIRE(r != ERR_REFUSED || (v.why && v.code == EXIT_ANSWER_CHAIN));
	if (key) { /* without any root nothing is ever accepted */
		EVP_PKEY_free(key);
		X509_STORE_free(want.roots);
		want.roots = X509_STORE_new();
		REQUIRE(chain_check(&header, &want, &key, &v) == ERR_REFUSED);
	}
	X509_STORE_free(want.roots);
	return 0;
}
