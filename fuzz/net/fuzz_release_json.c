/* SPDX-License-Identifier: Apache-2.0 */
/* The release's answer: what goes to verify is a compact JWS by its form. */
#include <string.h>

#include "../fuzz.h"
#include "akv.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static char jws[AKV_JWS_MAX + 1];
	size_t n = 0;

	if (bytes > AKV_RELEASE_MAX)
		return 0;
	if (akv_release_read((const char *)data, bytes, jws, &n) != 0)
		return 0;
	REQUIRE(n >= 64 && n <= AKV_JWS_MAX && strlen(jws) == n);
	REQUIRE(text_is_compact(jws, n, 2));
	return 0;
}
