/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a locked worker cannot do even where its filter would let it: Landlock,
 * limits, no write-then-execute.  Its filter here lets everything pass, so
 * that each layer is seen alone.  The numbers are exit codes: which check
 * failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "landlock.h"
#include "stage.h"

#define PORT_NAMED 4
#define PORT_OTHER 5 /* nobody listens at either */

static struct worker self;

static int
connects(int type, int protocol, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, type, protocol);
	int r;

	if (fd < 0)
		return errno;
	r = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
	close(fd);
	return r;
}

static int
binds(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;

	close(fd);
	return r;
}

static rlim_t
hard(__rlimit_resource_t what)
{
	struct rlimit l = {1, 1};

	getrlimit(what, &l);
	return l.rlim_max;
}

/* Returns which check failed, 0 when none did. */
static int
files(bool resolver)
{
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 10;
	if (open("/tmp", O_RDONLY | O_DIRECTORY) >= 0 || errno != EACCES)
		return 11;
	if (open("/tmp/sallyport-test", O_WRONLY | O_CREAT, 0600) >= 0)
		return 12;
	if (mkdir("/tmp/sallyport-test", 0700) == 0)
		return 13;
	if (open("/dev/null", O_RDWR) >= 0)
		return 14;
	if ((open("/etc/nsswitch.conf", O_RDONLY) >= 0) != resolver)
		return 15;
	return 0;
}

static int
network(void)
{
	if (connects(SOCK_STREAM, 0, PORT_NAMED) != ECONNREFUSED)
		return 20;
	if (connects(SOCK_STREAM, 0, PORT_OTHER) != EACCES)
		return 21;
	if (binds() != EACCES)
		return 22;
	return 0;
}

static int
memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 30;
	if (mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0)
		return 31;
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		return 32;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 33;
	return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER ? 0 : 34;
}

static int
limits(rlim_t nofile, rlim_t fsize)
{
	if (hard(RLIMIT_CORE) != 0 || hard(RLIMIT_NPROC) != 0 ||
	    hard(RLIMIT_MSGQUEUE) != 0)
		return 40;
	if (hard(RLIMIT_NOFILE) != nofile)
		return 41;
	if (hard(RLIMIT_FSIZE) != fsize)
		return 42;
	return umask(0) == 077 ? 0 : 43;
}

static int
scopes(void)
{
	/* the test's own process, outside the domain */
	return kill(getppid(), 0) == 0 ? 50 : 0;
}

/* A sealed memfd at the next number. */
static void
sealed(void)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING);

	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0)
		_exit(93);
}

static void
two_sealed(void)
{
	sealed();
	sealed();
}

static void
act_fetch(void)
{
	static const uint16_t ports[] = {PORT_NAMED};
	struct page page = stage_page(&page_https, page_https.fd_count);
	const struct worker_desc d = {.seat = SEAT_FETCH, .page = &page};
	int r;

	worker_begin(&self, &d);
	worker_lock(&self, ports, 1);
	if ((r = files(false)) == 0 && (r = network()) == 0 &&
	    (r = memory()) == 0 &&
	    (r = limits(FD_HTTPS_EVENTLOG + 1 + 8, 0)) == 0)
		r = scopes();
	_exit(r);
}

CASE(a_locked_worker_reaches_its_port_and_nothing_else)
{
	struct twist t = {.fds = two_sealed};
	struct stage s = stage_start(SEAT_FETCH, act_fetch, &t);

	EXPECT(stage_locked(&s));
	EXPECT(channel_send(&s.worker, MSG_START, NULL, 0) == 0);
	EXPECT(stage_wait(&s) == 0);
}

static void
act_resolve(void)
{
	struct page page = stage_page(&page_resolve, page_resolve.fd_count);
	const struct worker_desc d = {.seat = SEAT_RESOLVE, .page = &page};

	worker_begin(&self, &d);
	worker_lock(&self, NULL, 0);
	_exit(files(true));
}

CASE(the_resolver_reads_its_own_files_alone)
{
	struct stage s = stage_start(SEAT_RESOLVE, act_resolve, NULL);

	if (access("/etc/nsswitch.conf", R_OK) != 0)
		printf("# this machine has no nsswitch.conf\n");
	EXPECT(stage_locked(&s));
	EXPECT(channel_send(&s.worker, MSG_START, NULL, 0) == 0);
	EXPECT(stage_wait(&s) == 0);
}

static void
tls_fds(void)
{
	int fd = memfd_create("out", 0), sv[2];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (open(path, O_WRONLY) != FD_TLS_KEY ||
	    dup2(FD_TLS_KEY, FD_TLS_CERT) != FD_TLS_CERT ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) != 0 ||
	    sv[0] != FD_TLS_PUB || sv[1] != FD_TLS_IN)
		_exit(93);
}

static void
act_writes(void)
{
	struct page page = stage_page(&page_prepare, page_prepare.fd_count);
	const struct worker_desc d = {
		.seat = SEAT_TLS, .page = &page, .locks_memory = true};
	int r;

	worker_begin(&self, &d);
	worker_lock(&self, NULL, 0);
	r = limits(FD_TLS_IN + 1, 1 << 20);
	if (r == 0 && write(FD_TLS_CERT, "x", 1) != 1)
		r = 60;
	_exit(r);
}

CASE(a_writer_writes_what_it_was_given)
{
	struct twist t = {.fds = tls_fds};
	struct stage s = stage_start(SEAT_TLS, act_writes, &t);

	EXPECT(stage_locked(&s));
	EXPECT(channel_send(&s.worker, MSG_START, NULL, 0) == 0);
	EXPECT(stage_wait(&s) == 0);
}

static void
act_ports(void)
{
	static const uint16_t ports[] = {PORT_NAMED};
	struct page page = stage_page(&page_verify, page_verify.fd_count);
	const struct worker_desc d = {.seat = SEAT_VERIFY, .page = &page};

	worker_begin(&self, &d);
	worker_lock(&self, ports, 1);
	_exit(70);
}

CASE(a_port_that_the_page_does_not_take_ends_the_worker)
{
	struct stage s = stage_start(SEAT_VERIFY, act_ports, NULL);

	EXPECT(stage_wait(&s) == EXIT_LOCK);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return check_run();
}
