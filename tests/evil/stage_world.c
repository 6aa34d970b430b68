/* SPDX-License-Identifier: Apache-2.0 */
#include "stage_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

static char known[4096] __attribute__((aligned(4096))) = "knownbyt";

uintptr_t
world_address(void)
{
	return (uintptr_t)known;
}

static void
must(bool well, const char *what)
{
	if (well)
		return;
	printf("Bail out! the stage: ");
	fflush(stdout);
	perror(what);
	exit(1);
}

static void
lo_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	must(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0, "lo");
	ifr.ifr_flags |= IFF_UP;
	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0, "lo up");
	close(fd);
}

static int
this_netns(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* Namespaces of our own: nothing that succeeds is the machine's. */
static void
own_namespaces(struct stage *st)
{
	int own;

	must(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
		     CLONE_NEWCGROUP) == 0,
	     "unshare");
	/* in a plain chroot "/" is no mount point, and nothing is shared */
	(void)!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	lo_up();
	own = this_netns();
	must(unshare(CLONE_NEWNET) == 0, "an empty network namespace");
	st->sup.netns_empty = st->full ? this_netns() : -1;
	must(setns(own, CLONE_NEWNET) == 0, "setns");
	close(own);
}

static void
listen_tcp(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		     listen(fd, 4096) == 0,
	     "a listener");
}

static void
listen_unix(const char *name, bool abstract)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(sa_family_t) + 1 + (socklen_t)strlen(name);

	memcpy(un.sun_path + abstract, name, strlen(name));
	must(bind(fd, (struct sockaddr *)&un, n) == 0 && listen(fd, 4096) == 0,
	     "a unix listener");
	if (!abstract)
		must(chmod(name, 0666) == 0, "its mode");
}

static void
put(const char *dir, const char *name, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, "text", 4) == 4 && fchmod(fd, mode) == 0,
	     path);
	close(fd);
}

void
world_again(const struct stage *st)
{
	static const char *const made[] = {"new", "d", "l",    "h",
					   "f",	  "m", "other"};
	char path[128];

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(path, sizeof(path), "%s/open/%s", st->dir, made[i]);
		if (unlink(path) != 0)
			(void)!rmdir(path);
	}
	put(st->dir, "open/mine", 0666);
	put(st->dir, "store", 0600);
	snprintf(path, sizeof(path), "%s/mounted", st->dir);
	(void)!mount("x", path, "tmpfs", 0, NULL);
}

static void
make_files(struct stage *st)
{
	char path[64];

	snprintf(st->dir, sizeof(st->dir), "/tmp/sallyport-evil.XXXXXX");
	must(mkdtemp(st->dir) && chmod(st->dir, 0755) == 0, "a directory");
	must(mount("x", st->dir, "tmpfs", 0, "mode=0755") == 0, "a tmpfs");
	snprintf(path, sizeof(path), "%s/open", st->dir);
	must(mkdir(path, 0777) == 0 && chmod(path, 0777) == 0, path);
	snprintf(path, sizeof(path), "%s/mounted", st->dir);
	must(mkdir(path, 0755) == 0, path);
	snprintf(path, sizeof(path), "%s/api.sock", st->dir);
	listen_unix(path, false);
	listen_unix("evil", true);
	world_again(st);
	snprintf(path, sizeof(path), "%s/store", st->dir);
	st->server_fd = open(path, O_RDWR);
	snprintf(path, sizeof(path), "%s/output", st->dir);
	st->file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}

static void
make_descriptors(struct stage *st)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int p[2];

	st->memfd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must(fcntl(st->memfd, F_ADD_SEALS, seals) == 0, "seals");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) == 0,
	     "pair");
	st->stream = p[0];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) == 0,
	     "pair");
	st->seq = p[0];
	must(pipe2(p, O_CLOEXEC) == 0, "pipe");
	st->pipe = p[0];
	st->sup.null_fd = open_null();
}

/* A process of another uid that, unlike the real one, hides nothing. */
static void
start_server(struct stage *st)
{
	uid_t uid = seat_uid(&st->sup, SEAT_SERVER);
	pid_t driver = getpid();

	st->server = fork();
	must(st->server >= 0, "fork");
	if (st->server > 0)
		return;
	signal(SIGUSR1, SIG_IGN);
	if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_DUMPABLE, 1) != 0)
		_exit(1);
	while (getppid() == driver)
		sleep(1);
	_exit(0);
}

static void
give_uids(struct conf *c)
{
	static char text[CONF_COUNT][16];

	for (int k = CONF_UID_BROKER; k <= CONF_UID_SERVER; k++) {
		snprintf(text[k], sizeof(text[0]), "%d",
			 30000000 + (int)getpid() * 16 + k - CONF_UID_BROKER);
		c->value[k] = text[k];
	}
}

void
stage_open(struct stage *st, bool full, const char *programs)
{
	static struct conf conf;

	memset(st, 0, sizeof(*st));
	sup_init(&st->sup, &conf);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	give_uids(&conf);
	st->full = full;
	st->programs = programs;
	own_namespaces(st);
	make_files(st);
	make_descriptors(st);
	listen_tcp(53);
	listen_tcp(80);
	listen_tcp(443);
	start_server(st);
}

void
stage_close(struct stage *st)
{
	kill(st->server, SIGKILL);
	waitpid(st->server, NULL, 0);
	umount2(st->dir, MNT_DETACH);
	rmdir(st->dir);
}
