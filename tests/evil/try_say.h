/* SPDX-License-Identifier: Apache-2.0 */
/* Tries whose names are made of a message's: say-, short-, long-, often-. */
#ifndef SP_TEST_TRY_SAY_H
#define SP_TEST_TRY_SAY_H

#include "evil.h"

/* Says that row's message; as a try_fn, -1 when there is no such row. */
int say_row(const struct world *w);

/* A keeper's word was heard: its socket's other end closed.  Or an errno. */
int keeper_heard(int fd);

/* A tpm says and hears what is due until it is tainted.  Returns 0 or -1. */
int say_until_taint(struct worker *w);

#endif
