/* SPDX-License-Identifier: Apache-2.0 */
/* The frame, through cursors (its drawing is in frame.h). */
#include "frame.h"

#include "cursor.h"

void
frame_put(uint8_t out[static MSG_HEADER], uint16_t type, uint32_t seq,
	  uint32_t body_bytes)
{
	struct wr w;

	wr_init(&w, out, MSG_HEADER); /* cannot fail: 16 bytes fit */
	wr_u16(&w, FRAME_MAGIC);
	wr_u16(&w, type);
	wr_u8(&w, 0);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	wr_u32(&w, seq);
	wr_u32(&w, body_bytes);
}

int
frame_get(const uint8_t *packet, size_t bytes, uint32_t want_seq,
	  struct frame *out_frame)
{
	struct rd r;
	uint16_t magic, type, reserved;
	uint8_t flags, fds;
	uint32_t seq, body_bytes;

	rd_init(&r, packet, bytes);
	if (rd_u16(&r, &magic) != 0 || rd_u16(&r, &type) != 0 ||
	    rd_u8(&r, &flags) != 0 || rd_u8(&r, &fds) != 0 ||
	    rd_u16(&r, &reserved) != 0 || rd_u32(&r, &seq) != 0 ||
	    rd_u32(&r, &body_bytes) != 0)
		return ERR_PROTO;
	if (magic != FRAME_MAGIC || flags != 0 || fds != 0 || reserved != 0)
		return ERR_PROTO;
	if (seq != want_seq || body_bytes != r.left ||
	    body_bytes > MSG_BODY_MAX)
		return ERR_PROTO;

	out_frame->type = type;
	out_frame->seq = seq;
	out_frame->body = r.p;
	out_frame->body_bytes = body_bytes;
	return 0;
}
