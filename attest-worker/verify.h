/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of verify's work between two messages: RELEASE_JWS in, fields of
 * WRAPPED_KEY out.  Holds nothing that anybody could want.
 */
#ifndef SP_VERIFY_H
#define SP_VERIFY_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "err.h"
#include "items.h"
#include "release_answer.h"
#include "verdict.h"

#define VERIFY_ROOTS 16u  /* configured roots at most */
#define HOST_MAX     253u /* characters of a host name, RFC 1123 */
#define WRAPPED_MAX  (1u + OAEP_BYTES + 2u + KWP_MAX)

struct verify {
	struct question question;
	char host[HOST_MAX + 1];
	X509_STORE *roots;
	time_t now; /* as of when the answer is judged; the caller's */
};

/*
 * Reads KEY_URL, ENC, ROOT and AKV_HOST of CONFIG, and primes libcrypto by
 * checking each root's own signature, a digest and a pin: after that it makes
 * no call that a filter would have to allow.  Returns 0 (the store is freed by
 * verify_end) or ERR_FORMAT, ERR_CRYPTO, ERR_NOMEM.
 */
CHECKED int verify_begin(const struct items *config, struct verify *out);
void verify_end(struct verify *v);

/*
 * Verifies an answer as of v->now.  Returns 0 and the answer, or ERR_REFUSED
 * and a verdict.
 */
CHECKED int verify_answer(const struct verify *v, const char *text,
			  size_t chars, struct answer *out_answer,
			  struct verdict *out_verdict);

/*
 * Writes the body of WRAPPED_KEY: uint8 enc, 256 bytes OAEP part, uint16
 * length and the AES-KWP part.  Returns its length.
 */
size_t verify_wrapped(const struct answer *a, uint8_t out[static WRAPPED_MAX]);

#endif
