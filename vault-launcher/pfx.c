/* SPDX-License-Identifier: Apache-2.0 */
#include "pfx.h"

#include <limits.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pem.h"
#include "secret.h"

#define PASSWORD_CHARS 128u /* P5: 1 to 128 printable characters */
#define KEY_STRENGTH   112  /* bits of security, NIST SP 800-57 */

int
pfx_prime(void)
{
	static const char *const ciphers[] = {"RC2-40-CBC",   "RC2-CBC",
					      "DES-EDE3-CBC", "DES-EDE-CBC",
					      "AES-128-CBC",  "AES-256-CBC"};
	static const char *const kdfs[] = {"PKCS12KDF", "PBKDF2"};
	static const char *const digests[] = {"SHA1", "SHA256", "SHA512"};

	/* with the second named, the first is no longer implied */
	if (!OSSL_PROVIDER_load(NULL, "default") ||
	    !OSSL_PROVIDER_load(NULL, "legacy"))
		return ERR_CRYPTO;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);

		if (!c)
			return ERR_CRYPTO;
		EVP_CIPHER_free(c);
	}
	for (size_t i = 0; i < sizeof(kdfs) / sizeof(kdfs[0]); i++) {
		EVP_KDF *k = EVP_KDF_fetch(NULL, kdfs[i], NULL);

		if (!k)
			return ERR_CRYPTO;
		EVP_KDF_free(k);
	}
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		EVP_MD *m = EVP_MD_fetch(NULL, digests[i], NULL);

		if (!m)
			return ERR_CRYPTO;
		EVP_MD_free(m);
	}
	return 0;
}

static bool
password_fits(const char *sk)
{
	size_t n = strlen(sk);

	if (n < 1 || n > PASSWORD_CHARS)
		return false;
	for (; *sk; sk++)
		if (*sk < 0x20 || *sk > 0x7e)
			return false;
	return true;
}

static PKCS12 *
parse(const uint8_t *der, size_t bytes)
{
	const uint8_t *p = der;
	PKCS12 *p12;

	if (bytes > PFX_MAX)
		return NULL;
	p12 = d2i_PKCS12(NULL, &p, (long)bytes);
	if (p12 && p != der + bytes) {
		PKCS12_free(p12);
		return NULL;
	}
	return p12;
}

/* The key out of its bag: strong enough, its halves belonging together. */
static EVP_PKEY *
open_key(const struct pfx_file *file, const struct pfx_bags *bags)
{
	PKCS8_PRIV_KEY_INFO *sk_p8 =
		PKCS12_decrypt_skey(bags->key, file->sk_password, -1);
	EVP_PKEY *sk_key = sk_p8 ? EVP_PKCS82PKEY(sk_p8) : NULL;
	EVP_PKEY_CTX *ctx = NULL;

	PKCS8_PRIV_KEY_INFO_free(sk_p8);
	if (!sk_key)
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, sk_key, NULL);
	if (!ctx || EVP_PKEY_get_security_bits(sk_key) < KEY_STRENGTH ||
	    EVP_PKEY_pairwise_check(ctx) != 1) {
		EVP_PKEY_free(sk_key);
		sk_key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return sk_key;
}

/* Moves certs' ith certificate to the end of chain. */
static bool
move(STACK_OF(X509) * certs, int i, STACK_OF(X509) * chain)
{
	X509 *x = sk_X509_delete(certs, i);

	if (sk_X509_push(chain, x) > 0)
		return true;
	X509_free(x);
	return false;
}

/* Puts the key's certificate first, then each one's issuer. */
static int
order(STACK_OF(X509) * certs, EVP_PKEY *sk_key, STACK_OF(X509) * chain,
      int *out_code)
{
	int i, n = sk_X509_num(certs);

	*out_code = EXIT_CERT_KEY;
	for (i = 0; i < n; i++)
		if (X509_check_private_key(sk_X509_value(certs, i), sk_key) ==
		    1)
			break;
	if (i == n)
		return ERR_REFUSED;
	*out_code = EXIT_INTERNAL;
	if (!move(certs, i, chain))
		return ERR_REFUSED;
	for (i = 0; i < sk_X509_num(certs);) {
		X509 *last = sk_X509_value(chain, sk_X509_num(chain) - 1);
		int found = pfx_issued(sk_X509_value(certs, i), last);

		if (found == 0) {
			i++;
			continue;
		}
		if (found < 0 || !move(certs, i, chain))
			return ERR_REFUSED;
		i = 0;
	}
	return 0;
}

static int
open_bags(const struct pfx_file *file, const PKCS12 *p12, struct pfx *out,
	  int *out_code)
{
	struct pfx p = {0};
	struct pfx_bags bags;
	int r;

	*out_code = EXIT_PFX;
	if ((r = pfx_unpack(file, p12, &bags)) != 0)
		return r;
	r = ERR_REFUSED;
	p.sk_key = open_key(file, &bags);
	p.chain = sk_X509_new_null();
	if (p.sk_key && p.chain)
		r = order(bags.certs, p.sk_key, p.chain, out_code);
	pfx_bags_free(&bags);
	if (r != 0)
		pfx_free(&p);
	else
		*out = p;
	return r;
}

int
pfx_open(const struct pfx_file *file, struct pfx *out_pfx, int *out_code)
{
	PKCS12 *p12;
	int r = ERR_REFUSED;

	*out_code = EXIT_BLOB_CONTENT;
	if (!password_fits(file->sk_password))
		return ERR_REFUSED;
	*out_code = EXIT_PFX;
	p12 = parse(file->der, file->bytes);
	if (!p12)
		return ERR_REFUSED;
	/* before the password is put to any work */
	if (pfx_inspect(p12, file->rounds) != 0)
		goto out;
	*out_code = EXIT_PFX_PASSWORD;
	if (PKCS12_verify_mac((PKCS12 *)p12, file->sk_password, -1) != 1)
		goto out;
	r = open_bags(file, p12, out_pfx, out_code);
out:
	PKCS12_free(p12);
	return r;
}

void
pfx_free(struct pfx *p)
{
	EVP_PKEY_free(p->sk_key);
	sk_X509_pop_free(p->chain, X509_free);
	p->sk_key = NULL;
	p->chain = NULL;
}
