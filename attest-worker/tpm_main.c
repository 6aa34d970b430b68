/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-tpm: evidence, key release, the sealed store.  Holds the TPM's
 * descriptor until the master key is out, and the one-way pairs to prepare
 * and control; no network, no file, nothing that parses JSON or X.509.
 */
#include <signal.h>
#include <stdlib.h>

#include "crypto_heap.h"
#include "events.h"
#include "fds.h"
#include "tpm_prime.h"
#include "tpm_role.h"
#include "tpm_tcti.h"

int
main(void)
{
	const struct worker_desc desc = {
		.seat = SEAT_TPM,
		.page = &page_tpm,
		.locks_memory = true,
	};
	static struct worker w;
	static struct tpm t;
	static struct plan plan;
	enum secret_kind kind;
	int r;

	worker_begin(&w, &desc);

	/* A software TPM that goes away is an error, not a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		worker_exit(&w, EXIT_LOCK);
	/* The TPM stack would log to standard error, which is not ours. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0)
		worker_exit(&w, EXIT_LOCK);

	if ((r = tpm_prime(&kind)) != 0)
		worker_exit(&w, r == ERR_LOCK ? EXIT_LOCK : EXIT_INTERNAL);
	if (plan_read(&w.config, &plan) != 0)
		worker_exit(&w, EXIT_PROTOCOL);
	if (tpm_init(&t, tpm_tcti(&(struct tpm_link){.fd = FD_TPM_DEV})) != 0)
		worker_exit(&w, EXIT_INTERNAL);

	worker_lock(&w, NULL, 0);
	worker_event(&w, EVENT_SECRETMEM, kind, 0, 0, 0);
	worker_exit(&w, crypto_heap_code(tpm_role(&w, &t, &plan)));
}
