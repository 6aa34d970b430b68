/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel machinery that no role uses, namespaces, mounts.  The driver has
 * namespaces of its own, so that a try that succeeds changes nothing of the
 * machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "evil.h"

static int
io_uring(const struct world *w)
{
	uint32_t params[30] = {0};

	return evil_result(syscall(SYS_io_uring_setup, 1, params));
}

static int
bpf_map(const struct world *w)
{
	union bpf_attr a = {.map_type = BPF_MAP_TYPE_ARRAY,
			    .key_size = 4,
			    .value_size = 8,
			    .max_entries = 1};

	return evil_result(syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a)));
}

static int
perf(const struct world *w)
{
	struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE,
				    .size = sizeof(a),
				    .config = PERF_COUNT_SW_CPU_CLOCK};

	return evil_result(
		syscall(SYS_perf_event_open, &a, w->server, -1, -1, 0));
}

static int
fault_handler(const struct world *w)
{
	return evil_result(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int
join_keyring(const struct world *w)
{
	return evil_result(
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "evil"));
}

static int
user_keyring(const struct world *w)
{
	return evil_result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
				   KEY_SPEC_USER_KEYRING, 1));
}

static int
add_a_key(const struct world *w)
{
	return evil_result(syscall(SYS_add_key, "user", "evil", "x", 1UL,
				   KEY_SPEC_PROCESS_KEYRING));
}

static int
ask_for_a_key(const struct world *w)
{
	long r = syscall(SYS_request_key, "user", "evil-none", NULL, 0);

	return r < 0 && errno == ENOKEY ? 0 : evil_result(r);
}

static int
unshare_user(const struct world *w)
{
	return evil_result(unshare(CLONE_NEWUSER));
}

static int
unshare_mounts(const struct world *w)
{
	return evil_result(unshare(CLONE_NEWNS));
}

static int
unshare_network(const struct world *w)
{
	return evil_result(unshare(CLONE_NEWNET));
}

static int
join_server(const struct world *w)
{
	int fd = (int)syscall(SYS_pidfd_open, w->server, 0);

	if (fd < 0)
		return errno;
	return evil_result(setns(fd, CLONE_NEWNET | CLONE_NEWUTS));
}

static int
mount_tmpfs(const struct world *w)
{
	return evil_result(mount("x", "/", "tmpfs", 0, NULL));
}

static int
mount_writable(const struct world *w)
{
	return evil_result(
		mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static int
unmount(const struct world *w)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/mounted", w->dir);
	return evil_result(umount2(path, MNT_DETACH));
}

static int
new_file_system(const struct world *w)
{
	return evil_result(syscall(SYS_fsopen, "tmpfs", 0));
}

static int
clone_mount(const struct world *w)
{
	return evil_result(syscall(SYS_open_tree, AT_FDCWD, "/", 1));
}

static int
mount_attributes(const struct world *w)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} a = {0, 0, MS_PRIVATE, 0};

	return evil_result(
		syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &a, sizeof(a)));
}

static int
change_root(const struct world *w)
{
	return evil_result(chroot("/"));
}

static int
host_name(const struct world *w)
{
	return evil_result(sethostname("evil", 4));
}

static int
domain_name(const struct world *w)
{
	return evil_result(setdomainname("evil", 4));
}

static int
kernel_log(const struct world *w)
{
	char text[16];

	return evil_result(klogctl(3, text, sizeof(text)));
}

static int
clock_reading(const struct world *w)
{
	struct timex t = {0};

	return evil_result(adjtimex(&t));
}

static int
clock_setting(const struct world *w)
{
	struct timex t = {.modes = ADJ_TICK, .tick = 10000};

	return evil_result(adjtimex(&t));
}

static int
io_ports(const struct world *w)
{
	return evil_result(ioperm(0x80, 1, 1));
}

static int
io_level(const struct world *w)
{
	return evil_result(syscall(SYS_iopl, 3));
}

static int
descriptor_table(const struct world *w)
{
	char table[16];

	return evil_result(syscall(SYS_modify_ldt, 0, table, sizeof(table)));
}

/* The kernel looks for the privilege first, and then finds no such module. */
static int
unload_module(const struct world *w)
{
	long r = syscall(SYS_delete_module, "evil_none", O_NONBLOCK);

	return r < 0 && errno == ENOENT ? 0 : evil_result(r);
}

static int
swap_off(const struct world *w)
{
	long r = syscall(SYS_swapoff, "/nowhere/evil");

	return r < 0 && errno == ENOENT ? 0 : evil_result(r);
}

static int
memory_policy(const struct world *w)
{
	return evil_result(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL));
}

static int
file_in_memory(const struct world *w)
{
	return evil_result(memfd_create("x", MFD_CLOEXEC));
}

static int
shared_memory(const struct world *w)
{
	return evil_result(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
}

static int
semaphores(const struct world *w)
{
	return evil_result(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

static int
messages(const struct world *w)
{
	return evil_result(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

static int
posix_queue(const struct world *w)
{
	return evil_result(mq_open("/evil", O_RDWR | O_CREAT, 0600, NULL));
}

/* A filter of his own: seccomp(2) as a way to lie to himself or to listen. */
static int
another_filter(const struct world *w)
{
	static struct sock_filter pass[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {1, pass};

	return evil_result(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p));
}

static int
a_ruleset(const struct world *w)
{
	return evil_result(syscall(SYS_landlock_create_ruleset, NULL, 0, 1));
}

static int
a_timer(const struct world *w)
{
	struct sigevent e = {.sigev_notify = SIGEV_NONE};
	timer_t t;

	return evil_result(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &t));
}

static int
take_signals(const struct world *w)
{
	sigset_t all;

	sigfillset(&all);
	return evil_result(
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 8));
}

static int
catch_kills(const struct world *w)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? errno : 0;
}

const struct try tries_kernel[] = {
	{"io-uring", io_uring},
	{"bpf", bpf_map},
	{"perf", perf},
	{"userfaultfd", fault_handler},
	{"keyctl-join", join_keyring},
	{"keyctl-user", user_keyring},
	{"add-key", add_a_key},
	{"request-key", ask_for_a_key},
	{"unshare-user", unshare_user},
	{"unshare-mounts", unshare_mounts},
	{"unshare-network", unshare_network},
	{"setns-server", join_server},
	{"mount", mount_tmpfs},
	{"remount", mount_writable},
	{"umount", unmount},
	{"fsopen", new_file_system},
	{"open-tree", clone_mount},
	{"mount-setattr", mount_attributes},
	{"chroot", change_root},
	{"sethostname", host_name},
	{"setdomainname", domain_name},
	{"kernel-log", kernel_log},
	{"adjtimex-read", clock_reading},
	{"adjtimex-set", clock_setting},
	{"ioperm", io_ports},
	{"iopl", io_level},
	{"modify-ldt", descriptor_table},
	{"delete-module", unload_module},
	{"swapoff", swap_off},
	{"set-mempolicy", memory_policy},
	{"memfd", file_in_memory},
	{"shmget", shared_memory},
	{"semget", semaphores},
	{"msgget", messages},
	{"mq-open", posix_queue},
	{"seccomp", another_filter},
	{"landlock", a_ruleset},
	{"timer", a_timer},
	{"sigprocmask", take_signals},
	{"ignore-sigsys", catch_kills},
	{NULL, NULL},
};
