/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HCL report: the hardware's report and the runtime claims it is bound
 * to, as the platform keeps them in NV 0x01400001 (azure-protocol 2.2, 2.3).
 * Pure; holds nothing.  The claims are JSON, which is not parsed here: only
 * their hash and two fixed pieces of text in them are looked at.
 */
#ifndef SP_TPM_HCL_H
#define SP_TPM_HCL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HCL_MODULUS 256u /* bytes of the attestation key's modulus */

struct hcl {
	size_t report_bytes;   /* what of the area is the report */
	const uint8_t *claims; /* borrowed */
	size_t claims_bytes;
};

/*
 * Reads the whole NV area.  Returns 0 and a view, or ERR_FORMAT when any
 * rule of 2.2 or the binding of 2.3 is broken, or user data in the claims is
 * not zero (DESIGN P8).
 */
CHECKED int hcl_read(const uint8_t *area, size_t bytes, struct hcl *out);

/* Returns 0 if the claims name that attestation key, else ERR_MISMATCH. */
CHECKED int hcl_names_key(const struct hcl *h,
			  const uint8_t modulus[static HCL_MODULUS]);

/*
 * Reads the area of the AK certificate: DER, then nothing but zeros.
 * Returns 0 and the DER's length, ERR_NOTFOUND when the area is all zero,
 * ERR_FORMAT otherwise.
 */
CHECKED int ak_cert_length(const uint8_t *area, size_t bytes,
			   size_t *out_bytes);

#endif
