/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree may be of any depth, its names and modes are a plugin's choice.  So
 * nothing recurs: what a directory holds of directories is moved up to the
 * top, under a number, and met there again.
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *
open_dir(int at, const char *name)
{
	int fd = openat(at, name,
			O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* A file, or a directory that is empty.  errno tells what stays. */
static bool
removed(int at, const char *name)
{
	return unlinkat(at, name, 0) == 0 ||
	       (errno == EISDIR && unlinkat(at, name, AT_REMOVEDIR) == 0);
}

/*
 * Moving a directory needs the right to write in it, so it gets that first;
 * rmdir(2) said that the name is a directory.
 */
static int
move_up(int from, const char *name, int top, unsigned *next)
{
	char to[16];

	if (fchmodat(from, name, 0700, 0) != 0)
		return ERR_SYS;
	for (;;) {
		snprintf(to, sizeof(to), "%u", (*next)++);
		if (renameat2(from, name, top, to, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return ERR_SYS;
	}
}

/* Removes a directory of `top`; what it holds of directories is in `top` then.
 */
static int
remove_dir(int top, const char *name, unsigned *next)
{
	struct dirent *e;
	DIR *d = NULL;
	int r = 0;

	if (fchmodat(top, name, 0700, 0) != 0 || !(d = open_dir(top, name)))
		return ERR_SYS;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (is_dots(e->d_name) || removed(dirfd(d), e->d_name))
			continue;
		r = errno == ENOTEMPTY ? move_up(dirfd(d), e->d_name, top, next)
				       : ERR_SYS;
	}
	closedir(d);
	if (r == 0 && unlinkat(top, name, AT_REMOVEDIR) != 0)
		r = ERR_SYS;
	return r;
}

/* One reading of the directory.  Returns how much went; *out_left: is seen. */
static unsigned
remove_all(DIR *d, unsigned *next, unsigned *out_left)
{
	unsigned gone = 0, left = 0;
	struct dirent *e;

	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		if (is_dots(e->d_name))
			continue;
		if (removed(dirfd(d), e->d_name) ||
		    (errno == ENOTEMPTY &&
		     remove_dir(dirfd(d), e->d_name, next) == 0))
			gone++;
		else
			left++;
	}
	*out_left = left;
	return gone;
}

int
sweep_dir(int at, const char *name, uid_t uid, gid_t gid)
{
	DIR *d = open_dir(at, name);
	unsigned left, next = 0;
	uid_t old_uid;
	gid_t old_gid;
	int saved;

	if (!d)
		return errno == ENOENT ? 0 : ERR_SYS;
	old_gid = (gid_t)setfsgid(gid);
	old_uid = (uid_t)setfsuid(uid);
	while (remove_all(d, &next, &left) > 0)
		;
	saved = errno;
	setfsuid(old_uid);
	setfsgid(old_gid);
	closedir(d);
	errno = saved;
	return left == 0 ? 0 : ERR_SYS;
}
