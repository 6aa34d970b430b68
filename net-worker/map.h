/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed memfds that the supervisor made, mapped before the lock. */
#ifndef SP_NET_MAP_H
#define SP_NET_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define ROOTS_MAX (1024u * 1024u)

/*
 * Maps a sealed memfd, read-only and for good: nobody can change or cut it any
 * more.  Returns 0, ERR_RANGE for more than max bytes, or ERR_SYS; *out is
 * left as it is for an empty one.
 */
CHECKED int map_sealed(int fd, size_t max, const uint8_t **out,
		       size_t *out_bytes);

#endif
