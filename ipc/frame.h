/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame: 16 bytes before every body, big-endian, byte by byte.
 *
 *   uint16	magic and version	0x5301
 *   uint16	type			messages.def
 *   uint8	flags			0
 *   uint8	number of descriptors	0
 *   uint16	reserved		0
 *   uint32	sequence number		per direction, from 0, no gap
 *   uint32	body length		must equal what came
 */
#ifndef SP_FRAME_H
#define SP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "msg.h"

#define FRAME_MAGIC 0x5301u

struct frame {
	uint16_t type;
	uint32_t seq;
	const uint8_t *body; /* borrowed from the packet */
	size_t body_bytes;
};

/* Writes the header of a frame; cannot fail. */
void frame_put(uint8_t out[static MSG_HEADER], uint16_t type, uint32_t seq,
	       uint32_t body_bytes);

/*
 * Reads one packet.  Returns 0 and a view into `packet`, or ERR_PROTO when
 * any field is not as it must be (an empty packet included).  Says nothing
 * of whether the type fits the peer: that is msg_allowed().
 */
CHECKED int frame_get(const uint8_t *packet, size_t bytes, uint32_t want_seq,
		      struct frame *out_frame);

#endif
