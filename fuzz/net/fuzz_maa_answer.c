/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation service's answer.  First byte: the rest is the answer (even)
 * or the envelope inside it (odd), so that the fuzzer need not learn base64.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "maa.h"

static char body[MAA_ANSWER_MAX];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct maa_envelope e;
	struct text t;
	size_t n;

	if (bytes < 1 || bytes > MAA_ANSWER_MAX / 2)
		return 0;
	text_init(&t, body, sizeof(body));
	if (data[0] % 2 == 0) {
		text_bytes(&t, (const char *)data + 1, bytes - 1);
	} else {
		text_put(&t, "{\"token\":\"");
		text_b64(&t, B64_URL, data + 1, bytes - 1);
		text_put(&t, "\"}");
	}
	REQUIRE(text_end(&t, &n) == 0);
	if (maa_answer_read(body, n, &e) == 0)
		REQUIRE(e.cipher_bytes >= 32 &&
			e.cipher_bytes <= MAA_TOKEN_MAX);
	return 0;
}
