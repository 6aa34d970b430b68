/* SPDX-License-Identifier: Apache-2.0 */
#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b64.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#define PEM_MAX 16384

static int
copy_all(int from, int to, size_t max)
{
	uint8_t buf[16384];
	size_t sum = 0;

	for (;;) {
		ssize_t n = read(from, buf, sizeof(buf));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYS;
		sum += (size_t)n;
		if (sum > max)
			return ERR_RANGE;
		if (write(to, buf, (size_t)n) != n)
			return ERR_SYS;
	}
}

static int
new_memfd(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("sallyport", flags | MFD_NOEXEC_SEAL);

	/* Kernels before 6.3 do not know NOEXEC_SEAL. */
	return fd >= 0 || errno != EINVAL ? fd
					  : memfd_create("sallyport", flags);
}

/*
 * A regular file: the open of a FIFO waits for a writer, and no SIGTERM ends
 * that, for signals are taken between steps.
 */
static int
open_regular(const char *path, int *out_fd)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return ERR_NOTFOUND;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*out_fd = fd;
		return 0;
	}
	close(fd);
	return ERR_REFUSED;
}

int
memfd_sink(void)
{
	int fd = new_memfd(), sink;
	char path[64];

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	sink = open(path, O_WRONLY | O_CLOEXEC);
	close(fd);
	return sink;
}

int
memfd_of_file(const char *path, size_t max, bool optional, int *out_fd)
{
	int from = -1, to, r = open_regular(path, &from);

	if (r != 0 && !optional)
		return r;
	r = 0;
	if ((to = new_memfd()) < 0) {
		r = ERR_SYS;
		goto out;
	}
	if (from >= 0)
		r = copy_all(from, to, max);
	if (r == ERR_SYS && optional) /* securityfs may refuse the read */
		r = ftruncate(to, 0) == 0 ? 0 : ERR_SYS;
	if (r == 0 && (lseek(to, 0, SEEK_SET) != 0 ||
		       fcntl(to, F_ADD_SEALS,
			     F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
				     F_SEAL_SEAL) != 0))
		r = ERR_SYS;
out:
	if (from >= 0)
		close(from);
	if (r == 0)
		*out_fd = to;
	else if (to >= 0)
		close(to);
	return r;
}

int
read_file(const char *path, uint8_t *out, size_t cap, size_t *out_bytes)
{
	size_t used = 0;
	int fd, r;

	if ((r = open_regular(path, &fd)) != 0)
		return r;
	for (;;) {
		ssize_t n = read(fd, out + used, cap - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (used += (size_t)n) == cap) {
			close(fd);
			if (n < 0)
				return ERR_SYS;
			if (n > 0)
				return ERR_RANGE;
			*out_bytes = used;
			return 0;
		}
	}
}

int
pem_block(const char *text, const char *label, unsigned nth, uint8_t *out,
	  size_t cap, size_t *out_bytes)
{
	char begin[64], end[64], b64[PEM_MAX];
	const char *p = text, *stop;
	size_t n = 0;

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
	snprintf(end, sizeof(end), "-----END %s-----", label);
	for (unsigned i = 0; i <= nth; i++) {
		if ((p = strstr(p, begin)) == NULL)
			return ERR_NOTFOUND;
		p += strlen(begin);
	}
	if ((stop = strstr(p, end)) == NULL)
		return ERR_FORMAT;
	for (; p < stop; p++) {
		if (strchr("\r\n", *p))
			continue;
		if (n == sizeof(b64))
			return ERR_RANGE;
		b64[n++] = *p;
	}
	return b64_decode(B64_STD, b64, n, out, cap, out_bytes);
}
