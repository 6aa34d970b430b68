/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of EVIDENCE, as tpm sends it:
 *
 *   var16	HCL report, exactly report_size bytes
 *   var16	attestation key, TPM2B_PUBLIC
 *   var16	its certificate, DER
 *   8 * 32	values of PCR 0 to 7, SHA-256
 *   var16	quote, TPMS_ATTEST
 *   var16	its signature
 *   var16	transfer key, TPM2B_PUBLIC
 *   var16	its certification, TPMS_ATTEST
 *   var16	signature of that
 */
#ifndef SP_EVIDENCE_H
#define SP_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define EVIDENCE_PCRS	   8u
#define SNP_REPORT_BYTES   1184u
#define HCL_REPORT_AT	   0x20u  /* SNP report in the HCL report */
#define HCL_CLAIMS_SIZE_AT 0x4d0u /* uint32, little endian */
#define HCL_CLAIMS_AT	   0x4d4u /* runtime claims, JSON */
#define HCL_MAX		   4096u

struct bytes {
	const uint8_t *p; /* borrowed */
	size_t n;
};

struct evidence {
	struct bytes snp;    /* SNP_REPORT_BYTES */
	struct bytes claims; /* runtime claims, exactly as measured */
	struct bytes ak_pub;
	struct bytes ak_cert;
	const uint8_t *pcrs; /* EVIDENCE_PCRS * 32 */
	struct bytes quote;
	struct bytes quote_sig;
	struct bytes enc_pub;
	struct bytes certify;
	struct bytes certify_sig;
};

/* Reads a body into views of it.  Returns 0 or ERR_FORMAT. */
CHECKED int evidence_get(const void *body, size_t bytes, struct evidence *out);

#endif
