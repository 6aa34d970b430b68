/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store wave: JWE first, then the bundle, each read back from the key
 * vault by the network process and compared here byte for byte.  The next
 * store seat goes on where the one before died.
 */
#ifndef SP_PARENT_BROKER_STORE_H
#define SP_PARENT_BROKER_STORE_H

#include "broker.h"

/* Returns 0, or ERR_PROTO: nothing to store, or another one is alive. */
CHECKED int broker_store_may_go(struct broker *b);

/* A store seat has START and ADDRS: gives it the first thing, or STORED. */
CHECKED int broker_store_begin(struct broker *b, enum seat seat);

/* Compares; gives the next, the same again, or STORED. */
CHECKED int broker_store_echo(struct broker *b, enum seat from,
			      const uint8_t *body, size_t bytes);

#endif
