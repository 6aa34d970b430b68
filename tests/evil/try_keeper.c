/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper's own: the sockets by which it says its two words, what resolve
 * left, its roots, its timer.  It has no channel; told-* is what it could say
 * to the supervisor by the calls that it has (the driver looks at what the
 * supervisor makes of it).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "evil.h"
#include "fds.h"
#include "try_say.h"

/* Both halves, or the other one, are not its to shut. */
static int
shut_asked(const struct world *w)
{
	return evil_result(shutdown(FD_KEEPER_ASKED, SHUT_RDWR));
}

static int
shut_held(const struct world *w)
{
	return evil_result(shutdown(FD_KEEPER_HELD, SHUT_RD));
}

static int
write_asked(const struct world *w)
{
	return evil_result(write(FD_KEEPER_ASKED, "x", 1));
}

/* A byte that overtakes, one that does not wait, one with a mark. */
static int
send_held(int flags)
{
	return evil_result(send(FD_KEEPER_HELD, "x", 1, flags));
}

static int
send_urgent(const struct world *w)
{
	return send_held(MSG_OOB | MSG_NOSIGNAL);
}

static int
send_at_once(const struct world *w)
{
	return send_held(MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int
send_plain(const struct world *w)
{
	return send_held(0);
}

/* A descriptor of its own, to root. */
static int
send_descriptor(const struct world *w)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(char[]){'x'}, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int fd = FD_KEEPER_ROOTS;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return evil_result(sendmsg(FD_KEEPER_HELD, &m, MSG_NOSIGNAL));
}

/* Nobody is at the other end here, so: reached. */
static int
receive(int fd, int flags)
{
	struct msghdr m = {0};
	ssize_t n = recvmsg(fd, &m, flags);

	return n < 0 && errno == EAGAIN ? 0 : evil_result(n);
}

static int
receive_held(const struct world *w)
{
	return receive(FD_KEEPER_HELD, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
}

/* A descriptor that came would outlive an exec. */
static int
receive_open(const struct world *w)
{
	return receive(FD_KEEPER_NAMES, MSG_DONTWAIT);
}

static int
read_names(const struct world *w)
{
	return evil_result(read(FD_KEEPER_NAMES, &(char){0}, 0));
}

static int
read_roots(const struct world *w)
{
	return evil_result(read(FD_KEEPER_ROOTS, &(char){0}, 1));
}

static int
map_roots(const struct world *w)
{
	void *p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, FD_KEEPER_ROOTS, 0);

	/* it is empty here: no byte of it can be seen, but it is mapped */
	return p == MAP_FAILED ? errno : 0;
}

/* Of no timer: an answer of the kernel's is the call reached. */
static int
of_timer(long number, int flags)
{
	const struct itimerspec never = {0};
	long r = syscall(number, -1, flags, &never, NULL);

	return r < 0 && errno == EINVAL ? 0 : evil_result(r);
}

/* Its death put off by what it just thinks of. */
static int
timer_relative(const struct world *w)
{
	return of_timer(SYS_timer_settime, 0);
}

static int
timer_gone(const struct world *w)
{
	return of_timer(SYS_timer_delete, 0);
}

static int
timer_left(const struct world *w)
{
	return of_timer(SYS_timer_gettime, 0);
}

static int
timer_overrun(const struct world *w)
{
	return of_timer(SYS_timer_getoverrun, 0);
}

/* A death that another process's timer would bring, or a signal's. */
static int
alarm_clock(const struct world *w)
{
	const struct itimerval never = {0};

	return evil_result(syscall(SYS_setitimer, 0, &never, NULL));
}

static int
set_clock(const struct world *w)
{
	const struct timespec t = {0};
	long r = syscall(SYS_clock_settime, CLOCK_BOOTTIME, &t);

	return r < 0 && errno == EINVAL ? 0 : evil_result(r);
}

/* A wait that no stop ends as poll(2) would. */
static int
wait_otherwise(const struct world *w)
{
	const struct timespec none = {0};

	return evil_result(syscall(SYS_ppoll, NULL, 0, &none, NULL, 0));
}

static int
sleep_on(const struct world *w)
{
	const struct timespec none = {0};

	return evil_result(
		syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &none, NULL));
}

/*
 * Bytes, where half a hang-up is all that is due.  Who says so waits until it
 * was heard: a death would look like nothing but that.
 */
static int
tell(int fd, size_t times)
{
	ssize_t n = 1;

	for (; n > 0 && times > 0; times--)
		n = sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 0);
	return n < 0 && errno != EPIPE ? errno : keeper_heard(fd);
}

int
keeper_heard(int fd)
{
	return recvfrom(fd, &(char){0}, 1, 0, NULL, NULL) > 0 ? EPROTO : 0;
}

static int
tell_asked(const struct world *w)
{
	return tell(FD_KEEPER_ASKED, 1);
}

static int
tell_held(const struct world *w)
{
	return tell(FD_KEEPER_HELD, 1);
}

/* Less than a socket takes that nobody reads. */
static int
tell_often(const struct world *w)
{
	return tell(FD_KEEPER_HELD, 100);
}

const struct try tries_keeper[] = {
	{"keeper-shut-asked", shut_asked},
	{"keeper-shut-held", shut_held},
	{"keeper-write-asked", write_asked},
	{"keeper-send-urgent", send_urgent},
	{"keeper-send-at-once", send_at_once},
	{"keeper-send-plain", send_plain},
	{"keeper-send-descriptor", send_descriptor},
	{"keeper-receive-held", receive_held},
	{"keeper-receive-open", receive_open},
	{"keeper-read-names", read_names},
	{"keeper-read-roots", read_roots},
	{"keeper-map-roots", map_roots},
	{"keeper-timer-relative", timer_relative},
	{"keeper-timer-gone", timer_gone},
	{"keeper-timer-left", timer_left},
	{"keeper-timer-overrun", timer_overrun},
	{"keeper-alarm", alarm_clock},
	{"keeper-set-clock", set_clock},
	{"keeper-ppoll", wait_otherwise},
	{"keeper-sleep", sleep_on},
	{"told-asked", tell_asked},
	{"told-held", tell_held},
	{"told-often", tell_often},
	{NULL, NULL},
};
