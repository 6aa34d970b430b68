/* SPDX-License-Identifier: Apache-2.0 */
/* The body of EVIDENCE, and the request that is made of it. */
#include <string.h>

#include "../fuzz.h"
#include "maa.h"

static char inner[MAA_INNER_MAX], outer[MAA_REQUEST_MAX + 1];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct net_conf c = {.os_name = "x", .maa_nonce = "ab"};
	struct evidence e;
	struct maa_input in = {&c, &e, {data, bytes}, "PEM\n"};
	struct text a, b;
	size_t n;

	if (evidence_get(data, bytes, &e) != 0)
		return 0;
	REQUIRE(e.snp.p >= data && e.snp.p + e.snp.n <= data + bytes);
	REQUIRE(e.certify_sig.p + e.certify_sig.n == data + bytes);
	text_init(&a, inner, sizeof(inner));
	text_init(&b, outer, sizeof(outer));
	maa_request(&in, &a, &b);
	REQUIRE(text_end(&b, &n) == 0 && strlen(outer) == n);
	return 0;
}
