/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's NOTIFY_SOCKET (sd_notify(3)): a datagram's length and its
 * sender's pid are looked at, no byte is read.
 */
#ifndef SP_NOTIFY_H
#define SP_NOTIFY_H

#include "sup.h"

/*
 * Binds the socket "notify" in the setgid directory sock_fd, writable for its
 * group.
 * Returns the descriptor or -1.
 */
CHECKED int notify_open(int sock_fd);

/*
 * Drains everything that is queued; a datagram of 7 bytes (READY=1) from the
 * server's own pid sets s->server_ready.
 */
void notify_drain(struct sup *s, enum life_kind life);

#endif
