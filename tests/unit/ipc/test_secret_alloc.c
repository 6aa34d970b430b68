/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator inside the arena. */
#include "child.h"
#include "secret.h"

static void
reuse(void)
{
	struct secret *s = arena_and_secret(100), *again;
	uint8_t *p = secret_bytes(s);
	unsigned sum = 0;

	EXPECT(secret_size(s) == 100);
	memset(p, 'k', 100);
	secret_freep(&s);
	EXPECT(s == NULL);
	for (size_t i = 0; i < 100; i++)
		sum |= p[i];
	EXPECT(sum == 0); /* wiped when it was given back */
	EXPECT(secret_new(3000, &again) == 0);
	p = secret_bytes(again);
	for (size_t i = 0; i < 3000; i++)
		sum |= p[i];
	EXPECT(sum == 0);
	secret_free(NULL);
	secret_mfree(NULL);
}

CASE(a_new_secret_is_zero_and_a_freed_one_wiped)
{
	EXPECT(in_child(reuse) == 0);
}

static void
fill_up(void)
{
	struct secret *s[100], *all = (struct secret *)8;
	size_t n = 0;

	arena_and_secret(0);
	while (n < 100 && secret_new(1000, &s[n]) == 0)
		n++;
	EXPECT(n > 55 && n < 100);
	EXPECT(secret_new(1000, &all) == ERR_NOMEM);
	EXPECT(all == (struct secret *)8);
	EXPECT(secret_malloc(1010) == NULL);
	EXPECT(secret_new(SIZE_MAX, &all) == ERR_NOMEM);
	EXPECT(secret_malloc(SIZE_MAX) == NULL);
	for (size_t i = 0; i < n; i += 2) /* holes, then all of them */
		secret_free(s[i]);
	EXPECT(secret_new(2000, &all) == ERR_NOMEM);
	for (size_t i = 1; i < n; i += 2)
		secret_free(s[i]);
	EXPECT(secret_new(ARENA - 100, &all) == 0);
}

CASE(a_full_arena_says_so_and_what_is_given_back_joins)
{
	EXPECT(in_child(fill_up) == 0);
}

/* Random sizes; each block keeps a pattern that nobody else may touch. */
static void
workout(void)
{
	uint8_t *p[32] = {0};
	size_t n[32] = {0};
	uint32_t x = 1;
	unsigned bad = 0;

	arena_and_secret(1);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned i;

		x = x * 1664525u + 1013904223u;
		i = x >> 27;
		for (size_t k = 0; k < n[i]; k++)
			bad |= p[i][k] ^ (i + 1);
		secret_mfree(p[i]);
		n[i] = x >> 8 & 0xfff;
		p[i] = secret_malloc(n[i]);
		if (!p[i])
			n[i] = 0;
		bad |= (unsigned)((uintptr_t)p[i] & 15);
		for (size_t k = 0; k < n[i]; k++)
			bad |= p[i][k]; /* zero as found */
		memset(p[i] ? p[i] : (uint8_t *)&x, (int)i + 1, n[i]);
	}
	EXPECT(bad == 0);
}

CASE(blocks_never_overlap)
{
	EXPECT(in_child(workout) == 0);
}

static void
free_twice(void)
{
	struct secret *s = arena_and_secret(16);

	secret_free(s);
	secret_free(s);
}

static void
free_foreign(void)
{
	uint8_t other[64] = {0};

	arena_and_secret(16);
	secret_mfree(other + 16);
}

static void
overrun(void)
{
	uint8_t *a, *b;

	arena_and_secret(16);
	a = secret_malloc(16);
	b = secret_malloc(16);
	memset(a + 16, 0x41, 16);
	secret_mfree(b);
}

static void
overrun_mark(void)
{
	uint8_t *a;

	arena_and_secret(16);
	a = secret_malloc(16);
	memset(a + 16 + 8, 0x41, 8); /* the mark of the block behind */
	a = secret_malloc(16);
	EXPECT(a == NULL);
}

CASE(impossible_states_trap)
{
	EXPECT(dies_of(free_twice, SIGILL));
	EXPECT(dies_of(free_foreign, SIGILL));
	EXPECT(dies_of(overrun, SIGILL));
	EXPECT(dies_of(overrun_mark, SIGILL));
}

int
main(void)
{
	return check_run();
}
