/* SPDX-License-Identifier: Apache-2.0 */
/* What control is told: shares, operator's key, the wanted configuration. */
#ifndef SP_CONTROL_CONF_H
#define SP_CONTROL_CONF_H

#include "conf.h"
#include "cursor.h"
#include "msg.h"
#include "seat.h"

/*
 * Adds the items of LOOK, INIT or UNSEAL.  Returns 0, or ERR_FORMAT after a
 * log line that names the file or section at fault.
 */
CHECKED int control_config(const struct conf *c, enum seat seat, struct wr *w);

/*
 * Checks the sections and files that control_config reads, so that a mistake
 * shows before anything starts.  Returns 0 or ERR_FORMAT, said.
 */
CHECKED int control_check(const struct conf *c);

/* Says whether a human has a way in: operator key, or an auth method. */
bool control_way_in(const struct conf *c);

#endif
