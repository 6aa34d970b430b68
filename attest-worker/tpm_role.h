/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tpm worker's life after START:
 *
 *	clean	flush, transfer key, evidence	EVIDENCE to fetch
 *		ENC_TOKEN: one decryption	TOKEN to fetch
 *	tainted	WRAPPED_KEY, and the supervisor's word that nobody is left on
 *		the network: one decryption, the TPM closed, unwrapped, checked
 *		against the pin
 *		BLOBs, OPEN: everything opened, the master key wiped
 *		handing over (tpm_serve.h)
 */
#ifndef SP_TPM_ROLE_H
#define SP_TPM_ROLE_H

#include "tpm.h"
#include "tpm_plan.h"
#include "worker.h"

/*
 * Runs it over FD_TPM_DEV and the broker's channel; t was made by tpm_init.
 * Returns the exit code.
 */
int tpm_role(struct worker *w, struct tpm *t, const struct plan *p);

#endif
