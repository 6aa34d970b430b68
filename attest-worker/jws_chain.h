/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed an answer: the certificates of x5c against the configured
 * roots.  No default path, no system store, nothing fetched (no CRL, no
 * OCSP, no AIA): the roots of CONFIG are all there is.
 */
#ifndef SP_JWS_CHAIN_H
#define SP_JWS_CHAIN_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

#include "err.h"
#include "jws.h"
#include "verdict.h"

/*
 * Adds one root (DER, nothing behind it, self-signed) to a store.  Returns 0
 * or ERR_FORMAT.
 */
CHECKED int chain_add_root(X509_STORE *store, const uint8_t *der, size_t bytes);

struct chain_want {
	X509_STORE *roots; /* the only anchors */
	const char *host;  /* the key service we asked */
	time_t now;
};

/*
 * Checks a header's certificates as of want->now, and returns 0 and the leaf's
 * public key (owned by the caller), or ERR_REFUSED and a verdict
 * (EXIT_ANSWER_CHAIN):
 *   kid, x5t, x5t#S256 are the leaf's thumbprints;
 *   each certificate was issued by the next one (RFC 7515 4.1.6);
 *   the chain ends in one of the roots, every link valid then, every key
 *   and digest of at least 112 bits' strength;
 *   the leaf is for server authentication (extended key usage, demanded) and
 *   may sign;
 *   its subject alternative names hold want->host, or literally the service
 *   domain that it belongs to (vault.azure.net and its like).
 */
CHECKED int chain_check(const struct jws_header *h,
			const struct chain_want *want, EVP_PKEY **out_key,
			struct verdict *v);

#endif
