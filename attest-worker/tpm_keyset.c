/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets: the layout is drawn in ipc/blob.h. */
#include "tpm_keyset.h"

#include <string.h>

#define SHARE_MIN  32u
#define OFF_TOKEN  4u
#define OFF_SHARES (OFF_TOKEN + KEYSET_TOKEN)
#define SLOT_BYTES (1u + KEYSET_SHARE)

/* Zero in constant time: which byte is not zero is nobody's business. */
static bool
blank(const uint8_t *p, size_t bytes)
{
	unsigned any = 0;

	for (size_t i = 0; i < bytes; i++)
		any |= p[i];
	return any == 0;
}

static bool
printable(const uint8_t *p, size_t bytes)
{
	unsigned bad = 0;

	for (size_t i = 0; i < bytes; i++)
		bad |= (unsigned)(p[i] < 0x21) | (unsigned)(p[i] > 0x7e);
	return bad == 0;
}

int
keyset_check(const uint8_t sk_set[static KEYSET_BYTES], bool token)
{
	uint8_t threshold = sk_set[0], count = sk_set[1], chars = sk_set[2];
	const uint8_t *p = sk_set + OFF_SHARES;
	uint8_t first = p[0];

	if (count < 1 || count > KEYSET_SHARES || threshold < 1 ||
	    threshold > count || sk_set[3] != 0)
		return ERR_FORMAT;
	if (chars > KEYSET_TOKEN || token != (chars > 0) ||
	    !printable(sk_set + OFF_TOKEN, chars) ||
	    !blank(sk_set + OFF_TOKEN + chars, KEYSET_TOKEN - chars))
		return ERR_FORMAT;
	if (first != SHARE_MIN && first != KEYSET_SHARE)
		return ERR_FORMAT;
	for (unsigned i = 0; i < KEYSET_SHARES; i++, p += SLOT_BYTES) {
		uint8_t want = i < count ? first : 0;

		if (p[0] != want || !blank(p + 1 + want, KEYSET_SHARE - want))
			return ERR_FORMAT;
	}
	return 0;
}

void
keyset_drop_token(uint8_t sk_set[static KEYSET_BYTES])
{
	sk_set[2] = 0;
	wipe(sk_set + OFF_TOKEN, KEYSET_TOKEN);
}

void
keyset_begin(uint8_t sk_set[static KEYSET_BYTES])
{
	wipe(sk_set, KEYSET_BYTES);
}

int
keyset_add(uint8_t sk_set[static KEYSET_BYTES], const uint8_t *sk_share,
	   size_t bytes)
{
	uint8_t count = sk_set[1];
	uint8_t *slot = sk_set + OFF_SHARES + (size_t)count * SLOT_BYTES;

	if (bytes != SHARE_MIN && bytes != KEYSET_SHARE)
		return ERR_FORMAT;
	if (count >= KEYSET_SHARES)
		return ERR_RANGE;
	if (count > 0 && sk_set[OFF_SHARES] != bytes)
		return ERR_FORMAT;
	slot[0] = (uint8_t)bytes;
	memcpy(slot + 1, sk_share, bytes);
	count++;
	sk_set[0] = count;
	sk_set[1] = count;
	return 0;
}
