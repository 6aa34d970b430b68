/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding is without a branch on the text (ipc/b64.h); which of the two
 * forms a share has follows from its length alone: 64 and 66 are hex, 44 is
 * base64, and no other length is either.
 */
#include "tpm_content.h"

#include <stdbool.h>
#include <string.h>

#include "b64.h"

#define SHARE_MIN 32u

/* secret.h knows no const view; nothing here writes to it. */
static const uint8_t *
text_of(const struct secret *s)
{
	union {
		const struct secret *from;
		struct secret *to;
	} u = {.from = s};

	return secret_bytes(u.to);
}

int
content_password(const struct secret *sk_text, struct secret **out_sk)
{
	const uint8_t *p = text_of(sk_text);
	size_t n = secret_size(sk_text);
	struct secret *sk;
	unsigned bad = 0;
	int r;

	if (n < 1 || n > PASSWORD_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++)
		bad |= (unsigned)(p[i] < 0x20) | (unsigned)(p[i] > 0x7e);
	if (bad)
		return ERR_FORMAT;
	if ((r = secret_new(PASSWORD_SEALED, &sk)) != 0)
		return r;
	secret_bytes(sk)[0] = (uint8_t)n;
	memcpy(secret_bytes(sk) + 1, p, n);
	*out_sk = sk;
	return 0;
}

/* The text as base64 of exactly `bytes`, or as hex. */
static int
decode(const struct secret *sk_text, size_t bytes, bool hex,
       struct secret **out_sk)
{
	const char *s = (const char *)text_of(sk_text);
	size_t chars = secret_size(sk_text), n = bytes;
	struct secret *sk;
	int r;

	if ((r = secret_new(bytes, &sk)) != 0)
		return r;
	if (hex)
		r = hex_decode(s, chars, secret_bytes(sk), bytes);
	else
		r = b64_decode(B64_STD, s, chars, secret_bytes(sk), bytes, &n);
	if (r != 0 || n != bytes) {
		secret_free(sk);
		return ERR_FORMAT;
	}
	*out_sk = sk;
	return 0;
}

int
content_storage_key(const struct secret *sk_text, struct secret **out_sk)
{
	if (secret_size(sk_text) != B64_LEN(STORAGE_KEY_BYTES))
		return ERR_FORMAT;
	return decode(sk_text, STORAGE_KEY_BYTES, false, out_sk);
}

int
content_share(const struct secret *sk_text, struct secret **out_sk)
{
	size_t chars = secret_size(sk_text);

	if (chars == 2 * SHARE_MIN || chars == 2 * KEYSET_SHARE)
		return decode(sk_text, chars / 2, true, out_sk);
	if (chars != B64_LEN(KEYSET_SHARE))
		return ERR_FORMAT;
	/* 33 bytes need no padding, 32 need one '='. */
	return decode(sk_text,
		      text_of(sk_text)[chars - 1] == '=' ? SHARE_MIN
							 : KEYSET_SHARE,
		      false, out_sk);
}
