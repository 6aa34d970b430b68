/* SPDX-License-Identifier: Apache-2.0 */
/* The key set's form: what is read is canonical, or it is refused. */
#include "../check.h"
#include "keyset.h"

#define TOKEN "s.0123456789abcdefghijklmn"
#define AT    132u /* the first share's slot */

static uint8_t share_a[33], share_b[33];

static void
arena(void)
{
	static int made;
	enum secret_kind kind;

	if (!made && secret_arena(65536, &kind) != 0)
		abort();
	made = 1;
	memset(share_a, 0xaa, sizeof(share_a));
	memset(share_b, 0xbb, sizeof(share_b));
}

/* A set of 2 out of 3 with a token, in wire form. */
static struct secret *
good(void)
{
	struct keyset k;

	arena();
	if (keyset_new(2, 3, &k) != 0 ||
	    keyset_put_share(&k, 0, share_a, 33) != 0 ||
	    keyset_put_share(&k, 1, share_b, 32) != 0 ||
	    keyset_put_share(&k, 2, share_b, 33) != 0 ||
	    keyset_put_token(&k, TOKEN, strlen(TOKEN)) != 0)
		abort();
	return k.sk_set;
}

/* Opens a good set in which one byte was changed. */
static int
with(size_t at, uint8_t value)
{
	struct secret *sk = good();
	struct keyset k;
	int r;

	secret_bytes(sk)[at] = value;
	r = keyset_open(sk, &k);
	secret_free(sk);
	return r;
}

CASE(reads_what_it_wrote)
{
	struct secret *sk = good();
	struct keyset k = {0};
	size_t n = 0;

	EXPECT(secret_size(sk) == 676);
	EXPECT(keyset_open(sk, &k) == 0);
	EXPECT(k.threshold == 2 && k.count == 3);
	EXPECT(memcmp(keyset_share(&k, 0, &n), share_a, 33) == 0 && n == 33);
	EXPECT(memcmp(keyset_share(&k, 1, &n), share_b, 32) == 0 && n == 32);
	EXPECT(memcmp(keyset_token(&k, &n), TOKEN, strlen(TOKEN)) == 0);
	EXPECT(n == strlen(TOKEN));
	keyset_free(&k);
	keyset_free(&k);
}

CASE(is_laid_out_as_the_header_draws_it)
{
	struct secret *sk = good();
	const uint8_t *p = secret_bytes(sk);

	EXPECT(p[0] == 2 && p[1] == 3 && p[2] == strlen(TOKEN) && p[3] == 0);
	EXPECT(memcmp(p + 4, TOKEN, strlen(TOKEN)) == 0);
	EXPECT(p[AT] == 33 && memcmp(p + AT + 1, share_a, 33) == 0);
	EXPECT(p[AT + 34] == 32 && p[AT + 34 + 33] == 0);
	EXPECT(p[AT + 3 * 34] == 0);
	secret_free(sk);
}

CASE(refuses_numbers_out_of_bounds)
{
	struct keyset k;

	EXPECT(with(0, 2) == 0);
	EXPECT(with(0, 0) == ERR_FORMAT);
	EXPECT(with(0, 4) == ERR_FORMAT);
	EXPECT(with(1, 0) == ERR_FORMAT);
	EXPECT(with(1, 17) == ERR_FORMAT);
	EXPECT(with(3, 1) == ERR_FORMAT);
	EXPECT(keyset_new(0, 1, &k) == ERR_RANGE);
	EXPECT(keyset_new(2, 1, &k) == ERR_RANGE);
	EXPECT(keyset_new(1, 17, &k) == ERR_RANGE);
	EXPECT(keyset_new(1, 0, &k) == ERR_RANGE);
}

CASE(refuses_bytes_that_mean_nothing_and_are_not_zero)
{
	EXPECT(with(4 + strlen(TOKEN), 'x') == ERR_FORMAT);
	EXPECT(with(4 + 127, 1) == ERR_FORMAT);
	EXPECT(with(AT + 34 + 33, 1) == ERR_FORMAT);
	EXPECT(with(AT + 3 * 34 + 1, 1) == ERR_FORMAT);
	EXPECT(with(675, 1) == ERR_FORMAT);
}

CASE(refuses_shares_of_another_length)
{
	EXPECT(with(AT, 31) == ERR_FORMAT);
	EXPECT(with(AT, 0) == ERR_FORMAT);
	EXPECT(with(AT, 34) == ERR_FORMAT);
	EXPECT(with(AT + 3 * 34, 32) == ERR_FORMAT);
	EXPECT(with(1, 4) == ERR_FORMAT); /* the fourth is empty */
	EXPECT(with(1, 2) == ERR_FORMAT); /* the third is not */
}

CASE(refuses_tokens_that_no_header_could_carry)
{
	EXPECT(with(2, 129) == ERR_FORMAT);
	EXPECT(with(2, 0) == ERR_FORMAT);
	EXPECT(with(2, (uint8_t)strlen(TOKEN) + 1) == ERR_FORMAT);
	EXPECT(with(4, '\r') == ERR_FORMAT);
	EXPECT(with(4, ' ') == ERR_FORMAT);
	EXPECT(with(4, 0x80) == ERR_FORMAT);
	EXPECT(token_check("", 0) == ERR_RANGE);
	EXPECT(token_check("x", 129) == ERR_RANGE);
}

CASE(refuses_another_size)
{
	struct secret *sk;
	struct keyset k;

	arena();
	EXPECT(secret_new(675, &sk) == 0);
	memset(secret_bytes(sk), 0, 675);
	EXPECT(keyset_open(sk, &k) == ERR_FORMAT);
	secret_free(sk);
}

CASE(refuses_to_write_beyond_its_count)
{
	struct keyset k;

	arena();
	EXPECT(keyset_new(1, 1, &k) == 0);
	EXPECT(keyset_put_share(&k, 1, share_a, 33) == ERR_RANGE);
	EXPECT(keyset_put_share(&k, 0, share_a, 31) == ERR_RANGE);
	EXPECT(keyset_put_share(&k, 0, share_a, 34) == ERR_RANGE);
	keyset_free(&k);
}

CASE(drops_what_is_there_twice)
{
	struct keyset k, again;
	size_t n;

	arena();
	EXPECT(keyset_new(3, 4, &k) == 0);
	EXPECT(keyset_put_share(&k, 0, share_a, 33) == 0);
	EXPECT(keyset_put_share(&k, 1, share_a, 33) == 0);
	EXPECT(keyset_put_share(&k, 2, share_a, 33) == 0);
	EXPECT(keyset_put_share(&k, 3, share_b, 33) == 0);
	keyset_distinct(&k);
	EXPECT(k.count == 2 && k.threshold == 2);
	EXPECT(memcmp(keyset_share(&k, 0, &n), share_a, 33) == 0);
	EXPECT(memcmp(keyset_share(&k, 1, &n), share_b, 33) == 0);
	EXPECT(keyset_open(k.sk_set, &again) == 0); /* still canonical */
	keyset_distinct(&k);
	EXPECT(k.count == 2);
	keyset_free(&k);
}

int
main(void)
{
	return check_run();
}
