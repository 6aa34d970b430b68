/* SPDX-License-Identifier: Apache-2.0 */
/* Files: of the machine, of the server, of other processes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "evil.h"

static const char *
at(const struct world *w, const char *name)
{
	static char path[2][128];
	static unsigned next;

	next ^= 1;
	snprintf(path[next], sizeof(path[0]), "%s/%s", w->dir, name);
	return path[next];
}

static int
opened(const char *path, int flags)
{
	return evil_result(open(path, flags, 0600));
}

static int
open_passwd(const struct world *w)
{
	return opened("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int
openat2_passwd(const struct world *w)
{
	struct open_how how = {.flags = O_RDONLY};

	return evil_result(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how,
				   sizeof(how)));
}

static int
creat_file(const struct world *w)
{
	return evil_result(syscall(SYS_creat, at(w, "open/new"), 0600));
}

static int
list_root(const struct world *w)
{
	return opened("/", O_RDONLY | O_DIRECTORY);
}

static int
open_device(const struct world *w)
{
	return opened("/dev/null", O_RDWR | O_CLOEXEC);
}

static int
open_store(const struct world *w)
{
	return opened(at(w, "store"), O_RDONLY | O_CLOEXEC);
}

static int
write_file(const struct world *w)
{
	return opened(at(w, "open/new"), O_WRONLY | O_CREAT);
}

static int
tmp_file(const struct world *w)
{
	return opened(w->dir, O_RDWR | O_TMPFILE);
}

static int
make_directory(const struct world *w)
{
	return evil_result(mkdir(at(w, "open/d"), 0700));
}

static int
make_link(const struct world *w)
{
	return evil_result(symlink("/etc/shadow", at(w, "open/l")));
}

static int
make_hard_link(const struct world *w)
{
	return evil_result(link(at(w, "open/mine"), at(w, "open/h")));
}

static int
make_fifo(const struct world *w)
{
	return evil_result(mknod(at(w, "open/f"), S_IFIFO | 0600, 0));
}

static int
make_device(const struct world *w)
{
	return evil_result(
		mknod(at(w, "open/m"), S_IFCHR | 0600, makedev(1, 1)));
}

static int
unlink_file(const struct world *w)
{
	return evil_result(unlink(at(w, "open/mine")));
}

static int
rename_file(const struct world *w)
{
	return evil_result(rename(at(w, "open/mine"), at(w, "open/other")));
}

static int
cut_file(const struct world *w)
{
	return evil_result(truncate(at(w, "open/mine"), 0));
}

static int
change_mode(const struct world *w)
{
	return evil_result(chmod(at(w, "store"), 0666));
}

static int
change_owner(const struct world *w)
{
	return evil_result(chown(at(w, "store"), 1, 1));
}

static int
change_time(const struct world *w)
{
	return evil_result(utimes(at(w, "open/mine"), NULL));
}

static int
set_attribute(const struct world *w)
{
	return evil_result(
		setxattr(at(w, "open/mine"), "trusted.x", "1", 1, 0));
}

static int
look_at_file(const struct world *w)
{
	struct stat st;

	return evil_result(stat("/etc/passwd", &st));
}

static int
may_access(const struct world *w)
{
	return evil_result(access("/etc/passwd", R_OK));
}

static int
file_system(const struct world *w)
{
	struct statfs fs;

	return evil_result(statfs(w->dir, &fs));
}

static int
where_am_i(const struct world *w)
{
	char path[256];

	return evil_result(readlink("/proc/self/exe", path, sizeof(path)));
}

static int
go_elsewhere(const struct world *w)
{
	return evil_result(chdir(w->dir));
}

static int
by_handle(const struct world *w)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	int mount, fd;

	if (name_to_handle_at(AT_FDCWD, w->dir, &u.h, &mount, 0) != 0)
		return errno;
	fd = open(w->dir, O_RDONLY | O_DIRECTORY);
	return evil_result(open_by_handle_at(fd, &u.h, O_PATH));
}

static int
watch_files(const struct world *w)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		return errno;
	return evil_result(inotify_add_watch(fd, w->dir, IN_OPEN));
}

static int
watch_all(const struct world *w)
{
	return evil_result(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
}

/* Read-only text made other text: /proc/self/mem asks no page protection. */
static int
own_text(const struct world *w)
{
	static const char text[] = "constant";
	int fd = open("/proc/self/mem", O_RDWR);

	if (fd < 0)
		return errno;
	return evil_result(pwrite(fd, "changed!", 8, (off_t)(uintptr_t)text));
}

static int
of_process(pid_t pid, const char *what, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return opened(path, flags);
}

static int
server_memory(const struct world *w)
{
	return of_process(w->server, "mem", O_RDWR);
}

static int
server_environment(const struct world *w)
{
	return of_process(w->server, "environ", O_RDONLY);
}

static int
server_descriptor(const struct world *w)
{
	char path[64];

	snprintf(path, sizeof(path), "fd/%d", w->server_fd);
	return of_process(w->server, path, O_RDONLY);
}

static int
server_root(const struct world *w)
{
	return of_process(w->server, "root/etc/passwd", O_RDONLY);
}

static int
supervisor_memory(const struct world *w)
{
	return of_process(w->supervisor, "mem", O_RDWR);
}

static int
supervisor_status(const struct world *w)
{
	return of_process(w->supervisor, "status", O_RDONLY);
}

static int
kernel_setting(const struct world *w)
{
	return opened("/proc/sys/kernel/core_pattern", O_WRONLY);
}

const struct try tries_files[] = {
	{"open-passwd", open_passwd},
	{"openat2-passwd", openat2_passwd},
	{"creat", creat_file},
	{"list-root", list_root},
	{"open-device", open_device},
	{"open-store", open_store},
	{"write-file", write_file},
	{"tmp-file", tmp_file},
	{"mkdir", make_directory},
	{"symlink", make_link},
	{"hard-link", make_hard_link},
	{"mkfifo", make_fifo},
	{"make-device", make_device},
	{"unlink", unlink_file},
	{"rename", rename_file},
	{"truncate", cut_file},
	{"chmod", change_mode},
	{"chown", change_owner},
	{"utimes", change_time},
	{"setxattr", set_attribute},
	{"stat", look_at_file},
	{"access", may_access},
	{"statfs", file_system},
	{"readlink", where_am_i},
	{"chdir", go_elsewhere},
	{"file-handle", by_handle},
	{"inotify", watch_files},
	{"fanotify", watch_all},
	{"proc-own-memory", own_text},
	{"proc-server-memory", server_memory},
	{"proc-server-environ", server_environment},
	{"proc-server-fd", server_descriptor},
	{"proc-server-root", server_root},
	{"proc-supervisor-memory", supervisor_memory},
	{"proc-supervisor-status", supervisor_status},
	{"proc-sys", kernel_setting},
	{NULL, NULL},
};
