/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"
#include "sweep.h"

#define ROOM_KIB 256u

static const char *const files[][2] = {
	{"conf", "server.hcl"},	 {"conf", "sallyport.hcl"},
	{"tls", "cert.pem"},	 {"tls", "key.pem"},
	{"tls", "new-cert.pem"}, {"tls", "new-key.pem"},
	{"sock", "api.sock"},	 {"sock", "notify"},
};

static gid_t
server_gid(const struct sup *s)
{
	return conf_num(s->conf, CONF_UID_SERVER);
}

static int
new_tmpfs(gid_t gid)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), fd = -1;
	char g[16];

	if (fs < 0)
		return -1;
	snprintf(g, sizeof(g), "%u", (unsigned)gid);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "2750", 0) ==
		    0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "gid", g, 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "64m", 0) ==
		    0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					  MOUNT_ATTR_NOEXEC);
	close(fs);
	return fd;
}

/* A directory of root:SERVER; returns its descriptor or -1. */
static int
make_dir(int at, const char *name, gid_t gid, mode_t mode)
{
	int fd;

	if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fchown(fd, (uid_t)-1, gid) == 0 && fchmod(fd, mode) == 0)
		return fd;
	close(fd);
	return -1;
}

/* container: room for what is rendered; a tmpfs without a size has any. */
static bool
has_room(const char *run, const struct statfs *fs)
{
	uint64_t kib = (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize / 1024;

	if (fs->f_blocks == 0 || kib >= ROOM_KIB)
		return true;
	log_line(LOG_FAIL, NULL, "run_directory",
		 "%s: %llu KiB are free on its tmpfs, %u are needed: give it "
		 "more (for instance --tmpfs %s:size=64m)",
		 run, (unsigned long long)kib, ROOM_KIB, run);
	return false;
}

/* container: the run directory must lie on a tmpfs, by statfs. */
static int
container_dir(struct sup *s, enum life_kind k)
{
	const char *run = conf_str(s->conf, CONF_RUN_DIR);
	struct statfs fs;
	struct stat st;
	int fd, look;

	if (mkdir(run, 0700) != 0 && errno != EEXIST)
		return -1;
	fd = open(run, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) != 0 || fstat(fd, &st) != 0)
		return -1;
	if (fs.f_type != TMPFS_MAGIC || st.st_uid != 0) {
		log_line(LOG_FAIL, NULL, "run_directory",
			 "%s must be root's and on a tmpfs: mount one there "
			 "(for instance --tmpfs %s)",
			 run, run);
		close(fd);
		errno = 0;
		return -1;
	}
	if (!has_room(run, &fs)) {
		close(fd);
		errno = 0;
		return -1;
	}
	if (fchown(fd, (uid_t)-1, server_gid(s)) != 0 || fchmod(fd, 02750) != 0)
		return -1;
	if (k == LIFE_PUBLIC)
		return fd;
	look = make_dir(fd, "look", server_gid(s), 02750);
	close(fd);
	return look;
}

/*
 * container: what was ours, and what the server and its plugins left in the
 * two directories where they write.  It must come before the next life: in
 * the place of its socket something may lie.
 */
static int
remove_files(const struct sup *s, int base)
{
	uid_t uid = conf_num(s->conf, CONF_UID_SERVER);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", files[i][0], files[i][1]);
		unlinkat(base, path, 0);
	}
	if (sweep_dir(base, "sock", uid, server_gid(s)) == 0 &&
	    sweep_dir(base, "tmp", uid, server_gid(s)) == 0)
		return 0;
	log_line(LOG_WARN, NULL, "run_directory",
		 "what was left in sock or tmp below %s cannot be removed "
		 "(%s): empty them",
		 conf_str(s->conf, CONF_RUN_DIR), strerror(errno));
	return ERR_SYS;
}

int
life_open(struct sup *s, enum life_kind k)
{
	struct life *l = &s->life[k];
	gid_t gid = server_gid(s);
	int tmp = -1;

	errno = 0;
	life_close(s, k);
	snprintf(l->base, sizeof(l->base), "%s%s",
		 conf_str(s->conf, CONF_RUN_DIR),
		 !s->full && k == LIFE_PRIVATE ? "/look" : "");
	l->mount_fd = s->full ? new_tmpfs(gid) : container_dir(s, k);
	if (l->mount_fd < 0)
		goto fail;
	if (!s->full && remove_files(s, l->mount_fd) != 0)
		goto fail;
	if ((l->conf_fd = make_dir(l->mount_fd, "conf", gid, 02750)) < 0 ||
	    (l->tls_fd = make_dir(l->mount_fd, "tls", gid, 02750)) < 0 ||
	    (l->sock_fd = make_dir(l->mount_fd, "sock", gid, 02770)) < 0 ||
	    (tmp = make_dir(l->mount_fd, "tmp", gid, 02770)) < 0 ||
	    (l->notify_fd = notify_open(l->sock_fd)) < 0)
		goto fail;
	close(tmp);
	tmp = -1;
	if (life_write_ours(s, k) == 0)
		return 0;
fail:
	if (errno)
		log_line(LOG_FAIL, NULL, "run_directory", "%s: %s", l->base,
			 strerror(errno));
	if (tmp >= 0)
		close(tmp);
	return EXIT_PLATFORM;
}

void
life_close(struct sup *s, enum life_kind k)
{
	struct life *l = &s->life[k];
	int *fds[] = {&l->notify_fd, &l->sock_fd, &l->tls_fd, &l->conf_fd};

	if (!s->full && l->mount_fd >= 0)
		(void)!remove_files(s, l->mount_fd); /* said; it ends anyway */
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	if (l->mount_fd >= 0)
		close(l->mount_fd);
	l->mount_fd = -1;
}

int
life_create(struct sup *s, int dir_fd, const char *name, mode_t mode)
{
	int fd = openat(dir_fd, name,
			O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return -1;
	if (fchown(fd, (uid_t)-1, server_gid(s)) == 0 && fchmod(fd, mode) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
is_filled(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size > 0;
}

bool
life_filled(const struct sup *s, enum life_kind k, enum seat *out_by)
{
	const struct life *l = &s->life[k];

	*out_by = SEAT_RENDER;
	if (!is_filled(l->conf_fd, "server.hcl"))
		return false;
	*out_by = SEAT_TLS;
	return k != LIFE_PUBLIC || (is_filled(l->tls_fd, "cert.pem") &&
				    is_filled(l->tls_fd, "key.pem"));
}

int
life_forget_files(struct sup *s, enum life_kind k)
{
	const struct life *l = &s->life[k];

	if (unlinkat(l->conf_fd, "server.hcl", 0) != 0 ||
	    unlinkat(l->conf_fd, "sallyport.hcl", 0) != 0)
		return ERR_SYS;
	if (k == LIFE_PUBLIC && unlinkat(l->tls_fd, "key.pem", 0) != 0)
		return ERR_SYS;
	return 0;
}
