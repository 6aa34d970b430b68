/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seats: the places of one session.  A seat is one process with one job, one
 * uid and one table of descriptors; a program (role) may serve several seats
 * (control looks, initialises or unseals) but never two at once.
 */
#ifndef SP_SEAT_H
#define SP_SEAT_H

#include <stdint.h>

enum seat {
	SEAT_SUPERVISOR,
	SEAT_BROKER,
	SEAT_RESOLVE, /* names to addresses */
	SEAT_FETCH,   /* https: attest, release, fetch what is stored */
	SEAT_STORE0,  /* https: store; three more stand by */
	SEAT_STORE1,
	SEAT_STORE2,
	SEAT_STORE3,
	SEAT_VERIFY,
	SEAT_TPM,
	SEAT_RENDER, /* prepare: template to configurations */
	SEAT_TLS,    /* prepare: PFX to certificate and key */
	SEAT_LOOK,   /* control: is the store initialised? */
	SEAT_INIT,   /* control: first life */
	SEAT_UNSEAL, /* control: unseal, prove, configure */
	SEAT_SERVER, /* exec, then the server itself */
	SEAT_KEEPER, /* holds the lease of a shared store; in no session */
	SEAT_COUNT
};

#define SEAT_BIT(s) (UINT32_C(1) << (s))

/* Sets of seats, as the message table names them. */
#define SEATS_STORE                                                            \
	(SEAT_BIT(SEAT_STORE0) | SEAT_BIT(SEAT_STORE1) |                       \
	 SEAT_BIT(SEAT_STORE2) | SEAT_BIT(SEAT_STORE3))
#define SEATS_WORKER                                                           \
	(SEAT_BIT(SEAT_RESOLVE) | SEAT_BIT(SEAT_FETCH) | SEATS_STORE |         \
	 SEAT_BIT(SEAT_VERIFY) | SEAT_BIT(SEAT_TPM) | SEAT_BIT(SEAT_RENDER) |  \
	 SEAT_BIT(SEAT_TLS) | SEAT_BIT(SEAT_LOOK) | SEAT_BIT(SEAT_INIT) |      \
	 SEAT_BIT(SEAT_UNSEAL))

/* Returns the seat's name ("tpm", "store1"); "?" for a number out of range. */
const char *seat_name(unsigned seat);

#endif
