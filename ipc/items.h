/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of CONFIG: a sequence of items, each {uint16 tag, uint32 length,
 * bytes}.  A tag may repeat (lists).  Tags are in tags.h.
 */
#ifndef SP_ITEMS_H
#define SP_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "err.h"

struct items {
	const uint8_t *p; /* borrowed */
	size_t bytes;
};

/* Checks the whole structure.  Returns 0 and a view, or ERR_FORMAT. */
CHECKED int items_open(const void *p, size_t bytes, struct items *out);
/*
 * Finds the nth item (from 0) of a tag.  Returns 0 and a view, or
 * ERR_NOTFOUND.
 */
CHECKED int items_get(const struct items *it, unsigned tag, unsigned nth,
		      const uint8_t **out, size_t *out_bytes);
/*
 * Copies the first item of a tag as a C string (no NUL inside, shorter than
 * cap).  Returns 0, ERR_NOTFOUND, ERR_FORMAT or ERR_RANGE.
 */
CHECKED int items_str(const struct items *it, unsigned tag, unsigned nth,
		      char *out, size_t cap);
/* Reads the first item of a tag as u32/u64 (4/8 bytes, big-endian). */
CHECKED int items_u32(const struct items *it, unsigned tag, uint32_t *out);
CHECKED int items_u64(const struct items *it, unsigned tag, uint64_t *out);
/* Copies an item that must have exactly `bytes`. */
CHECKED int items_fixed(const struct items *it, unsigned tag, void *out,
			size_t bytes);
/* Returns how many items of this tag there are. */
unsigned items_count(const struct items *it, unsigned tag);

/* Writers: append one item; errors show at wr_end(). */
void items_put(struct wr *w, unsigned tag, const void *p, size_t bytes);
void items_put_str(struct wr *w, unsigned tag, const char *s);
void items_put_u32(struct wr *w, unsigned tag, uint32_t v);
void items_put_u64(struct wr *w, unsigned tag, uint64_t v);

#endif
