/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_pfx.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#cond);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

static void
extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	MUST(e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

struct who {
	const char *cn;
	EVP_PKEY *key;
	X509 *issuer; /* NULL: itself */
	EVP_PKEY *signer;
};

static X509 *
certificate(const struct who *w, const struct leaf_shape *leaf)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	long from = leaf && leaf->from ? leaf->from : -PKI_DAY;
	long until = leaf && leaf->until ? leaf->until : PKI_DAY;

	MUST(X509_set_version(x, X509_VERSION_3) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(x), rand()) == 1);
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)w->cn, -1, -1,
					0) == 1);
	MUST(X509_set_issuer_name(x, w->issuer
					     ? X509_get_subject_name(w->issuer)
					     : name) == 1);
	MUST(X509_set_pubkey(x, w->key) == 1);
	if (!leaf) {
		from = -10 * PKI_DAY;
		until = 10 * PKI_DAY;
	}
	ASN1_TIME_set(X509_getm_notBefore(x), PKI_NOW + from);
	ASN1_TIME_set(X509_getm_notAfter(x), PKI_NOW + until);
	extension(x, NID_basic_constraints,
		  leaf ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (leaf)
		extension(x, NID_subject_alt_name,
			  leaf->san ? leaf->san : "DNS:" PKI_HOST);
	MUST(X509_sign(x, w->signer, EVP_sha256()) > 0);
	return x;
}

/* Keys of RSA are slow to make: four of them, once. */
static EVP_PKEY *
kept_key(unsigned which)
{
	static EVP_PKEY *pool[4];

	if (!pool[which])
		pool[which] = EVP_RSA_gen(2048);
	MUST(pool[which] && EVP_PKEY_up_ref(pool[which]) == 1);
	return pool[which];
}

void
pki_begin(struct pki *p, const struct leaf_shape *shape)
{
	p->root_key = kept_key(0);
	p->middle_key = kept_key(1);
	p->other_key = kept_key(2);
	p->leaf_key = shape->key ? shape->key : kept_key(3);
	if (shape->key)
		EVP_PKEY_up_ref(shape->key);
	p->root = certificate(
		&(struct who){"Root", p->root_key, NULL, p->root_key}, NULL);
	p->other_root = certificate(
		&(struct who){"Root", p->other_key, NULL, p->other_key}, NULL);
	p->middle = certificate(&(struct who){"Issuing CA", p->middle_key,
					      p->root, p->root_key},
				NULL);
	p->leaf = certificate(&(struct who){"leaf.invalid", p->leaf_key,
					    p->middle, p->middle_key},
			      shape);
}

void
pki_end(struct pki *p)
{
	EVP_PKEY_free(p->root_key);
	EVP_PKEY_free(p->middle_key);
	EVP_PKEY_free(p->leaf_key);
	EVP_PKEY_free(p->other_key);
	X509_free(p->root);
	X509_free(p->middle);
	X509_free(p->leaf);
	X509_free(p->other_root);
}

static int
nid(int given)
{
	return given ? given : NID_aes_256_cbc;
}

static const char *
password(const struct pfx_shape *s)
{
	return s->password ? s->password : PASSWORD;
}

static void
add_key(STACK_OF(PKCS12_SAFEBAG) * *bags, const struct pki *p,
	const struct pfx_shape *s)
{
	EVP_PKEY *key = s->key ? s->key : p->leaf_key;
	int rounds = s->rounds ? s->rounds : 2048;
	int key_nid = s->key_inside ? -1 : nid(s->key_nid);

	MUST(PKCS12_add_key(bags, key, 0, rounds, key_nid, password(s)));
	if (s->two_keys)
		MUST(PKCS12_add_key(bags, p->other_key, 0, rounds, key_nid,
				    password(s)));
}

void
fake_pfx(const struct pki *p, const struct pfx_shape *s, struct der *out)
{
	STACK_OF(PKCS12_SAFEBAG) *certs = NULL, *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	int rounds = s->rounds ? s->rounds : 2048;

	if (s->root)
		MUST(PKCS12_add_cert(&certs, p->root));
	if (s->backwards && !s->no_middle)
		MUST(PKCS12_add_cert(&certs, p->middle));
	if (!s->no_leaf)
		MUST(PKCS12_add_cert(&certs, p->leaf));
	if (!s->backwards && !s->no_middle)
		MUST(PKCS12_add_cert(&certs, p->middle));
	if (s->key_inside)
		add_key(&certs, p, s);
	if (certs)
		MUST(PKCS12_add_safe(&safes, certs, nid(s->cert_nid), rounds,
				     password(s)) == 1);
	if (!s->no_key && !s->key_inside) {
		add_key(&keys, p, s);
		MUST(PKCS12_add_safe(&safes, keys, -1, 0, NULL) == 1);
	}
	sk_PKCS12_SAFEBAG_pop_free(certs, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	fake_pfx_safes(safes, s, out);
}

void
fake_pfx_safes(STACK_OF(PKCS7) * safes, const struct pfx_shape *s,
	       struct der *out)
{
	PKCS12 *p12 = PKCS12_add_safes(safes, 0);
	int rounds = s->mac_rounds ? s->mac_rounds : s->rounds;
	uint8_t *p = out->bytes;
	int n;

	MUST(p12);
	if (!s->no_mac)
		MUST(PKCS12_set_mac(p12, password(s), -1, NULL, 0,
				    rounds ? rounds : 2048,
				    s->mac ? s->mac : EVP_sha256()) == 1);
	n = i2d_PKCS12(p12, NULL);
	MUST(n > 0 && (size_t)n <= sizeof(out->bytes));
	out->n = (size_t)i2d_PKCS12(p12, &p);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
}
