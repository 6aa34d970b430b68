/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root directory of a child.  full: a mount namespace whose root is the
 * program's library root, read-only, nosuid, nodev, made with detached mounts
 * and entered by pivot_root (where "/" is not a mount point, as in a plain
 * chroot, by chroot).  container: chroot into the library root; resolve alone
 * keeps the real root, held by Landlock, for it needs files that change.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

/* A detached, private, restricted copy of the mount at path. */
static int
clone_tree(const char *path, bool writable, bool exec)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    (writable ? 0 : MOUNT_ATTR_RDONLY) |
			    (exec ? 0 : MOUNT_ATTR_NOEXEC),
		.propagation = MS_PRIVATE,
	};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
			      OPEN_TREE_CLONE | O_CLOEXEC);

	if (fd < 0)
		return -1;
	/* A device node bound alone (/dev/null) must stay a device. */
	if (!strncmp(path, "/dev/", 5))
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_NODEV;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr,
		    sizeof(attr)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
new_tmpfs(void)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ==
		    0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "1m", 0) ==
		    0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	close(fs);
	return fd;
}

static int
attach(int mount_fd, int dir_fd, const char *to)
{
	return (int)syscall(SYS_move_mount, mount_fd, "", dir_fd, to,
			    MOVE_MOUNT_F_EMPTY_PATH |
				    (to[0] ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
}

/* Makes every directory of path (relative to dir_fd), as mkdir -p. */
static int
make_dirs(int dir_fd, const char *path, bool last_is_file)
{
	char buf[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(buf))
		return -1;
	memcpy(buf, path, n + 1);
	for (char *p = buf; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdirat(dir_fd, buf, 0755) != 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	if (last_is_file) {
		int fd = openat(dir_fd, buf, O_CREAT | O_WRONLY | O_CLOEXEC,
				0644);
		if (fd < 0)
			return -1;
		return close(fd);
	}
	return mkdirat(dir_fd, buf, 0755) != 0 && errno != EEXIST ? -1 : 0;
}

static int
add_bind(int root_fd, const struct bind_mount *b, bool make)
{
	const char *to = b->to + 1; /* without the slash */
	struct stat st;
	int fd = b->from_fd, r = -1;

	if (fd < 0 && (fd = clone_tree(b->from, b->writable, b->exec)) < 0)
		return -1;
	if (fstat(fd, &st) == 0 &&
	    (!make || make_dirs(root_fd, to, !S_ISDIR(st.st_mode)) == 0))
		r = attach(fd, root_fd, to);
	if (fd != b->from_fd)
		close(fd);
	return r;
}

/*
 * The tree is attached where the library root lies (or, for the server's own
 * tmpfs, on the run directory's parent's place: any directory serves, since
 * the namespace is ours), then becomes the root.
 */
static int
enter(int tree, const struct spawn *sp, bool pivot, const char *place)
{
	int dir = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool need = pivot || sp->bind_count > 0;

	if (dir < 0 || (need && attach(tree, dir, "") != 0))
		return -1;
	close(dir);
	for (unsigned i = 0; i < sp->bind_count; i++)
		if (add_bind(tree, &sp->binds[i], sp->root == NULL) != 0)
			return -1;
	if (sp->root == NULL) {
		struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
		if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &ro,
			    sizeof(ro)) != 0)
			return -1;
	}
	if (fchdir(tree) != 0)
		return -1;
	if (pivot && syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) == 0 ? chdir("/") : -1;
	if (pivot && mount(".", "/", NULL, MS_MOVE, NULL) != 0)
		return -1; /* "/" is the initial ramfs: MS_MOVE stands in */
	return chroot(".") == 0 ? chdir("/") : -1;
}

int
root_enter(const struct sup *s, const struct spawn *sp)
{
	bool pivot = true;
	int tree, r;

	if (!s->full) {
		if (sp->root && (chroot(sp->root) != 0 || chdir("/") != 0))
			return ERR_SYS;
		return 0;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		if (errno != EINVAL)
			return ERR_SYS;
		pivot = false;
	}
	umask(022); /* other uids pass through what is made here */
	tree = sp->root ? clone_tree(sp->root, false, true) : new_tmpfs();
	if (tree < 0)
		return ERR_SYS;
	r = enter(tree, sp, pivot, sp->root ? sp->root : "/proc");
	close(tree);
	umask(077);
	return r == 0 ? 0 : ERR_SYS;
}
