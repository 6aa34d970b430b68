/* SPDX-License-Identifier: Apache-2.0 */
/* Files as sealed memfds: what a child may read, and never change. */
#ifndef SP_MEMFD_H
#define SP_MEMFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * Copies a file of at most `max` bytes into a memfd, sealed against writing,
 * growing, shrinking and execution.  Returns 0 and the descriptor (the
 * caller's); with `optional` an unreadable file counts as empty; ERR_NOTFOUND,
 * ERR_REFUSED (not a regular file), ERR_RANGE (too large), ERR_SYS.
 */
CHECKED int memfd_of_file(const char *path, size_t max, bool optional,
			  int *out_fd);

/*
 * A memfd that nobody reads, open for writing alone; the caller's, or -1.
 */
int memfd_sink(void);

/* Reads a whole small file.  Returns 0 and its length, or as above. */
CHECKED int read_file(const char *path, uint8_t *out, size_t cap,
		      size_t *out_bytes);

/*
 * Finds the nth block "-----BEGIN label-----" of PEM text and decodes it.
 * Returns 0 and the DER length, ERR_NOTFOUND when there is none, ERR_FORMAT,
 * ERR_RANGE.  (RFC 7468, strict: no headers.)
 */
CHECKED int pem_block(const char *text, const char *label, unsigned nth,
		      uint8_t *out, size_t cap, size_t *out_bytes);

#endif
