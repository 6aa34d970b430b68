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

/*
 * Scans `bytes` of text.  The block must have `type` as its only label and,
 * where `path` is not empty, exactly one attribute path = "PATH" of that
 * value.  Returns 0 and where the block is (from its name to its brace),
 * ERR_NOTFOUND when there is none, ERR_MISMATCH when type or path are not
 * these, ERR_FORMAT for everything that is refused.
 */
CHECKED int storage_block(const char *text, size_t bytes, const char *type,
			  const char *path, size_t *out_from,
			  size_t *out_bytes);

#endif
