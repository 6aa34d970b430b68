/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile prepare: files of its own, and a key that is not in the plan. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"

static void
scribble(struct worker *w)
{
	static const char text[] = "this is nothing that a server reads\n";
	bool render = w->desc->seat == SEAT_RENDER;
	int first = render ? FD_RENDER_PUBLIC : FD_TLS_CERT;

	for (int fd = first; fd < first + 2; fd++)
		if (write(fd, text, sizeof(text) - 1) < 0)
			__real_worker_exit(w, EXIT_INTERNAL);
	__real_worker_exit(w, EXIT_OK);
}

/* render on a local store: it asks, and waits for an answer. */
static void
ask_for_storage_key(struct worker *w)
{
	struct pollfd p = {.fd = FD_RENDER_IN, .events = POLLIN};
	static const uint8_t key[32] = {9};
	struct channel c;

	channel_init(&c, FD_RENDER_PUB, SEAT_RENDER, SEAT_TPM);
	if (evil_frame(&c, MSG_SEAL_PUB, key, sizeof(key)) != 0 ||
	    poll(&p, 1, 300) != 0)
		__real_worker_exit(w, EXIT_INTERNAL);
}

const struct attack attacks_own[] = {
	{.name = "scribble", .started = scribble},
	{.name = "ask", .started = ask_for_storage_key},
	{.name = NULL},
};
