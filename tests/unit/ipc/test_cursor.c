/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "cursor.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
				0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

CASE(integers_are_big_endian)
{
	struct rd r;
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;

	rd_init(&r, bytes, sizeof(bytes));
	EXPECT(rd_u8(&r, &a) == 0 && a == 0x01);
	EXPECT(rd_u16(&r, &b) == 0 && b == 0x0203);
	EXPECT(rd_u32(&r, &c) == 0 && c == 0x04050607);
	EXPECT(rd_end(&r) == ERR_FORMAT);
	EXPECT(rd_u64(&r, &d) == 0 && d == 0x08090a0b0c0d0e0f);
	EXPECT(rd_end(&r) == 0);
}

CASE(a_read_past_the_end_fails_and_touches_nothing)
{
	uint16_t v = 0x7777;
	const uint8_t *p = NULL;
	uint8_t copy[2] = {9, 9};
	struct rd r;

	rd_init(&r, bytes, 1);
	EXPECT(rd_u16(&r, &v) == ERR_FORMAT && v == 0x7777);
	rd_init(&r, bytes, 1);
	EXPECT(rd_bytes(&r, 2, &p) == ERR_FORMAT && p == NULL);
	rd_init(&r, bytes, 1);
	EXPECT(rd_copy(&r, 2, copy) == ERR_FORMAT && copy[0] == 9);
}

CASE(a_reader_fails_for_good)
{
	uint8_t v;
	uint64_t big;
	struct rd r;

	rd_init(&r, bytes, 4);
	EXPECT(rd_u64(&r, &big) == ERR_FORMAT);
	EXPECT(rd_u8(&r, &v) == ERR_FORMAT);
	EXPECT(rd_end(&r) == ERR_FORMAT);
}

CASE(nothing_can_be_read_from_nothing)
{
	const uint8_t *p;
	uint8_t v;
	struct rd r;

	rd_init(&r, NULL, 0);
	EXPECT(rd_bytes(&r, 0, &p) == 0);
	EXPECT(rd_copy(&r, 0, NULL) == 0);
	EXPECT(rd_end(&r) == 0);
	EXPECT(rd_u8(&r, &v) == ERR_FORMAT);
}

CASE(lengths_are_bounded_on_both_sides)
{
	static const uint8_t var16[] = {0, 3, 'a', 'b', 'c'};
	static const uint8_t var32[] = {0, 0, 0, 3, 'a', 'b', 'c'};
	const uint8_t *p = NULL;
	size_t n = 99;
	struct rd r;

	rd_init(&r, var16, sizeof(var16));
	EXPECT(rd_var16(&r, 3, 3, &p, &n) == 0 && n == 3 && p == var16 + 2);
	EXPECT(rd_end(&r) == 0);
	rd_init(&r, var32, sizeof(var32));
	EXPECT(rd_var32(&r, 0, 3, &p, &n) == 0 && n == 3 && p == var32 + 4);
	n = 99;
	rd_init(&r, var16, sizeof(var16));
	EXPECT(rd_var16(&r, 4, 9, &p, &n) == ERR_FORMAT && n == 99);
	rd_init(&r, var16, sizeof(var16));
	EXPECT(rd_var16(&r, 0, 2, &p, &n) == ERR_FORMAT && n == 99);
	rd_init(&r, var16, sizeof(var16) - 1);
	EXPECT(rd_var16(&r, 0, 9, &p, &n) == ERR_FORMAT && n == 99);
}

CASE(a_length_of_four_gigabytes_is_only_a_length)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1};
	const uint8_t *p;
	size_t n;
	struct rd r;

	rd_init(&r, huge, sizeof(huge));
	EXPECT(rd_var32(&r, 0, SIZE_MAX, &p, &n) == ERR_FORMAT);
	rd_init(&r, huge, sizeof(huge));
	EXPECT(rd_bytes(&r, SIZE_MAX, &p) == ERR_FORMAT);
}

CASE(writes_what_the_reader_reads)
{
	uint8_t buf[15];
	size_t n = 0;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	EXPECT(wr_u8(&w, 0x01) == 0 && wr_u16(&w, 0x0203) == 0);
	EXPECT(wr_u32(&w, 0x04050607) == 0);
	EXPECT(wr_u64(&w, 0x08090a0b0c0d0e0f) == 0);
	EXPECT(wr_end(&w, &n) == 0 && n == sizeof(bytes));
	EXPECT(memcmp(buf, bytes, sizeof(bytes)) == 0);
}

CASE(a_full_writer_fails_for_good)
{
	uint8_t buf[4] = {0};
	size_t n = 99;
	struct wr w;

	wr_init(&w, buf, 3);
	EXPECT(wr_u16(&w, 1) == 0);
	EXPECT(wr_u16(&w, 1) == ERR_NOMEM);
	EXPECT(wr_u8(&w, 1) == ERR_NOMEM);
	EXPECT(wr_end(&w, &n) == ERR_NOMEM && n == 99);
	EXPECT(buf[2] == 0 && buf[3] == 0);
}

CASE(a_length_that_does_not_fit_its_prefix_is_an_error)
{
	static uint8_t buf[70000], zeros[65536];
	size_t n;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	EXPECT(wr_var16(&w, zeros, 65535) == 0);
	EXPECT(wr_end(&w, &n) == 0 && n == 65537);
	wr_init(&w, buf, sizeof(buf));
	EXPECT(wr_var16(&w, zeros, 65536) == ERR_NOMEM);
	wr_init(&w, buf, sizeof(buf));
	EXPECT(wr_var32(&w, zeros, 65536) == 0);
	EXPECT(wr_end(&w, &n) == 0 && n == 65540);
}

int
main(void)
{
	return check_run();
}
