/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries of the tpm worker, made ready before the lock: what they do on
 * first use (tables, locks, random state) needs system calls and memory that
 * are not to be had after it.
 */
#ifndef SP_TPM_PRIME_H
#define SP_TPM_PRIME_H

#include "err.h"
#include "secret.h"

/*
 * Makes the secret arena and OpenSSL's secure heap, takes over OpenSSL's
 * allocator, runs one dummy round of every algorithm used later.  Once per
 * process, before any other call to libcrypto.  Returns 0 and which kind of
 * memory secrets live in, ERR_LOCK (no such memory), ERR_CRYPTO, ERR_NOMEM.
 */
CHECKED int tpm_prime(enum secret_kind *out_kind);

/*
 * From now on whatever OpenSSL allocates lies in the secret arena: numbers,
 * contexts, intermediate results of the master key.  The last call before
 * the first key comes in; it is not taken back.
 */
void tpm_prime_secret(void);

#endif
