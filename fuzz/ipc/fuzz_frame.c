/* SPDX-License-Identifier: Apache-2.0 */
/* One packet: four bytes of expected sequence number, then the packet. */
#include <string.h>

#include "../fuzz.h"
#include "cursor.h"
#include "frame.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t again[MSG_HEADER];
	struct frame f;
	struct rd r;
	uint32_t seq;

	rd_init(&r, data, bytes);
	if (rd_u32(&r, &seq) != 0 || frame_get(r.p, r.left, seq, &f) != 0)
		return 0;

	/* What is accepted is exactly what we would have written. */
	REQUIRE(f.body_bytes <= MSG_BODY_MAX && f.seq == seq);
	REQUIRE(f.body == r.p + MSG_HEADER);
	REQUIRE(f.body_bytes == r.left - MSG_HEADER);
	frame_put(again, f.type, f.seq, (uint32_t)f.body_bytes);
	REQUIRE(memcmp(again, r.p, MSG_HEADER) == 0);
	return 0;
}
