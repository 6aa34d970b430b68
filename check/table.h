/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sallyport check` must know of calls to name a kill: made at build time
 * by check/gen-table from the headers of the kernel and policy/protos.def.
 */
#ifndef SP_CHECK_TABLE_H
#define SP_CHECK_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct check_call {
	uint64_t nr;
	const char *name;
};

struct check_proto {
	const char *call;
	const char *args[6];
};

extern const struct check_call check_calls[];
extern const size_t check_call_count;
extern const struct check_proto check_protos[];
extern const size_t check_proto_count;

#endif
