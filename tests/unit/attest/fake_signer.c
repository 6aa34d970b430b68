/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_signer.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "b64.h"

#define DAY 86400L
#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#cond);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

static void
extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	if (value[0] == '\0')
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	MUST(e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static X509 *
certificate(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *signer,
	    const struct fake_leaf *leaf)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	MUST(X509_set_version(x, X509_VERSION_3) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(x), rand()) == 1);
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)cn, -1, -1,
					0) == 1);
	MUST(X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer)
					    : name) == 1);
	MUST(X509_set_pubkey(x, key) == 1);
	ASN1_TIME_set(X509_getm_notBefore(x), FAKE_NOW + leaf->from);
	ASN1_TIME_set(X509_getm_notAfter(x), FAKE_NOW + leaf->until);
	extension(x, issuer ? issuer : x, NID_basic_constraints,
		  leaf->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extension(x, issuer ? issuer : x, NID_key_usage, leaf->usage);
	extension(x, issuer ? issuer : x, NID_ext_key_usage, leaf->eku);
	extension(x, issuer ? issuer : x, NID_subject_alt_name, leaf->san);
	MUST(X509_sign(x, signer, EVP_get_digestbyname(leaf->digest)) > 0);
	return x;
}

static struct fake_leaf
defaults(const struct fake_leaf *want)
{
	struct fake_leaf l = *want;

	if (!l.san)
		l.san = "DNS:vault.azure.net,DNS:*.vault.azure.net";
	if (!l.eku)
		l.eku = "serverAuth,clientAuth";
	if (!l.usage)
		l.usage = "critical,digitalSignature,keyEncipherment";
	if (!l.from)
		l.from = -DAY;
	if (!l.until)
		l.until = DAY;
	if (!l.bits)
		l.bits = 2048;
	if (!l.digest)
		l.digest = "SHA256";
	return l;
}

X509_STORE *
fake_store(X509 *root)
{
	X509_STORE *s = X509_STORE_new();

	MUST(s && X509_STORE_add_cert(s, root) == 1);
	return s;
}

/* Keys are made once per program and kind: RSA takes its time. */
static EVP_PKEY *
kept_key(int which, int other, int bits)
{
	static struct {
		EVP_PKEY *key;
		int which, other, bits;
	} pool[16];

	for (size_t i = 0; i < sizeof(pool) / sizeof(pool[0]); i++) {
		if (!pool[i].key) {
			pool[i].key = EVP_RSA_gen((unsigned)bits);
			pool[i].which = which;
			pool[i].other = other;
			pool[i].bits = bits;
		}
		if (pool[i].key && pool[i].which == which &&
		    pool[i].other == other && pool[i].bits == bits) {
			EVP_PKEY_up_ref(pool[i].key);
			return pool[i].key;
		}
	}
	return NULL;
}

void
fake_begin(struct fake *f, const struct fake_leaf *leaf)
{
	static const struct fake_leaf ca = {
		.san = "",
		.eku = "",
		.usage = "critical,keyCertSign",
		.from = -10 * DAY,
		.until = 10 * DAY,
		.digest = "SHA256",
		.ca = 1,
	};
	struct fake_leaf l = defaults(leaf);

	for (int i = 0; i < FAKE_CERTS; i++) {
		f->key[i] =
			kept_key(i, l.other, i == FAKE_LEAF ? l.bits : 2048);
		MUST(f->key[i]);
	}
	f->cert[FAKE_ROOT] = certificate(f->key[FAKE_ROOT], "Test root", NULL,
					 f->key[FAKE_ROOT], &ca);
	f->cert[FAKE_MIDDLE] =
		certificate(f->key[FAKE_MIDDLE], "Test issuing CA",
			    f->cert[FAKE_ROOT], f->key[FAKE_ROOT], &ca);
	f->cert[FAKE_LEAF] =
		certificate(f->key[FAKE_LEAF], "vault.azure.net",
			    f->cert[FAKE_MIDDLE], f->key[FAKE_MIDDLE], &l);
	f->roots = fake_store(f->cert[FAKE_ROOT]);
}

void
fake_end(struct fake *f)
{
	for (int i = 0; i < FAKE_CERTS; i++) {
		EVP_PKEY_free(f->key[i]);
		X509_free(f->cert[i]);
	}
	X509_STORE_free(f->roots);
}

char *
fake_b64url(const void *p, size_t bytes)
{
	char *s = malloc(B64_LEN(bytes) + 1);

	MUST(s);
	b64_encode(B64_URL, p, bytes, s);
	return s;
}

static json_t *
b64url_json(const void *p, size_t bytes)
{
	char *s = fake_b64url(p, bytes);
	json_t *j = json_string(s);

	free(s);
	return j;
}

json_t *
fake_header(const struct fake *f, const int *order, size_t count)
{
	unsigned char sha1[20], sha256[32], *der = NULL;
	json_t *h = json_object(), *x5c = json_array();
	char hex[41], *b64;
	int n;

	for (size_t i = count; i-- > 0;) {
		der = NULL;
		n = i2d_X509(f->cert[order[i]], &der);
		MUST(n > 0);
		b64 = malloc(B64_LEN((size_t)n) + 1);
		b64_encode(B64_STD, der, (size_t)n, b64);
		json_array_insert_new(x5c, 0, json_string(b64));
		free(b64);
		if (i == 0) {
			EVP_Digest(der, (size_t)n, sha1, NULL, EVP_sha1(),
				   NULL);
			EVP_Digest(der, (size_t)n, sha256, NULL, EVP_sha256(),
				   NULL);
		}
		OPENSSL_free(der);
	}
	for (int i = 0; i < 20; i++)
		snprintf(hex + 2 * i, 3, "%02X", sha1[i]);
	json_object_set_new(h, "alg", json_string("RS256"));
	json_object_set_new(h, "kid", json_string(hex));
	json_object_set_new(h, "x5t", b64url_json(sha1, 20));
	json_object_set_new(h, "typ", json_string("JWT"));
	json_object_set_new(h, "x5t#S256", b64url_json(sha256, 32));
	json_object_set_new(h, "x5c", x5c);
	return h;
}

json_t *
fake_hsm(void)
{
	static unsigned char both[OAEP_BYTES + 1232];

	memset(both, 0x5a, sizeof(both));
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o}", "schema_version",
			 "1.0", "header", "kid", "TpmEphemeralEncryptionKey",
			 "alg", "dir", "enc", "RSA_AES_KEY_WRAP_256",
			 "ciphertext", b64url_json(both, sizeof(both)));
}

json_t *
fake_key(json_t *payload)
{
	json_t *response = json_object_get(payload, "response");

	return json_object_get(json_object_get(response, "key"), "key");
}

void
fake_set_hsm(json_t *payload, const json_t *hsm)
{
	char *text = json_dumps(hsm, JSON_COMPACT);

	json_object_set_new(fake_key(payload), "key_hsm",
			    b64url_json(text, strlen(text)));
	free(text);
}

json_t *
fake_payload(void)
{
	static const unsigned char e[4] = {0, 1, 0, 1};
	static unsigned char n[256];
	json_t *hsm = fake_hsm(), *p;

	memset(n, 0xc5, sizeof(n));
	p = json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:{s:{s:s, s:s, s:[s,s], "
		      "s:o, s:o}, s:{s:b}, s:{s:s, s:b}}}}",
		      "request", "api-version", "7.4", "enc",
		      "RSA_AES_KEY_WRAP_256", "kid", FAKE_KEY, "nonce",
		      FAKE_NONCE, "response", "key", "key", "kid",
		      FAKE_KEY "/" FAKE_VER, "kty", "RSA-HSM", "key_ops",
		      "encrypt", "decrypt", "n", b64url_json(n, sizeof(n)), "e",
		      b64url_json(e, sizeof(e)), "attributes", "enabled", 1,
		      "release_policy", "data", "e30", "immutable", 0);
	MUST(p);
	fake_set_hsm(p, hsm);
	json_decref(hsm);
	return p;
}

char *
fake_sign(EVP_PKEY *key, const char *header, const char *payload)
{
	char *h = fake_b64url(header, strlen(header));
	char *p = fake_b64url(payload, strlen(payload)), *s, *out;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t bytes = sizeof(sig), cap;

	cap = strlen(h) + strlen(p) + B64_LEN(sizeof(sig)) + 3;
	out = malloc(cap);
	MUST(out && md);
	snprintf(out, cap, "%s.%s", h, p);
	MUST(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	MUST(EVP_DigestSign(md, sig, &bytes, (unsigned char *)out,
			    strlen(out)) == 1);
	s = fake_b64url(sig, bytes);
	strcat(strcat(out, "."), s);
	EVP_MD_CTX_free(md);
	free(s);
	free(h);
	free(p);
	return out;
}

char *
fake_jws(const struct fake *f, json_t *header, json_t *payload)
{
	char *h = json_dumps(header, JSON_COMPACT);
	char *p = json_dumps(payload, JSON_COMPACT);
	char *out = fake_sign(f->key[FAKE_LEAF], h, p);

	json_decref(header);
	json_decref(payload);
	free(h);
	free(p);
	return out;
}

struct question
fake_question(void)
{
	struct question q = {0};

	MUST(question_key(&q, FAKE_KEY) == 0);
	MUST(question_pair(&q, (const uint8_t *)"\2" FAKE_NONCE, 65) == 0);
	MUST(question_pair(&q, (const uint8_t *)"\3" FAKE_NONCE2, 65) == 0);
	return q;
}
