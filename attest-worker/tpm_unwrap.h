/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From WRAPPED_KEY to the bytes of the released key (azure-protocol 5.6), in
 * the order of DESIGN P8: one decryption in the TPM, the TPM closed, and only
 * then is anything unwrapped.
 */
#ifndef SP_TPM_UNWRAP_H
#define SP_TPM_UNWRAP_H

#include "tpm.h"

/*
 * Takes the body of WRAPPED_KEY and the TPM's descriptor, which is closed
 * whatever happens.  Returns 0 and the PKCS#8 DER (owned by the caller), or
 * an error: ERR_PROTO for a body or hash number that is none, else ERR_CRYPTO,
 * ERR_NOMEM.
 */
CHECKED int unwrap_released(struct tpm *t, int fd, const uint8_t *body,
			    size_t bytes, struct secret **out_sk_der);

#endif
