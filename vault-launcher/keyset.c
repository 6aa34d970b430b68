/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the key set.  A set that was opened is canonical: every
 * byte that means nothing is zero, so two sets with the same content are the
 * same bytes.
 */
#include "keyset.h"

#include <string.h>

/* ipc/blob.h draws the form. */
#define AT_THRESHOLD 0u
#define AT_COUNT     1u
#define AT_TOKEN_LEN 2u
#define AT_RESERVED  3u
#define AT_TOKEN     4u
#define AT_SHARES    (AT_TOKEN + KEYSET_TOKEN)
#define SHARE_SLOT   (1u + KEYSET_SHARE)

static size_t
slot_at(unsigned i)
{
	return AT_SHARES + (size_t)i * SHARE_SLOT;
}

static int
check_numbers(unsigned threshold, unsigned count)
{
	if (count < 1 || count > KEYSET_SHARES)
		return ERR_RANGE;
	if (threshold < 1 || threshold > count)
		return ERR_RANGE;
	return 0;
}

static int
all_zero(const uint8_t *p, size_t bytes)
{
	unsigned any = 0;

	for (size_t i = 0; i < bytes; i++)
		any |= p[i];
	return any == 0;
}

int
token_check(const char *sk_token, size_t bytes)
{
	if (bytes < 1 || bytes > KEYSET_TOKEN)
		return ERR_RANGE;
	for (size_t i = 0; i < bytes; i++)
		if (sk_token[i] < 0x21 || sk_token[i] > 0x7e)
			return ERR_FORMAT;
	return 0;
}

int
keyset_new(unsigned threshold, unsigned count, struct keyset *out_set)
{
	struct secret *sk;
	uint8_t *p;
	int r;

	if ((r = check_numbers(threshold, count)) != 0)
		return r;
	if ((r = secret_new(KEYSET_BYTES, &sk)) != 0)
		return r;
	p = secret_bytes(sk);
	p[AT_THRESHOLD] = (uint8_t)threshold;
	p[AT_COUNT] = (uint8_t)count;
	*out_set = (struct keyset){threshold, count, sk};
	return 0;
}

static int
check_token(const uint8_t *p)
{
	size_t n = p[AT_TOKEN_LEN];

	if (n > KEYSET_TOKEN)
		return ERR_FORMAT;
	if (n > 0 && token_check((const char *)p + AT_TOKEN, n) != 0)
		return ERR_FORMAT;
	return all_zero(p + AT_TOKEN + n, KEYSET_TOKEN - n) ? 0 : ERR_FORMAT;
}

static int
check_slot(const uint8_t *slot, int used)
{
	size_t n = slot[0];

	if (used ? (n != 32 && n != 33) : n != 0)
		return ERR_FORMAT;
	return all_zero(slot + 1 + n, KEYSET_SHARE - n) ? 0 : ERR_FORMAT;
}

int
keyset_open(struct secret *sk_set, struct keyset *out_set)
{
	const uint8_t *p = secret_bytes(sk_set);

	if (secret_size(sk_set) != KEYSET_BYTES || p[AT_RESERVED] != 0)
		return ERR_FORMAT;
	if (check_numbers(p[AT_THRESHOLD], p[AT_COUNT]) != 0)
		return ERR_FORMAT;
	if (check_token(p) != 0)
		return ERR_FORMAT;
	for (unsigned i = 0; i < KEYSET_SHARES; i++)
		if (check_slot(p + slot_at(i), i < p[AT_COUNT]) != 0)
			return ERR_FORMAT;
	*out_set = (struct keyset){p[AT_THRESHOLD], p[AT_COUNT], sk_set};
	return 0;
}

void
keyset_free(struct keyset *k)
{
	secret_free(k->sk_set);
	*k = (struct keyset){0};
}

int
keyset_put_share(struct keyset *k, unsigned i, const uint8_t *sk_share,
		 size_t bytes)
{
	uint8_t *slot;

	if (i >= k->count || (bytes != 32 && bytes != 33))
		return ERR_RANGE;
	slot = secret_bytes(k->sk_set) + slot_at(i);
	slot[0] = (uint8_t)bytes;
	memset(slot + 1, 0, KEYSET_SHARE);
	memcpy(slot + 1, sk_share, bytes);
	return 0;
}

int
keyset_put_token(struct keyset *k, const char *sk_token, size_t bytes)
{
	uint8_t *p = secret_bytes(k->sk_set);
	int r;

	if ((r = token_check(sk_token, bytes)) != 0)
		return r;
	p[AT_TOKEN_LEN] = (uint8_t)bytes;
	memset(p + AT_TOKEN, 0, KEYSET_TOKEN);
	memcpy(p + AT_TOKEN, sk_token, bytes);
	return 0;
}

static int
is_repeated(const struct keyset *k, unsigned i)
{
	const uint8_t *p = secret_bytes(k->sk_set);
	int seen = 0;

	for (unsigned j = 0; j < i; j++)
		seen |= !equal_ct(p + slot_at(i), p + slot_at(j), SHARE_SLOT);
	return seen;
}

void
keyset_distinct(struct keyset *k)
{
	uint8_t *p = secret_bytes(k->sk_set);
	unsigned i = 0;

	while (i < k->count) {
		if (!is_repeated(k, i)) {
			i++;
			continue;
		}
		k->count--; /* the last one takes its place */
		memmove(p + slot_at(i), p + slot_at(k->count), SHARE_SLOT);
		wipe(p + slot_at(k->count), SHARE_SLOT);
	}
	p[AT_COUNT] = (uint8_t)k->count;
	if (k->threshold > k->count) {
		k->threshold = k->count;
		p[AT_THRESHOLD] = (uint8_t)k->threshold;
	}
}

const uint8_t *
keyset_share(const struct keyset *k, unsigned i, size_t *out_bytes)
{
	const uint8_t *slot;

	BUG_ON(i >= k->count);
	slot = secret_bytes(k->sk_set) + slot_at(i);
	*out_bytes = slot[0];
	return slot + 1;
}

const char *
keyset_token(const struct keyset *k, size_t *out_bytes)
{
	const uint8_t *p = secret_bytes(k->sk_set);

	*out_bytes = p[AT_TOKEN_LEN];
	return p[AT_TOKEN_LEN] ? (const char *)p + AT_TOKEN : NULL;
}
