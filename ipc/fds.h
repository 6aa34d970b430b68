/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor table: which number is what, in which seat.  The supervisor
 * puts them there before exec, the worker audits them after, the gate reads
 * the numbers from /proc.  Nothing else is ever open in a worker.
 * 0, 1 and 2 are /dev/null everywhere but in the broker (2 is the log).
 */
#ifndef SP_FDS_H
#define SP_FDS_H

enum fd_common {
	FD_BROKER = 3, /* seqpacket to the broker (in the broker: go pipe) */
	FD_CONFIG = 4, /* seqpacket: one CONFIG frame, then end of file */
	FD_READY = 5,  /* pipe, write end: closed when locked, never written */
	FD_FIRST = 6,  /* the seat's own begin here */
};

enum fd_broker {
	FD_GO = FD_BROKER, /* pipe, read end: one byte per decision, see go.h */
	FD_WORKERS = FD_FIRST, /* FD_WORKERS + seat - SEAT_RESOLVE, for seats
				  RESOLVE..UNSEAL: the broker's ends */
};

enum fd_https {
	FD_HTTPS_ROOTS = 6,    /* sealed memfd: PEM roots for TLS */
	FD_HTTPS_EVENTLOG = 7, /* sealed memfd: TCG event log (may be empty) */
};

enum fd_tpm {
	FD_TPM_DEV = 6,		/* character device or connected unix stream */
	FD_TPM_RENDER_PUB = 7,	/* in: SEAL_PUB */
	FD_TPM_RENDER_OUT = 8,	/* out: SEALED_STORAGE */
	FD_TPM_TLS_PUB = 9,	/* in: SEAL_PUB */
	FD_TPM_TLS_OUT = 10,	/* out: SEALED_PASSWORD */
	FD_TPM_UNSEAL_PUB = 11, /* in: SEAL_PUB */
	FD_TPM_UNSEAL_OUT = 12, /* out: SEALED_SHARES */
	FD_TPM_INIT_PUB = 13,	/* out: SEAL_PUB */
	FD_TPM_INIT_IN = 14,	/* in: SEALED_KEYS */
};

enum fd_render {
	FD_RENDER_TEMPLATE = 6, /* sealed memfd: the template's text */
	FD_RENDER_PUBLIC = 7,	/* write-only: configuration, public life */
	FD_RENDER_PRIVATE = 8,	/* write-only: configuration, private life */
	FD_RENDER_PUB = 9,	/* out: SEAL_PUB */
	FD_RENDER_IN = 10,	/* in: SEALED_STORAGE */
};

enum fd_tls {
	FD_TLS_CERT = 6, /* write-only: certificate chain, PEM */
	FD_TLS_KEY = 7,	 /* write-only: private key, PEM */
	FD_TLS_PUB = 8,	 /* out: SEAL_PUB */
	FD_TLS_IN = 9,	 /* in: SEALED_PASSWORD */
};

enum fd_control {
	FD_CTL_SERVER = 6, /* connected unix stream to the server */
	FD_CTL_PUB = 7,	   /* UNSEAL: out; INIT: in; LOOK: absent */
	FD_CTL_SEALED = 8, /* UNSEAL: in; INIT: out; LOOK: absent */
};

#endif
