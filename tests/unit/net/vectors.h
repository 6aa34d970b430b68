/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real captures beside the project (../shared/vectors, or what
 * SALLYPORT_VECTORS names); a program that does not find them is skipped.
 */
#ifndef SP_TEST_NET_VECTORS_H
#define SP_TEST_NET_VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline FILE *
vector_open(const char *name)
{
	const char *dir = getenv("SALLYPORT_VECTORS");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "../shared/vectors",
		 name);
	return fopen(path, "rb");
}

/* Reads a capture whole (the caller's, NUL behind it); exits on error. */
static inline char *
vector(const char *name, size_t *out_bytes)
{
	FILE *f = vector_open(name);
	char *p = calloc(1, 1 << 20);

	if (!f || !p) {
		printf("Bail out! cannot read %s\n", name);
		exit(EXIT_FAILURE);
	}
	*out_bytes = fread(p, 1, (1 << 20) - 1, f);
	fclose(f);
	return p;
}

/* For main(): skips the program when the captures are not there. */
#define NEED_VECTORS()                                                         \
	do {                                                                   \
		FILE *there = vector_open("README.md");                        \
		if (!there) {                                                  \
			printf("1..0 # SKIP ../shared/vectors not found\n");   \
			return 0;                                              \
		}                                                              \
		fclose(there);                                                 \
	} while (0)

#endif
