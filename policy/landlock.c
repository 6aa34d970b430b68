/* SPDX-License-Identifier: Apache-2.0 */
/* The Landlock layer (landlock.h), by system calls of its own. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel's interface (include/uapi/linux/landlock.h), written out: the
 * header of the build machine may be older than the kernel that runs this.
 */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_attr {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t access;
	uint64_t port;
};

#define CREATE_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define RULE_PATH      1  /* LANDLOCK_RULE_PATH_BENEATH */
#define RULE_PORT      2  /* LANDLOCK_RULE_NET_PORT */
#define ABI_IOCTL      5
#define ABI_SCOPE      6

#define BIT(n)	      (UINT64_C(1) << (n))
#define FS_EXECUTE    BIT(0)
#define FS_WRITE      BIT(1)
#define FS_READ_FILE  BIT(2)
#define FS_READ_DIR   BIT(3)
#define FS_REMOVE     (BIT(4) | BIT(5))		 /* directories, files */
#define FS_MAKE	      (BIT(7) | BIT(8) | BIT(9)) /* dir, file, socket */
#define FS_REFER      BIT(13)
#define FS_TRUNCATE   BIT(14)
#define FS_UP_TO_ABI3 (BIT(15) - 1)
#define FS_IOCTL_DEV  BIT(15)
/* What a rule on something that is no directory may say. */
#define FS_OF_FILE (FS_EXECUTE | FS_WRITE | FS_READ_FILE | FS_TRUNCATE)

#define NET_BIND    BIT(0)
#define NET_CONNECT BIT(1)
#define SCOPE_ALL   (BIT(0) | BIT(1)) /* abstract sockets, signals */

#define FS_READ (FS_READ_FILE | FS_READ_DIR)

static uint64_t
rights(enum page_reach reach)
{
	switch (reach) {
	case REACH_READ:
		return FS_READ;
	case REACH_WRITE:
		return FS_READ | FS_WRITE | FS_REMOVE | FS_MAKE | FS_REFER |
		       FS_TRUNCATE;
	case REACH_EXECUTE:
		return FS_READ | FS_EXECUTE;
	case REACH_CONNECT:
		return NET_CONNECT;
	case REACH_BIND:
		return NET_BIND;
	}
	return 0;
}

int
landlock_begin(void)
{
	struct ruleset_attr attr = {
		.fs = FS_UP_TO_ABI3,
		.net = NET_BIND | NET_CONNECT,
	};
	size_t bytes = offsetof(struct ruleset_attr, scoped);
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	if (abi < LANDLOCK_ABI_MIN)
		return -1;
	if (abi >= ABI_IOCTL)
		attr.fs |= FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE) {
		attr.scoped = SCOPE_ALL;
		bytes = sizeof(attr);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0);
}

int
landlock_path(int ruleset, enum page_reach reach, const char *path)
{
	struct path_attr attr = {.access = rights(reach)};
	struct stat st;
	int r = ERR_LOCK;

	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND
							   : ERR_LOCK;
	if (fstat(attr.parent_fd, &st) != 0)
		goto out;
	if (!S_ISDIR(st.st_mode))
		attr.access &= FS_OF_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &attr, 0) == 0)
		r = 0;
out:
	close(attr.parent_fd);
	return r;
}

int
landlock_port(int ruleset, enum page_reach reach, uint16_t port)
{
	struct port_attr attr = {.access = rights(reach), .port = port};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &attr, 0) != 0)
		return ERR_LOCK;
	return 0;
}

int
landlock_end(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0
								    : ERR_LOCK;
}

/* A rule of a worker's page; the other kinds are the server's alone. */
static int
add_rule(int ruleset, const struct page_rule *rule, const uint16_t *ports,
	 size_t port_count)
{
	int r = 0;

	if (rule->when != 0)
		return ERR_LOCK;
	if (rule->reach == REACH_CONNECT) {
		if (!rule->setting)
			return landlock_port(ruleset, rule->reach, rule->port);
		for (size_t i = 0; i < port_count && r == 0; i++)
			r = landlock_port(ruleset, rule->reach, ports[i]);
		return r;
	}
	if (rule->reach != REACH_READ || rule->setting)
		return ERR_LOCK;
	r = landlock_path(ruleset, rule->reach, rule->path);
	return r == ERR_NOTFOUND ? 0 : r;
}

int
landlock_lock(const struct page *page, const uint16_t *ports, size_t port_count)
{
	bool takes = port_count == 0;
	int r = 0, ruleset;

	if (!page->landlock || (ruleset = landlock_begin()) < 0)
		return ERR_LOCK;
	for (size_t i = 0; i < page->rule_count && r == 0; i++) {
		r = add_rule(ruleset, &page->rules[i], ports, port_count);
		takes = takes || page->rules[i].setting;
	}
	if (r == 0)
		r = takes ? landlock_end(ruleset) : ERR_LOCK;
	close(ruleset);
	return r;
}
