/* SPDX-License-Identifier: Apache-2.0 */
/* The THIM answer: whatever it holds, what goes on is lines of ASCII. */
#include <string.h>

#include "../fuzz.h"
#include "imds.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static char pem[THIM_PEM_MAX];
	struct text t;
	size_t n;

	if (bytes > THIM_BODY_MAX)
		return 0;
	text_init(&t, pem, sizeof(pem));
	if (imds_thim_read((const char *)data, bytes, &t) != 0) {
		REQUIRE(t.used == 0);
		return 0;
	}
	REQUIRE(text_end(&t, &n) == 0 && n == strlen(pem));
	REQUIRE(strncmp(pem, "-----BEGIN CERTIFICATE-----", 27) == 0);
	for (size_t i = 0; i < n; i++)
		REQUIRE(pem[i] == '\n' || pem[i] == '\r' ||
			(pem[i] >= 0x20 && pem[i] < 0x7f));
	return 0;
}
