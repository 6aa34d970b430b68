/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "page.h"
#include "status.h"

static int
have_caps(bool *out_full)
{
	const char *missing = NULL;

	if (geteuid() != 0 || capng_get_caps_process() != 0) {
		log_line(LOG_FAIL, NULL, "platform",
			 "sallyport must be started by root");
		return EXIT_PLATFORM;
	}
	for (size_t i = 0; i < page_supervisor.cap_count; i++) {
		const struct page_cap *c = &page_supervisor.caps[i];

		if (c->profiles == 0 &&
		    !capng_have_capability(CAPNG_PERMITTED, c->cap))
			missing = capng_capability_to_name(c->cap);
	}
	*out_full = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN) == 1;
	if (!missing && !*out_full &&
	    !capng_have_capability(CAPNG_PERMITTED, CAP_SYS_CHROOT))
		missing = "sys_chroot (or sys_admin for the full profile)";
	if (!missing)
		return 0;
	log_line(LOG_FAIL, NULL, "platform",
		 "capability %s is not permitted: add it to the container",
		 missing);
	return EXIT_PLATFORM;
}

/* Landlock with TCP rules (ABI 4) and seccomp filters are a must. */
static int
have_kernel(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 4) {
		log_line(LOG_FAIL, NULL, "platform",
			 "the kernel's Landlock is %s: version 4 (Linux 6.7) "
			 "is needed, with landlock in lsm=",
			 abi < 0 ? "off" : "too old");
		return EXIT_PLATFORM;
	}
	if (prctl(PR_GET_SECCOMP) < 0) {
		log_line(LOG_FAIL, NULL, "platform",
			 "the kernel has no seccomp filters");
		return EXIT_PLATFORM;
	}
	return 0;
}

static int
open_netns(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

int
platform_lo_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = -1;

	if (fd < 0)
		return -1;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0) {
		ifr.ifr_flags |= IFF_UP;
		r = ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
	return r;
}

static int
make_namespaces(struct sup *s)
{
	const char *storage = conf_str(s->conf, CONF_STORAGE);

	if (!s->full)
		return 0;
	if ((s->netns_host = open_netns()) < 0 || unshare(CLONE_NEWNET) != 0 ||
	    (s->netns_empty = open_netns()) < 0)
		goto fail;
	if (!strcmp(storage, "raft")) {
		if (unshare(CLONE_NEWNET) != 0 || platform_lo_up() != 0 ||
		    (s->netns_lo = open_netns()) < 0)
			goto fail;
	}
	if (setns(s->netns_host, CLONE_NEWNET) != 0)
		goto fail;
	return 0;
fail:
	log_line(LOG_FAIL, NULL, "platform",
		 "CAP_SYS_ADMIN is permitted but network namespaces do not "
		 "work (%s): permit them, or take CAP_SYS_ADMIN away for the "
		 "container profile",
		 strerror(errno));
	return EXIT_PLATFORM;
}

static int
take_groups(struct sup *s)
{
	struct stat st;
	gid_t groups[2] = {conf_num(s->conf, CONF_UID_SERVER), 0};
	size_t n = 1;

	if (stat(conf_str(s->conf, CONF_TPM), &st) == 0 && st.st_gid != 0)
		groups[n++] = st.st_gid;
	if (setgroups(n, groups) == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "platform", "setgroups: %s", strerror(errno));
	return EXIT_PLATFORM;
}

/*
 * pivot_root(2) needs a mount point for "/" that is not the initial ramfs; in
 * a plain chroot or there, chroot stands in for it (root.c).
 */
static bool
root_needs_chroot(void)
{
	struct statfs fs;
	struct statx sx;

	if (statx(AT_FDCWD, "/", 0, STATX_TYPE, &sx) != 0 ||
	    !(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return true;
	return statfs("/", &fs) != 0 || fs.f_type == RAMFS_MAGIC;
}

static int
drop_caps(const struct sup *s)
{
	const unsigned here = (s->full ? IN_FULL : IN_CONTAINER) |
			      (root_needs_chroot() ? IN_CHROOT : 0);

	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < page_supervisor.cap_count; i++) {
		const struct page_cap *c = &page_supervisor.caps[i];

		if (c->profiles == 0 || (c->profiles & here) != 0)
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED, c->cap);
	}
	if (capng_apply(CAPNG_SELECT_BOTH) == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "platform",
		 "the supervisor cannot drop its capabilities");
	return EXIT_PLATFORM;
}

static int
harden_self(struct sup *s)
{
	struct status st;

	if (prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    page_limits(&page_supervisor, SEAT_SUPERVISOR) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    filter_install(page_supervisor.inner) != 0 ||
	    status_read(getpid(), &st) != 0) {
		log_line(LOG_FAIL, NULL, "platform",
			 "the supervisor cannot confine itself: %s",
			 strerror(errno));
		return EXIT_PLATFORM;
	}
	s->own_filters = st.filters;
	return 0;
}

int
platform_setup(struct sup *s)
{
	int r;

	s->netns_host = s->netns_empty = s->netns_lo = -1;
	umask(077);
	if ((r = have_caps(&s->full)) != 0 || (r = have_kernel()) != 0 ||
	    (r = make_namespaces(s)) != 0 || (r = take_groups(s)) != 0 ||
	    (r = drop_caps(s)) != 0 || (r = harden_self(s)) != 0)
		return r;
	log_line(LOG_STEP, NULL, "profile", "confinement profile: %s",
		 s->full ? "full (namespaces, filters, Landlock)"
			 : "container (no CAP_SYS_ADMIN: filters, uids, chroot "
			   "and Landlock carry the load)");
	return 0;
}

int
platform_swap_off(void)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[256];
	int lines = 0;

	if (!f) /* a kernel without swap */
		return errno == ENOENT ? 0 : EXIT_PLATFORM;
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	if (lines <= 1)
		return 0;
	log_line(LOG_FAIL, NULL, "swap", "/proc/swaps: %.*s",
		 (int)strcspn(line, "\n"), line);
	return EXIT_SWAP;
}

static bool
is_number(const char *s)
{
	return s[0] && s[strspn(s, "0123456789")] == '\0';
}

/* Calls fn for each process with the uid; returns how many there are. */
static unsigned
each_with_uid(uid_t uid, void (*fn)(pid_t))
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	struct status st;
	unsigned n = 0;

	if (!d)
		return UINT_MAX; /* not seen is not free */
	while ((e = readdir(d)) != NULL) {
		pid_t pid = is_number(e->d_name) ? atoi(e->d_name) : 0;

		if (pid == 0 || status_read(pid, &st) != 0 ||
		    (st.uid[0] != uid && st.uid[1] != uid) || st.zombie)
			continue;
		n++;
		if (fn)
			fn(pid);
	}
	closedir(d);
	return n;
}

int
platform_uid_free(uid_t uid)
{
	unsigned n = each_with_uid(uid, NULL);

	if (n == 0)
		return 0;
	log_line(LOG_FAIL, NULL, "uid_busy", "%u processes run as uid %u", n,
		 (unsigned)uid);
	return EXIT_UID_BUSY;
}

static void
kill_one(pid_t pid)
{
	kill(pid, SIGKILL);
}

void
platform_uid_sweep(struct sup *s, uid_t uid)
{
	(void)s;
	/* A fork bomb's new children appear while we kill: scan again. */
	for (int i = 0; i < 50 && each_with_uid(uid, kill_one) > 0; i++)
		usleep(2000);
}
