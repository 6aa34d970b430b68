/* SPDX-License-Identifier: Apache-2.0 */
/* What tpm_keys.c and tpm_attest.c share: PCR selection, hashes, names. */
#ifndef SP_TPM_KEYS_H
#define SP_TPM_KEYS_H

#include "tpm.h"

#define TPM_SELECT 10u

/* PCR 0-7 of the SHA-256 bank, as it is hashed into policy and quote. */
extern const uint8_t tpm_pcr_select[TPM_SELECT];
/* The same for commands. */
extern const TPML_PCR_SELECTION tpm_pcr_list;

/* SHA-256 over two pieces.  Returns 0 or ERR_CRYPTO. */
CHECKED int tpm_hash2(const void *a, size_t a_bytes, const void *b,
		      size_t b_bytes, uint8_t out[static TPM_HASH]);

/* Computes the Name of a TPM2B_PUBLIC.  Returns 0 or ERR_CRYPTO. */
CHECKED int tpm_name_of(const uint8_t *tpm2b, size_t bytes,
			uint8_t out[static TPM_NAME]);

#endif
