/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a SOCK_SEQPACKET pair: sends and receives whole frames, keeps
 * the two sequence numbers, refuses descriptors, truncation and empty
 * packets.  The receive buffer is the caller's.
 */
#ifndef SP_CHANNEL_H
#define SP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "frame.h"
#include "seat.h"

struct channel {
	int fd;
	enum seat self;
	enum seat peer;
	uint32_t send_seq;
	uint32_t recv_seq;
	bool tainted;	    /* self may now only say what the table allows; set
			       by the caller, and when a worker gets WRAPPED_KEY */
	size_t jwe_modulus; /* bytes of the operator's key: a JWE has the size
			      for it (jwe_size.h); 0: none may be sent */
	bool peer_tainted;  /* the same of what is received (the broker's
			       view of a worker) */
};

/* Starts a channel over fd (not owned); cannot fail. */
void channel_init(struct channel *c, int fd, enum seat self, enum seat peer);

/*
 * Sends one frame.  Returns 0; ERR_PROTO when the table does not allow it
 * (type, direction, length, taint); ERR_EOF when the peer hung up; ERR_TIMEOUT
 * when a non-blocking fd has no room; ERR_SYS.  Only after 0 is the sequence
 * number used up.
 */
CHECKED int channel_send(struct channel *c, unsigned type, const void *body,
			 size_t bytes);

/*
 * Receives one frame into buf (cap bytes, MSG_MAX is always enough), blocking
 * (or ERR_TIMEOUT at once on a non-blocking fd without data).  Returns 0 and a
 * view into buf, ERR_EOF at hang-up, ERR_PROTO on any violation, ERR_SYS.
 */
CHECKED int channel_recv(struct channel *c, uint8_t *buf, size_t cap,
			 struct frame *out_frame);

/* As channel_recv, but anything other than `type` is ERR_PROTO. */
CHECKED int channel_expect(struct channel *c, unsigned type, uint8_t *buf,
			   size_t cap, struct frame *out_frame);

#endif
