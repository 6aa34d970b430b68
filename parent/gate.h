/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate (I4): after a child says that it is locked, and before anybody
 * tells it anything, what it is is read from /proc and compared with what it
 * must be.  Nothing the child says counts.
 */
#ifndef SP_GATE_H
#define SP_GATE_H

#include "sup.h"

/*
 * Checks the child of a seat.  Returns 0; ERR_LOCK after a log line that names
 * the property that is not as it must be; ERR_EOF when the child is gone.
 */
CHECKED int gate_check(struct sup *s, enum seat seat);

/* The same for the server after its exec: no capability, own uid, filters. */
CHECKED int gate_check_server(struct sup *s);

#endif
