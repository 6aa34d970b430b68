/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence of one session: who the platform is (HCL report, attestation
 * key and its certificate), what booted (quote over PCR 0-7), and the
 * transfer key that belongs to it (certified by the attestation key).
 */
#ifndef SP_TPM_EVIDENCE_H
#define SP_TPM_EVIDENCE_H

#include "exit.h"
#include "tpm.h"

struct evidence {
	uint8_t hcl[TPM_NV_MAX]; /* the whole NV area */
	size_t report_bytes;
	uint8_t ak_cert[TPM_NV_MAX];
	size_t ak_cert_bytes;
	struct tpm_signed quote;
	struct tpm_signed certify;
};

/*
 * Flushes the TPM, makes the transfer key first of all (it takes longest, and
 * the network works beside it), then reads and checks everything else, and
 * leaves a policy session that is satisfied.  Returns 0, or the exit code of
 * what is wrong; out_flushed: how many handles others had left.
 */
CHECKED int evidence_gather(struct tpm *t, struct evidence *out,
			    unsigned *out_flushed);

/* Writes the body of EVIDENCE.  Returns 0 and its length, or ERR_NOMEM. */
CHECKED int evidence_body(const struct tpm *t, const struct evidence *e,
			  uint8_t *out, size_t cap, size_t *out_bytes);

/*
 * Says with which code a session ends after a failed step `r` (an enum err)
 * at the TPM, before taint.
 */
int tpm_exit_code(const struct tpm *t, int r);

#endif
