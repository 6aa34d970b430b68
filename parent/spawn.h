/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts one child: clone, stage 1 of its confinement (confine.c), exec of a
 * checked descriptor.  What the child gets is what stands in struct spawn,
 * and nothing else.
 */
#ifndef SP_SPAWN_H
#define SP_SPAWN_H

#include "sup.h"

#define SPAWN_FDS 32

struct bind_mount {
	const char *from; /* a path of the host */
	bool writable;
	bool exec;
	int from_fd;	/* >= 0: a detached mount to attach instead */
	const char *to; /* the path in the new root */
};

struct spawn {
	enum seat seat;
	const char *program; /* path of the program */
	char *argv[4];
	char *envp[2];
	uid_t uid;
	int netns;	  /* namespace to join, -1: stay */
	const char *root; /* library root; NULL: an own tmpfs (server) */
	const struct bind_mount *binds;
	unsigned bind_count;
	int fd[SPAWN_FDS];	/* fd[n]: what becomes descriptor n; -1: none */
	bool keep_signals_open; /* the server: an empty signal mask */
};

/* Sets every descriptor to "none" and 0, 1, 2 to /dev/null. */
void spawn_init(const struct sup *s, struct spawn *sp, enum seat seat);

/*
 * Starts the child and fills s->child[seat].  Returns 0, ERR_SYS, or ERR_LOCK
 * when the program or root is not as installed.  Descriptors stay the
 * caller's.
 */
CHECKED int spawn(struct sup *s, struct spawn *sp);

/* The steps of stage 1; a child that fails one exits with STEP_EXIT + step. */
enum step {
	STEP_SESSION,
	STEP_NETNS,
	STEP_ROOT,
	STEP_FDS,
	STEP_BOUNDING,
	STEP_SECUREBITS,
	STEP_IDS,
	STEP_CAPS,
	STEP_REGAIN,
	STEP_DEATHSIG,
	STEP_NNP,
	STEP_FILTER,
	STEP_EXEC,
	STEP_COUNT
};
/* And on: above all of exit.def, and above 128 + 64, which a program that was
 * ended by a signal is said to have exited with. */
#define STEP_EXIT 200

const char *step_name(int step);

/* Runs stage 1 in the child; program_fd is O_PATH.  Never returns. */
_Noreturn void confine_and_exec(const struct sup *s, const struct spawn *sp,
				int program_fd);

/*
 * Makes the child's root and enters it.  Returns 0 or ERR_SYS.  (root.c)
 */
CHECKED int root_enter(const struct sup *s, const struct spawn *sp);

#endif
