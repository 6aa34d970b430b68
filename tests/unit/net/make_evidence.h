/* SPDX-License-Identifier: Apache-2.0 */
/* A well-formed EVIDENCE of recognisable parts. */
#ifndef SP_TEST_MAKE_EVIDENCE_H
#define SP_TEST_MAKE_EVIDENCE_H

#include <string.h>

#include "cursor.h"
#include "evidence.h"

static inline size_t
make_evidence(uint8_t *buf, size_t cap, const char *claims)
{
	static uint8_t report[HCL_MAX];
	size_t n = strlen(claims);
	struct wr w;

	memset(report, 0, sizeof(report));
	memset(report + HCL_REPORT_AT, 'R', SNP_REPORT_BYTES);
	report[HCL_CLAIMS_SIZE_AT] = (uint8_t)n;
	report[HCL_CLAIMS_SIZE_AT + 1] = (uint8_t)(n >> 8);
	memcpy(report + HCL_CLAIMS_AT, claims, n);
	wr_init(&w, buf, cap);
	wr_var16(&w, report, HCL_CLAIMS_AT + n);
	wr_var16(&w, "akpub", 5);
	wr_var16(&w, "akcert", 6);
	for (unsigned i = 0; i < EVIDENCE_PCRS; i++)
		for (unsigned k = 0; k < 32; k++)
			wr_u8(&w, (uint8_t)i);
	wr_var16(&w, "quote", 5);
	wr_var16(&w, "quotesig", 8);
	wr_var16(&w, "encpub", 6);
	wr_var16(&w, "certify", 7);
	wr_var16(&w, "certifysig", 10);
	if (wr_end(&w, &n) != 0)
		__builtin_trap();
	return n;
}

#endif
