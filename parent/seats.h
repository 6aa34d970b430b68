/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seats as the supervisor starts them: program, words, uid, network, root,
 * all out of their pages (policy/page.h).
 */
#ifndef SP_SEATS_H
#define SP_SEATS_H

#include "spawn.h"
#include "sup.h"

/*
 * Fills in what is the same in every boot: program, arguments, library root,
 * network namespace, files bound.  The paths live as long as the program.
 */
void seat_spawn(const struct sup *s, enum seat seat, struct spawn *out);

/* The role of the seat: what its policy file is named. */
const char *seat_program(enum seat seat);

#endif
