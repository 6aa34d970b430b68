/* SPDX-License-Identifier: Apache-2.0 */
/* Children, threads, other programs, and memory that is written and run. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evil.h"

#define PAGE 4096

/* mov eax, 231; mov edi, 250; syscall: exit_group(EVIL_DONE) */
#define CODE                                                                   \
	{                                                                      \
		0xb8, 0xe7, 0, 0, 0, 0xbf, 0xfa, 0, 0, 0, 0x0f, 0x05           \
	}
static const unsigned char code[] = CODE;

/* The smallest program (elf(5)): one header, one segment, that code. */
static const struct {
	unsigned char head[120];
	unsigned char code[sizeof(code)];
} program = {
	.head = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, [16] = 2, 0, 62, 0,
		 1, [24] = 0x78, 0, 0x40, [32] = 64, [52] = 64, 0, 56, 0, 1, 0,
		 /* the segment: readable, executable, whole file at 4 MiB */
		 [64] = 1, [68] = 5, [80] = 0, 0, 0x40, [88] = 0, 0,
		 0x40, [96] = 132, [104] = 132, [113] = 0x10},
	.code = CODE,
};

static char word[] = "x", *no_words[] = {word, NULL};

static int
child(long pid)
{
	if (pid == 0)
		_exit(0);
	return evil_result(pid);
}

static int
by_fork(const struct world *w)
{
	return child(syscall(SYS_fork));
}

/* The child may not return from here: it says it by itself. */
static int
by_vfork(const struct world *w)
{
	return child(
		syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD,
			(char *)mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) +
				16 * PAGE,
			0, 0, 0));
}

static int
by_clone(const struct world *w)
{
	return child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
by_clone3(const struct world *w)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	return child(syscall(SYS_clone3, &args, sizeof(args)));
}

static int
new_user_namespace(const struct world *w)
{
	return child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int
run(void *unused)
{
	while (!unused)
		syscall(SYS_exit, 0); /* this thread alone */
	return 0;
}

static int
a_thread(const struct world *w)
{
	static char stack[PAGE] __attribute__((aligned(16)));

	return evil_result(clone(run, stack + sizeof(stack),
				 CLONE_VM | CLONE_FS | CLONE_FILES |
					 CLONE_SIGHAND | CLONE_THREAD |
					 CLONE_SYSVSEM,
				 NULL));
}

static int
shell(const struct world *w)
{
	static char sh[] = "sh", c[] = "-c", script[] = "exit 250";
	static char *words[] = {sh, c, script, NULL};

	execve("/bin/sh", words, NULL);
	return errno;
}

static int
itself(const struct world *w)
{
	static char again[] = "EVIL=again", *environment[] = {again, NULL};

	execve("/proc/self/exe", no_words, environment);
	return errno;
}

static int
program_in_memory(const struct world *w)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	if (fd < 0 || write(fd, &program, sizeof(program)) < 0)
		return errno;
	syscall(SYS_execveat, fd, "", no_words, NULL, AT_EMPTY_PATH);
	return errno;
}

static int
call(void *p)
{
	union {
		void *p;
		void (*run)(void);
	} u = {.p = p};

	u.run(); /* ends the process with EVIL_DONE */
	return -1;
}

static int
map_writable_executable(const struct world *w)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	memcpy(p, code, sizeof(code));
	return call(p);
}

/* Memory of its own, written and then made executable. */
static int
make_executable(const struct world *w, int protection)
{
	static unsigned char mine[2 * PAGE] __attribute__((aligned(PAGE)));

	memcpy(mine, code, sizeof(code));
	if (mprotect(mine, PAGE, protection) != 0)
		return errno;
	return call(mine);
}

static int
protect(const struct world *w)
{
	return make_executable(w, PROT_READ | PROT_EXEC);
}

static int
protect_by_key(const struct world *w)
{
	static unsigned char mine[2 * PAGE] __attribute__((aligned(PAGE)));

	memcpy(mine, code, sizeof(code));
	if (syscall(SYS_pkey_mprotect, mine, PAGE, PROT_READ | PROT_EXEC, -1) !=
	    0)
		return errno;
	return call(mine);
}

/* The code of the program itself, made writable. */
static int
write_own_code(const struct world *w)
{
	uintptr_t page = (uintptr_t)write_own_code & ~(uintptr_t)(PAGE - 1);

	return evil_result(mprotect((void *)page, PAGE,
				    PROT_READ | PROT_WRITE | PROT_EXEC));
}

/* A file in memory, written by one name and run by another. */
static int
map_file(const struct world *w)
{
	int fd = memfd_create("x", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || write(fd, code, sizeof(code)) < 0)
		return errno;
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? errno : call(p);
}

static int
shared_segment(const struct world *w)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	void *p;

	if (id < 0)
		return errno;
	p = shmat(id, NULL, SHM_EXEC);
	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		return errno;
	memcpy(p, code, sizeof(code));
	return call(p);
}

static int
read_implies_exec(const struct world *w)
{
	return evil_result(personality(READ_IMPLIES_EXEC));
}

const struct try tries_exec[] = {
	{"fork", by_fork},
	{"vfork", by_vfork},
	{"clone", by_clone},
	{"clone3", by_clone3},
	{"clone-user-namespace", new_user_namespace},
	{"thread", a_thread},
	{"exec-shell", shell},
	{"exec-itself", itself},
	{"exec-memory", program_in_memory},
	{"mmap-wx", map_writable_executable},
	{"mprotect-exec", protect},
	{"pkey-mprotect-exec", protect_by_key},
	{"write-own-code", write_own_code},
	{"memfd-exec-map", map_file},
	{"shm-exec", shared_segment},
	{"read-implies-exec", read_implies_exec},
	{NULL, NULL},
};
