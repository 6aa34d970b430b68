/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The go pipe: what the supervisor tells broker or keeper, one byte each, after
 * the gate.  A byte below GO_BASE is a seat number: that seat is confined as it
 * must be, say START to it (once it said LOCKED).
 */
#ifndef SP_GO_H
#define SP_GO_H

enum go {
	GO_BASE = 0x40,
	GO_OPEN = 0x40, /* every network process is reaped: taint the tpm */
	GO_END = 0x41,	/* the session's plan is done: exit 0 */
	GO_HOLD = 0x42, /* to the keeper: take the lease; the pipe's end: give
			   it back */
};

#endif
