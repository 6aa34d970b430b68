/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "crypto_heap.h"
#include "exit.h"

static unsigned taken, given;
static void *last; /* given back */

static void *
take(size_t bytes)
{
	taken++;
	return malloc(bytes);
}

static void
give(void *p)
{
	given++;
	last = p;
	free(p);
}

static void *
take_nothing(size_t bytes)
{
	(void)bytes;
	return NULL;
}

CASE(it_is_libcryptos)
{
	uint8_t *p;

	EXPECT(crypto_heap() == 0);
	p = OPENSSL_malloc(5);
	EXPECT(p != NULL);
	memcpy(p, "abcd", 5);
	p = OPENSSL_realloc(p, 4000);
	EXPECT(p && memcmp(p, "abcd", 5) == 0);
	p = OPENSSL_realloc(p, 2);
	EXPECT(p && memcmp(p, "ab", 2) == 0);
	OPENSSL_free(p);
	EXPECT(OPENSSL_malloc(0) == NULL);
}

CASE(blocks_go_back_to_where_they_came_from)
{
	uint8_t *before = OPENSSL_malloc(8), *after;

	memcpy(before, "1234567", 8);
	crypto_heap_from(take, give);
	after = OPENSSL_malloc(16);
	EXPECT(taken == 1 && given == 0);
	OPENSSL_free(before);
	EXPECT(given == 0);
	before = OPENSSL_malloc(1);
	EXPECT(taken == 2);
	OPENSSL_free(before);
	OPENSSL_free(after);
	EXPECT(given == 2);
}

CASE(a_block_that_grows_moves)
{
	uint8_t *p;

	crypto_heap_from(NULL, NULL);
	p = OPENSSL_malloc(8);
	memcpy(p, "1234567", 8);
	crypto_heap_from(take, give);
	taken = given = 0;
	p = OPENSSL_realloc(p, 9);
	EXPECT(taken == 1 && given == 0);
	EXPECT(memcmp(p, "1234567", 8) == 0);
	p = OPENSSL_realloc(p, 10);
	EXPECT(taken == 2 && given == 1 && last != p);
	OPENSSL_free(p);
	EXPECT(given == 2);
}

CASE(a_want_of_memory_is_nobodys_fault)
{
	EXPECT(crypto_heap_code(EXIT_PFX) == EXIT_PFX);
	EXPECT(crypto_heap_code(EXIT_OK) == EXIT_OK);
	crypto_heap_from(take_nothing, give);
	EXPECT(OPENSSL_malloc(3) == NULL);
	EXPECT(crypto_heap_code(EXIT_PFX) == EXIT_INTERNAL);
	EXPECT(crypto_heap_code(EXIT_OK) == EXIT_OK);
	/* libcrypto did without, and the keys are made */
	EXPECT(crypto_heap_code(EXIT_T_MADE) == EXIT_T_MADE);
}

int
main(void)
{
	return check_run();
}
