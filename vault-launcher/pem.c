/* SPDX-License-Identifier: Apache-2.0 */
#include "pem.h"

#include <string.h>

#include "b64.h"
#include "secret.h"

#define LINE_BYTES 48u /* 64 characters, RFC 7468 section 2 */

static void
put(struct wr *w, const char *text)
{
	wr_bytes(w, text, strlen(text));
}

void
pem_put(struct wr *sk_w, const char *label, const uint8_t *sk_der, size_t bytes)
{
	char sk_line[B64_LEN(LINE_BYTES) + 1];

	put(sk_w, "-----BEGIN ");
	put(sk_w, label);
	put(sk_w, "-----\n");
	for (size_t at = 0; at < bytes; at += LINE_BYTES) {
		size_t n = bytes - at < LINE_BYTES ? bytes - at : LINE_BYTES;

		b64_encode(B64_STD, sk_der + at, n, sk_line);
		put(sk_w, sk_line);
		put(sk_w, "\n");
	}
	put(sk_w, "-----END ");
	put(sk_w, label);
	put(sk_w, "-----\n");
	wipe(sk_line, sizeof(sk_line));
}
