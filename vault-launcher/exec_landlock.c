/* SPDX-License-Identifier: Apache-2.0 */
/* Rules out of CONFIG, by system calls of its own. */
#include "exec_landlock.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tags.h"

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
#define ABI_TCP	       4
#define ABI_IOCTL      5
#define ABI_SCOPE      6

#define BIT(n)	     (UINT64_C(1) << (n))
#define FS_EXECUTE   BIT(0)
#define FS_WRITE     BIT(1)
#define FS_READ_FILE BIT(2)
#define FS_READ_DIR  BIT(3)
#define FS_REMOVE    (BIT(4) | BIT(5))		/* directories, files */
#define FS_MAKE	     (BIT(7) | BIT(8) | BIT(9)) /* dir, file, socket */
#define FS_REFER     BIT(13)
#define FS_TRUNCATE  BIT(14)
#define FS_ALL_ABI3  (BIT(15) - 1)
#define FS_IOCTL_DEV BIT(15)
/* What a rule on something that is no directory may say. */
#define FS_OF_FILE (FS_EXECUTE | FS_WRITE | FS_READ_FILE | FS_TRUNCATE)

#define NET_BIND    BIT(0)
#define NET_CONNECT BIT(1)
#define SCOPE_ALL   (BIT(0) | BIT(1)) /* abstract sockets, signals */

#define READ_RIGHTS (FS_READ_FILE | FS_READ_DIR)
#define EXEC_RIGHTS (READ_RIGHTS | FS_EXECUTE)
#define WRITE_RIGHTS                                                           \
	(READ_RIGHTS | FS_WRITE | FS_REMOVE | FS_MAKE | FS_REFER | FS_TRUNCATE)

#define PORT_METADATA 80u

static int
create(void)
{
	struct ruleset_attr attr = {.fs = FS_ALL_ABI3,
				    .net = NET_BIND | NET_CONNECT};
	size_t bytes = offsetof(struct ruleset_attr, scoped);
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	if (abi < ABI_TCP)
		return -1;
	if (abi >= ABI_IOCTL)
		attr.fs |= FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE) {
		attr.scoped = SCOPE_ALL;
		bytes = sizeof(attr);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0);
}

static int
add_path(int ruleset, const char *path, uint64_t rights)
{
	struct path_attr attr = {.access = rights};
	struct stat st;
	int r = ERR_LOCK;

	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return ERR_LOCK;
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

static int
add_paths(int ruleset, const struct items *config, unsigned tag,
	  uint64_t rights)
{
	unsigned n = items_count(config, tag);
	char path[PATH_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (items_str(config, tag, i, path, sizeof(path)) != 0 ||
		    path[0] != '/')
			return ERR_LOCK;
		if (add_path(ruleset, path, rights) != 0)
			return ERR_LOCK;
	}
	return 0;
}

static int
port_of(const struct items *config, unsigned tag, unsigned i, uint32_t *out)
{
	const uint8_t *p;
	size_t bytes;
	struct rd r;

	if (items_get(config, tag, i, &p, &bytes) != 0)
		return ERR_LOCK;
	rd_init(&r, p, bytes);
	if (rd_u32(&r, out) != 0 || rd_end(&r) != 0 || *out > UINT16_MAX)
		return ERR_LOCK;
	return 0;
}

static int
add_ports(int ruleset, const struct items *config, unsigned tag, uint64_t right)
{
	unsigned n = items_count(config, tag);

	for (unsigned i = 0; i < n; i++) {
		struct port_attr attr = {.access = right};
		uint32_t port;

		if (port_of(config, tag, i, &port) != 0)
			return ERR_LOCK;
		/* a token from there releases keys on somebody's machine */
		if (right == NET_CONNECT && port == PORT_METADATA)
			return ERR_LOCK;
		attr.port = port;
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &attr,
			    0) != 0)
			return ERR_LOCK;
	}
	return 0;
}

int
exec_landlock(const struct items *config)
{
	int ruleset = create(), r = ERR_LOCK;

	if (ruleset < 0)
		return ERR_LOCK;
	if (add_paths(ruleset, config, X_READ_PATH, READ_RIGHTS) != 0 ||
	    add_paths(ruleset, config, X_WRITE_PATH, WRITE_RIGHTS) != 0 ||
	    add_paths(ruleset, config, X_EXEC_PATH, EXEC_RIGHTS) != 0)
		goto out;
	if (add_ports(ruleset, config, X_CONNECT_PORT, NET_CONNECT) != 0 ||
	    add_ports(ruleset, config, X_BIND_PORT, NET_BIND) != 0)
		goto out;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		r = 0;
out:
	close(ruleset);
	return r;
}
