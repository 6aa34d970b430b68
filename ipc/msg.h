/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message table (messages.def) as data: who may say what to whom, how
 * long, and after taint or not.  Holds nothing, allocates nothing.
 */
#ifndef SP_MSG_H
#define SP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "seat.h"

#define MSG_HEADER   16u    /* bytes before every body */
#define MSG_BODY_MAX 65520u /* bytes of the longest body */
#define MSG_MAX	     (MSG_HEADER + MSG_BODY_MAX)

enum msg_via { VIA_HUB, VIA_KEPT, VIA_DIRECT, VIA_QUEUED };

enum msg_type {
#define X(name, num, from, to, via, min, max, taint, text) MSG_##name = (num),
#include "messages.def"
#undef X
};

struct msg_row {
	uint16_t type;
	const char *name;
	uint32_t from; /* set of seats (SEAT_BIT) */
	uint32_t to;
	enum msg_via via;
	uint32_t min; /* body bytes */
	uint32_t max;
	bool after_taint;
	const char *text;
};

/* The rows, in the order of messages.def. */
extern const struct msg_row msg_rows[];
extern const size_t msg_row_count;

/* Returns the row of a type, or NULL if there is none. */
const struct msg_row *msg_row(unsigned type);

/*
 * Says whether a sender may send this type to a receiver with a body of that
 * many bytes, over one channel (KEPT and HUB rows: the broker must be one end
 * and stands for the other; DIRECT rows: the tpm is one end; `tainted` is the
 * sender's state).  Returns 0 or ERR_PROTO.
 */
CHECKED int msg_allowed(unsigned type, enum seat from, enum seat to,
			size_t body_bytes, bool tainted);

#endif
