/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of descriptors, each told from its neighbours. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "audit.h"

#define KINDS (FD_DEV + 1)

/* Says whether fd is of exactly the kinds of the set. */
static int
only(int fd, unsigned kinds)
{
	for (unsigned k = FD_NULL; k < KINDS; k++) {
		if (audit_kind(fd, (enum fd_kind)k) != ((kinds >> k) & 1)) {
			printf("# fd %d as kind %u\n", fd, k);
			return 0;
		}
	}
	return !audit_kind(fd, FD_NONE);
}

#define K(kind) (1u << FD_##kind)

CASE(a_closed_number_is_none)
{
	EXPECT(audit_kind(999, FD_NONE));
	EXPECT(!audit_kind(999, FD_NULL));
	EXPECT(!audit_kind(999, FD_LOG));
}

CASE(devices)
{
	EXPECT(only(open("/dev/null", O_RDONLY), K(NULL) | K(DEV)));
	EXPECT(only(open("/dev/null", O_RDWR), K(NULL) | K(LOG) | K(DEV)));
	EXPECT(only(open("/dev/zero", O_RDWR), K(LOG) | K(DEV)));
}

CASE(sockets)
{
	int sv[2];

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	EXPECT(only(sv[0], K(SEQ) | K(LOG)));
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	EXPECT(only(sv[0], K(STREAM) | K(DEV) | K(LOG)));
	EXPECT(only(socket(AF_UNIX, SOCK_STREAM, 0), K(LOG)));
	EXPECT(only(socket(AF_UNIX, SOCK_DGRAM, 0), K(LOG)));
	EXPECT(only(socket(AF_INET, SOCK_STREAM, 0), K(LOG)));
}

CASE(pipes)
{
	int p[2];

	EXPECT(pipe(p) == 0);
	EXPECT(only(p[0], K(PIPE_R)));
	EXPECT(only(p[1], K(PIPE_W) | K(LOG)));
}

CASE(memory_files_count_only_when_sealed)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING);

	EXPECT(!audit_kind(fd, FD_MEMFD));
	EXPECT(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0);
	EXPECT(!audit_kind(fd, FD_MEMFD));
	EXPECT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	EXPECT(audit_kind(fd, FD_MEMFD));
}

CASE(files_to_write_are_write_only)
{
	int fd = memfd_create("x", 0), w, rw;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	w = open(path, O_WRONLY);
	rw = open(path, O_RDWR);
	EXPECT(only(w, K(FILE_W) | K(LOG)));
	EXPECT(only(rw, K(LOG)));
}

/* In a child of its own: the audit speaks of the whole process. */
static int
audits(void)
{
	struct fd_want want[] = {{0, FD_NULL}, {2, FD_NULL}};
	struct fd_want high[] = {{AUDIT_NUMBERS, FD_NULL}};
	int n = open("/dev/null", O_RDWR);

	dup2(n, 0);
	dup2(n, 2);
	dup2(n, 500);
	close(1);
	close_range(3, 499, 0);
	close_range(501, ~0u, 0);
	if (audit_fds(want, 2) != ERR_LOCK) /* 500 */
		return 1;
	close(500);
	if (audit_fds(want, 2) != 0)
		return 2;
	if (audit_fds(want, 1) != ERR_LOCK || audit_fds(high, 1) != ERR_LOCK)
		return 3;
	want[0].fd = 2;
	if (audit_fds(want, 2) != ERR_LOCK)
		return 4;
	return 0;
}

CASE(exactly_the_table_is_open)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(audits());
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	return check_run();
}
