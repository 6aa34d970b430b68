/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three filters on the server add to one system call: calls that
 * fail at once, without and with them, in batches; the fastest batch counts,
 * which other programs on the machine cannot make faster.  Nanoseconds.
 */
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../stats.h"
#include "filter.h"

#define BATCHES 2000
#define CALLS	200

static const struct probe {
	const char *name;
	long nr;
	long args[4];
} probes[] = {
	{"read", SYS_read, {-1}},
	{"write", SYS_write, {-1}},
	{"epoll_pwait", SYS_epoll_pwait, {-1}},
	{"futex", SYS_futex, {0, FUTEX_WAKE_PRIVATE}},
	{"getpid (named)", SYS_getpid, {0}},
	{"fcntl F_GETFL (a condition)", SYS_fcntl, {-1, 3}},
	{"tgkill SIGURG (a condition)", SYS_tgkill, {0, 0, SIGURG}},
	{"sendto (a condition, twice)", SYS_sendto, {-1}},
};

#define PROBES (sizeof(probes) / sizeof(probes[0]))

static void
measure(double out[PROBES])
{
	for (size_t i = 0; i < PROBES; i++)
		out[i] = 1e9;
	for (unsigned b = 0; b < BATCHES * PROBES; b++) {
		const struct probe *p = &probes[b % PROBES];
		double start = bench_us(), ns;

		for (unsigned n = 0; n < CALLS; n++)
			syscall(p->nr, p->args[0], p->args[1], p->args[2],
				p->args[3]);
		ns = (bench_us() - start) * 1e3 / CALLS;
		if (ns < out[b % PROBES])
			out[b % PROBES] = ns;
	}
}

/* Filters are for ever: a child has them, and leaves its figures here. */
static int
in_child(double out[PROBES])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    filter_install(&filter_supervisor) != 0 ||
		    filter_install(&filter_outer_net) != 0 ||
		    filter_install(&filter_vault_server) != 0)
			_exit(1);
		measure(out);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status == 0 ? 0 : -1;
}

int
main(void)
{
	double without[PROBES];
	double *with = mmap(NULL, sizeof(without), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (with == MAP_FAILED)
		return 1;
	measure(without);
	if (in_child(with) != 0)
		return 1;
	printf("%-30s %9s %9s %9s\n", "ns a call", "without", "with", "more");
	for (size_t i = 0; i < PROBES; i++)
		printf("%-30s %9.0f %9.0f %9.0f\n", probes[i].name, without[i],
		       with[i], with[i] - without[i]);
	return 0;
}
