/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one thing go wrong in one process, at a counted step, by ptrace(2):
 * nothing of it is in the programs that are tested.
 *
 *   fault [-o FILE] SEAT:LIFE CALLS N HOW [VICTIM] -- COMMAND...
 *   fault [-o FILE] -p PID - CALLS N HOW
 *
 * The first follows a boot.  SEAT: the last two words of a program's command
 * line without their path ("https fetch", "broker"; "sallyport" is the
 * supervisor itself); LIFE: the how many-th of them.  "clone": a child of the
 * supervisor, the how many-th, until its exec.  The second seizes one process,
 * which is stopped before its exec, and counts from there.
 * CALLS: numbers that count when they succeed, with commas; "all": each call,
 * when it begins.  N: at the N-th (0: at the exec, 0 with "all": never, count
 * only).  HOW: a signal's number; "eNUMBER": the call is not made and gives
 * that errno; "short": it reads or writes one byte at most; "stays": it stands
 * still, and once it is killed it takes STAY_S to be gone.  VICTIM: a signal
 * goes to that program's process instead.
 * After it all is let go, and this program ends as its command did.
 * FILE: "hit SEAT:LIFE CALL SECONDS" when it happens; at the end "seat
 * SEAT:LIFE COUNT" of each process.
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STAY_S		8
#define SUSPEND_SECCOMP 0x00200000L
#define OPTIONS                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |     \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

static struct rule rule;
static struct proc procs[PROCS_MAX];
static unsigned proc_count;
static pid_t first;
static unsigned clones; /* how many children it had */

static void
die(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(125);
}

static struct proc *
proc_of(pid_t pid)
{
	for (unsigned i = proc_count; i > 0; i--)
		if (procs[i - 1].pid == pid && !procs[i - 1].gone)
			return &procs[i - 1];
	return NULL;
}

static struct proc *
proc_new(pid_t pid)
{
	struct proc *p = &procs[proc_count];

	if (proc_count == PROCS_MAX)
		die("too many processes");
	*p = (struct proc){.pid = pid};
	proc_count++;
	if (rule.clones && pid != first && proc_parent(pid) == first) {
		p->life = ++clones;
		p->counts = rule.list || p->life == rule.life;
	}
	return p;
}

static void
exec_seen(struct proc *p)
{
	unsigned life = 1;

	proc_name(p->pid, p->name, sizeof(p->name));
	for (unsigned i = 0; i < proc_count; i++)
		life += &procs[i] != p && !strcmp(procs[i].name, p->name);
	p->life = life;
	p->counts = !rule.clones &&
		    (rule.one || rule.list ||
		     (!strcmp(p->name, rule.seat) && life == rule.life));
	/* what the supervisor did before is not counted: it is exec'ed first */
}

/* The process the signal is for; 0: there is none (any more). */
static pid_t
victim(const struct proc *p)
{
	if (!rule.victim[0])
		return p->pid;
	for (unsigned i = proc_count; i > 0; i--)
		if (!strcmp(procs[i - 1].name, rule.victim) &&
		    !procs[i - 1].gone)
			return procs[i - 1].pid;
	return 0;
}

static const char *
label(const struct proc *p)
{
	return p->name[0] ? p->name : "clone";
}

/* When, so that what follows can be timed. */
static void
say_hit(const struct proc *p, int call)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	fprintf(rule.report, "hit %s:%u %d %lld.%09ld\n", label(p), p->life,
		call, (long long)t.tv_sec, t.tv_nsec);
	fflush(rule.report);
	rule.done = true;
}

static void
strike(struct proc *p, int call)
{
	pid_t who = victim(p);

	say_hit(p, call);
	if (who != p->pid) {
		if (who)
			kill(who, rule.signal);
		return;
	}
	if (rule.stays && hold(who) != 0)
		die("hold");
	if (rule.signal == SIGSEGV) { /* a true one, that no mask holds off */
		struct user_regs_struct regs;

		ptrace(PTRACE_GETREGS, who, 0, &regs);
		regs.rip = 0;
		ptrace(PTRACE_SETREGS, who, 0, &regs);
	} else {
		kill(who, rule.signal);
	}
	ptrace(PTRACE_DETACH, who, 0, 0);
	p->detached = true;
}

/* The call is not made, or for one byte only. */
static void
spoil(struct proc *p, struct user_regs_struct *regs)
{
	say_hit(p, (int)regs->orig_rax);
	if (rule.one_byte) {
		regs->rdx = 1;
	} else {
		p->answer = -rule.error;
		p->spoiled = true;
		/* the filter would kill on a call that is none */
		ptrace(PTRACE_SETOPTIONS, p->pid, 0, OPTIONS | SUSPEND_SECCOMP);
		regs->orig_rax = (unsigned long long)-1;
	}
	ptrace(PTRACE_SETREGS, p->pid, 0, regs);
}

static bool
reads_or_writes(unsigned long nr)
{
	return nr == SYS_read || nr == SYS_write || nr == SYS_sendto ||
	       nr == SYS_recvfrom || nr == SYS_getrandom;
}

static void
enters(struct proc *p)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, p->pid, 0, &regs);
	p->inside = regs.orig_rax;
	if (!rule.all || !p->counts || rule.done)
		return;
	if (rule.one_byte && !(reads_or_writes(regs.orig_rax) && regs.rdx > 1))
		return;
	p->count++;
	if (rule.list || rule.clones)
		fprintf(rule.report, "call %s:%u %lld\n", label(p), p->life,
			(long long)regs.orig_rax);
	if (p->count == rule.at)
		spoil(p, &regs);
}

static void
leaves(struct proc *p)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, p->pid, 0, &regs);
	if (p->spoiled) {
		p->spoiled = false;
		regs.rax = (unsigned long long)(long long)p->answer;
		ptrace(PTRACE_SETREGS, p->pid, 0, &regs);
		ptrace(PTRACE_SETOPTIONS, p->pid, 0, OPTIONS);
		return;
	}
	if (rule.all || !p->counts || (long long)regs.rax < 0 ||
	    !rule_counts(&rule, p->inside))
		return;
	p->count++;
	if (!rule.done && !rule.list && p->count == rule.at)
		strike(p, (int)p->inside);
}

/* Processes come from it, or it becomes another by its exec. */
static bool
leads_on(const struct proc *p)
{
	return !p->name[0] || p->pid == first ||
	       strncmp(p->name, "exec", 4) == 0;
}

/* How it goes on: traced where something is counted, else undisturbed. */
static void
go_on(struct proc *p, int sig)
{
	if (p->detached)
		return;
	if (rule.done && !p->spoiled)
		ptrace(PTRACE_DETACH, p->pid, 0, sig);
	else if (p->counts)
		ptrace(PTRACE_SYSCALL, p->pid, 0, sig);
	else if (!leads_on(p))
		ptrace(PTRACE_DETACH, p->pid, 0, sig);
	else
		ptrace(PTRACE_CONT, p->pid, 0, sig);
}

static void
stopped(struct proc *p, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		struct __ptrace_syscall_info info;

		ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			enters(p);
		else
			leaves(p);
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		exec_seen(p);
		if (p->counts && !rule.all && !rule.list && rule.at == 0)
			strike(p, -1);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP &&
		   (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
		    sig == SIGTTOU) &&
		   p->name[0]) {
		ptrace(PTRACE_LISTEN, p->pid, 0, 0);
		return;
	} else if (event) {
		if (event == PTRACE_EVENT_EXIT)
			sleep(STAY_S);
		sig = 0;
	}
	go_on(p, sig);
}

static void
report(void)
{
	for (unsigned i = 0; i < proc_count; i++)
		if (procs[i].name[0])
			fprintf(rule.report, "seat %s:%u %u\n", procs[i].name,
				procs[i].life, procs[i].count);
	fflush(rule.report);
}

static pid_t command;

static void
pass_on(int sig)
{
	if (command > 0)
		kill(command, sig);
}

/* Starts the command, seized before its exec. */
static void
start(char **argv)
{
	int p[2];
	char c;

	if (pipe2(p, O_CLOEXEC) != 0 || (command = fork()) < 0)
		die("fork");
	if (command == 0) {
		close(p[1]);
		(void)!read(p[0], &c, 1);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(p[0]);
	if (ptrace(PTRACE_SEIZE, command, 0, OPTIONS) != 0)
		die("seize");
	close(p[1]);
	first = command;
	proc_new(command);
}

static void
seize(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0)
		die("seize");
	first = pid;
	proc_new(pid);
	if (kill(pid, SIGCONT) != 0)
		die("go on");
	fprintf(rule.report, "seized\n");
	fflush(rule.report);
}

static int
loop(void)
{
	int end = -1, status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		struct proc *p;

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return end;
		p = proc_of(pid);
		if (WIFSTOPPED(status)) {
			stopped(p ? p : proc_new(pid), status);
			/* one that is stopped for good is not waited for */
			if (rule.one && p && p->detached)
				return 0;
			continue;
		}
		if (p)
			p->gone = true;
		if (pid == command)
			end = status;
		if (rule.one && pid == first)
			return 0;
	}
}

int
main(int argc, char **argv)
{
	static const int passed[] = {SIGTERM, SIGINT, SIGHUP};
	char **rest;
	int end;

	rule.report = stderr;
	rest = rule_read(argc, argv, &rule);
	if (!rest)
		return 125;
	/* who outlives the command is waited for too */
	if (rule.stays && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		die("subreaper");
	if (rule.one) {
		seize(rule.one);
	} else {
		for (int i = 0; i < 3; i++)
			signal(passed[i], pass_on);
		start(rest);
	}
	end = loop();
	report();
	if (rule.one)
		return 0;
	if (WIFSIGNALED(end)) {
		signal(WTERMSIG(end), SIG_DFL);
		raise(WTERMSIG(end));
	}
	return WEXITSTATUS(end);
}
