/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena can be made once per process, so every case that makes one runs
 * in a child; what it finds is its exit status.
 */
#ifndef SP_TEST_CHILD_H
#define SP_TEST_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "secret.h"

#define ARENA 65536u

/* Returns the child's wait status; a crash is the plain signal's. */
static inline int
in_child(void (*run)(void))
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGSYS};
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < 5; i++)
			signal(crashes[i], SIG_DFL);
		run();
		fflush(stdout);
		_exit(check_bad);
	}
	waitpid(pid, &status, 0);
	return status;
}

static inline bool
dies_of(void (*run)(void), int sig)
{
	int status = in_child(run);

	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

/* For a child: an arena and a first secret in it. */
static inline struct secret *
arena_and_secret(size_t bytes)
{
	enum secret_kind kind;
	struct secret *s = NULL;

	EXPECT(secret_arena(ARENA, &kind) == 0);
	EXPECT(secret_new(bytes, &s) == 0);
	return s;
}

#endif
