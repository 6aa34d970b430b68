/* SPDX-License-Identifier: Apache-2.0 */
/* What is another number on aarch64 than on x86-64. */
#include <seccomp.h>
#include <string.h>

#include "policy_parse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UNIFIED	 424 /* from here on a call has one number everywhere */

/*
 * aarch64 was born without the calls that have a younger form; its libc makes
 * that one where x86-64's makes the old one.
 */
static const struct {
	const char *old;
	const char *young;
} successors[] = {
	{"poll", "ppoll"},	    {"epoll_wait", "epoll_pwait"},
	{"pipe", "pipe2"},	    {"dup2", "dup3"},
	{"readlink", "readlinkat"}, {"access", "faccessat"},
	{"mkdir", "mkdirat"},	    {"unlink", "unlinkat"},
	{"rename", "renameat"},	    {"inotify_init", "inotify_init1"},
};

/* arch/arm64/include/uapi/asm/fcntl.h */
static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	{"O_DIRECTORY", 040000},
	{"O_NOFOLLOW", 0100000},
};

static bool chosen; /* pol_choose_aarch64() */

static int
number(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64, name);

	if (nr < 0 && pol_call(name) >= UNIFIED)
		nr = pol_call(name); /* younger than libseccomp */
	return nr;
}

int
pol_call_aarch64(const char *name)
{
	int nr = number(name);

	for (size_t i = 0; nr < 0 && i < COUNT(successors); i++)
		if (strcmp(successors[i].old, name) == 0)
			nr = number(successors[i].young);
	return nr;
}

void
pol_choose_aarch64(void)
{
	chosen = true;
}

int
pol_const_aarch64(const char *name, size_t chars, uint64_t *out)
{
	for (size_t i = 0; chosen && i < COUNT(constants); i++) {
		if (strlen(constants[i].name) != chars ||
		    memcmp(constants[i].name, name, chars) != 0)
			continue;
		*out = constants[i].value;
		return 0;
	}
	return ERR_NOTFOUND;
}
