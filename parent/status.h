/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/PID/status says of a process, as far as the gate asks. */
#ifndef SP_STATUS_H
#define SP_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct status {
	uid_t owner; /* of /proc/PID/status: root when not dumpable */
	uid_t uid[4];
	gid_t gid[4];
	unsigned groups;
	uint64_t caps[5]; /* Inh Prm Eff Bnd Amb */
	unsigned no_new_privs;
	unsigned seccomp;
	unsigned filters;
	unsigned threads;
	bool exited; /* the thread shows Z or X */
	bool zombie; /* and no thread of it lives */
	bool stopped;
};

/* Reads it.  Returns 0, ERR_SYS (gone) or ERR_FORMAT (a line is missing). */
CHECKED int status_read(pid_t pid, struct status *out);

#endif
