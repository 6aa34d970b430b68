/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compact form and the header of a signed answer.  First byte odd: what
 * follows is a header as such (base64 would be in the fuzzer's way).
 */
#include <string.h>

#include "../fuzz.h"
#include "jws.h"

static struct jws jws;
static struct jws_header header;

static void
read_header(void)
{
	struct verdict v = {0};
	int r = jws_header_read(&jws, &header, &v);

	REQUIRE(r == 0 ||
		(r == ERR_REFUSED && v.why && v.code == EXIT_ANSWER_CHAIN));
	if (r != 0)
		return;
	REQUIRE(header.certs >= JWS_CERTS_MIN && header.certs <= JWS_CERTS);
	for (unsigned i = 0; i < header.certs; i++)
		REQUIRE(header.x5c[i].bytes <= JWS_CERT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	size_t n;

	if (bytes < 1)
		return 0;
	n = bytes - 1;
	if (data[0] & 1) {
		if (n > JWS_HEADER)
			return 0;
		memcpy(jws.header, data + 1, n);
		jws.header_bytes = n;
		read_header();
		return 0;
	}
	if (jws_split((const char *)data + 1, n, &jws) != 0)
		return 0;
	REQUIRE(jws.signed_chars < n);
	REQUIRE(jws.header_bytes <= JWS_HEADER);
	REQUIRE(jws.payload_bytes <= JWS_PAYLOAD);
	REQUIRE(jws.signature_bytes <= JWS_SIGNATURE);
	read_header();
	return 0;
}
