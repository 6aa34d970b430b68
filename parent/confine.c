/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 of a child's confinement, between clone and exec: plain system
 * calls only, every failure fatal.  Stage 2 is the worker's own
 * (policy/worker.c); the gate (gate.c) checks both from outside.
 *
 *   step		must come before	because
 *   netns, root	capabilities		they need CAP_SYS_ADMIN
 *   descriptors	ids			nothing of ours may leak past
 *   bounding set	capset			needs CAP_SETPCAP
 *   securebits		capset			needs CAP_SETPCAP
 *   ids		capset			needs CAP_SETUID, CAP_SETGID
 *   capset		the regain test		with NO_SETUID_FIXUP an earlier
 *						try succeeds (measured)
 *   death signal	all else		one that is stopped must not
 *outlive the supervisor, whose lock it has ids		death signal, again
 *each id that changes clears it no_new_privs	outer filter		an
 *unprivileged filter needs it
 *   outer filter	exec			no moment is naked
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fds.h"
#include "page.h"
#include "spawn.h"

#define FD_HIGH	  400 /* where descriptors wait for their places */
#define CAP_KNOWN CAP_CHECKPOINT_RESTORE /* Linux 5.9: every kernel has it */
#define CAP_LAST  63

#define X(name, code, who, what, todo)                                         \
	_Static_assert((code) < STEP_EXIT, "no exit code is a step's");
#include "exit.def"
#undef X

static const char *const step_names[STEP_COUNT] = {
	[STEP_SESSION] = "session and keyring",
	[STEP_NETNS] = "network namespace",
	[STEP_ROOT] = "root directory",
	[STEP_FDS] = "descriptors",
	[STEP_BOUNDING] = "bounding set",
	[STEP_SECUREBITS] = "securebits",
	[STEP_IDS] = "uid and gid",
	[STEP_CAPS] = "capabilities",
	[STEP_REGAIN] = "the way back to root is open",
	[STEP_DEATHSIG] = "death signal",
	[STEP_NNP] = "no_new_privs",
	[STEP_FILTER] = "outer filter",
	[STEP_EXEC] = "exec",
};

const char *
step_name(int step)
{
	return step >= 0 && step < STEP_COUNT ? step_names[step] : "?";
}

static int
step_session(const struct sup *s)
{
	if (setsid() < 0)
		return -1;
	if (!s->full) /* no CLONE_CLEAR_SIGHAND with plain clone */
		for (int sig = 1; sig < _NSIG; sig++)
			signal(sig, SIG_DFL);
	/* A fresh session keyring; a kernel without keyrings has none. */
	if (s->full &&
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return -1;
	umask(077);
	return 0;
}

/*
 * Moves every descriptor to a high number first, so that no target is
 * overwritten before it was used; the program waits behind the table and is
 * closed by exec.
 */
static int
step_fds(const struct spawn *sp, int program, int *out_program)
{
	int high[SPAWN_FDS], last = 2;

	for (int i = 0; i < SPAWN_FDS; i++) {
		high[i] = -1;
		if (sp->fd[i] < 0)
			continue;
		high[i] = fcntl(sp->fd[i], F_DUPFD_CLOEXEC, FD_HIGH);
		if (high[i] < 0)
			return -1;
		last = i;
	}
	if ((program = fcntl(program, F_DUPFD_CLOEXEC, FD_HIGH)) < 0)
		return -1;
	for (int i = 0; i <= last; i++) {
		if (high[i] < 0)
			close(i);
		else if (dup2(high[i], i) < 0)
			return -1;
	}
	if (dup3(program, last + 1, O_CLOEXEC) < 0)
		return -1;
	*out_program = last + 1;
	return close_range((unsigned)last + 2, ~0U, 0);
}

/*
 * The supervisor has emptied its own, so that here is mostly nothing to drop:
 * reading costs a tenth of it.  Capabilities have no gaps; the first that the
 * kernel does not know is the end.
 */
static int
step_bounding(void)
{
	for (int cap = 0; cap <= CAP_LAST; cap++) {
		int set = prctl(PR_CAPBSET_READ, cap);

		if (set < 0 && (errno != EINVAL || cap <= CAP_KNOWN))
			return -1;
		if (set < 0)
			break;
		if (set != 0 && (prctl(PR_CAPBSET_DROP, cap) != 0 ||
				 prctl(PR_CAPBSET_READ, cap) != 0))
			return -1;
	}
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int
step_securebits(void)
{
	const unsigned long bits =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE |
		SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (prctl(PR_SET_SECUREBITS, bits) != 0)
		return -1;
	return prctl(PR_GET_SECUREBITS) == (int)bits ? 0 : -1;
}

static int
death_signal(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int
step_ids(uid_t id)
{
	uid_t u[3];
	gid_t g[3];

	if (setgroups(0, NULL) != 0 || setresgid(id, id, id) != 0 ||
	    death_signal() != 0 || setresuid(id, id, id) != 0 ||
	    death_signal() != 0 || getresgid(&g[0], &g[1], &g[2]) != 0 ||
	    getresuid(&u[0], &u[1], &u[2]) != 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (u[i] != id || g[i] != id)
			return -1;
	return getgroups(0, NULL) == 0 ? 0 : -1;
}

static int
set_caps(uint32_t permitted)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
		{.permitted = permitted, .effective = permitted}};

	return (int)syscall(SYS_capset, &h, d);
}

static int
step_regain(void)
{
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 ||
	    setgroups(0, NULL) == 0 || set_caps(1u << CAP_SETUID) == 0)
		return -1;
	return 0;
}

/*
 * The parent may have died before the death signal was set.  getppid(2) is 0
 * in a pid namespace of its own; the ready pipe tells: only the supervisor
 * holds its read end.
 */
static int
step_deathsig(void)
{
	struct pollfd p = {.fd = FD_READY};

	if (death_signal() != 0 || poll(&p, 1, 0) < 0)
		return -1;
	return p.revents & POLLERR ? -1 : 0;
}

_Noreturn static void
quit(enum step step)
{
	_exit(STEP_EXIT + (int)step);
}

_Noreturn void
confine_and_exec(const struct sup *s, const struct spawn *sp, int program)
{
	sigset_t none;

	if (death_signal() != 0)
		quit(STEP_DEATHSIG);
	if (step_session(s) != 0)
		quit(STEP_SESSION);
	if (sp->netns >= 0 && setns(sp->netns, CLONE_NEWNET) != 0)
		quit(STEP_NETNS);
	if (root_enter(s, sp) != 0)
		quit(STEP_ROOT);
	if (step_fds(sp, program, &program) != 0)
		quit(STEP_FDS);
	if (step_bounding() != 0)
		quit(STEP_BOUNDING);
	if (step_securebits() != 0)
		quit(STEP_SECUREBITS);
	if (step_ids(sp->uid) != 0)
		quit(STEP_IDS);
	if (set_caps(0) != 0)
		quit(STEP_CAPS);
	if (step_regain() != 0)
		quit(STEP_REGAIN);
	if (step_deathsig() != 0)
		quit(STEP_DEATHSIG);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		quit(STEP_NNP);
	sigemptyset(&none);
	if (sp->keep_signals_open && sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		quit(STEP_SESSION);
	if (filter_install(page_of_seat[sp->seat]->outer) != 0)
		quit(STEP_FILTER);
	syscall(SYS_execveat, program, "", sp->argv, sp->envp, AT_EMPTY_PATH);
	quit(STEP_EXEC);
}
