/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "frame.h"

static uint8_t packet[MSG_MAX + 8];

/* A frame of type 0x1234 with sequence number 7 and so many bytes. */
static size_t
build(uint32_t body_bytes)
{
	memset(packet, 'b', sizeof(packet));
	frame_put(packet, 0x1234, 7, body_bytes);
	return MSG_HEADER + (size_t)body_bytes;
}

static int
get(size_t bytes, uint32_t seq)
{
	struct frame f = {.type = 0xdead};
	int r = frame_get(packet, bytes, seq, &f);

	if (r != 0) /* untouched on failure */
		EXPECT(f.type == 0xdead && f.body == NULL);
	return r;
}

CASE(header_is_the_bytes_of_the_drawing)
{
	static const uint8_t want[MSG_HEADER] = {
		0x53, 0x01, 0x12, 0x34, 0, 0,	 0,    0,
		0xa1, 0xb2, 0xc3, 0xd4, 0, 0x01, 0x02, 0x03};
	uint8_t got[MSG_HEADER];

	frame_put(got, 0x1234, 0xa1b2c3d4, 0x010203);
	EXPECT(memcmp(got, want, sizeof(want)) == 0);
}

CASE(reads_what_was_written)
{
	struct frame f;
	size_t bytes = build(5);

	EXPECT(frame_get(packet, bytes, 7, &f) == 0);
	EXPECT(f.type == 0x1234 && f.seq == 7 && f.body_bytes == 5);
	EXPECT(f.body == packet + MSG_HEADER);
}

CASE(accepts_empty_and_longest_bodies)
{
	EXPECT(get(build(0), 7) == 0);
	EXPECT(get(build(MSG_BODY_MAX), 7) == 0);
	EXPECT(get(build(MSG_BODY_MAX + 1), 7) == ERR_PROTO);
}

CASE(refuses_empty_and_short_packets)
{
	build(0);
	for (size_t n = 0; n < MSG_HEADER; n++)
		EXPECT(get(n, 7) == ERR_PROTO);
}

CASE(refuses_a_body_longer_or_shorter_than_declared)
{
	size_t bytes = build(5);

	EXPECT(get(bytes - 1, 7) == ERR_PROTO);
	EXPECT(get(bytes + 1, 7) == ERR_PROTO);
}

CASE(refuses_a_length_that_would_wrap)
{
	build(0xfffffff0u);
	EXPECT(get(MSG_HEADER, 7) == ERR_PROTO);
	EXPECT(get(0, 7) == ERR_PROTO);
}

CASE(refuses_every_other_value_of_a_fixed_field)
{
	static const size_t fixed[] = {0, 1, 4, 5, 6, 7};
	size_t bytes = build(3);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		for (unsigned v = 1; v < 256; v++) {
			packet[fixed[i]] ^= (uint8_t)v;
			EXPECT(get(bytes, 7) == ERR_PROTO);
			packet[fixed[i]] ^= (uint8_t)v;
		}
	EXPECT(get(bytes, 7) == 0);
}

CASE(refuses_a_gap_and_a_repeat)
{
	size_t bytes = build(3);

	EXPECT(get(bytes, 6) == ERR_PROTO);
	EXPECT(get(bytes, 8) == ERR_PROTO);
	EXPECT(get(bytes, 7 + 0x1000000u) == ERR_PROTO);
}

int
main(void)
{
	return check_run();
}
