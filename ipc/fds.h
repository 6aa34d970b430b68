/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made by policyc -f from the fd lines of policy/: do not edit (HACKING.md).
 *
 * The numbers of descriptors that the supervisor puts there before exec, the
 * worker audits after, the gate reads from /proc.  Nothing else is ever open in
 * a worker.  0, 1 and 2 are /dev/null or a log.
 */
#ifndef SP_FDS_H
#define SP_FDS_H

/* clang-format off */
enum fd_number {
	FD_BROKER = 3, /* frames, by way of the broker */
	FD_CONFIG = 4, /* one CONFIG frame, then end of file */
	FD_READY = 5, /* never written: its end says "locked" */
	FD_FIRST = FD_READY + 1, /* a seat's own begin here */
	FD_BROKER_GO = 3, /* the supervisor's decisions, one byte each */
	FD_BROKER_WORKERS = 6, /* one for each worker's seat, resolve to unseal */
	FD_CONTROL_SERVER = 6, /* the server's unix socket, connected by the supervisor */
	FD_CONTROL_PUB = 7, /* TPM_PUB in for init, SEAL_PUB out for unseal */
	FD_CONTROL_SEALED = 8, /* SEALED_KEYS out for init, SEALED_SHARES in for unseal */
	FD_HTTPS_ROOTS = 6, /* PEM roots for TLS */
	FD_HTTPS_EVENTLOG = 7, /* TCG event log; may be empty */
	FD_KEEPER_GO = 3, /* one byte: hold; its end: give the lease back */
	FD_KEEPER_NAMES = 6, /* what resolve said before it ended; nobody is at its other end */
	FD_KEEPER_ROOTS = 7, /* PEM roots for TLS */
	FD_KEEPER_ASKED = 8, /* never written: half shut, it says "somebody else holds it", or "held" */
	FD_KEEPER_HELD = 9, /* never written: half shut, it says "held"; a death shuts both halves */
	FD_RENDER_TEMPLATE = 6, /* the template's text */
	FD_RENDER_PUBLIC = 7, /* configuration of the public life */
	FD_RENDER_PRIVATE = 8, /* configuration of the private life */
	FD_RENDER_PUB = 9, /* out: SEAL_PUB */
	FD_RENDER_IN = 10, /* in: SEALED_STORAGE */
	FD_TLS_CERT = 6, /* certificate chain, PEM */
	FD_TLS_KEY = 7, /* private key, PEM */
	FD_TLS_PUB = 8, /* out: SEAL_PUB */
	FD_TLS_IN = 9, /* in: SEALED_PASSWORD */
	FD_TPM_DEV = 6, /* the TPM; closed after its last use */
	FD_TPM_RENDER_PUB = 7, /* in: SEAL_PUB */
	FD_TPM_RENDER_OUT = 8, /* out: SEALED_STORAGE */
	FD_TPM_TLS_PUB = 9, /* in: SEAL_PUB */
	FD_TPM_TLS_OUT = 10, /* out: SEALED_PASSWORD */
	FD_TPM_UNSEAL_PUB = 11, /* in: SEAL_PUB */
	FD_TPM_UNSEAL_OUT = 12, /* out: SEALED_SHARES */
	FD_TPM_INIT_PUB = 13, /* out: TPM_PUB */
	FD_TPM_INIT_IN = 14, /* in: SEALED_KEYS */
	FD_TPM_GO = 15, /* the supervisor's word: nobody of ours is left on the network */
};

#endif
