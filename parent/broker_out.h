/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the session machine wants done.  The program answers with sockets and
 * log lines (broker_io.c, broker_say.c); tests and the fuzzer with a list.
 */
#ifndef SP_PARENT_BROKER_OUT_H
#define SP_PARENT_BROKER_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "seat.h"

/*
 * Sends one frame to a worker.  Returns 0 also when that worker is gone (its
 * hang-up will be seen); ERR_TIMEOUT, ERR_SYS.
 */
CHECKED int broker_out(enum seat to, unsigned type, const uint8_t *body,
		       size_t bytes);

/* Prints the line of an EVENT.  Returns 0, or ERR_PROTO: no such event. */
CHECKED int broker_event(enum seat from, unsigned event, const uint64_t n[4]);

/* Prints a NOTE. */
void broker_note(enum seat from, const uint8_t *text, size_t bytes);

/* Prints that a store seat gave back something else. */
void broker_unequal(enum seat from, unsigned type);

#endif
