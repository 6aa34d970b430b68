/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of [plugin], [mount], [auth], [policy] and [audit] sections. */
#ifndef SP_CONF_SECTIONS_H
#define SP_CONF_SECTIONS_H

#include "conf.h"

/*
 * Checks the section's name, that what it needs is there, and the shape of
 * every value.  Returns 0, or ERR_FORMAT after a log line that names the
 * section, the key and what is wrong; never the value of data.
 */
CHECKED int section_check(const struct section *s);

#endif
