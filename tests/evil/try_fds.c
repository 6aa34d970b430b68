/* SPDX-License-Identifier: Apache-2.0 */
/* Its own descriptors, used otherwise than its policy says. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"

static int
duplicate(const struct world *w)
{
	return evil_result(dup(0));
}

static int
duplicate_over(const struct world *w)
{
	return evil_result(dup3(0, 1, O_CLOEXEC));
}

static int
duplicate_high(const struct world *w)
{
	return evil_result(syscall(SYS_fcntl, 0, F_DUPFD, 500));
}

/* The terminal's owner would be asked; /dev/null is none, so: reached. */
static int
type_for_others(const struct world *w)
{
	int r = ioctl(0, TIOCSTI, "x");

	return r < 0 && (errno == ENOTTY || errno == EIO) ? 0 : evil_result(r);
}

static int
paste_for_others(const struct world *w)
{
	char sub = 3; /* paste the selection */
	int r = ioctl(0, TIOCLINUX, &sub);

	return r < 0 && errno == ENOTTY ? 0 : evil_result(r);
}

/* A socket of its own: to the broker, a broker's to a worker, a keeper's. */
static int
own_socket(const struct world *w)
{
	if (w->worker->desc->seat == SEAT_KEEPER)
		return FD_KEEPER_NAMES;
	return w->worker->desc->seat == SEAT_BROKER ? FD_BROKER_WORKERS
						    : FD_BROKER;
}

static int
change_mode_of_socket(const struct world *w)
{
	int on = 1;

	return evil_result(ioctl(own_socket(w), FIONBIO, &on));
}

/* Signals of a descriptor's, to a process of his choice. */
static int
own_descriptor(const struct world *w)
{
	return evil_result(
		syscall(SYS_fcntl, FD_BROKER, F_SETOWN, w->supervisor));
}

static int
hang_up_half(const struct world *w)
{
	return evil_result(shutdown(own_socket(w), SHUT_WR));
}

static int
a_pipe(const struct world *w)
{
	int p[2];

	return evil_result(pipe2(p, O_CLOEXEC));
}

static int
an_event(const struct world *w)
{
	return evil_result(eventfd(0, EFD_CLOEXEC));
}

static int
an_epoll(const struct world *w)
{
	return evil_result(epoll_create1(EPOLL_CLOEXEC));
}

static int
a_timer(const struct world *w)
{
	return evil_result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
}

static int
write_to_null(const struct world *w)
{
	return evil_result(write(1, "x", 1));
}

static int
read_from_null(const struct world *w)
{
	char c;

	return evil_result(pread(0, &c, 1, 1));
}

static int
write_vector(const struct world *w)
{
	struct iovec iov = {(char[]){'x'}, 1};

	return evil_result(syscall(SYS_pwritev2, 1, &iov, 1, -1, 0, 0));
}

static int
copy_bytes(const struct world *w)
{
	return evil_result(splice(0, NULL, 1, NULL, 1, 0)) == EINVAL ? 0
								     : EPERM;
}

static int
seek(const struct world *w)
{
	return evil_result(syscall(SYS_lseek, 1, 0, SEEK_SET));
}

static int
look_at_descriptor(const struct world *w)
{
	struct stat st;

	return evil_result(fstat(FD_BROKER, &st));
}

static int
mode_of_descriptor(const struct world *w)
{
	return evil_result(fchmod(0, 0777));
}

static int
map_memory(const struct world *w)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
unmap_memory(const struct world *w)
{
	return evil_result(munmap((void *)0x10000, 4096));
}

static int
receive_descriptors(const struct world *w)
{
	struct mmsghdr m = {0};

	return evil_result(
		syscall(SYS_recvmmsg, own_socket(w), &m, 0, 0, NULL));
}

const struct try tries_fds[] = {
	{"dup", duplicate},
	{"dup3", duplicate_over},
	{"fcntl-dup", duplicate_high},
	{"ioctl-tiocsti", type_for_others},
	{"ioctl-tioclinux", paste_for_others},
	{"ioctl-fionbio", change_mode_of_socket},
	{"fcntl-owner", own_descriptor},
	{"shutdown", hang_up_half},
	{"pipe", a_pipe},
	{"eventfd", an_event},
	{"epoll", an_epoll},
	{"timerfd", a_timer},
	{"write-null", write_to_null},
	{"pread-null", read_from_null},
	{"pwritev2", write_vector},
	{"splice", copy_bytes},
	{"lseek", seek},
	{"fstat", look_at_descriptor},
	{"fchmod", mode_of_descriptor},
	{"mmap-shared", map_memory},
	{"munmap", unmap_memory},
	{"recvmmsg", receive_descriptors},
	{NULL, NULL},
};
