/* SPDX-License-Identifier: Apache-2.0 */
/* The ways back: ids, capabilities, what prctl(2) and setrlimit(2) undo. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "evil.h"

/* By number: glibc's own would signal other threads first. */
static int
set_user(const struct world *w)
{
	return evil_result(syscall(SYS_setresuid, 0, 0, 0));
}

static int
set_user_simply(const struct world *w)
{
	return evil_result(syscall(SYS_setuid, 0));
}

static int
set_group(const struct world *w)
{
	return evil_result(syscall(SYS_setresgid, 0, 0, 0));
}

static int
set_groups(const struct world *w)
{
	gid_t g = 0;

	return evil_result(syscall(SYS_setgroups, 1, &g));
}

static int
file_user(const struct world *w)
{
	syscall(SYS_setfsuid, 0);
	return syscall(SYS_setfsuid, -1) == 0 ? 0 : EPERM;
}

static int
raise_capability(const struct world *w)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
		{.permitted = 1u << CAP_SYS_ADMIN,
		 .effective = 1u << CAP_SYS_ADMIN}};

	return evil_result(syscall(SYS_capset, &h, d));
}

static int
ambient(const struct world *w)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{.permitted = 1u << CAP_KILL,
					       .effective = 1u << CAP_KILL,
					       .inheritable = 1u << CAP_KILL}};

	if (syscall(SYS_capset, &h, d) != 0)
		return errno;
	return evil_result(syscall(SYS_prctl, PR_CAP_AMBIENT,
				   PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
}

static int
secure_bits(const struct world *w)
{
	return evil_result(syscall(SYS_prctl, PR_SET_SECUREBITS,
				   SECBIT_KEEP_CAPS, 0, 0, 0));
}

static int
be_dumpable(const struct world *w)
{
	return evil_result(syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
outlive(const struct world *w)
{
	return evil_result(syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

static int
undo_mdwe(const struct world *w)
{
	return evil_result(syscall(SYS_prctl, 65, 0, 0, 0, 0));
}

static int
rename_self(const struct world *w)
{
	return evil_result(syscall(SYS_prctl, PR_SET_NAME, "sshd", 0, 0, 0));
}

static int
limit(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit l = {value, value};

	return evil_result(syscall(SYS_prlimit64, 0, what, &l, NULL));
}

static int
more_descriptors(const struct world *w)
{
	return limit(RLIMIT_NOFILE, 64); /* its own is lower */
}

static int
a_core_file(const struct world *w)
{
	return limit(RLIMIT_CORE, RLIM_INFINITY);
}

static int
more_processes(const struct world *w)
{
	return limit(RLIMIT_NPROC, 1);
}

static int
long_files(const struct world *w)
{
	return limit(RLIMIT_FSIZE, RLIM_INFINITY);
}

static int
higher_priority(const struct world *w)
{
	return evil_result(setpriority(PRIO_PROCESS, 0, -20));
}

static int
real_time(const struct world *w)
{
	struct sched_param p = {.sched_priority = 1};

	return evil_result(sched_setscheduler(0, SCHED_FIFO, &p));
}

static int
io_priority(const struct world *w)
{
	return evil_result(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
}

const struct try tries_ids[] = {
	{"setresuid", set_user},
	{"setuid", set_user_simply},
	{"setresgid", set_group},
	{"setgroups", set_groups},
	{"setfsuid", file_user},
	{"capset", raise_capability},
	{"ambient", ambient},
	{"securebits", secure_bits},
	{"dumpable", be_dumpable},
	{"death-signal", outlive},
	{"undo-mdwe", undo_mdwe},
	{"rename-self", rename_self},
	{"raise-nofile", more_descriptors},
	{"raise-core", a_core_file},
	{"raise-nproc", more_processes},
	{"raise-fsize", long_files},
	{"raise-priority", higher_priority},
	{"real-time", real_time},
	{"io-priority", io_priority},
	{NULL, NULL},
};
