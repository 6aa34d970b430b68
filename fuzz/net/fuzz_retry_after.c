/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After, and the wait that follows from it. */
#include <string.h>

#include "../fuzz.h"
#include "retry.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const unsigned status[] = {0, 404, 409, 410, 429, 503};
	struct retry_ask ask = {.tries = (unsigned)bytes};
	uint32_t ms;

	ask.after_s = retry_after((const char *)data, bytes, 784111777);
	REQUIRE(ask.after_s <= RETRY_AFTER_MAX);
	for (enum remote r = 0; r < REMOTE_BLOB; r++) {
		ask.remote = r;
		for (size_t i = 0; i < sizeof(status) / sizeof(status[0]);
		     i++) {
			ask.status = status[i];
			ask.random = (uint32_t)bytes * 2654435761u;
			if (retry_later(&ask, &ms))
				REQUIRE(ms >= 1000 && ms <= 3600000 &&
					ms >= ask.after_s * 1000);
		}
	}
	return 0;
}
