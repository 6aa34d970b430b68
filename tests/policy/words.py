# SPDX-License-Identifier: Apache-2.0
"""What the words of a policy mean, for the model: call numbers from the
kernel's headers, constants from Python and the headers, widths from
prototypes.  Nothing here comes from policyc's tables: two readings of the
kernel's interface have to agree."""
import errno
import fcntl
import glob
import mmap
import os
import re
import signal
import socket
import termios
import time

ARCH = {'x86-64': 0xc000003e, 'i386': 0x40000003, 'aarch64': 0xc00000b7,
        'arm': 0x40000028, 'riscv64': 0xc00000f3, 's390x': 0x80000016,
        'none': 0, 'all ones': 0xffffffff, 'x86-64, other end': 0x8000003e,
        'x86-64, 32 bit': 0x4000003e}
X32_BIT = 0x40000000
UNISTD = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'

# Calls that are younger than Debian 12's headers (syscalls(2)).
YOUNGER = {'cachestat': 451, 'fchmodat2': 452, 'map_shadow_stack': 453,
           'futex_wake': 454, 'futex_wait': 455, 'futex_requeue': 456,
           'statmount': 457, 'listmount': 458, 'lsm_get_self_attr': 459,
           'lsm_set_self_attr': 460, 'lsm_list_modules': 461, 'mseal': 462,
           'setxattrat': 463, 'getxattrat': 464, 'listxattrat': 465,
           'removexattrat': 466, 'open_tree_attr': 467, 'file_getattr': 468,
           'file_setattr': 469}

# The argument types of section 2 of the manual, with what it says of the
# kernel's side under "C library/kernel differences": mmap, mprotect, readv,
# writev and clone take unsigned long where the library takes int, ioctl takes
# unsigned int where the library takes unsigned long.
PROTOTYPES = '''
read(int fd, void *buf, size_t count)
write(int fd, void *buf, size_t count)
readv(unsigned long fd, void *iov, unsigned long iovcnt)
writev(unsigned long fd, void *iov, unsigned long iovcnt)
pread64(int fd, void *buf, size_t count, off_t offset)
pwrite64(int fd, void *buf, size_t count, off_t offset)
close(int fd)
lseek(int fd, off_t offset, int whence)
fstat(int fd, void *statbuf)
newfstatat(int dirfd, char *path, void *statbuf, int flags)
openat(int dirfd, char *path, int flags, mode_t mode)
fsync(int fd)
fcntl(int fd, int cmd, unsigned long arg)
ioctl(int fd, unsigned int request, unsigned long arg)
poll(void *fds, unsigned int nfds, int timeout)
ppoll(void *fds, unsigned int nfds, void *timeout, void *sigmask, size_t size)
mmap(void *addr, size_t length, unsigned long prot, unsigned long flags, int fd, off_t offset)
mprotect(void *addr, size_t length, unsigned long prot)
munmap(void *addr, size_t length)
mremap(void *addr, size_t old, size_t new, unsigned long flags, void *new_addr)
madvise(void *addr, size_t length, int advice)
brk(void *addr)
prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
futex(void *uaddr, int op, uint32_t val, void *timeout, void *uaddr2, uint32_t val3)
clone(unsigned long flags, void *stack, void *ptid, void *ctid, unsigned long tls)
getrandom(void *buf, size_t count, unsigned int flags)
clock_gettime(clockid_t clock, void *ts)
clock_nanosleep(clockid_t clock, int flags, void *request, void *remain)
socket(int domain, int type, int protocol)
socketpair(int domain, int type, int protocol, void *sv)
connect(int fd, void *addr, int len)
bind(int fd, void *addr, int len)
listen(int fd, int backlog)
accept4(int fd, void *addr, void *len, int flags)
getsockname(int fd, void *addr, void *len)
getpeername(int fd, void *addr, void *len)
getsockopt(int fd, int level, int name, void *value, void *len)
setsockopt(int fd, int level, int name, void *value, int len)
sendto(int fd, void *buf, size_t len, int flags, void *addr, int alen)
recvfrom(int fd, void *buf, size_t len, int flags, void *addr, void *alen)
sendmsg(int fd, void *msg, int flags)
recvmsg(int fd, void *msg, int flags)
sendmmsg(int fd, void *msgs, unsigned int count, int flags)
shutdown(int fd, int how)
timer_settime(int timerid, int flags, void *new, void *old)
rt_sigaction(int sig, void *act, void *old, size_t size)
rt_sigprocmask(int how, void *set, void *old, size_t size)
kill(pid_t pid, int sig)
tgkill(pid_t tgid, pid_t tid, int sig)
pidfd_open(pid_t pid, unsigned int flags)
pidfd_send_signal(int pidfd, int sig, void *info, unsigned int flags)
prlimit64(pid_t pid, unsigned int resource, void *new, void *old)
arch_prctl(int option, unsigned long arg2)
exit(int status)
exit_group(int status)
'''
NARROW = {'int', 'unsigned int', 'mode_t', 'clockid_t', 'pid_t', 'uint32_t'}
SIGNED = {'int', 'pid_t', 'clockid_t'}
WIDE = {'size_t', 'off_t', 'unsigned long'}

# Where neither Python nor a #define of the headers has it (ip(7), recv(2)).
CONSTANTS = {'IPPROTO_MPTCP': 262, 'MSG_CMSG_CLOEXEC': 0x40000000}
MODULES = (socket, os, mmap, fcntl, termios, errno, signal, time)
HEADERS = ('/usr/include/linux/*.h', '/usr/include/asm-generic/*.h',
           '/usr/include/x86_64-linux-gnu/bits/*.h')


def call_numbers():
    with open(UNISTD, encoding='ascii') as f:
        out = {m[1]: int(m[2]) for m in
               re.finditer(r'^#define __NR_(\w+) (\d+)$', f.read(), re.M)}
    out.update(YOUNGER)
    return out


def _arguments():
    """{call: {argument: (position, narrow, signed)}}"""
    out = {}
    for line in PROTOTYPES.strip().split('\n'):
        call, args = re.fullmatch(r'(\w+)\((.*)\)', line).groups()
        out[call] = {}
        for i, arg in enumerate(args.split(', ')):
            kind, star, name = re.fullmatch(r'(.*) (\*?)(\w+)', arg).groups()
            assert star or kind in NARROW | WIDE, arg
            out[call][name] = (i, not star and kind in NARROW,
                               not star and kind in SIGNED)
    return out


CALLS = call_numbers()
ARGUMENTS = _arguments()
NAMES = {n: c for c, n in CALLS.items()}
_defines = {}


def _define(name):
    """The value of a #define whose right side is numbers, names, | and <<."""
    if not _defines:
        for path in sorted(p for g in HEADERS for p in glob.glob(g)):
            with open(path, encoding='utf-8', errors='replace') as f:
                for m in re.finditer(r'^#\s*define\s+(\w+)[ \t]+([^\n/]+)',
                                     f.read(), re.M):
                    _defines.setdefault(m[1], m[2].strip())
    if name not in _defines:
        raise KeyError(name)
    value = 0
    for term in _defines[name].strip('()').split('|'):
        factors = [number(x.strip(' ()')) for x in term.split('<<')]
        value |= factors[0] << sum(factors[1:])
    return value


def number(word):
    """A number or a named constant; KeyError when nobody knows it."""
    m = re.fullmatch(r'(-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*))[uUlL]*', word)
    if m:
        text = m[1]
        octal = re.fullmatch(r'-?0[0-7]+', text)
        return int(text, 8) if octal else int(text, 0)
    if word in CONSTANTS:
        return CONSTANTS[word]
    for module in MODULES:
        if isinstance(getattr(module, word, None), int):
            return int(getattr(module, word))
    return _define(word)
