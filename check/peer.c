/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_WAIT 300 /* where descriptors wait for their places */

static _Noreturn void
run_peer(peer_run *run, const struct fixture *f, const int *fd, unsigned count)
{
	int mine[PEER_FDS];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(1);
	for (unsigned i = 0; i < count; i++)
		mine[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, FD_WAIT);
	for (unsigned i = 0; i < count; i++) {
		if (mine[i] < 0 || dup2(mine[i], 3 + (int)i) < 0)
			_exit(1);
		mine[i] = 3 + (int)i;
	}
	if (close_range(3 + count, ~0U, 0) != 0)
		_exit(1);
	run(f, mine, count);
	_exit(0);
}

int
peer_start(struct peer *p, peer_run *run, const struct fixture *f,
	   const int *fd, unsigned count)
{
	pid_t pid;

	p->pidfd = -1;
	if (count > PEER_FDS || (pid = fork()) < 0)
		return ERR_SYS;
	if (pid == 0)
		run_peer(run, f, fd, count);
	/* nobody reaps it before this: wait.c takes orphans in its loop */
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return p->pidfd < 0 ? ERR_SYS : 0;
}

void
peer_stop(struct peer *p)
{
	if (p->pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
	close(p->pidfd);
	p->pidfd = -1;
}
