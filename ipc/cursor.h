/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors over fixed storage: the only way bodies are read and written.
 * Integers are big-endian.  A reader fails for good at the first error
 * (every later call returns ERR_FORMAT); rd_end() demands that all was read.
 */
#ifndef SP_CURSOR_H
#define SP_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct rd {
	const uint8_t *p;
	size_t left;
	int bad;
};

struct wr {
	uint8_t *p;
	size_t left;
	size_t used;
	int bad;
};

/* Starts a reader over `bytes` of borrowed memory; cannot fail. */
void rd_init(struct rd *r, const void *p, size_t bytes);
/* Each returns 0, or ERR_FORMAT when the bytes are not there. */
CHECKED int rd_u8(struct rd *r, uint8_t *out);
CHECKED int rd_u16(struct rd *r, uint16_t *out);
CHECKED int rd_u32(struct rd *r, uint32_t *out);
CHECKED int rd_u64(struct rd *r, uint64_t *out);
/* Borrows exactly `bytes`. */
CHECKED int rd_bytes(struct rd *r, size_t bytes, const uint8_t **out);
/* Copies exactly `bytes` to `out`. */
CHECKED int rd_copy(struct rd *r, size_t bytes, uint8_t *out);
/* Reads u16 length, then borrows that many (min <= length <= max). */
CHECKED int rd_var16(struct rd *r, size_t min, size_t max, const uint8_t **out,
		     size_t *out_bytes);
/* Reads u32 length, then borrows that many (min <= length <= max). */
CHECKED int rd_var32(struct rd *r, size_t min, size_t max, const uint8_t **out,
		     size_t *out_bytes);
/* Returns 0 if everything was read without an error, else ERR_FORMAT. */
CHECKED int rd_end(const struct rd *r);

/* Starts a writer over `bytes` of caller's storage; cannot fail. */
void wr_init(struct wr *w, void *p, size_t bytes);
/* Each returns 0, or ERR_NOMEM when there is no room (for good). */
int wr_u8(struct wr *w, uint8_t v);
int wr_u16(struct wr *w, uint16_t v);
int wr_u32(struct wr *w, uint32_t v);
int wr_u64(struct wr *w, uint64_t v);
int wr_bytes(struct wr *w, const void *p, size_t bytes);
int wr_var16(struct wr *w, const void *p, size_t bytes);
int wr_var32(struct wr *w, const void *p, size_t bytes);
/* Returns 0 and the bytes written, or ERR_NOMEM if any write failed. */
CHECKED int wr_end(const struct wr *w, size_t *out_bytes);

#endif
