/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap of libcrypto, in a process that opens what a stranger has sealed or
 * signed.  OpenSSL 3.0 copies a private key's numbers to its ordinary heap
 * when a key is made from parameters, secure BIGNUMs or not, its bignum
 * contexts live there always, and its old PKCS#12 code keeps decrypted keys
 * there.  So its heap is ours: what is given back is wiped, blocks may come
 * from the secret arena, and a want of memory is not forgotten: libcrypto
 * itself answers one as it answers a malformed certificate.
 */
#ifndef SP_CRYPTO_HEAP_H
#define SP_CRYPTO_HEAP_H

#include <stddef.h>

#include "err.h"

/*
 * Makes it libcrypto's (CRYPTO_set_mem_functions(3)).  Before any other call
 * into libcrypto.  Returns 0 or ERR_LOCK: somebody was there before.
 */
CHECKED int crypto_heap(void);

/* From now on blocks come from there, as by malloc(3) and free(3); those that
 * are there stay where they are. */
void crypto_heap_from(void *(*take)(size_t bytes), void (*give)(void *p));

/* malloc(3), for a library beside it whose wants are not to be forgotten. */
void *crypto_heap_malloc(size_t bytes);

/*
 * The exit code of a process that wanted to end with `code`: a failure behind
 * a want of memory is EXIT_INTERNAL, and nobody's fault but ours.  An outcome
 * (100 and above) is none.
 */
int crypto_heap_code(int code);

#endif
