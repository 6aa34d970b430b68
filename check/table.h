/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sallyport check` must know of calls and policies to name a kill: made
 * at build time by check/gen-table from the policy files and the headers of
 * the kernel.
 */
#ifndef SP_CHECK_TABLE_H
#define SP_CHECK_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct check_call {
	uint64_t nr;
	const char *name;
};

struct check_line {
	const char *file; /* "tpm" */
	unsigned number;
	const char *call;
	const char *text; /* the line without its comment */
};

struct check_proto {
	const char *call;
	const char *args[6];
};

extern const struct check_call check_calls[];
extern const size_t check_call_count;
extern const struct check_line check_lines[];
extern const size_t check_line_count;
extern const struct check_proto check_protos[];
extern const size_t check_proto_count;

#endif
