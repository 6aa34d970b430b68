/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sallyport check` found: one finding per protection and per role, said
 * as a line each, or all together as one JSON object with stable names.
 */
#ifndef SP_CHECK_REPORT_H
#define SP_CHECK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "kill.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE,	 /* works, but the operator should know */
	VERDICT_MISSING, /* sallyport run would fail, or be unsafe */
};

enum finding_kind { FOUND_PROTECTION, FOUND_ROLE };

struct finding {
	enum finding_kind kind;
	const char *name; /* stable: "landlock", "tpm" */
	enum verdict verdict;
	char text[600];	     /* what was seen and what that means */
	char todo[400];	     /* what to do; "" where there is nothing */
	const char *step;    /* role: where in its life it failed, or NULL */
	uint64_t ms;	     /* role: how long its life took */
	struct explained by; /* role: how a filter killed it; call "": not so */
};

/* Starts; lines go to standard output unless json. */
void report_open(bool json);

/* An empty finding of that kind and name, to be filled and added. */
void finding_init(struct finding *f, enum finding_kind kind, const char *name);

/* Sets verdict, text and todo (may be NULL) and adds it. */
void report_say(enum finding_kind kind, const char *name, enum verdict v,
		const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Adds one; it is copied. */
void report_add(const struct finding *f);

/*
 * Ends: the JSON object, or the last line.  Returns how many findings are
 * VERDICT_MISSING.
 */
unsigned report_close(const char *profile);

#endif
