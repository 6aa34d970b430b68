/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to the TPM: one inherited descriptor (a character device, or a
 * connected unix stream socket of a software TPM), no open, no connect.  One
 * command, one answer; whatever else arrives is fatal (DESIGN P8).  After the
 * first fault nothing is sent or believed any more.
 */
#ifndef SP_TPM_TCTI_H
#define SP_TPM_TCTI_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

#include "err.h"

#define TPM_ANSWER_MIN 10u   /* tag, size, response code */
#define TPM_ANSWER_MAX 4096u /* bytes of one command or answer */

struct tpm_link {
	int fd;		  /* not owned */
	int64_t until_ms; /* CLOCK_MONOTONIC; no answer is awaited later */
	int fault;	  /* 0, or why the link is dead: ERR_EOF, ERR_PROTO,
			     ERR_TIMEOUT, ERR_SYS, ERR_FORMAT */
	int owed;	  /* 1 between a command and its answer */
};

/*
 * Returns the process's one TCTI context over `link`, to be given to
 * Esys_Initialize (it stays owned here; finalising it does nothing).
 */
TSS2_TCTI_CONTEXT *tpm_tcti(const struct tpm_link *link);

/* The link itself, to set descriptor and deadline, and to read the fault. */
struct tpm_link *tpm_link(void);

/*
 * Reads the frame of an answer of which `have` bytes are there.  Returns 0
 * and its whole size (0 while too little is there to know), or ERR_FORMAT:
 * tag not 0x8001/0x8002, size not within TPM_ANSWER_MIN..TPM_ANSWER_MAX, or
 * more bytes than the size says.
 */
CHECKED int tpm_answer_size(const uint8_t *p, size_t have, size_t *out_bytes);

/*
 * Returns 0 if nothing waits to be read, ERR_PROTO if something does (an
 * answer nobody asked for), ERR_EOF at hang-up, ERR_SYS.
 */
CHECKED int tpm_link_quiet(const struct tpm_link *link);

#endif
