/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor audit (audit.h). */
#include "audit.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NULL_MAJOR 1 /* Documentation/admin-guide/devices.txt */
#define NULL_MINOR 3

static bool
is_unix(int fd, int type)
{
	int have = 0;
	socklen_t n = sizeof(have);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &have, &n) != 0 ||
	    have != AF_UNIX)
		return false;
	n = sizeof(have);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &have, &n) == 0 &&
	       have == type;
}

static bool
is_connected_stream(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	return is_unix(fd, SOCK_STREAM) &&
	       getpeername(fd, (struct sockaddr *)&sa, &n) == 0;
}

static bool
is_sealed(int fd)
{
	const int want = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int have = fcntl(fd, F_GET_SEALS);

	return have >= 0 && (have & want) == want;
}

bool
audit_kind(int fd, enum fd_kind kind)
{
	struct stat st;
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || fstat(fd, &st) != 0)
		return kind == FD_NONE;
	mode &= O_ACCMODE;
	switch (kind) {
	case FD_NONE:
		return false;
	case FD_NULL:
		return S_ISCHR(st.st_mode) &&
		       st.st_rdev == makedev(NULL_MAJOR, NULL_MINOR);
	case FD_LOG:
		return mode == O_WRONLY || mode == O_RDWR;
	case FD_SEQ:
		return is_unix(fd, SOCK_SEQPACKET);
	case FD_STREAM:
		return is_connected_stream(fd);
	case FD_PIPE_R:
		return S_ISFIFO(st.st_mode) && mode == O_RDONLY;
	case FD_PIPE_W:
		return S_ISFIFO(st.st_mode) && mode == O_WRONLY;
	case FD_MEMFD:
		return S_ISREG(st.st_mode) && is_sealed(fd);
	case FD_FILE_W:
		return S_ISREG(st.st_mode) && mode == O_WRONLY;
	case FD_DEV:
		return S_ISCHR(st.st_mode) || is_connected_stream(fd);
	}
	return false;
}

int
audit_fds(const struct fd_want *want, size_t count)
{
	size_t i = 0;

	for (int fd = 0; fd < AUDIT_NUMBERS; fd++) {
		enum fd_kind kind = FD_NONE;

		if (i < count && want[i].fd == fd)
			kind = want[i++].kind;
		if (!audit_kind(fd, kind))
			return ERR_LOCK;
	}
	if (i != count) /* out of order, or above the limit */
		return ERR_LOCK;
	return close_range(AUDIT_NUMBERS, ~0u, 0) == 0 ? 0 : ERR_LOCK;
}
