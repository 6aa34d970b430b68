/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the one top-level `storage` block of a server configuration (HCL 1),
 * which is all of it that the private life gets (DESIGN section 5).
 *
 * A scanner of fixed shape, not an HCL parser: it knows items (a bare name,
 * labels, then "= value" or a block), strings, comments and brackets, and
 * refuses whatever could make the server see other blocks than it sees:
 *	heredocs; ${ in a string; quoted or non-ASCII names at the top or in
 *	the block (HCL 1 compares names by Unicode case folding: a long s
 *	would do); other spellings of "storage"; "backend", its old name; a
 *	second block; control characters and lone carriage returns; JSON.
 */
#ifndef SP_STORAGE_BLOCK_H
#define SP_STORAGE_BLOCK_H

#include <stddef.h>

#include "err.h"

#define BLOCK_DEPTH 16u /* brackets inside each other */

struct block_want {
	const char *type; /* the block's only label */
	/* what its attributes must be; "": not configured, not compared */
	const char *path;
	const char *account; /* accountName */
	const char *container;
};

struct block_found {
	size_t from;   /* offset of its name */
	size_t bytes;  /* to its closing brace, that included */
	unsigned line; /* failure: the line (from 1) where it stopped */
};

/*
 * Scans `bytes` of text.  The block must have want->type as its only label
 * and, for each other member that is not empty, exactly one attribute of that
 * value: a bundle is bound to this store, not to another.  Returns 0 and where
 * the block is, ERR_NOTFOUND when there is none, ERR_MISMATCH when type or
 * attributes are not these, ERR_FORMAT for everything that is refused; on
 * failure only the line is set.
 */
CHECKED int storage_block(const char *text, size_t bytes,
			  const struct block_want *want,
			  struct block_found *out_found);

#endif
