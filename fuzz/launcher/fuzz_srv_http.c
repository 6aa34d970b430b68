/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP answer of the server.  First byte: in pieces of how many bytes it
 * arrives; the outcome must be that of the whole at once.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz.h"
#include "srv_parse.h"

#define CAP 2048u

struct outcome {
	int r;
	size_t eaten;
	struct answer a;
};

static void
feed(struct outcome *o, uint8_t *body, const uint8_t *p, size_t bytes,
     size_t step)
{
	answer_begin(&o->a, body, CAP);
	o->r = 0;
	o->eaten = 0;
	while (o->r == 0 && o->eaten < bytes && o->a.state != ANSWER_DONE) {
		size_t n = bytes - o->eaten < step ? bytes - o->eaten : step;
		size_t eaten = 0;

		o->r = answer_feed(&o->a, p + o->eaten, n, &eaten);
		REQUIRE(eaten <= n);
		REQUIRE(o->r != 0 || eaten > 0);
		o->eaten += eaten;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct outcome whole, pieces;
	uint8_t *body[2]; /* exactly as long as they may be used */

	if (bytes < 1)
		return 0;
	body[0] = malloc(CAP);
	body[1] = malloc(CAP);
	REQUIRE(body[0] && body[1]);
	feed(&whole, body[0], data + 1, bytes - 1, bytes);
	feed(&pieces, body[1], data + 1, bytes - 1, data[0] % 16 + 1u);

	REQUIRE(whole.r == pieces.r);
	REQUIRE(whole.a.state == pieces.a.state);
	REQUIRE(whole.a.body_bytes == pieces.a.body_bytes);
	REQUIRE(whole.a.body_bytes <= CAP);
	REQUIRE(memcmp(body[0], body[1], whole.a.body_bytes) == 0);
	if (whole.r == 0) {
		REQUIRE(whole.eaten == pieces.eaten);
		REQUIRE(whole.a.status == pieces.a.status);
		REQUIRE(whole.a.closing == pieces.a.closing);
	}
	if (whole.a.state == ANSWER_DONE)
		REQUIRE(whole.a.status >= 200 && whole.a.status <= 599);
	free(body[0]);
	free(body[1]);
	return 0;
}
