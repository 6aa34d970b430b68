/* SPDX-License-Identifier: Apache-2.0 */
/* Installs a compiled filter on this process (filter.h). */
#include "filter.h"

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int
filter_install(const struct filter_prog *f)
{
	struct sock_fprog prog;

	prog.len = f->count;
	/* the kernel copies the program; its type has no const */
	prog.filter = (struct sock_filter *)(uintptr_t)f->insns;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return ERR_LOCK;
	return 0;
}
