/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-idle: what exec becomes in `sallyport check`.  It does nothing but
 * wait until its standard input ends, without a C library: the server's
 * policy is for Go, and a library's start makes calls that it does not name.
 */
#include <sys/syscall.h>

_Noreturn void _start(void);

static long
call(long number, long a, void *b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

_Noreturn void
_start(void)
{
	char c;

	while (call(SYS_read, 0, &c, 1) > 0)
		continue;
	call(SYS_exit_group, 0, &c, 0);
	__builtin_trap();
}
