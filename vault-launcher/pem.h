/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM (RFC 7468, the strict form) by our own base64: OpenSSL's encoder would
 * leave copies of a private key in buffers of its own.
 */
#ifndef SP_PEM_H
#define SP_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

/* Bytes that PEM of that many DER bytes needs at most, any label of ours. */
#define PEM_MAX(der_bytes) ((der_bytes) / 48u * 65u + 65u + 80u)

/*
 * Appends one PEM block of that label ("CERTIFICATE"); too little room shows
 * at wr_end().  The line buffer is wiped.
 */
void pem_put(struct wr *sk_w, const char *label, const uint8_t *sk_der,
	     size_t bytes);

#endif
