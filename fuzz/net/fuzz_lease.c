/* SPDX-License-Identifier: Apache-2.0 */
/* A lease's life under any answers: first the header, then one byte each. */
#include <string.h>

#include "../fuzz.h"
#include "lease.h"

static const unsigned statuses[] = {0,	 200, 201, 202, 302, 401, 403, 404,
				    408, 409, 412, 429, 500, 503, 599, 100};

/* A byte: status, whether the code counts, how long it took. */
static void
answer(struct lease *l, uint8_t byte, const char *code, uint64_t *now)
{
	unsigned status = statuses[byte & 15u];
	uint64_t sent = l->due_ms > *now ? l->due_ms : *now;
	enum lease_said said =
		lease_read(l->op, status, byte & 16u ? code : "");
	uint32_t left = lease_call_ms(l, sent);

	REQUIRE(left >= 1 && left <= l->time_ms / 4);
	*now = sent + (byte >> 5) * (left / 7);
	lease_answer(l, said, sent, *now, byte * 2654435761u);
	REQUIRE(!l->held || l->code != 0 ||
		*now - l->sent_ms < l->time_ms / 3 * 2);
	REQUIRE(!l->held || lease_end_ms(l) < l->sent_ms + l->time_ms);
	REQUIRE(l->code != 0 || l->held || l->op != LEASE_RENEW);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct net_conf c = {.lease_s = 60, .retry_ms = 20000};
	const uint8_t *end = bytes ? memchr(data, '\n', bytes) : NULL;
	size_t head = end ? (size_t)(end - data) : bytes;
	char code[LEASE_CODE];
	uint64_t now = 1000;
	struct lease l;

	lease_code((const char *)data, head, code);
	REQUIRE(strlen(code) < LEASE_CODE);
	REQUIRE(strspn(code,
		       "abcdefghijklmnopqrstuvwxyz"
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(code));
	lease_init(&l, &c, now);
	for (size_t i = head + 1; i < bytes && l.code == 0; i++)
		answer(&l, data[i], code, &now);
	return 0;
}
