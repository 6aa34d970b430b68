# SPDX-License-Identifier: Apache-2.0
"""What a hostile plugin tries (tests/plugin/tries.go), and what comes of it."""
import re

# Killed by the policy of the server.
KILLED = '''ptrace attach process_vm_readv process_vm_writev vmread pidfd_getfd
kcmp process_madvise process_mrelease bpf userfaultfd perf_event_open
io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key
mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
pivot_root chroot quotactl setns unshare kexec_load init_module finit_module
delete_module reboot swapon swapoff acct syslog settimeofday clock_settime
adjtimex sethostname iopl ioperm modify_ldt personality name_to_handle_at
open_by_handle_at migrate_pages move_pages mbind set_mempolicy
x32_getpid'''.split()

# Killed by the outer filter that lies below it, else EPERM.
KILLED_BELOW = '''clone_newuser clone_newns clone_newnet socket_packet
socket_raw socket_vsock socket_alg socket_sctp socket_generic
fastopen_sendto-80 fastopen_sendto6-80 fastopen_sendmsg-80
fastopen_sendmmsg-80'''.split()

# Answered EPERM.
REFUSED = '''socket_mptcp socket_mptcp6 socket_mptcp_high mptcp-80 mptcp6-80
mmap_exec mmap_write_exec mprotect_exec pkey_mprotect shmat memfd_create
memfd_secret execveat seccomp landlock setuid setgid setgroups capset mknodat
prctl_dumpable prctl_ptracer ioctl_sti ioctl_sti_high fcntl_setlease
prlimit_other sched_setscheduler fanotify_init get_mempolicy'''.split()

# Files, ports, descriptors: Landlock, owners, namespaces; EACCES, or not there.
CLOSED = '''mem maps environ cmdline fd proc config ours key write_config
write_key write_plugin passwd inherited environment written symlink connect-80
connect6-80 connect-22 bind-80 bind-1024'''.split()

DIED = r'^refused: signal: bad system call'
EPERM = r'^refused: .*operation not permitted'
SHUT = r'^refused: '


def expected(below):
    """{try: the pattern of its answer}; below: with the outer filter."""
    out = {t: DIED for t in KILLED}
    out.update({t: DIED if below else EPERM for t in KILLED_BELOW})
    out.update({t: EPERM for t in REFUSED})
    out.update({t: SHUT for t in CLOSED})
    return out


def wrong(said, below):
    """What came out otherwise, in words."""
    return ['%s: %s' % (t, said.get(t)) for t, want in expected(below).items()
            if not re.match(want, said.get(t) or '')]
