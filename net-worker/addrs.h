/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of ADDRS: what resolve found and https may connect to, nothing
 * else.  Entries of 18 bytes, at most ADDRS_EACH of one name:
 *
 *   uint8	which name	enum remote
 *   uint8	family		4 or 6
 *   16 bytes	address		network order; IPv4 in the first four, then 0
 */
#ifndef SP_ADDRS_H
#define SP_ADDRS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cursor.h"
#include "err.h"
#include "tags.h"

#define ADDRS_EACH  8u /* addresses that one name may have */
#define ADDRS_BYTES (REMOTE_COUNT * ADDRS_EACH * 18u)
#define ADDR_TEXT   46u /* INET6_ADDRSTRLEN */

struct addr {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
};

struct addrs {
	struct addr a[REMOTE_COUNT][ADDRS_EACH];
	unsigned n[REMOTE_COUNT];
};

/*
 * Reads a body.  Returns 0, or ERR_FORMAT when an entry is cut, names an
 * unknown remote or family, has stray bytes behind an IPv4 address, or is one
 * too many.
 */
CHECKED int addrs_get(const void *body, size_t bytes, struct addrs *out);

/* Appends one entry; errors show at wr_end(). */
void addrs_put(struct wr *w, unsigned remote, const struct addr *a);

/*
 * Takes a socket address of AF_INET or AF_INET6 (without a scope).  Returns 0
 * or ERR_FORMAT for anything else.
 */
CHECKED int addr_from(const struct sockaddr *sa, size_t bytes,
		      struct addr *out);

/*
 * Reads a literal: IPv4 in dotted decimal or IPv6, without brackets.  Returns
 * 0 or ERR_FORMAT.
 */
CHECKED int addr_literal(const char *text, struct addr *out);

/* Writes the address as text (IPv6 without brackets); cannot fail. */
void addr_text(const struct addr *a, char out[static ADDR_TEXT]);

#endif
