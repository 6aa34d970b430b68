/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block scanner: what is cut out is one block, alone and again the same;
 * and no more text behind or before may make it another.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "storage_block.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct block_want want = {"azure", "", "", ""};
	static const struct block_want local = {"pebbledb", "/srv/d", "", ""};
	const char *text = (const char *)data;
	struct block_found f = {0}, again = {0};
	char *more;
	int r;

	r = storage_block(text, bytes, &local, &f);
	if (r != 0)
		r = storage_block(text, bytes, &want, &f);
	else
		REQUIRE(memmem(text + f.from, f.bytes, "/srv/d", 6));
	if (r != 0) {
		REQUIRE(r == ERR_FORMAT || r == ERR_NOTFOUND ||
			r == ERR_MISMATCH);
		REQUIRE(f.line >= 1);
		return 0;
	}
	REQUIRE(f.from + f.bytes <= bytes);
	REQUIRE(memcmp(text + f.from, "storage", 7) == 0);
	REQUIRE(text[f.from + f.bytes - 1] == '}');
	r = storage_block(text + f.from, f.bytes, &local, &again);
	if (r != 0)
		r = storage_block(text + f.from, f.bytes, &want, &again);
	REQUIRE(r == 0 && again.from == 0 && again.bytes == f.bytes);
	/* twice is once too much */
	more = malloc(2 * bytes + 1);
	REQUIRE(more);
	memcpy(more, text, bytes);
	more[bytes] = '\n';
	memcpy(more + bytes + 1, text, bytes);
	REQUIRE(storage_block(more, 2 * bytes + 1, &want, &again) != 0);
	free(more);
	return 0;
}
