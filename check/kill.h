/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was killed by a filter, and by what call.  `sallyport check` runs under
 * a tracer of its own: at the exit of a process its registers still hold the
 * call that the filter refused (seccomp(2) rolls it back before SIGSYS).
 * Where tracing is not permitted, the kernel's log says the number alone.
 */
#ifndef SP_CHECK_KILL_H
#define SP_CHECK_KILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define KILLS_MAX     64u
#define KILL_ARGS     6u
#define KILL_LINES    8u
#define KILL_LINE_MAX 200u

struct killed {
	pid_t pid;
	uint64_t nr;
	uint64_t args[KILL_ARGS];
};

/* Shared between the tracer, which writes, and the check, which reads. */
struct traced {
	bool on; /* the tracer holds the check and all that it starts */
	volatile unsigned count;
	struct killed killed[KILLS_MAX];
};

/*
 * Runs work() in a child that this process traces, with all its descendants.
 * Returns the child's exit code; nothing of it is left.
 */
int kill_trace(int (*work)(struct traced *t, void *arg), void *arg);

struct explained {
	char call[32]; /* "": no filter's doing */
	uint64_t nr;
	bool has_args;
	uint64_t args[KILL_ARGS];
	char shown[400]; /* "socket(domain=0x2, type=0x1, …)" */
	unsigned lines;	 /* of policy that name the call */
	char line[KILL_LINES][KILL_LINE_MAX]; /* "policy/x.policy:7: allow …" */
};

/*
 * Explains the death of a process by SIGSYS; program names its policy
 * ("tpm"), outer that of its start ("outer").  Where nothing is known of the
 * call, says so in `shown`.
 */
void kill_explain(const struct traced *t, pid_t pid, const char *program,
		  const char *outer, struct explained *out);

#endif
