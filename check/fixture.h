/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world that `sallyport check` makes for the workers: keys, certificates,
 * a signed answer, PFX files, all made anew at each run, so that nothing of it
 * is a secret, expires or lies in the program.
 */
#ifndef SP_CHECK_FIXTURE_H
#define SP_CHECK_FIXTURE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "session.h"
#include "tags.h"

#define FIX_HOST     "apm.check.invalid"
#define FIX_VAULT    "check.vault.azure.net"
#define FIX_KEY	     "https://" FIX_VAULT "/keys/master"
#define FIX_MAA	     "check.weu.attest.azure.net"
#define FIX_ACCOUNT  "checkaccount"
#define FIX_PASSWORD "only a fixture"
#define FIX_PFX_MAX  16384u

struct fixture {
	EVP_PKEY
	*master; /* RSA 2048: the master key, the PFX's, the signer's */
	EVP_PKEY *transfer; /* RSA 2048: the key in the fake TPM */
	EVP_PKEY *ca_key;   /* EC P-256, like the next */
	EVP_PKEY *tls_key;
	X509 *ca;
	X509 *tls;    /* for FIX_VAULT, FIX_MAA and FIX_ACCOUNT's storage */
	X509 *signer; /* of release answers */
	X509 *leaf;   /* FIX_HOST, in the PFX files */
	uint8_t pin[32];
};

/* Makes all of it.  Returns 0 or ERR_CRYPTO. */
CHECKED int fixture_make(struct fixture *f);

/*
 * Puts the world's names, files (memfds) and ports into a configuration whose
 * uids stay.  Returns 0, ERR_NOMEM, ERR_CRYPTO or ERR_SYS.
 */
CHECKED int fixture_conf(const struct fixture *f, struct conf *c);
/* Metadata, attestation, vault, storage: in this order, everywhere. */
#define FIX_SERVICES 4
/* The name that resolve is asked for: localhost, or its address where neither
 * a name server nor /etc/hosts could know it. */
const char *fixture_local(bool dns);
/* dns: names may be used, else literals and localhost alone. */
CHECKED int fixture_ports(struct conf *c,
			  const uint16_t ports[static FIX_SERVICES], bool dns);

/* ADDRS as resolve would say it: each service is here. */
#define FIX_ADDRS (REMOTE_COUNT * 18)
void fixture_addrs(uint8_t out[static FIX_ADDRS]);

/* A sealed memfd with that content.  Returns it or -1. */
CHECKED int fixture_memfd(const void *p, size_t bytes);

/* The same of the CA's certificate in PEM, for https. */
CHECKED int fixture_roots(const struct fixture *f);

/*
 * A release answer for the session's question: compact JWS in out.  Returns 0
 * or ERR_CRYPTO.
 */
CHECKED int fixture_answer(const struct fixture *f, const struct session *x,
			   char *out, size_t cap);
#define FIX_ANSWER_MAX 32768u
/* What is wrapped in it: 256 bytes that stand for OAEP, 1232 for AES-KWP. */
#define FIX_OAEP_BYTES	 256u
#define FIX_KWP_BYTES	 1232u
#define FIX_WRAPPED_BYTE 0x5a

/*
 * A PFX with master's key, leaf and root, protected as today (AES-256) or, if
 * old, as before 2017 (RC2 and 3DES, which only the legacy provider knows).
 * Returns 0 and its length, or ERR_CRYPTO.
 */
CHECKED int fixture_pfx(const struct fixture *f, int old,
			uint8_t out[static FIX_PFX_MAX], size_t *out_bytes);

#endif
