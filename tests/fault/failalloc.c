/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before a program's libraries, fails its n-th allocation, once or from
 * there on.  The page that counts is a file of the test's, mapped and closed
 * before main: the program's descriptors are as they were.
 *
 * FAILALLOC=FILE: five numbers of 64 bits: which allocation fails (0: none),
 * 1: all after it too, how many there were, how many failed, 1: those that the
 * program's own code asks for count alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#pragma GCC visibility push(default) /* these take the library's places */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static volatile uint64_t *page;
static uintptr_t own_from, own_to; /* the program's own code */

/* The first object is the program. */
static int
own_code(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
			own_from = info->dlpi_addr + p->p_vaddr;
			own_to = own_from + p->p_memsz;
		}
	}
	return 1;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAILALLOC");
	int fd;
	void *p;

	if (!path || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		_exit(125);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		_exit(125);
	unsetenv("FAILALLOC");
	unsetenv("LD_PRELOAD");
	dl_iterate_phdr(own_code, NULL);
	page = p;
}

static int
fails(const void *by)
{
	uint64_t n;

	if (!page ||
	    (page[4] && ((uintptr_t)by < own_from || (uintptr_t)by >= own_to)))
		return 0;
	n = ++page[2];
	if (page[0] == 0 || n < page[0] || (n > page[0] && !page[1]))
		return 0;
	page[3]++;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t each)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_calloc(n, each);
}

void *
realloc(void *old, size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_realloc(old, n);
}

void *
aligned_alloc(size_t to, size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_memalign(to, n);
}

int
posix_memalign(void **out, size_t to, size_t n)
{
	void *p = fails(__builtin_return_address(0)) ? NULL
						     : __libc_memalign(to, n);

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

char *
strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);

	return p ? memcpy(p, text, n) : NULL;
}
