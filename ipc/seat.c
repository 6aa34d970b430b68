/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the seats, as they stand in logs, tables and argv. */
#include "seat.h"

static const char *const names[SEAT_COUNT] = {
	[SEAT_SUPERVISOR] = "supervisor",
	[SEAT_BROKER] = "broker",
	[SEAT_RESOLVE] = "resolve",
	[SEAT_FETCH] = "fetch",
	[SEAT_STORE0] = "store0",
	[SEAT_STORE1] = "store1",
	[SEAT_STORE2] = "store2",
	[SEAT_STORE3] = "store3",
	[SEAT_VERIFY] = "verify",
	[SEAT_TPM] = "tpm",
	[SEAT_RENDER] = "render",
	[SEAT_TLS] = "tls",
	[SEAT_LOOK] = "look",
	[SEAT_INIT] = "init",
	[SEAT_UNSEAL] = "unseal",
	[SEAT_SERVER] = "server",
	[SEAT_KEEPER] = "keeper",
};

const char *
seat_name(unsigned seat)
{
	return seat < SEAT_COUNT ? names[seat] : "?";
}
