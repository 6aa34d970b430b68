/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of events.def: what a clean worker may have logged. */
#ifndef SP_EVENTS_H
#define SP_EVENTS_H

enum event {
#define X(name, num, event, text) EVENT_##name = (num),
#include "events.def"
#undef X
};

#endif
