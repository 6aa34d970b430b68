/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's loop: sockets in, session machine, sockets out. */
#ifndef SP_PARENT_BROKER_IO_H
#define SP_PARENT_BROKER_IO_H

#include "err.h"
#include "worker.h"

/*
 * Takes the workers' sockets (FD_BROKER_WORKERS and on) and makes them
 * non-blocking; before the lock.  jwe_modulus: TAG_JWE_MODULUS.  Returns 0 or
 * ERR_SYS.
 */
CHECKED int broker_sockets(uint32_t jwe_modulus);

/*
 * Runs the session until GO_END, the end of the go pipe, a violation or the
 * deadline (0: none).  Returns the exit code; what went wrong is logged.
 */
int broker_run(const struct worker *self);

#endif
