/* SPDX-License-Identifier: Apache-2.0 */
/* PFX files for tests, right ones and hostile ones, made on the spot. */
#ifndef SP_TEST_FAKE_PFX_H
#define SP_TEST_FAKE_PFX_H

#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#define PKI_NOW	 1700000000L /* "now" in these tests */
#define PKI_DAY	 86400L
#define PKI_HOST "apm.example.org"
#define PASSWORD "correct horse"

/* Root, intermediate, leaf; a stranger's root and key. */
struct pki {
	EVP_PKEY *root_key, *middle_key, *leaf_key, *other_key;
	X509 *root, *middle, *leaf, *other_root;
};

struct leaf_shape {
	const char *san;  /* NULL: DNS:PKI_HOST */
	long from, until; /* from PKI_NOW; 0, 0: a day each way */
	EVP_PKEY *key;	  /* NULL: an RSA key of 2048 bits */
};

void pki_begin(struct pki *p, const struct leaf_shape *shape);
void pki_end(struct pki *p);

/* How the file is made; a zeroed struct makes a modern one. */
struct pfx_shape {
	int key_nid;	      /* 0: AES-256-CBC; -1: a bag without encryption */
	int cert_nid;	      /* 0: AES-256-CBC; -1: certificates in clear */
	int rounds;	      /* 0: 2048 */
	int mac_rounds;	      /* 0: as rounds */
	const char *password; /* NULL: PASSWORD */
	const EVP_MD *mac;    /* NULL: SHA-256 */
	bool no_mac;
	bool no_leaf, no_key, two_keys, no_middle, root, backwards;
	bool key_inside; /* the plain key bag in the encrypted part */
	EVP_PKEY *key;	 /* NULL: the leaf's */
};

struct der {
	uint8_t bytes[32768];
	size_t n;
};

void fake_pfx(const struct pki *p, const struct pfx_shape *shape,
	      struct der *out);

/* The same with the AuthenticatedSafe given (freed). */
void fake_pfx_safes(STACK_OF(PKCS7) * safes, const struct pfx_shape *shape,
		    struct der *out);

#endif
