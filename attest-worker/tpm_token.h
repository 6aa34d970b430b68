/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation service's sealed envelope (azure-protocol 4.3): the token
 * under AES-256-GCM, its key under RSAES to the transfer key.
 */
#ifndef SP_TPM_TOKEN_H
#define SP_TPM_TOKEN_H

#include "tpm.h"

#define TOKEN_MIN 32u
#define TOKEN_MAX 49152u

/*
 * Opens the body of ENC_TOKEN; out takes TOKEN_MAX bytes.  Returns 0 and the
 * token's length, or ERR_CRYPTO: one answer for every way it can fail, after
 * the same steps (RSAES with tellable errors decrypts for whoever asks often
 * enough; one question per session is all there is besides).
 */
CHECKED int token_open(struct tpm *t, const uint8_t *body, size_t bytes,
		       uint8_t *out, size_t *out_bytes);

#endif
