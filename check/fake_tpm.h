/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The played TPM in two files: what it says to each command
 * (fake_tpm_say.c), and how commands and answers look on the wire
 * (fake_tpm.c).
 */
#ifndef SP_CHECK_FAKE_TPM_H
#define SP_CHECK_FAKE_TPM_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "err.h"
#include "fixture.h"

#define CMD_MAX 4096u
#define HASH	32u

enum code {
	CC_CREATE_PRIMARY = 0x131,
	CC_CERTIFY = 0x148,
	CC_NV_READ = 0x14e,
	CC_QUOTE = 0x158,
	CC_DECRYPT = 0x159,
	CC_FLUSH = 0x165,
	CC_NV_READ_PUBLIC = 0x169,
	CC_READ_PUBLIC = 0x173,
	CC_START_SESSION = 0x176,
	CC_GET_CAPABILITY = 0x17a,
	CC_PCR_READ = 0x17e,
	CC_POLICY_PCR = 0x17f,
};

struct command {
	uint32_t code;
	struct rd in;	     /* behind the header */
	struct wr out;	     /* parameters of the answer */
	uint32_t handle;     /* of the answer, 0: none */
	uint8_t nonce[HASH]; /* the caller's */
};

/* SHA-256 over two pieces; ends the process on a failure. */
void tpm_hash(const void *a, size_t n, const void *b, size_t m,
	      uint8_t out[static HASH]);

/* Makes keys, names and the report. */
void tpm_make(const struct fixture *f);

/* Carries a command out into c->out.  Returns 0, or an error it answers. */
CHECKED int tpm_say(struct command *c);

#endif
