/* SPDX-License-Identifier: Apache-2.0 */
/* The seats as the supervisor starts them: program, words, uid, network. */
#ifndef SP_SEATS_H
#define SP_SEATS_H

#include <stdint.h>

#include "spawn.h"
#include "sup.h"

/* The set of descriptor numbers a locked child of this seat has. */
uint64_t seat_fds(enum seat seat);

/*
 * Fills in what is the same in every boot: program, arguments, uid, outer
 * filter, library root, network namespace, binds.  The paths live as long as
 * the program.
 */
void seat_spawn(const struct sup *s, enum seat seat, struct spawn *out);

/* The directory name under the library roots; NULL: no root (the server). */
const char *seat_program(enum seat seat);

#endif
