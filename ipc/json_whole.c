/* SPDX-License-Identifier: Apache-2.0 */
#include "json_whole.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

static json_malloc_t take = malloc;
static json_free_t give = free;
static bool parsing;
static jmp_buf no_memory;

static void *
watched(size_t bytes)
{
	void *p = take(bytes);

	if (!p && parsing)
		longjmp(no_memory, 1);
	return p;
}

int
json_begin(json_malloc_t alloc, json_free_t release)
{
	size_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return ERR_SYS;
	json_object_seed(seed | 1u); /* 0 would mean: find one yourself */
	take = alloc;
	give = release;
	return 0;
}

json_t *
json_whole(const char *text, size_t bytes)
{
	json_t *j;

	json_set_alloc_funcs(watched, give);
	if (setjmp(no_memory) != 0) {
		parsing = false; /* what it had of it stays lost */
		return NULL;
	}
	parsing = true;
	/* no JSON_ALLOW_NUL, no JSON_DISABLE_EOF_CHECK, no JSON_DECODE_ANY */
	j = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	parsing = false;
	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}
