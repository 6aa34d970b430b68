/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing over: each receiver's one-use public key comes by one one-way pair,
 * what is sealed to it goes by another.  The receivers start at different
 * times; an end that hangs up without a key is passed over.
 */
#ifndef SP_TPM_SERVE_H
#define SP_TPM_SERVE_H

#include "tpm_open.h"
#include "worker.h"

/*
 * Serves until the server's shares were handed over (or came from init and
 * are in a bundle), or, without shares in the plan, until every receiver was
 * served or hung up.  Each secret is wiped as soon as it is handed over.
 * Returns the exit code of the session: OK, T_FINAL, T_FRESH, T_MADE, or what
 * is wrong.
 */
int serve(struct worker *w, struct opened *o);

#endif
