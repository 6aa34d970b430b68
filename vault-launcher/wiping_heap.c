/* SPDX-License-Identifier: Apache-2.0 */
/* malloc and free for libcrypto, where free and realloc wipe first. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "prepare.h"

static void *
heap_malloc(size_t bytes, const char *file, int line)
{
	return malloc(bytes);
}

static void
heap_free(void *p, const char *file, int line)
{
	if (!p)
		return;
	wipe(p, malloc_usable_size(p));
	free(p);
}

/* Never in place: realloc(3) would leave an unwiped copy behind. */
static void *
heap_realloc(void *p, size_t bytes, const char *file, int line)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *n;

	if (bytes == 0) {
		heap_free(p, file, line);
		return NULL;
	}
	n = malloc(bytes);
	if (!n)
		return NULL;
	memcpy(n, p ? p : "", old < bytes ? old : bytes);
	heap_free(p, file, line);
	return n;
}

int
wiping_heap(void)
{
	return CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free) ==
			       1
		       ? 0
		       : ERR_NOMEM;
}
