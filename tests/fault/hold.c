/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "fault.h"

/* In the namespace of ns: pauses.  Returns its pid, as seen from here. */
static pid_t
pauses_in(int ns)
{
	pid_t pid;

	if (setns(ns, CLONE_NEWPID) != 0)
		return -1;
	if ((pid = fork()) != 0)
		return pid;
	close_range(0, ~0u, 0);
	for (;;)
		pause();
}

int
hold(pid_t who)
{
	char path[64];
	int ns, word[2], r = -1;
	pid_t held = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)who);
	if ((ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	if (pipe2(word, O_CLOEXEC) != 0)
		goto out;
	if (fork() == 0) {
		held = pauses_in(ns);
		_exit(write(word[1], &held, sizeof(held)) != sizeof(held));
	}
	close(word[1]);
	if (read(word[0], &held, sizeof(held)) == sizeof(held) && held > 0 &&
	    ptrace(PTRACE_SEIZE, held, 0, PTRACE_O_TRACEEXIT) == 0)
		r = 0;
	close(word[0]);
out:
	close(ns);
	return r;
}
