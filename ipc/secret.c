/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret arena and its allocator.
 *
 *	guard page | block | block | ... | guard page
 *
 * A block is a 16-byte header and its bytes.  First fit; neighbours that are
 * free grow together while searching.  Everything that is given back is wiped
 * at once, so free space is always zero.  A header that is not as it was
 * written, or a block given back twice, is an impossible state: trap.
 */
#include "secret.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define ALIGN	   16u
#define MARK_USED  0x5ec0u
#define MARK_FREE  0x5ecfu
#define SPLIT_REST (2 * ALIGN) /* a smaller rest stays with its block */

struct block {
	uint64_t bytes; /* of what follows the header, a multiple of ALIGN */
	uint64_t mark;
};

struct secret {
	uint64_t bytes;
	uint64_t reserved; /* keeps data aligned */
	uint8_t data[];
};

static struct {
	uint8_t *start;
	uint8_t *end;
} arena;

void
wipe(void *p, size_t bytes)
{
	if (bytes)
		explicit_bzero(p, bytes);
}

int
equal_ct(const void *a, const void *b, size_t bytes)
{
	const volatile uint8_t *pa = a, *pb = b;
	unsigned diff = 0;

	for (size_t i = 0; i < bytes; i++)
		diff |= (unsigned)(pa[i] ^ pb[i]);
	return (int)((diff + 255u) >> 8);
}

/*
 * memfd_secret(2): no WIPEONFORK there (EINVAL), but DONTFORK; already locked
 * and never dumped.
 */
static int
map_memfd(uint8_t *at, size_t bytes)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	int r = ERR_LOCK;

	if (fd < 0)
		return ERR_LOCK;
	if (ftruncate(fd, (off_t)bytes) == 0 &&
	    mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == at &&
	    madvise(at, bytes, MADV_DONTFORK) == 0)
		r = 0;
	close(fd);
	return r;
}

/* mlock2() without flags is mlock(), which the sanitizers make do nothing. */
static int
map_locked(uint8_t *at, size_t bytes)
{
	if (mmap(at, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		return ERR_LOCK;
	if (mlock2(at, bytes, 0) != 0 ||
	    madvise(at, bytes, MADV_DONTDUMP) != 0 ||
	    madvise(at, bytes, MADV_WIPEONFORK) != 0)
		return ERR_LOCK;
	return 0;
}

/* Faults every page in: after the lock a fault that fails would be SIGBUS. */
static void
arena_start(uint8_t *at, size_t bytes)
{
	struct block *first = (struct block *)(void *)at;

	memset(at, 0, bytes);
	first->bytes = bytes - sizeof(*first);
	first->mark = MARK_FREE;
	arena.start = at;
	arena.end = at + bytes;
}

int
secret_arena(size_t bytes, enum secret_kind *out_kind)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t all;
	enum secret_kind kind = SECRET_MEMFD;
	uint8_t *at;

	if (arena.start || bytes == 0 ||
	    __builtin_add_overflow(bytes, 3 * page - 1, &all))
		return ERR_LOCK;
	all -= all % page; /* a guard page, the arena, a guard page */
	bytes = all - 2 * page;
	at = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return ERR_LOCK;

	if (map_memfd(at + page, bytes) != 0) {
		kind = SECRET_LOCKED;
		if (map_locked(at + page, bytes) != 0) {
			munmap(at, all);
			return ERR_LOCK;
		}
	}
	arena_start(at + page, bytes);
	*out_kind = kind;
	return 0;
}

static struct block *
block_next(struct block *b)
{
	uint8_t *p = (uint8_t *)(b + 1) + b->bytes;

	return p < arena.end ? (struct block *)(void *)p : NULL;
}

static void
block_check(const struct block *b)
{
	const uint8_t *data = (const uint8_t *)(b + 1);

	BUG_ON(b->mark != MARK_USED && b->mark != MARK_FREE);
	BUG_ON(b->bytes % ALIGN != 0);
	BUG_ON(b->bytes > (uint64_t)(arena.end - data));
}

/* Takes the free blocks behind b into b; their headers are wiped. */
static void
block_grow(struct block *b)
{
	struct block *n;

	while ((n = block_next(b)) != NULL) {
		block_check(n);
		if (n->mark != MARK_FREE)
			return;
		b->bytes += sizeof(*n) + n->bytes;
		wipe(n, sizeof(*n));
	}
}

static void
block_split(struct block *b, size_t bytes)
{
	struct block *rest;

	if (b->bytes - bytes < SPLIT_REST)
		return;
	rest = (struct block *)(void *)((uint8_t *)(b + 1) + bytes);
	rest->bytes = b->bytes - bytes - sizeof(*rest);
	rest->mark = MARK_FREE;
	b->bytes = bytes;
}

void *
secret_malloc(size_t bytes)
{
	struct block *b = (struct block *)(void *)arena.start;

	if (__builtin_add_overflow(bytes, ALIGN - 1, &bytes))
		return NULL;
	bytes -= bytes % ALIGN;
	if (bytes == 0) /* malloc(0) of a library gets an address, too */
		bytes = ALIGN;
	for (; b; b = block_next(b)) {
		block_check(b);
		if (b->mark != MARK_FREE)
			continue;
		block_grow(b);
		if (b->bytes < bytes)
			continue;
		block_split(b, bytes);
		b->mark = MARK_USED;
		return b + 1;
	}
	return NULL;
}

void
secret_mfree(void *p)
{
	struct block *b = p;

	if (!p)
		return;
	BUG_ON((uint8_t *)p <= arena.start || (uint8_t *)p >= arena.end);
	b--;
	block_check(b);
	BUG_ON(b->mark != MARK_USED);
	wipe(p, b->bytes);
	b->mark = MARK_FREE;
}

int
secret_new(size_t bytes, struct secret **out_secret)
{
	struct secret *s;
	size_t all;

	if (__builtin_add_overflow(bytes, sizeof(*s), &all))
		return ERR_NOMEM;
	s = secret_malloc(all); /* zero: free space always is */
	if (!s)
		return ERR_NOMEM;
	s->bytes = bytes;
	*out_secret = s;
	return 0;
}

uint8_t *
secret_bytes(struct secret *s)
{
	return s->data;
}

size_t
secret_size(const struct secret *s)
{
	return s->bytes;
}

void
secret_free(struct secret *s)
{
	secret_mfree(s);
}

void
secret_freep(struct secret **s)
{
	secret_mfree(*s);
	*s = NULL;
}
