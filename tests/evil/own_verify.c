/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile verify: whatever https hands it is the key. */
#include "evil.h"

static void
believe(struct worker *w)
{
	static uint8_t packet[MSG_MAX];
	struct frame f;

	if (channel_expect(&w->broker, MSG_RELEASE_JWS, packet, sizeof(packet),
			   &f) != 0 ||
	    __real_channel_send(&w->broker, MSG_WRAPPED_KEY, f.body,
				f.body_bytes) != 0)
		__real_worker_exit(w, EXIT_PROTOCOL);
	__real_worker_exit(w, EXIT_OK);
}

const struct attack attacks_own[] = {
	{.name = "believe", .started = believe},
	{.name = NULL},
};
