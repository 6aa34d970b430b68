/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease of a store that several nodes share: a process of its own holds
 * it, from before the first look until the server is gone.  The supervisor
 * hears nothing from it: two sockets that it half shuts ("somebody else holds
 * it", "held"), and its own end ("lost").
 */
#ifndef SP_KEEPER_H
#define SP_KEEPER_H

#include "session.h"
#include "sup.h"

/*
 * Takes the lease, where the configuration wants one, and waits for it for as
 * long as another node has it; at once where it is held already.  Returns 0
 * (held, or this node is alone and that was said), or an exit code, said.
 */
CHECKED int keeper_hold(struct sup *s);

/* Gives the lease back: the server is gone.  Bounded in time. */
void keeper_release(struct sup *s);

/* True when the lease was held and is no longer: nothing may go on. */
bool keeper_lost(const struct sup *s);

/* What poll(2) says of one of these sockets (wait.c). */
void keeper_told(struct sup *s, int word, short revents);

/* Says once that the lease is lost, and records it as the failure. */
void keeper_fail(struct sup *s);

/* The keeper's descriptors, as session_fds does for the others. */
CHECKED int keeper_fds(struct sup *s, struct session *x, struct spawn *sp,
		       int opened[static 4]);

#endif
