/* SPDX-License-Identifier: Apache-2.0 */
#include "protect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "platform.h"
#include "seats.h"
#include "server.h"
#include "status.h"

#ifndef PR_SET_MDWE /* prctl(2), Linux 6.3; younger than glibc 2.36 */
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#define NOBODY	       65534u
#define ARENA	       (1024u * 1024u) /* the largest of any worker */
#define LANDLOCK_TCP   4
#define LANDLOCK_SCOPE 6

bool
protect_full(void)
{
	struct status st;

	return status_read(getpid(), &st) == 0 &&
	       (st.caps[1] >> CAP_SYS_ADMIN & 1);
}

/* Runs one try in a child: 0, or the errno of what failed. */
static int
in_child(int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(attempt());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

static void
ok_or(const char *name, int error, const char *good, const char *what,
      const char *todo)
{
	if (error == 0)
		report_say(FOUND_PROTECTION, name, VERDICT_OK, NULL, "%s",
			   good);
	else
		report_say(FOUND_PROTECTION, name, VERDICT_MISSING, todo,
			   "%s (%s)", what, strerror(error));
}

static void
seccomp(void)
{
	uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;
	int e = 0;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill_process) !=
		    0)
		e = errno;
	ok_or("seccomp", e, "filters, with kill-process",
	      "no system-call filters that kill the process: no worker could "
	      "be confined",
	      "use a kernel with CONFIG_SECCOMP_FILTER (Linux 4.14 or later); "
	      "a runtime must permit seccomp(2)");
}

static void
landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < LANDLOCK_TCP)
		report_say(FOUND_PROTECTION, "landlock", VERDICT_MISSING,
			   "use Linux 6.7 or later with landlock in lsm= of "
			   "the kernel's command line; a runtime must permit "
			   "landlock_create_ruleset(2)",
			   "Landlock is %s%s: workers could reach every file "
			   "and port that their filters let pass",
			   abi < 0 ? "off: " : "too old (no TCP rules)",
			   abi < 0 ? strerror(errno) : "");
	else if (abi < LANDLOCK_SCOPE)
		report_say(FOUND_PROTECTION, "landlock", VERDICT_NOTE,
			   "Linux 6.12 or later has them",
			   "ABI %ld: files and TCP ports, no scopes: the "
			   "filters alone keep signals and abstract sockets "
			   "away",
			   abi);
	else
		report_say(FOUND_PROTECTION, "landlock", VERDICT_OK, NULL,
			   "ABI %ld: files, TCP ports, scopes for signals and "
			   "abstract sockets",
			   abi);
}

/* As ipc/secret.c does it, as a uid without privilege: 1 MiB of each kind. */
static int
try_secret_pages(void)
{
	int fd;

	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return errno;
	fd = (int)syscall(SYS_memfd_secret, 0);
	if (fd < 0 || ftruncate(fd, ARENA) != 0 ||
	    mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
		    MAP_FAILED)
		return errno;
	return 0;
}

static int
try_locked_pages(void)
{
	void *p;

	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return errno;
	p = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p != MAP_FAILED && mlock(p, ARENA) == 0 ? 0 : errno;
}

static void
memory(void)
{
	int e = in_child(try_secret_pages);

	if (e == 0)
		report_say(FOUND_PROTECTION, "memfd_secret", VERDICT_OK, NULL,
			   "secrets lie in pages that the kernel itself does "
			   "not map");
	else if (in_child(try_locked_pages) == 0)
		report_say(FOUND_PROTECTION, "memfd_secret", VERDICT_NOTE,
			   "secretmem.enable=1 on the kernel's command line "
			   "(the default from Linux 6.5 on)",
			   "refused (%s): secrets lie in locked pages, which "
			   "root can read",
			   strerror(e));
	else
		report_say(FOUND_PROTECTION, "memfd_secret", VERDICT_MISSING,
			   "secretmem.enable=1, or a greater limit for locked "
			   "memory (ulimit -l)",
			   "neither memfd_secret(2) nor locked pages are to be "
			   "had: tpm, prepare and control will not start");
}

static int
try_mdwe(void)
{
	return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0
		       ? 0
		       : errno;
}

static int
try_close_range(void)
{
	return close_range(3, ~0U, 0) == 0 ? 0 : errno;
}

static int
try_pidfd(void)
{
	siginfo_t info = {0};
	int pidfd = -1;
	long pid;

	pid = syscall(SYS_clone, (unsigned long)CLONE_PIDFD | SIGCHLD, 0,
		      &pidfd, 0, 0);
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0)
		return errno;
	return 0;
}

/* As parent/spawn.c does it. */
static int
try_namespaces(void)
{
	int pidfd = -1, status;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_NEWNS |
			 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
			 CLONE_NEWPID,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : errno);
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/* As parent/root.c and life.c do it. */
static int
try_mounts(void)
{
	struct mount_attr attr = {.attr_set =
					  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
				  .propagation = MS_PRIVATE};
	int tree, fs, tmp;

	if (unshare(CLONE_NEWNS) != 0)
		return errno;
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/",
			    OPEN_TREE_CLONE | O_CLOEXEC);
	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH,
				&attr, sizeof(attr)) != 0)
		return errno;
	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		return errno;
	tmp = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return tmp < 0 ? errno : 0;
}

void
protect_kernel(bool full)
{
	seccomp();
	landlock();
	memory();
	ok_or("mdwe", in_child(try_mdwe), "memory is never made executable",
	      "memory-deny-write-execute is missing: no worker starts",
	      "use Linux 6.3 or later");
	ok_or("close_range", in_child(try_close_range),
	      "descriptors are closed as a range",
	      "close_range(2) is missing: no worker starts",
	      "use Linux 5.9 or later; a runtime must permit close_range(2)");
	ok_or("pidfd", in_child(try_pidfd), "children are waited for by pidfd",
	      "pidfds are missing: no worker starts", "use Linux 5.4 or later");
	if (!full) {
		report_say(FOUND_PROTECTION, "namespaces", VERDICT_NOTE,
			   "give CAP_SYS_ADMIN for the full profile",
			   "none in the container profile: filters, uids, the "
			   "chroot and Landlock carry the load");
		return;
	}
	ok_or("namespaces", in_child(try_namespaces),
	      "clone3 with mount, pid, network, ipc, uts and cgroup namespaces",
	      "CAP_SYS_ADMIN is permitted, but namespaces by clone3(2) are not",
	      "permit them, or take CAP_SYS_ADMIN away for the container "
	      "profile");
	ok_or("mounts", in_child(try_mounts), "detached mounts and tmpfs",
	      "the mount API (open_tree, mount_setattr, fsopen, fsmount) is "
	      "refused",
	      "use Linux 5.12 or later and permit these calls, or take "
	      "CAP_SYS_ADMIN away for the container profile");
}

/* One check of the supervisor's, which says itself what is wrong. */
static void
as_finding(struct rig *r, const char *name, int code, const char *good)
{
	const struct exit_row *row = exit_row(code);
	char said[300];

	rig_log(r, said, sizeof(said));
	if (code == 0)
		report_say(FOUND_PROTECTION, name, VERDICT_OK, NULL, "%s",
			   good);
	else
		report_say(FOUND_PROTECTION, name, VERDICT_MISSING,
			   row ? row->todo : NULL, "%s: %s",
			   row ? row->what : "?", said);
}

static void
server_program(struct rig *r)
{
	const char *path = conf_str(&r->conf, CONF_SERVER);

	if (access(path, F_OK) != 0 && errno == ENOENT)
		report_say(FOUND_PROTECTION, "server", VERDICT_NOTE,
			   "set server in sallyport.conf, if it lies elsewhere",
			   "%s is not there (yet)", path);
	else
		as_finding(r, "server", server_check(&r->s),
			   "the server program can be run but not read by its "
			   "uid");
}

/* A boot refuses to start beside processes of its workers' uids. */
static void
uids(struct rig *r)
{
	char said[300] = "";

	for (int seat = SEAT_BROKER; seat < SEAT_SERVER; seat++)
		if (platform_uid_free(seat_uid(&r->s, (enum seat)seat)) != 0 &&
		    !said[0])
			rig_log(r, said, sizeof(said));
	if (said[0])
		report_say(FOUND_PROTECTION, "uids", VERDICT_NOTE,
			   "give these uids to nobody else; a boot or another "
			   "check that is going on is no fault",
			   "%s", said);
	else
		report_say(FOUND_PROTECTION, "uids", VERDICT_OK, NULL,
			   "the workers' uids are nobody else's");
}

void
protect_machine(struct rig *r)
{
	char unused[8];

	rig_log(r, unused, sizeof(unused));
	as_finding(r, "swap", platform_swap_off(), "no swap is in use");
	as_finding(r, "install", platform_install_ok(),
		   "programs and library roots belong to root and nobody else "
		   "writes them");
	protect_roots(r);
	server_program(r);
	uids(r);
}
