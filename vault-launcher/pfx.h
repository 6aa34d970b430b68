/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS identity as it is stored: a PKCS#12 file (RFC 7292) that anybody
 * who may write the vault can have made.  Only one shape is taken:
 *	password integrity (a MAC, verified before anything is decrypted);
 *	exactly one key, in a shrouded bag, under a password-based cipher of a
 *	closed list; certificates; nothing else, no bag inside a bag.
 */
#ifndef SP_PFX_H
#define SP_PFX_H

#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cursor.h"
#include "err.h"
#include "exit.h"

#define PFX_MAX	       20480u	 /* bytes of the longest file */
#define PFX_CERTS      10	 /* certificates at most */
#define PFX_ROUNDS_MAX 10000000L /* key-derivation rounds at most */

struct pfx {
	EVP_PKEY *sk_key;
	STACK_OF(X509) * chain; /* leaf first, each issued by the next */
};

struct pfx_want {
	const char *host; /* the leaf must name it */
	X509 *ca;	  /* the chain must end in it; NULL: any */
	time_t now;
};

/* Loads the default and legacy providers and fetches what old and new files
 * need (RC2, 3DES, AES, the derivations), so that nothing is loaded later.
 * Before the lock.  Returns 0 or ERR_CRYPTO. */
CHECKED int pfx_prime(void);

/*
 * Opens a file with a password of 1 to 128 printable characters; a file that
 * asks for more than `rounds` of key derivation is refused.  Returns 0 and
 * key and certificates (pfx_free), or ERR_REFUSED and the exit code:
 * EXIT_PFX, EXIT_PFX_PASSWORD, EXIT_CERT_KEY, EXIT_BLOB_CONTENT (password).
 */
struct pfx_file {
	const uint8_t *der;
	size_t bytes;
	const char *sk_password;
	long rounds;
};
CHECKED int pfx_open(const struct pfx_file *file, struct pfx *out_pfx,
		     int *out_code);
void pfx_free(struct pfx *p);

/*
 * Checks the chain: the leaf's names (no partial wildcard, never the common
 * name when there are names), its time, the way to want->ca.  Returns 0, or
 * ERR_REFUSED and EXIT_CERT_NAME, EXIT_CERT_TIME or EXIT_CERT_CA.
 */
CHECKED int pfx_check(const struct pfx *p, const struct pfx_want *want,
		      int *out_code);

/*
 * Whether of's issuer is that certificate (by names, key identifiers, usage
 * and algorithm, RFC 5280 section 4.2.1; no signature is checked): 1, 0, or
 * ERR_CRYPTO.  0 is said for certain: without memory one part or another is
 * not there, and a chain that lacks an issuer must not be served.
 */
CHECKED int pfx_issued(X509 *issuer, X509 *of);

/*
 * Writes the chain as PEM, leaf first; a self-signed root that is not the
 * leaf itself is left out (clients have it or do not trust it).  Returns 0
 * or ERR_CRYPTO; too little room shows at wr_end().
 */
CHECKED int pfx_put_chain(const struct pfx *p, struct wr *w);

/*
 * Writes the key as PEM (PKCS#8, unencrypted): for secret memory alone.
 * Returns 0, ERR_CRYPTO or ERR_NOMEM.
 */
CHECKED int pfx_put_key(const struct pfx *p, struct wr *sk_w);

/*
 * What pfx_open() is made of (pfx_bags.c): the shrouded key, not yet
 * decrypted, and the certificates, in the order of the file.
 */
struct pfx_bags {
	STACK_OF(PKCS12_SAFEBAG) * held; /* owns what key points into */
	const PKCS12_SAFEBAG *key;
	STACK_OF(X509) * certs;
};

/*
 * Says before any decryption whether a file has an unencrypted key bag, a
 * part that is no password-encrypted data, a derivation out of bounds or an
 * algorithm outside the list.  Returns 0 or ERR_REFUSED.
 */
CHECKED int pfx_inspect(const PKCS12 *p12, long rounds);
/* Opens the parts and sorts the bags.  Returns 0 or ERR_REFUSED. */
CHECKED int pfx_unpack(const struct pfx_file *file, const PKCS12 *p12,
		       struct pfx_bags *out_bags);
void pfx_bags_free(struct pfx_bags *b);

#endif
