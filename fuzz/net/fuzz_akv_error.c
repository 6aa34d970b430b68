/* SPDX-License-Identifier: Apache-2.0 */
/* The error body of any of the three services: shown, judged. */
#include <string.h>

#include "../fuzz.h"
#include "akv.h"
#include "exit.h"

static void
shown(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	REQUIRE(n < cap);
	for (size_t i = 0; i < n; i++)
		REQUIRE(s[i] >= 0x20 && s[i] < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const unsigned status[] = {400, 401, 403, 404, 302};
	struct service_error e;

	service_error_read((const char *)data, bytes, &e);
	shown(e.code, sizeof(e.code));
	shown(e.inner, sizeof(e.inner));
	shown(e.message, sizeof(e.message));
	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		int code = akv_release_verdict(status[i], &e);

		REQUIRE(exit_allowed(code, SEAT_FETCH) && code != EXIT_OK);
		if (akv_enc_refused(status[i], &e, ENC_SHA256))
			REQUIRE(status[i] == 400);
	}
	return 0;
}
