/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key service of our own for tests: root, intermediate and leaf made on
 * the spot, headers and payloads as the real service writes them, and every
 * piece of it can be spoiled before it is signed.
 */
#ifndef SP_TEST_FAKE_SIGNER_H
#define SP_TEST_FAKE_SIGNER_H

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

#include "jws.h"
#include "release_answer.h"

#define FAKE_NOW  1700000000 /* "now" in these tests, Unix seconds */
#define FAKE_HOST "myvault.vault.azure.net"
#define FAKE_KEY  "https://" FAKE_HOST "/keys/master"
#define FAKE_VER  "0123456789abcdef0123456789abcdef"
#define FAKE_NONCE                                                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                     \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FAKE_NONCE2                                                            \
	"cccccccccccccccccccccccccccccccc"                                     \
	"dddddddddddddddddddddddddddddddd"

enum { FAKE_ROOT, FAKE_MIDDLE, FAKE_LEAF, FAKE_CERTS };

/* What the leaf is like; a zeroed struct makes the right one. */
struct fake_leaf {
	const char *san; /* "DNS:a,DNS:b"; "" for none */
	const char *eku; /* "" for none */
	const char *usage;
	long from; /* seconds from FAKE_NOW, 0: a day before */
	long until;
	int bits;
	const char *digest;
	int ca;
	int other; /* 1: other keys for root and intermediate */
};

struct fake {
	EVP_PKEY *key[FAKE_CERTS];
	X509 *cert[FAKE_CERTS];
	X509_STORE *roots;
};

void fake_begin(struct fake *f, const struct fake_leaf *leaf);
void fake_end(struct fake *f);
/* A store of one certificate. */
X509_STORE *fake_store(X509 *root);

/* The header as the service writes it, x5c of the certificates named. */
json_t *fake_header(const struct fake *f, const int *order, size_t count);
/* The payload that answers fake_question(). */
json_t *fake_payload(void);
/* The payload with a key_hsm of this text. */
void fake_set_hsm(json_t *payload, const json_t *hsm);
json_t *fake_hsm(void);
/* The key object inside a payload; borrowed. */
json_t *fake_key(json_t *payload);
/* A compact JWS of both, RS256 by that key (owned by the caller). */
char *fake_sign(EVP_PKEY *key, const char *header, const char *payload);
/* The same of JSON objects, which it frees. */
char *fake_jws(const struct fake *f, json_t *header, json_t *payload);
/* KEY_URL without version, (SHA-256, NONCE) and (SHA-384, NONCE2). */
struct question fake_question(void);
/* base64url into a malloc'd string. */
char *fake_b64url(const void *p, size_t bytes);

#endif
