/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of a policy mean: calls, their arguments, constants. */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "policy_parse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct proto {
	const char *call;
	const char *args;
} protos[] = {
#define PROTO(call, args) {#call, args},
#include "protos.def"
#undef PROTO
};

static const struct {
	const char *name;
	bool narrow;
	bool is_signed;
	bool pointer;
} types[] = {
	{"int", true, true, false},   {"uint", true, false, false},
	{"long", false, true, false}, {"ulong", false, false, false},
	{"ptr", false, false, true},
};

static const struct {
	const char *call, *args;
} dangerous[] = {
#define NEEDS(call, args) {#call, args},
#define NEVER(call)	  {#call, ""},
#include "dangerous.def"
#undef NEVER
#undef NEEDS
};

/* Calls of Linux 6.x that this libseccomp's table may not have yet. */
static const struct {
	const char *name;
	int nr;
} newer[] = {
	{"cachestat", 451},	    {"fchmodat2", 452},
	{"map_shadow_stack", 453},  {"futex_wake", 454},
	{"futex_wait", 455},	    {"futex_requeue", 456},
	{"statmount", 457},	    {"listmount", 458},
	{"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
	{"lsm_list_modules", 461},  {"mseal", 462},
	{"open_tree_attr", 467},
};

#define C(x)                                                                   \
	{                                                                      \
#x, (uint64_t)(x)                                              \
	}

static const struct constant {
	const char *name;
	uint64_t value;
} constants[] = {
	C(PROT_NONE),
	C(PROT_READ),
	C(PROT_WRITE),
	C(PROT_EXEC),
	C(MAP_PRIVATE),
	C(MAP_SHARED),
	C(MAP_ANONYMOUS),
	C(MAP_FIXED),
	C(MAP_STACK),
	C(MAP_NORESERVE),
	C(MAP_DENYWRITE),
	C(MREMAP_MAYMOVE),
	C(MADV_DONTNEED),
	C(MADV_FREE),
	C(MADV_RANDOM),
	C(MADV_WILLNEED),
	C(MADV_HUGEPAGE),
	C(MADV_NOHUGEPAGE),
	C(MADV_DONTDUMP),
	{"MADV_COLLAPSE", 25},
	C(MAP_POPULATE),
	C(MAP_FIXED_NOREPLACE),
	C(AF_UNIX),
	C(AF_INET),
	C(AF_INET6),
	C(AF_NETLINK),
	C(AF_PACKET),
	C(AF_VSOCK),
	C(AF_ALG),
	C(AF_XDP),
	C(SOCK_STREAM),
	C(SOCK_DGRAM),
	C(SOCK_RAW),
	C(SOCK_SEQPACKET),
	C(SOCK_CLOEXEC),
	C(SOCK_NONBLOCK),
	C(IPPROTO_IP),
	C(IPPROTO_TCP),
	C(IPPROTO_UDP),
	C(IPPROTO_IPV6),
	{"IPPROTO_MPTCP", 262},
	C(MSG_NOSIGNAL),
	C(MSG_DONTWAIT),
	C(MSG_CMSG_CLOEXEC),
	C(MSG_PEEK),
	C(MSG_TRUNC),
	C(SOL_SOCKET),
	C(SO_ERROR),
	C(SO_KEEPALIVE),
	C(SO_SNDBUF),
	C(SO_TYPE),
	C(SO_DOMAIN),
	C(SO_REUSEADDR),
	C(SO_BROADCAST),
	C(SO_RCVBUF),
	C(SO_PEERCRED),
	C(SO_PROTOCOL),
	C(SO_ACCEPTCONN),
	C(SO_LINGER),
	C(SOMAXCONN),
	C(SHUT_RD),
	C(SHUT_WR),
	C(TIMER_ABSTIME),
	C(SHUT_RDWR),
	C(TCP_NODELAY),
	C(TCP_KEEPIDLE),
	C(TCP_KEEPINTVL),
	C(TCP_KEEPCNT),
	C(TCP_USER_TIMEOUT),
	C(TCP_INFO),
	C(TCP_DEFER_ACCEPT),
	C(IP_RECVERR),
	C(IPV6_RECVERR),
	C(IP_MTU_DISCOVER),
	C(IPV6_V6ONLY),
	C(F_GETFD),
	C(F_SETFD),
	C(F_GETFL),
	C(F_SETLK),
	C(F_SETLKW),
	C(F_GETLK),
	C(F_OFD_SETLK),
	C(F_OFD_SETLKW),
	C(F_OFD_GETLK),
	C(F_SETFL),
	C(F_DUPFD),
	C(F_DUPFD_CLOEXEC),
	C(F_GETPIPE_SZ),
	C(F_SETPIPE_SZ),
	C(LOCK_SH),
	C(LOCK_EX),
	C(LOCK_NB),
	C(LOCK_UN),
	C(F_ADD_SEALS),
	C(F_GET_SEALS),
	C(O_RDONLY),
	C(O_WRONLY),
	C(O_RDWR),
	C(O_CLOEXEC),
	C(O_NOFOLLOW),
	C(O_NONBLOCK),
	C(O_DIRECTORY),
	C(O_CREAT),
	C(O_EXCL),
	C(O_TRUNC),
	C(O_APPEND),
	C(O_NOCTTY),
	C(O_PATH),
	C(O_SYNC),
	C(O_DSYNC),
	C(O_NOATIME),
	C(AT_FDCWD),
	C(AT_EMPTY_PATH),
	C(AT_SYMLINK_NOFOLLOW),
	C(AT_REMOVEDIR),
	C(AT_EACCESS),
	C(FUTEX_WAIT),
	C(FUTEX_WAKE),
	C(FUTEX_CLOCK_REALTIME),
	C(FUTEX_WAIT_BITSET_PRIVATE),
	C(FUTEX_CMP_REQUEUE_PRIVATE),
	C(FUTEX_WAKE_OP_PRIVATE),
	C(FUTEX_PRIVATE_FLAG),
	C(FUTEX_WAIT_PRIVATE),
	C(FUTEX_WAKE_PRIVATE),
	C(GRND_NONBLOCK),
	C(CLOCK_MONOTONIC),
	C(CLOCK_REALTIME),
	C(CLONE_VM),
	C(CLONE_FS),
	C(CLONE_FILES),
	C(CLONE_SIGHAND),
	C(CLONE_PIDFD),
	C(CLONE_PTRACE),
	C(CLONE_VFORK),
	C(CLONE_PARENT),
	C(CLONE_THREAD),
	C(CLONE_SYSVSEM),
	C(CLONE_SETTLS),
	C(CLONE_PARENT_SETTID),
	C(CLONE_CHILD_CLEARTID),
	C(CLONE_DETACHED),
	C(CLONE_CHILD_SETTID),
	C(CLONE_IO),
	C(CLONE_NEWNS),
	C(CLONE_NEWUSER),
	C(FIONREAD),
	C(FIONBIO),
	C(TCGETS),
	C(TIOCGWINSZ),
	C(TIOCSTI),
	C(TIOCLINUX),
	C(PR_SET_NAME),
	C(PR_SET_PDEATHSIG),
	C(PR_GET_DUMPABLE),
	C(PR_SET_DUMPABLE),
	C(PR_SET_VMA),
	C(SIGURG),
	C(SIGTERM),
	C(SIGKILL),
	C(SIGINT),
	C(SIGQUIT),
	C(SIGHUP),
	C(SIGABRT),
	C(SIGPROF),
	C(SIGCHLD),
	C(SIGSTOP),
	C(SIGCONT),
	C(EPOLL_CLOEXEC),
	C(EPOLL_CTL_ADD),
	C(EPOLL_CTL_MOD),
	C(EPOLL_CTL_DEL),
	C(EFD_CLOEXEC),
	C(EFD_NONBLOCK),
	C(P_PIDFD),
	C(P_PID),
	C(WEXITED),
	C(WNOWAIT),
	C(WNOHANG),
	C(RLIMIT_NOFILE),
	C(RLIMIT_STACK),
	C(RLIMIT_AS),
	C(RLIMIT_CORE),
	C(RLIMIT_NPROC),
};

/* Never "EAGAIN and go on": each has a use that a policy line explains. */
static const struct {
	const char *name;
	int number;
} errnos[] = {
	{"ENOSYS", ENOSYS},
	{"EPERM", EPERM},
	{"EACCES", EACCES},
	{"EAFNOSUPPORT", EAFNOSUPPORT},
};

int
pol_call(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	if (nr >= 0)
		return nr;
	for (size_t i = 0; i < COUNT(newer); i++) {
		if (strcmp(newer[i].name, name) == 0)
			return newer[i].nr;
	}
	return -1;
}

/* One "type name" of a prototype, chars long, at position n. */
static int
arg_is(const char *text, size_t chars, const char *arg, struct pol_arg *out)
{
	size_t type = strcspn(text, " ");

	if (chars != type + 1 + strlen(arg) ||
	    memcmp(text + type + 1, arg, strlen(arg)) != 0)
		return ERR_NOTFOUND;
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strlen(types[i].name) != type ||
		    memcmp(types[i].name, text, type) != 0)
			continue;
		out->narrow = types[i].narrow;
		out->is_signed = types[i].is_signed;
		out->pointer = types[i].pointer;
		return 0;
	}
	BUG_ON(true); /* protos.def has a type that is not above */
}

const char *
pol_args(const char *call)
{
	for (size_t i = 0; i < COUNT(protos); i++) {
		if (strcmp(protos[i].call, call) == 0)
			return protos[i].args;
	}
	return NULL;
}

int
pol_arg(const char *call, const char *arg, struct pol_arg *out)
{
	const char *text = pol_args(call);
	struct pol_arg found = {0};
	size_t n;

	for (; text && *text; text += n, found.arg++) {
		text += strspn(text, ", ");
		n = strcspn(text, ",");
		if (arg_is(text, n, arg, &found) == 0) {
			*out = found;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

int
pol_const(const char *name, size_t chars, uint64_t *out)
{
	if (pol_const_aarch64(name, chars, out) == 0)
		return 0;
	for (size_t i = 0; i < COUNT(constants); i++) {
		if (strlen(constants[i].name) == chars &&
		    memcmp(constants[i].name, name, chars) == 0) {
			*out = constants[i].value;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

int
pol_errno(const char *name, int *out_errno)
{
	for (size_t i = 0; i < COUNT(errnos); i++) {
		if (strcmp(errnos[i].name, name) == 0) {
			*out_errno = errnos[i].number;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

const char *
pol_dangerous(const char *call)
{
	for (size_t i = 0; i < COUNT(dangerous); i++) {
		if (strcmp(dangerous[i].call, call) == 0)
			return dangerous[i].args;
	}
	return NULL;
}
