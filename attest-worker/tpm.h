/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TPM as this session uses it: what was there is flushed, one ephemeral
 * key, the attestation key, one policy session.  Functions that talk to the
 * TPM return 0, ERR_TPM (rc and command are noted), or the link's fault.
 */
#ifndef SP_TPM_H
#define SP_TPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#include "err.h"
#include "secret.h"

#define TPM_PCRS	  8u  /* PCR 0 to 7, SHA-256 bank */
#define TPM_HASH	  32u /* SHA-256 */
#define TPM_RSA		  256u
#define TPM_NAME	  (2u + TPM_HASH)
#define TPM_AK_PUB	  (2u + 24u + TPM_RSA) /* TPM2B_PUBLIC of the AK */
#define TPM_KEY_PUB	  (2u + 54u + TPM_RSA) /* ... of the transfer key */
#define TPM_QUOTE	  113u		       /* TPMS_ATTEST, empty nonce */
#define TPM_CERTIFY	  141u
#define TPM_NV_MAX	  4096u /* largest NV index that is read */
#define TPM_NV_HCL	  0x01400001u
#define TPM_NV_AK_CERT	  0x01c101d0u
#define TPM_AK_HANDLE	  0x81000003u
#define TPM_ERR_LOCKOUT	  0x921u
#define TPM_ERR_UNWRITTEN 0x14au /* TPM_RC_NV_UNINITIALIZED */
#define TPM_ERR_NO_INDEX  0x18bu /* TPM_RC_HANDLE, handle 1 */

struct tpm {
	ESYS_CONTEXT *esys;
	ESYS_TR ak;
	ESYS_TR key;
	ESYS_TR session;
	uint32_t rc; /* of the last failure */
	uint32_t cc; /* the command it answered */
	uint8_t pcr[TPM_PCRS][TPM_HASH];
	uint8_t ak_pub[TPM_AK_PUB];
	uint8_t ak_qname[TPM_NAME];
	uint8_t key_pub[TPM_KEY_PUB];
	uint8_t key_name[TPM_NAME];
};

/* A statement signed by the attestation key. */
struct tpm_signed {
	uint8_t attest[TPM_CERTIFY]; /* TPMS_ATTEST, no size in front */
	size_t attest_bytes;
	uint8_t sig[TPM_RSA];
};

/*
 * Makes the ESYS context over a TCTI; sends nothing to the TPM.  Returns 0
 * or ERR_NOMEM.
 */
CHECKED int tpm_init(struct tpm *t, TSS2_TCTI_CONTEXT *tcti);

/* Notes a failed command; returns what the caller is to return (or 0). */
CHECKED int tpm_rc(struct tpm *t, TSS2_RC rc, uint32_t command);

/*
 * Flushes every transient object and every session that somebody left, by
 * number (DESIGN P8).  Returns 0 and how many there were.
 */
CHECKED int tpm_flush_all(struct tpm *t, unsigned *out_count);

/*
 * Reads a whole NV index with owner authorisation.  out takes TPM_NV_MAX
 * bytes.  ERR_RANGE when the index is larger.
 */
CHECKED int tpm_nv_read(struct tpm *t, uint32_t index, uint8_t *out,
			size_t *out_bytes);

/* Reads PCR 0 to 7 of the SHA-256 bank into t->pcr. */
CHECKED int tpm_pcr_read(struct tpm *t);

/*
 * Creates the transfer key: a primary in the NULL hierarchy with 256 random
 * bytes in `unique`, usable only while PCR 0-7 are what they are.
 */
CHECKED int tpm_key_create(struct tpm *t);

/*
 * Reads the attestation key and holds it against the template of the
 * platform (azure-protocol 2.1).  ERR_MISMATCH when it is another key.
 */
CHECKED int tpm_ak_read(struct tpm *t);

/*
 * Quotes PCR 0-7 with an empty nonce; checks that the statement is about
 * t->pcr and by the AK.  ERR_MISMATCH otherwise.
 */
CHECKED int tpm_quote(struct tpm *t, struct tpm_signed *out);

/* Certifies the transfer key with the AK; checks the statement likewise. */
CHECKED int tpm_certify(struct tpm *t, struct tpm_signed *out);

/* Starts the policy session that the transfer key is used through. */
CHECKED int tpm_session(struct tpm *t);

/* Satisfies the policy; once before each use of the key. */
CHECKED int tpm_policy(struct tpm *t);

/*
 * One decryption with the transfer key: hash 0 is RSAES-PKCS1-v1_5, else
 * OAEP with that TPM2_ALG_ hash and an empty label.  Returns 0 and the
 * plaintext (owned by the caller).
 */
CHECKED int tpm_decrypt(struct tpm *t, const uint8_t cipher[static TPM_RSA],
			uint16_t hash, struct secret **out_sk);

/* Flushes key and session; errors do not matter (the TPM is left next). */
void tpm_forget(struct tpm *t);

/*
 * Wipes what the TPM software stack keeps of answers and closes the
 * descriptor: from here on no byte goes to the TPM.  Cannot fail.
 */
void tpm_close(struct tpm *t, int fd);

#endif
