/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a release answer.  First byte odd: what follows is the text
 * of key_hsm, put into an otherwise right payload.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "b64.h"
#include "jws.h"
#include "release_answer.h"
#include "tags.h"

#define URL   "https://v.vault.azure.net/keys/k"
#define NONCE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* 256 bytes 0xc5: odd, and 2048 bits long */
#define N64 "xcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXF"

static const char right[] =
	"{\"request\":{\"enc\":\"RSA_AES_KEY_WRAP_256\",\"kid\":\"" URL
	"\",\"nonce\":\"" NONCE "\"},\"response\":{\"key\":{\"key\":{\"kid\":"
	"\"" URL "/0123456789abcdef0123456789abcdef\",\"kty\":\"RSA\",\"e\":"
	"\"AQAB\",\"n\":\"" N64 N64 N64 N64 N64 "xcXFxcXFxcXFxcXFxcXFxcXFxQ\","
	"\"key_hsm\":\"";

static void
judge(const struct question *q, const uint8_t *payload, size_t bytes)
{
	static struct answer a;
	struct verdict v = {0};
	int r = release_answer_read(q, payload, bytes, &a, &v);

	if (r != 0) {
		REQUIRE(r == ERR_REFUSED && v.why);
		REQUIRE(v.code == EXIT_ANSWER_WRONG || v.code == EXIT_KEY_KIND);
		return;
	}
	REQUIRE(a.enc == ENC_SHA256 || a.enc == ENC_SHA384);
	REQUIRE(a.kwp_bytes >= KWP_MIN && a.kwp_bytes <= KWP_MAX);
	REQUIRE(a.kwp_bytes % 8 == 0);
	/* whatever else it says, it says our words */
	REQUIRE(memmem(payload, bytes, "keys", 4) ||
		memmem(payload, bytes, "\\u", 2));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct question q = {0};
	char *text;
	size_t n;

	REQUIRE(question_key(&q, URL) == 0);
	REQUIRE(question_pair(&q, (const uint8_t *)"\2" NONCE, 65) == 0);
	REQUIRE(question_pair(&q, (const uint8_t *)"\3b" NONCE, 65) == 0);
	if (bytes < 1)
		return 0;
	if (!(data[0] & 1)) {
		judge(&q, data + 1, bytes - 1);
		return 0;
	}
	text = malloc(sizeof(right) + B64_LEN(bytes) + 8);
	REQUIRE(text);
	memcpy(text, right, sizeof(right) - 1);
	n = sizeof(right) - 1;
	n += b64_encode(B64_URL, data + 1, bytes - 1, text + n);
	memcpy(text + n, "\"}}}}", 5);
	judge(&q, (const uint8_t *)text, n + 5);
	free(text);
	return 0;
}
