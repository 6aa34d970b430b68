/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks carry their size and home in front,
 *
 *	uint64	bytes
 *	uint64	home	the C heap, or what crypto_heap_from() named
 *	bytes
 */
#include "crypto_heap.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"

enum home { HOME_HEAP = 0x68656170, HOME_OTHER = 0x6172656e };

struct block {
	uint64_t bytes;
	uint64_t home;
	uint8_t data[];
};

static void *(*other_take)(size_t bytes);
static void (*other_give)(void *p);
static bool wanted; /* memory, and got none */

void *
crypto_heap_malloc(size_t bytes)
{
	void *p = malloc(bytes);

	wanted = wanted || !p;
	return p;
}

static void *
mem_new(size_t bytes, const char *file, int line)
{
	struct block *b;
	size_t all;

	(void)file;
	(void)line;
	if (bytes == 0 ||
	    __builtin_add_overflow(bytes, sizeof(struct block), &all))
		return NULL;
	b = other_take ? other_take(all) : malloc(all);
	wanted = wanted || !b;
	if (!b)
		return NULL;
	b->bytes = bytes;
	b->home = other_take ? HOME_OTHER : HOME_HEAP;
	return b->data;
}

static void
mem_free(void *p, const char *file, int line)
{
	struct block *b;

	(void)file;
	(void)line;
	if (!p)
		return;
	b = (struct block *)(void *)((uint8_t *)p - sizeof(struct block));
	BUG_ON(b->home != HOME_HEAP && b->home != HOME_OTHER);
	if (b->home == HOME_OTHER) {
		other_give(b);
		return;
	}
	OPENSSL_cleanse(b, sizeof(*b) + b->bytes);
	free(b);
}

/* Never in place: realloc(3) would leave an unwiped copy behind. */
static void *
mem_resize(void *p, size_t bytes, const char *file, int line)
{
	struct block *b;
	void *q;

	if (!p)
		return mem_new(bytes, file, line);
	if (bytes == 0) {
		mem_free(p, file, line);
		return NULL;
	}
	b = (struct block *)(void *)((uint8_t *)p - sizeof(struct block));
	q = mem_new(bytes, file, line);
	if (!q)
		return NULL;
	memcpy(q, p, b->bytes < bytes ? b->bytes : bytes);
	mem_free(p, file, line);
	return q;
}

int
crypto_heap(void)
{
	return CRYPTO_set_mem_functions(mem_new, mem_resize, mem_free) == 1
		       ? 0
		       : ERR_LOCK;
}

void
crypto_heap_from(void *(*take)(size_t bytes), void (*give)(void *p))
{
	other_take = take;
	other_give = give;
}

int
crypto_heap_code(int code)
{
	bool failed = code != EXIT_OK && code < 100;

	return wanted && failed ? EXIT_INTERNAL : code;
}
