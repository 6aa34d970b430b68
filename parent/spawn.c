/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fds.h"
#include "page.h"

void
spawn_init(const struct sup *s, struct spawn *sp, enum seat seat)
{
	memset(sp, 0, sizeof(*sp));
	sp->seat = seat;
	sp->uid = seat_uid(s, seat);
	sp->netns = -1;
	for (int i = 0; i < SPAWN_FDS; i++)
		sp->fd[i] = i < 3 ? s->null_fd : -1;
}

/*
 * The program must be as installed: regular, root's, written by nobody else.
 * Returns an O_PATH descriptor, or -1.
 */
static int
open_program(const char *path)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & (022 | S_ISUID | S_ISGID)) == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* full: clone3 with fresh namespaces; container: plain clone with a pidfd. */
static pid_t
clone_child(const struct sup *s, const struct spawn *sp, int *out_pidfd)
{
	uint64_t flags = CLONE_PIDFD;
	int pidfd = -1;
	long pid;

	if (s->full) {
		flags |= CLONE_CLEAR_SIGHAND |
			 page_of_seat[sp->seat]->namespaces;
		struct clone_args args = {
			.flags = flags,
			.pidfd = (uint64_t)(uintptr_t)&pidfd,
			.exit_signal = SIGCHLD,
		};
		pid = syscall(SYS_clone3, &args, sizeof(args));
	} else {
		pid = syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0,
			      &pidfd, 0, 0);
	}
	if (pid > 0)
		*out_pidfd = pidfd;
	return (pid_t)pid;
}

/* What is handed over is what the page names, number for number. */
static bool
as_stated(const struct spawn *sp)
{
	uint64_t set = 0;

	for (int i = 0; i < SPAWN_FDS; i++)
		if (sp->fd[i] >= 0)
			set |= UINT64_C(1) << i;
	return set == page_fds(page_of_seat[sp->seat], sp->seat, false);
}

int
spawn(struct sup *s, struct spawn *sp)
{
	struct child *c = &s->child[sp->seat];
	int ready[2] = {-1, -1}, pidfd = -1, program, r = ERR_SYS;
	pid_t pid;

	BUG_ON(c->state == CHILD_STARTED || c->state == CHILD_LOCKED);
	if ((program = open_program(sp->program)) < 0)
		return ERR_LOCK;
	if (pipe2(ready, O_CLOEXEC) != 0)
		goto out;
	sp->fd[FD_READY] = ready[1];
	BUG_ON(!as_stated(sp));
	if ((pid = clone_child(s, sp, &pidfd)) < 0)
		goto out;
	if (pid == 0)
		confine_and_exec(s, sp, program);
	memset(c, 0, sizeof(*c));
	c->state = CHILD_STARTED;
	c->pid = pid;
	c->pidfd = pidfd;
	c->ready_fd = ready[0];
	ready[0] = -1;
	r = 0;
out:
	if (ready[0] >= 0)
		close(ready[0]);
	if (ready[1] >= 0)
		close(ready[1]);
	close(program);
	return r;
}
