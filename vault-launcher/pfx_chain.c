/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of a PFX: checks, and both as PEM. */
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pem.h"
#include "pfx.h"
#include "secret.h"

#define LABEL_CERT "CERTIFICATE"
#define LABEL_KEY  "PRIVATE KEY" /* PKCS#8, RFC 7468 section 10 */

/* The verifier's answer as one of our codes. */
static int
verify(const struct pfx *p, const struct pfx_want *want)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int code = EXIT_INTERNAL;

	if (!store || !ctx || X509_STORE_add_cert(store, want->ca) != 1 ||
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(p->chain, 0),
				p->chain) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, want->now);
	X509_VERIFY_PARAM_set_depth(param, PFX_CERTS);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1)
		goto out;
	if (X509_verify_cert(ctx) == 1) {
		code = 0;
		goto out;
	}
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		code = EXIT_CERT_TIME;
		break;
	default:
		code = EXIT_CERT_CA;
		break;
	}
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return code;
}

static bool
valid_at(X509 *x, time_t now)
{
	return X509_cmp_time(X509_get0_notBefore(x), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(x), &now) > 0;
}

int
pfx_check(const struct pfx *p, const struct pfx_want *want, int *out_code)
{
	X509 *leaf = sk_X509_value(p->chain, 0);

	*out_code = EXIT_CERT_NAME;
	if (X509_check_host(leaf, want->host, 0,
			    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) != 1)
		return ERR_REFUSED;
	*out_code = EXIT_CERT_TIME;
	if (!valid_at(leaf, want->now))
		return ERR_REFUSED;
	if (!want->ca)
		return 0;
	*out_code = verify(p, want);
	return *out_code == 0 ? 0 : ERR_REFUSED;
}

int
pfx_issued(X509 *issuer, X509 *of)
{
	switch (X509_check_issued(issuer, of)) {
	case X509_V_OK:
		return 1;
	case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
	case X509_V_ERR_AKID_SKID_MISMATCH:
	case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return 0;
	default: /* its key, algorithm or extensions are not there */
		return ERR_CRYPTO;
	}
}

int
pfx_put_chain(const struct pfx *p, struct wr *w)
{
	for (int i = 0; i < sk_X509_num(p->chain); i++) {
		X509 *x = sk_X509_value(p->chain, i);
		uint8_t *der = NULL;
		int bytes, own = i > 0 ? pfx_issued(x, x) : 0;

		if (own < 0)
			return ERR_CRYPTO;
		if (own == 1)
			continue;
		bytes = i2d_X509(x, &der);
		if (bytes <= 0)
			return ERR_CRYPTO;
		pem_put(w, LABEL_CERT, der, (size_t)bytes);
		OPENSSL_free(der);
	}
	return 0;
}

int
pfx_put_key(const struct pfx *p, struct wr *sk_w)
{
	PKCS8_PRIV_KEY_INFO *sk_p8 = EVP_PKEY2PKCS8(p->sk_key);
	struct secret *sk_der = NULL;
	uint8_t *at;
	int bytes, r = ERR_CRYPTO;

	if (!sk_p8 || (bytes = i2d_PKCS8_PRIV_KEY_INFO(sk_p8, NULL)) <= 0)
		goto out;
	if ((r = secret_new((size_t)bytes, &sk_der)) != 0)
		goto out;
	at = secret_bytes(sk_der);
	r = ERR_CRYPTO;
	if (i2d_PKCS8_PRIV_KEY_INFO(sk_p8, &at) != bytes)
		goto out;
	pem_put(sk_w, LABEL_KEY, secret_bytes(sk_der), (size_t)bytes);
	r = 0;
out:
	secret_free(sk_der);
	PKCS8_PRIV_KEY_INFO_free(sk_p8);
	return r;
}
