/* SPDX-License-Identifier: Apache-2.0 */
/* Two things that a deployment has stored or signed: the release answer of
 * the key service, and PFX files. */
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "b64.h"
#include "config.h"
#include "fixture.h"

#define ROUNDS	2048
#define DER_MAX 2048
#define VERSION "0123456789abcdef0123456789abcdef"

static void
url64(const void *p, size_t n, char *out)
{
	out[b64_encode(B64_URL, p, n, out)] = '\0';
	out[strcspn(out, "=")] = '\0';
}

/* The header as the service writes it: thumbprints and the chain. */
static int
header(const struct fixture *f, char *out, size_t cap)
{
	uint8_t leaf[DER_MAX], root[DER_MAX], *p = leaf, *q = root;
	uint8_t sha1[20], sha256[32];
	char kid[41], x5t[32], x5t256[48];
	char c0[B64_LEN(DER_MAX) + 1], c1[B64_LEN(DER_MAX) + 1];
	int n = i2d_X509(f->signer, NULL), m = i2d_X509(f->ca, NULL);

	if (n <= 0 || n > DER_MAX || m <= 0 || m > DER_MAX ||
	    i2d_X509(f->signer, &p) != n || i2d_X509(f->ca, &q) != m ||
	    EVP_Digest(leaf, (size_t)n, sha1, NULL, EVP_sha1(), NULL) != 1 ||
	    EVP_Digest(leaf, (size_t)n, sha256, NULL, EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	for (size_t i = 0; i < sizeof(sha1); i++)
		snprintf(kid + 2 * i, 3, "%02X", sha1[i]);
	url64(sha1, sizeof(sha1), x5t);
	url64(sha256, sizeof(sha256), x5t256);
	c0[b64_encode(B64_STD, leaf, (size_t)n, c0)] = '\0';
	c1[b64_encode(B64_STD, root, (size_t)m, c1)] = '\0';
	n = snprintf(out, cap,
		     "{\"alg\":\"RS256\",\"kid\":\"%s\",\"x5t\":\"%s\","
		     "\"typ\":\"JWT\",\"x5t#S256\":\"%s\","
		     "\"x5c\":[\"%s\",\"%s\"]}",
		     kid, x5t, x5t256, c0, c1);
	return n > 0 && (size_t)n < cap ? 0 : ERR_CRYPTO;
}

static int
payload(const struct fixture *f, const struct session *x, char *out, size_t cap)
{
	uint8_t wrapped[FIX_OAEP_BYTES + FIX_KWP_BYTES], n[256];
	char text[B64_LEN(sizeof(wrapped)) + 1], modulus[B64_LEN(256) + 1];
	char hsm[4096], hsm64[B64_LEN(sizeof(hsm)) + 1];
	BIGNUM *bn = NULL;
	int k;

	if (EVP_PKEY_get_bn_param(f->master, "n", &bn) != 1 ||
	    BN_bn2binpad(bn, n, sizeof(n)) != sizeof(n)) {
		BN_free(bn);
		return ERR_CRYPTO;
	}
	BN_free(bn);
	url64(n, sizeof(n), modulus);
	memset(wrapped, FIX_WRAPPED_BYTE, sizeof(wrapped));
	url64(wrapped, sizeof(wrapped), text);
	k = snprintf(hsm, sizeof(hsm),
		     "{\"schema_version\":\"1.0\",\"header\":{\"kid\":"
		     "\"TpmEphemeralEncryptionKey\",\"alg\":\"dir\",\"enc\":"
		     "\"RSA_AES_KEY_WRAP_256\"},\"ciphertext\":\"%s\"}",
		     text);
	url64(hsm, (size_t)k, hsm64);
	k = snprintf(out, cap,
		     "{\"request\":{\"api-version\":\"7.4\",\"enc\":"
		     "\"RSA_AES_KEY_WRAP_256\",\"kid\":\"" FIX_KEY
		     "\",\"nonce\":\"%s\"},\"response\":{\"key\":{\"key\":{"
		     "\"kid\":\"" FIX_KEY "/" VERSION
		     "\",\"kty\":\"RSA-HSM\",\"key_ops\":[\"encrypt\"],"
		     "\"n\":\"%s\",\"e\":\"AQAB\",\"key_hsm\":\"%s\"},"
		     "\"attributes\":{\"enabled\":true}}}}",
		     x->nonce[0], modulus, hsm64);
	return k > 0 && (size_t)k < cap ? 0 : ERR_CRYPTO;
}

int
fixture_answer(const struct fixture *f, const struct session *x, char *out,
	       size_t cap)
{
	static char h[8192], p[12288];
	uint8_t sig[256];
	size_t bytes = sizeof(sig), n;
	EVP_MD_CTX *md;
	int ok;

	if (header(f, h, sizeof(h)) != 0 || payload(f, x, p, sizeof(p)) != 0 ||
	    B64_LEN(strlen(h)) + B64_LEN(strlen(p)) + B64_LEN(sizeof(sig)) + 8 >
		    cap)
		return ERR_CRYPTO;
	url64(h, strlen(h), out);
	n = strlen(out);
	out[n++] = '.';
	url64(p, strlen(p), out + n);
	n += strlen(out + n);
	md = EVP_MD_CTX_new();
	ok = md &&
	     EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, f->master) == 1 &&
	     EVP_DigestSign(md, sig, &bytes, (const uint8_t *)out, n) == 1;
	EVP_MD_CTX_free(md);
	out[n++] = '.';
	url64(sig, bytes, out + n);
	return ok ? 0 : ERR_CRYPTO;
}

/* The machine's legacy provider, else the one in prepare's library root. */
static int
load_legacy(void)
{
	static OSSL_PROVIDER *legacy, *normal;
	char dir[4096];

	if (legacy)
		return 1;
	normal = OSSL_PROVIDER_load(NULL, "default");
	legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	if (!legacy) {
		snprintf(dir, sizeof(dir), SP_LIBEXECDIR "/root/prepare%s",
			 OPENSSL_info(OPENSSL_INFO_MODULES_DIR)
				 ? OPENSSL_info(OPENSSL_INFO_MODULES_DIR)
				 : "");
		OSSL_PROVIDER_set_default_search_path(NULL, dir);
		legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	}
	return normal && legacy;
}

int
fixture_pfx(const struct fixture *f, int old, uint8_t out[static FIX_PFX_MAX],
	    size_t *out_bytes)
{
	int cert = old ? NID_pbe_WithSHA1And40BitRC2_CBC : NID_aes_256_cbc;
	int key =
		old ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	STACK_OF(X509) *more = sk_X509_new_null();
	PKCS12 *p12 = NULL;
	int n, r = ERR_CRYPTO;

	if ((old && !load_legacy()) || !more || sk_X509_push(more, f->ca) <= 0)
		goto out;
	p12 = PKCS12_create(FIX_PASSWORD, NULL, f->master, f->leaf, more, key,
			    cert, ROUNDS, -1, 0);
	/* the MAC by the digest of its time */
	if (!p12 || PKCS12_set_mac(p12, FIX_PASSWORD, -1, NULL, 0, ROUNDS,
				   old ? EVP_sha1() : EVP_sha256()) != 1)
		goto out;
	n = i2d_PKCS12(p12, NULL);
	if (n <= 0 || (size_t)n > FIX_PFX_MAX)
		goto out;
	*out_bytes = (size_t)i2d_PKCS12(p12, &out);
	r = 0;
out:
	PKCS12_free(p12);
	sk_X509_free(more);
	return r;
}
