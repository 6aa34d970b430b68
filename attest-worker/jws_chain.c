/* SPDX-License-Identifier: Apache-2.0 */
#include "jws_chain.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

/*
 * The services' own domains.  The signing certificate of a vault names the
 * domain itself beside the wildcard (captured: CN vault.azure.net), so a
 * host below it may be vouched for by that name.
 */
static const char *const service_domains[] = {
	"vault.azure.net",
	"managedhsm.azure.net",
	"vault.azure.cn",
	"vault.usgovcloudapi.net",
};

/* Parses one certificate with nothing behind it; NULL if it is not that. */
static X509 *
parse(const uint8_t *der, size_t bytes)
{
	const uint8_t *p = der;
	X509 *x;

	if (bytes > JWS_CERT)
		return NULL;
	x = d2i_X509(NULL, &p, (long)bytes);
	if (x && p != der + bytes) {
		X509_free(x);
		return NULL;
	}
	return x;
}

int
chain_add_root(X509_STORE *store, const uint8_t *der, size_t bytes)
{
	X509 *x = parse(der, bytes);
	int r = ERR_FORMAT;

	if (x && X509_self_signed(x, 1) == 1 &&
	    X509_STORE_add_cert(store, x) == 1)
		r = 0;
	X509_free(x);
	return r;
}

static bool
thumbprints_fit(const struct jws_header *h)
{
	const struct jws_cert *leaf = &h->x5c[0];
	uint8_t sha1[20], sha256[32];

	if (EVP_Q_digest(NULL, "SHA1", NULL, leaf->der, leaf->bytes, sha1,
			 NULL) != 1 ||
	    EVP_Q_digest(NULL, "SHA256", NULL, leaf->der, leaf->bytes, sha256,
			 NULL) != 1)
		return false;
	return memcmp(h->kid, sha1, sizeof(sha1)) == 0 &&
	       memcmp(h->x5t, sha1, sizeof(sha1)) == 0 &&
	       memcmp(h->x5t_s256, sha256, sizeof(sha256)) == 0;
}

/* Says whether the leaf's names (never its common name) speak for host. */
static bool
names_fit(X509 *leaf, const char *host)
{
	const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	const char *domain = strchr(host, '.');

	if (X509_check_host(leaf, host, 0, flags, NULL) == 1)
		return true;
	if (!domain)
		return false;
	for (size_t i = 0;
	     i < sizeof(service_domains) / sizeof(service_domains[0]); i++)
		if (strcmp(domain + 1, service_domains[i]) == 0)
			return X509_check_host(
				       leaf, domain + 1, 0,
				       flags | X509_CHECK_FLAG_NO_WILDCARDS,
				       NULL) == 1;
	return false;
}

/* The leaf's own marks; X509_PURPOSE_SSL_SERVER lets absent ones pass. */
static bool
usage_fits(X509 *leaf)
{
	uint32_t eku;

	if (X509_get_extension_flags(leaf) & EXFLAG_CA)
		return false;
	eku = X509_get_extended_key_usage(leaf);
	return eku != UINT32_MAX && (eku & XKU_SSL_SERVER) &&
	       (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE);
}

static int
build(X509 *leaf, STACK_OF(X509) * rest, const struct chain_want *want)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int r = ERR_CRYPTO;

	if (!ctx || X509_STORE_CTX_init(ctx, want->roots, leaf, rest) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, want->now);
	X509_VERIFY_PARAM_set_depth(param, (int)JWS_CERTS);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1)
		goto out;
	/* a configured intermediate is no anchor */
	X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(ctx) == 1 &&
	    X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		r = 0;
out:
	X509_STORE_CTX_free(ctx);
	return r;
}

/* All certificates, in order, each issued by the next. */
static int
load(const struct jws_header *h, STACK_OF(X509) * out)
{
	for (unsigned i = 0; i < h->certs; i++) {
		X509 *x = parse(h->x5c[i].der, h->x5c[i].bytes);

		if (!x)
			return ERR_FORMAT;
		if (sk_X509_push(out, x) <= 0) {
			X509_free(x);
			return ERR_NOMEM;
		}
		if (i > 0 &&
		    X509_check_issued(x, sk_X509_value(out, (int)i - 1)) !=
			    X509_V_OK)
			return ERR_MISMATCH;
	}
	return 0;
}

int
chain_check(const struct jws_header *h, const struct chain_want *want,
	    EVP_PKEY **out_key, struct verdict *v)
{
	STACK_OF(X509) *certs = NULL;
	EVP_PKEY *key = NULL;
	X509 *leaf;
	int r;

	if (!thumbprints_fit(h))
		return refuse(v, EXIT_ANSWER_CHAIN,
			      "kid or x5t is not the leaf's thumbprint");
	certs = sk_X509_new_null();
	r = refuse(v, EXIT_ANSWER_CHAIN,
		   "x5c is not a sequence of certificates and their issuers");
	if (!certs || load(h, certs) != 0)
		goto out;
	leaf = sk_X509_value(certs, 0);
	r = refuse(v, EXIT_ANSWER_CHAIN,
		   "the leaf certificate is not for server authentication");
	if (!usage_fits(leaf))
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN,
		   "the leaf certificate does not name the key service");
	if (!names_fit(leaf, want->host))
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN,
		   "the chain does not lead to a configured root now");
	if (build(leaf, certs, want) != 0)
		goto out;
	r = refuse(v, EXIT_ANSWER_CHAIN, "the leaf certificate has no key");
	key = X509_get_pubkey(leaf);
	if (!key)
		goto out;
	*out_key = key;
	r = 0;
out:
	sk_X509_pop_free(certs, X509_free);
	return r;
}
