/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes: the server (another uid) and the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "evil.h"

static int
kill_server(const struct world *w)
{
	return evil_result(kill(w->server, SIGUSR1));
}

static int
kill_supervisor(const struct world *w)
{
	return evil_result(kill(w->supervisor, 0));
}

static int
tgkill_server(const struct world *w)
{
	return evil_result(syscall(SYS_tgkill, w->server, w->server, SIGUSR1));
}

static int
tkill_server(const struct world *w)
{
	return evil_result(syscall(SYS_tkill, w->server, SIGUSR1));
}

static int
queue_server(const struct world *w)
{
	return evil_result(sigqueue(w->server, SIGUSR1, (union sigval){0}));
}

static int
pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int
pidfd_signal(const struct world *w)
{
	int fd = pidfd(w->server);

	if (fd < 0)
		return errno;
	return evil_result(
		syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
}

static int
pidfd_steal(const struct world *w)
{
	int fd = pidfd(w->server);

	if (fd < 0)
		return errno;
	return evil_result(syscall(SYS_pidfd_getfd, fd, w->server_fd, 0));
}

static int
trace(const struct world *w)
{
	return evil_result(ptrace(PTRACE_SEIZE, w->server, NULL, NULL));
}

static int
memory(const struct world *w, long call)
{
	char bytes[8] = "evil....";
	struct iovec mine = {bytes, 8}, hers = {(void *)w->address, 8};

	return evil_result(
		syscall(call, w->server, &mine, 1UL, &hers, 1UL, 0UL));
}

static int
read_memory(const struct world *w)
{
	return memory(w, SYS_process_vm_readv);
}

static int
write_memory(const struct world *w)
{
	return memory(w, SYS_process_vm_writev);
}

static int
compare(const struct world *w)
{
	return evil_result(
		syscall(SYS_kcmp, getpid(), w->server, KCMP_VM, 0, 0));
}

static int
advise_memory(const struct world *w)
{
	struct iovec hers = {(void *)(w->address & ~4095UL), 4096};
	int fd = pidfd(w->server);

	if (fd < 0)
		return errno;
	return evil_result(
		syscall(SYS_process_madvise, fd, &hers, 1, MADV_COLD, 0));
}

static int
slow_server(const struct world *w)
{
	return evil_result(setpriority(PRIO_PROCESS, (id_t)w->server, 19));
}

static int
pin_server(const struct world *w)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return evil_result(sched_setaffinity(w->server, sizeof(set), &set));
}

static int
schedule_server(const struct world *w)
{
	struct sched_param p = {0};

	return evil_result(sched_setscheduler(w->server, SCHED_IDLE, &p));
}

static int
io_of_server(const struct world *w)
{
	return evil_result(syscall(SYS_ioprio_set, 1, w->server, 3 << 13));
}

static int
group_of_server(const struct world *w)
{
	return evil_result(getpgid(w->server));
}

static int
move_memory(const struct world *w)
{
	void *page = (void *)(w->address & ~4095UL);
	int status, node = 0;

	return evil_result(syscall(SYS_move_pages, w->server, 1UL, &page, &node,
				   &status, 0));
}

const struct try tries_procs[] = {
	{"kill-server", kill_server},
	{"kill-supervisor", kill_supervisor},
	{"tgkill-server", tgkill_server},
	{"tkill-server", tkill_server},
	{"sigqueue-server", queue_server},
	{"pidfd-signal", pidfd_signal},
	{"pidfd-getfd", pidfd_steal},
	{"ptrace", trace},
	{"vm-readv", read_memory},
	{"vm-writev", write_memory},
	{"kcmp", compare},
	{"process-madvise", advise_memory},
	{"nice-server", slow_server},
	{"affinity-server", pin_server},
	{"scheduler-server", schedule_server},
	{"ioprio-server", io_of_server},
	{"getpgid-server", group_of_server},
	{"move-pages", move_memory},
	{NULL, NULL},
};
