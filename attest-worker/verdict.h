/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an answer is refused: an exit code of exit.def and a phrase of our own
 * for the log.  No byte of the answer ever gets into it.
 */
#ifndef SP_VERDICT_H
#define SP_VERDICT_H

#include "err.h"
#include "exit.h"

struct verdict {
	int code;	 /* enum exit_code */
	const char *why; /* a constant */
};

/* Fills the verdict; always returns ERR_REFUSED. */
static inline int
refuse(struct verdict *v, int code, const char *why)
{
	v->code = code;
	v->why = why;
	return ERR_REFUSED;
}

#endif
