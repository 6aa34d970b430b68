/* SPDX-License-Identifier: Apache-2.0 */
/* The arena itself: its two kinds, its guards, its silence. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "secret.h"

#define PAGE 4096u

/* Makes a system call fail with ENOSYS from here on. */
static void
without(unsigned call)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {4, f};

	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

/* Finds the flags of the mapping that holds p in /proc/self/smaps. */
static void
vm_flags(const void *p, char out[static 256])
{
	unsigned long at = (unsigned long)(uintptr_t)p, lo, hi;
	char line[256];
	bool here = false;
	FILE *f = fopen("/proc/self/smaps", "re");

	out[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			here = at >= lo && at < hi;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(out, 256, "%s", line + 8);
	}
	if (f)
		fclose(f);
}

static void
kind_is_memfd(void)
{
	enum secret_kind kind = SECRET_LOCKED;
	struct secret *s;
	char flags[256];

	EXPECT(secret_arena(ARENA, &kind) == 0);
	EXPECT(kind == SECRET_MEMFD);
	EXPECT(secret_new(1, &s) == 0);
	vm_flags(secret_bytes(s), flags);
	EXPECT(strstr(flags, " lo") && strstr(flags, " dd"));
	EXPECT(strstr(flags, " dc"));
}

CASE(lives_in_memfd_secret_where_the_kernel_has_it)
{
	long fd = syscall(447, 0);

	if (fd < 0) {
		printf("# SKIP this kernel has no memfd_secret\n");
		return;
	}
	close((int)fd);
	EXPECT(in_child(kind_is_memfd) == 0);
}

static void
kind_is_locked(void)
{
	enum secret_kind kind = SECRET_MEMFD;
	struct secret *s;
	char flags[256];

	without(447);
	EXPECT(secret_arena(ARENA, &kind) == 0);
	EXPECT(kind == SECRET_LOCKED);
	EXPECT(secret_new(1, &s) == 0);
	vm_flags(secret_bytes(s), flags);
	EXPECT(strstr(flags, " lo") && strstr(flags, " dd"));
	EXPECT(strstr(flags, " wf"));
}

CASE(falls_back_to_pages_that_are_locked_undumped_and_wiped_on_fork)
{
	EXPECT(in_child(kind_is_locked) == 0);
}

static void
neither_kind(void)
{
	enum secret_kind kind = (enum secret_kind)9;
	struct secret *s;

	without(447);
	without(SYS_mlock);
	EXPECT(secret_arena(ARENA, &kind) == ERR_LOCK);
	EXPECT((int)kind == 9);
	EXPECT(secret_new(1, &s) == ERR_NOMEM);
}

CASE(refuses_when_neither_kind_is_to_be_had)
{
	EXPECT(in_child(neither_kind) == 0);
}

static void
twice(void)
{
	enum secret_kind kind;

	EXPECT(secret_arena(0, &kind) == ERR_LOCK);
	EXPECT(secret_arena(SIZE_MAX, &kind) == ERR_LOCK);
	EXPECT(secret_arena(1, &kind) == 0);
	EXPECT(secret_arena(1, &kind) == ERR_LOCK);
}

CASE(is_made_once_per_process)
{
	EXPECT(in_child(twice) == 0);
}

/* The first block's header is at the arena's first byte. */
static void
write_below(void)
{
	volatile uint8_t *p = secret_bytes(arena_and_secret(1));

	p = (uint8_t *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
	p[0] = p[0];
	p[-1] = 1;
}

static void
write_above(void)
{
	volatile uint8_t *p = secret_bytes(arena_and_secret(1));

	p = (uint8_t *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
	p[ARENA - 1] = 0;
	p[ARENA] = 1;
}

CASE(guard_pages_stand_on_both_sides)
{
	EXPECT(dies_of(write_below, SIGSEGV));
	EXPECT(dies_of(write_above, SIGSEGV));
}

static void
strict_mode(void)
{
	struct secret *s[64], *big;
	bool ok = true;
	void *p;

	big = arena_and_secret(40000);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		syscall(SYS_exit, 2);
	secret_free(big);
	for (size_t i = 0; i < 64; i++)
		ok &= secret_new(i * 10, &s[i]) == 0;
	for (size_t i = 0; i < 64; i += 2)
		secret_free(s[i]);
	ok &= (p = secret_malloc(20000)) != NULL;
	secret_mfree(p);
	wipe(&p, sizeof(p));
	syscall(SYS_exit, ok ? 0 : 3);
}

CASE(makes_no_system_call_once_the_arena_stands)
{
	EXPECT(in_child(strict_mode) == 0);
}

static void
touch_after_fork(void)
{
	uint8_t *p = secret_bytes(arena_and_secret(16));

	memset(p, 'k', 16);
	if (fork() == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(p[0] == 'k' ? 1 : 0);
	} else {
		int status = 0;

		wait(&status);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

static void
touch_after_fork_locked(void)
{
	uint8_t *p;
	int status = -1;

	without(447);
	p = secret_bytes(arena_and_secret(16));
	memset(p, 'k', 16);
	if (fork() == 0)
		_exit(p[0] == 0 && p[15] == 0 ? 0 : 1);
	wait(&status);
	EXPECT(status == 0);
}

CASE(a_forked_child_has_no_secrets)
{
	if (in_child(kind_is_memfd) == 0)
		EXPECT(in_child(touch_after_fork) == 0);
	EXPECT(in_child(touch_after_fork_locked) == 0);
}

CASE(comparison_sees_every_bit)
{
	uint8_t a[32] = {0}, b[32] = {0};

	EXPECT(equal_ct(a, b, 32) == 0);
	EXPECT(equal_ct(a, b, 0) == 0);
	for (size_t bit = 0; bit < 256; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EXPECT(equal_ct(a, b, 32) == 1);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

CASE(wipe_takes_nothing_and_something)
{
	char s[4] = "key";

	wipe(NULL, 0);
	wipe(s, 2);
	EXPECT(s[0] == 0 && s[1] == 0 && s[2] == 'y');
}

int
main(void)
{
	return check_run();
}
