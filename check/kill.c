/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer is the parent, outside of every filter; the check and all its
 * children are traced from their first instant, so that no permission over
 * another uid is needed (ptrace(2): a traced process's children are traced).
 */
#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit.h"

#define FOLLOW                                                                 \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
	 PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
#define EVENT_OF(status) ((status) >> 16)

static long
trace(int request, pid_t pid, uintptr_t addr, uintptr_t data)
{
	/* NOLINTNEXTLINE: ptrace(2) takes numbers as pointers */
	return ptrace((enum __ptrace_request)request, pid, (void *)addr,
		      (void *)data);
}

/* At its exit a process killed by a filter still shows the call. */
static void
see_exit(struct traced *t, pid_t pid)
{
	struct user_regs_struct r;
	unsigned long status = 0;
	struct killed *k = &t->killed[t->count % KILLS_MAX];

	if (trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&status) != 0 ||
	    !WIFSIGNALED((int)status) || WTERMSIG((int)status) != SIGSYS ||
	    trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&r) != 0)
		return;
	*k = (struct killed){
		.pid = pid,
		.nr = r.orig_rax == (unsigned long)-1 ? r.rax : r.orig_rax,
		.args = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9},
	};
	__sync_synchronize();
	t->count++;
}

/* Lets a stopped process go on; what it was stopped for is passed on. */
static void
resume(struct traced *t, pid_t pid, int status)
{
	int event = EVENT_OF(status), sig = WSTOPSIG(status);

	if (event == PTRACE_EVENT_EXIT)
		see_exit(t, pid);
	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		trace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	trace(PTRACE_CONT, pid, 0, event ? 0 : (uintptr_t)sig);
}

static int
follow(struct traced *t, pid_t main_pid)
{
	int status, code = EXIT_INTERNAL;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			resume(t, pid, status);
			continue;
		}
		if (pid != main_pid)
			continue;
		if (WIFEXITED(status))
			code = WEXITSTATUS(status);
		break; /* EXITKILL sees to what it may have left */
	}
	return code;
}

/* The child waits until it is held, or known not to be. */
static void
run_child(struct traced *t, int go, int (*work)(struct traced *, void *),
	  void *arg)
{
	char byte;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || read(go, &byte, 1) != 1)
		_exit(EXIT_INTERNAL);
	close(go);
	_exit(work(t, arg));
}

int
kill_trace(int (*work)(struct traced *t, void *arg), void *arg)
{
	struct traced *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int go[2], code;
	pid_t pid;

	if (t == MAP_FAILED || pipe(go) != 0 || (pid = fork()) < 0)
		return EXIT_INTERNAL;
	if (pid == 0) {
		close(go[1]);
		run_child(t, go[0], work, arg);
	}
	close(go[0]);
	t->on = trace(PTRACE_SEIZE, pid, 0, FOLLOW) == 0;
	code = write(go[1], "", 1) == 1 ? follow(t, pid) : EXIT_INTERNAL;
	close(go[1]);
	munmap(t, sizeof(*t));
	return code;
}
