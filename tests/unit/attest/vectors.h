/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real captures that lie beside the project (../shared/vectors, or what
 * SP_VECTORS names).  A test that does not find them says so and is skipped.
 */
#ifndef SP_TEST_VECTORS_H
#define SP_TEST_VECTORS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void
vector_path(const char *name, char out[static PATH_MAX])
{
	const char *dir = getenv("SP_VECTORS");

	snprintf(out, PATH_MAX, "%s/%s", dir ? dir : "../shared/vectors", name);
}

/* Returns true if that file of the vectors is there. */
static inline bool
vector_there(const char *name)
{
	char path[PATH_MAX];

	vector_path(name, path);
	return access(path, R_OK) == 0;
}

/* Reads a file whole (owned by the caller, NUL behind it); exits on error. */
static inline char *
read_whole(const char *path, size_t *out_bytes)
{
	FILE *f = fopen(path, "rb");
	char *p;
	long n;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) != 0 || !(p = malloc((size_t)n + 1)) ||
	    fread(p, 1, (size_t)n, f) != (size_t)n) {
		printf("Bail out! cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	p[n] = '\0';
	*out_bytes = (size_t)n;
	return p;
}

static inline char *
read_vector(const char *name, size_t *out_bytes)
{
	char path[PATH_MAX];

	vector_path(name, path);
	return read_whole(path, out_bytes);
}

/* For main(): skips the whole program when a file is not there. */
#define NEED_VECTOR(name)                                                      \
	do {                                                                   \
		if (!vector_there(name)) {                                     \
			printf("1..0 # SKIP vectors not found: %s\n", name);   \
			return 0;                                              \
		}                                                              \
	} while (0)

#endif
