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
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "policy_parse.h"

#define ARGS_MAX 6u

/*
 * call and its arguments in order; a name that begins with ':' is 64 bits
 * wide for the kernel, the others are int or unsigned int (SYSCALL_DEFINE of
 * the kernel's source; mmap takes unsigned long throughout, and hands fd on
 * as unsigned int).
 */
static const struct proto {
	const char *call;
	const char *args[ARGS_MAX];
} protos[] = {
	{"read", {"fd", ":buf", ":count"}},
	{"readv", {":fd", ":iov", ":iovcnt"}},
	{"write", {"fd", ":buf", ":count"}},
	{"writev", {":fd", ":iov", ":iovcnt"}},
	{"pread64", {"fd", ":buf", ":count", ":offset"}},
	{"close", {"fd"}},
	{"lseek", {"fd", ":offset", "whence"}},
	{"fstat", {"fd", ":statbuf"}},
	{"newfstatat", {"dirfd", ":path", ":statbuf", "flags"}},
	{"openat", {"dirfd", ":path", "flags", "mode"}},
	{"fsync", {"fd"}},
	{"fcntl", {"fd", "cmd", ":arg"}},
	{"ioctl", {"fd", "request", ":arg"}},
	{"poll", {":fds", "nfds", "timeout"}},
	{"ppoll", {":fds", "nfds", ":timeout", ":sigmask", ":size"}},
	{"mmap", {":addr", ":length", ":prot", ":flags", "fd", ":offset"}},
	{"mprotect", {":addr", ":length", ":prot"}},
	{"munmap", {":addr", ":length"}},
	{"mremap", {":addr", ":old", ":new", ":flags", ":new_addr"}},
	{"madvise", {":addr", ":length", "advice"}},
	{"brk", {":addr"}},
	{"prctl", {"option", ":arg2", ":arg3", ":arg4", ":arg5"}},
	{"futex", {":uaddr", "op", "val", ":timeout", ":uaddr2", "val3"}},
	{"clone", {":flags", ":stack", ":ptid", ":ctid", ":tls"}},
	{"getrandom", {":buf", ":count", "flags"}},
	{"clock_gettime", {"clock", ":ts"}},
	{"clock_nanosleep", {"clock", "flags", ":request", ":remain"}},
	{"socket", {"domain", "type", "protocol"}},
	{"socketpair", {"domain", "type", "protocol", ":sv"}},
	{"connect", {"fd", ":addr", "len"}},
	{"bind", {"fd", ":addr", "len"}},
	{"getsockname", {"fd", ":addr", ":len"}},
	{"getpeername", {"fd", ":addr", ":len"}},
	{"getsockopt", {"fd", "level", "name", ":value", ":len"}},
	{"setsockopt", {"fd", "level", "name", ":value", "len"}},
	{"sendto", {"fd", ":buf", ":len", "flags", ":addr", "alen"}},
	{"recvfrom", {"fd", ":buf", ":len", "flags", ":addr", ":alen"}},
	{"sendmsg", {"fd", ":msg", "flags"}},
	{"recvmsg", {"fd", ":msg", "flags"}},
	{"sendmmsg", {"fd", ":msgs", "count", "flags"}},
	{"shutdown", {"fd", "how"}},
	{"rt_sigaction", {"sig", ":act", ":old", ":size"}},
	{"rt_sigprocmask", {"how", ":set", ":old", ":size"}},
	{"kill", {"pid", "sig"}},
	{"tgkill", {"tgid", "tid", "sig"}},
	{"exit", {"status"}},
	{"exit_group", {"status"}},
};

static const char *const dangerous[] = {
	"clone", "clone3",   "execve", "execveat", "ioctl",
	"mmap",	 "mprotect", "openat", "prctl",	   "pkey_mprotect",
	"shmat", "socket",   "fcntl",  "mremap",   "socketpair",
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
	C(TCP_NODELAY),
	C(TCP_KEEPIDLE),
	C(TCP_KEEPINTVL),
	C(IP_RECVERR),
	C(IPV6_RECVERR),
	C(IP_MTU_DISCOVER),
	C(IPV6_V6ONLY),
	C(F_GETFD),
	C(F_SETFD),
	C(F_GETFL),
	C(F_SETFL),
	C(F_DUPFD_CLOEXEC),
	C(F_ADD_SEALS),
	C(F_GET_SEALS),
	C(O_RDONLY),
	C(O_WRONLY),
	C(O_RDWR),
	C(O_CLOEXEC),
	C(O_NOFOLLOW),
	C(O_NONBLOCK),
	C(O_DIRECTORY),
	C(AT_FDCWD),
	C(AT_EMPTY_PATH),
	C(FUTEX_WAIT),
	C(FUTEX_WAKE),
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
	C(TIOCSTI),
	C(TIOCLINUX),
	C(PR_SET_NAME),
	C(PR_SET_PDEATHSIG),
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

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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

static int
arg_of(const struct proto *p, const char *arg, unsigned *out_arg,
       bool *out_narrow)
{
	for (unsigned n = 0; n < ARGS_MAX && p->args[n]; n++) {
		bool wide = p->args[n][0] == ':';

		if (strcmp(p->args[n] + wide, arg) == 0) {
			*out_arg = n;
			*out_narrow = !wide;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

int
pol_arg(const char *call, const char *arg, unsigned *out_arg, bool *out_narrow)
{
	for (size_t i = 0; i < COUNT(protos); i++) {
		if (strcmp(protos[i].call, call) == 0)
			return arg_of(&protos[i], arg, out_arg, out_narrow);
	}
	return ERR_NOTFOUND;
}

int
pol_const(const char *name, size_t chars, uint64_t *out)
{
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

bool
pol_dangerous(const char *call)
{
	for (size_t i = 0; i < COUNT(dangerous); i++) {
		if (strcmp(dangerous[i], call) == 0)
			return true;
	}
	return false;
}
