/* SPDX-License-Identifier: Apache-2.0 */
/* The Landlock layer (landlock.h), by system calls of its own. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
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

#define FS_READ_FILE  (UINT64_C(1) << 2)
#define FS_UP_TO_ABI3 ((UINT64_C(1) << 15) - 1) /* … REFER, TRUNCATE */
#define FS_IOCTL_DEV  (UINT64_C(1) << 15)	/* ABI 5 */
#define NET_BIND      (UINT64_C(1) << 0)
#define NET_CONNECT   (UINT64_C(1) << 1)
#define SCOPE_ALL     (UINT64_C(3)) /* abstract sockets, signals: ABI 6 */

static int
create(long abi)
{
	struct ruleset_attr attr = {
		.fs = FS_UP_TO_ABI3,
		.net = NET_BIND | NET_CONNECT,
	};
	size_t bytes = offsetof(struct ruleset_attr, scoped);

	if (abi >= 5)
		attr.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		attr.scoped = SCOPE_ALL;
		bytes = sizeof(attr);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0);
}

static int
add_path(int ruleset, const char *path)
{
	struct path_attr attr = {.access = FS_READ_FILE};
	long r;

	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : ERR_LOCK;
	r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &attr, 0);
	close(attr.parent_fd);
	return r == 0 ? 0 : ERR_LOCK;
}

static int
add_port(int ruleset, uint16_t port)
{
	struct port_attr attr = {.access = NET_CONNECT, .port = port};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &attr, 0) != 0)
		return ERR_LOCK;
	return 0;
}

static int
add_rule(int ruleset, const struct page_rule *rule, const uint16_t *ports,
	 size_t port_count)
{
	int r = 0;

	if (rule->when != 0 || rule->path == NULL) {
		if (rule->when != 0 || rule->reach != REACH_CONNECT)
			return ERR_LOCK; /* the server's alone */
		if (!rule->setting)
			return add_port(ruleset, rule->port);
		for (size_t i = 0; i < port_count && r == 0; i++)
			r = add_port(ruleset, ports[i]);
		return r;
	}
	if (rule->reach != REACH_READ || rule->setting)
		return ERR_LOCK;
	return add_path(ruleset, rule->path);
}

int
landlock_lock(const struct page *page, const uint16_t *ports, size_t port_count)
{
	int r = ERR_LOCK, ruleset = -1;
	bool takes = port_count == 0;
	long abi;

	if (!page->landlock)
		return ERR_LOCK;
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	if (abi < LANDLOCK_ABI_MIN)
		return ERR_LOCK;
	ruleset = create(abi);
	if (ruleset < 0)
		return ERR_LOCK;
	for (size_t i = 0; i < page->rule_count; i++) {
		r = add_rule(ruleset, &page->rules[i], ports, port_count);
		if (r != 0)
			goto out;
		takes = takes || page->rules[i].setting;
	}
	r = ERR_LOCK;
	if (takes && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		r = 0;
out:
	close(ruleset);
	return r;
}
