/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata service's token answer. */
#include <string.h>

#include "../fuzz.h"
#include "imds.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const unsigned kinds = TEXT_B64URL | TEXT_B64 | TEXT_DOT | TEXT_TILDE;
	static char token[IMDS_TOKEN_MAX + 1];
	size_t n;

	if (bytes > IMDS_BODY_MAX)
		return 0;
	memset(token, '\n', sizeof(token));
	if (imds_token_read((const char *)data, bytes,
			    "https://vault.azure.net", 1700000000,
			    token) != 0) {
		REQUIRE(token[0] == '\n'); /* untouched */
		return 0;
	}
	n = strnlen(token, sizeof(token));
	REQUIRE(n > 0 && n < sizeof(token) && text_is(token, n, kinds));
	return 0;
}
