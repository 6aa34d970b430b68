/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only home of key material: an arena of memfd_secret pages (outside the
 * kernel's direct map, unreadable by ptrace and /proc/PID/mem), or, where the
 * kernel has none, locked pages with DONTDUMP and WIPEONFORK; guard pages on
 * both sides.  Made once, before the lock; after that no system call.
 */
#ifndef SP_SECRET_H
#define SP_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct secret;

enum secret_kind { SECRET_MEMFD = 1, SECRET_LOCKED = 2 };

/*
 * Makes the arena (bytes rounded up to pages).  Returns 0 and which kind, or
 * ERR_LOCK when neither kind is to be had.  Once per process.
 */
CHECKED int secret_arena(size_t bytes, enum secret_kind *out_kind);

/*
 * Returns 0 and a zeroed secret of `bytes` (owned by the caller, freed by
 * secret_free), or ERR_NOMEM when the arena is full.
 */
CHECKED int secret_new(size_t bytes, struct secret **out_secret);

/* The bytes, and how many; valid until secret_free. */
uint8_t *secret_bytes(struct secret *s);
size_t secret_size(const struct secret *s);

/* Wipes and gives back; NULL is allowed.  The only destructor. */
void secret_free(struct secret *s);
/* For __attribute__((cleanup(secret_freep))). */
void secret_freep(struct secret **s);

/* Wipes any memory so that the compiler keeps it (explicit_bzero). */
void wipe(void *p, size_t bytes);

/* Compares in constant time; returns 0 if equal, 1 if not. */
int equal_ct(const void *a, const void *b, size_t bytes);

/*
 * Allocators over the arena for libraries (jansson, OpenSSL BN) whose memory
 * must be secret: like malloc and free, wiping; NULL when full.
 */
void *secret_malloc(size_t bytes);
void secret_mfree(void *p);

#endif
