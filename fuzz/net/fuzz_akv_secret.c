/* SPDX-License-Identifier: Apache-2.0 */
/* A secret's bundle, and the base64 that a person stored in it. */
#include <string.h>

#include "../fuzz.h"
#include "akv.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static char value[AKV_VALUE_MAX + 1];
	static uint8_t raw[BLOB_MAX];
	size_t n, chars;

	if (bytes > AKV_SECRET_MAX)
		return 0;
	memset(value, 'x', sizeof(value));
	if (akv_secret_read((const char *)data, bytes, value) != 0)
		return 0;
	chars = strnlen(value, sizeof(value));
	REQUIRE(chars <= AKV_VALUE_MAX);
	if (text_unb64(value, chars, raw, sizeof(raw), &n) == 0)
		REQUIRE(n <= sizeof(raw) && n <= chars / 4 * 3);
	return 0;
}
