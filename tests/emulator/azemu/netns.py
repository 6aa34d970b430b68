# SPDX-License-Identifier: Apache-2.0
"""`emulator exec`: a network and a mount namespace of its own in which
Azure's addresses and names lead to the emulator, and a command in it.  For
clients that nobody has changed.  Needs root."""

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from .core import announce
from .httpd import Listener
from .login import ARM_HOSTS, HOSTS

IMDS = "169.254.169.254"
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCSIFADDR, SIOCSIFFLAGS, SIOCSIFNETMASK = 0x8916, 0x8914, 0x891C
IFF_UP = 1

libc = ctypes.CDLL(None, use_errno=True)


class NamespaceError(OSError):
    """A step of the set-up is not permitted; the text names it."""


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise NamespaceError(number, "%s: %s (exec needs root with "
                             "CAP_SYS_ADMIN and CAP_NET_ADMIN)"
                             % (what, os.strerror(number)))


def interface_up(name, address, mask):
    """netdevice(7): give the interface an address and set it up."""
    def sockaddr(text):
        return struct.pack("=H2x4s8x", socket.AF_INET, socket.inet_aton(text))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        label = name.encode().ljust(16, b"\0")
        for call, data in ((SIOCSIFADDR, sockaddr(address)),
                           (SIOCSIFNETMASK, sockaddr(mask)),
                           (SIOCSIFFLAGS, struct.pack("=H14x", IFF_UP))):
            fcntl.ioctl(sock, call, label + data)


def bind_over(source, target):
    check(libc.mount(source.encode(), target.encode(), None, MS_BIND, None),
          "mount over " + target)


def enter(directory, hosts):
    """Into fresh namespaces; names lead to this machine's loopback."""
    check(libc.unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare")
    # in a plain chroot "/" is no mount point and cannot be made private
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0 and \
            ctypes.get_errno() != errno.EINVAL:
        check(-1, "make / private")
    interface_up("lo", "127.0.0.1", "255.0.0.0")
    interface_up("lo:1", IMDS, "255.255.255.255")
    path = os.path.join(directory, "hosts")
    with open(path, "w", encoding="ascii") as out:
        out.write("127.0.0.1 localhost\n")
        out.writelines("127.0.0.1 %s\n" % host for host in hosts)
    bind_over(path, "/etc/hosts")


def environment(directory):
    """The command's environment: the test root is the only one trusted."""
    env = {k: v for k, v in os.environ.items()
           if not k.lower().endswith("_proxy")}
    roots = os.path.join(directory, "tls-root.pem")
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                 "NODE_EXTRA_CA_CERTS"):
        env[name] = roots
    env["NO_PROXY"] = env["no_proxy"] = "*"
    env["EMULATOR_DIR"] = directory
    env["AZURE_CORE_COLLECT_TELEMETRY"] = "no"
    env.setdefault("AZURE_CONFIG_DIR", os.path.join(directory, "azure"))
    return env


def serve(emulator):
    """Listeners on the addresses that the real services have."""
    contexts = emulator.pki.server_contexts()
    both = {"https": ("127.0.0.1", 443, contexts["vault"]),
            "imds": (IMDS, 80, None), "control": ("127.0.0.1", 0, None)}
    found = {}
    for name, (host, port, tls) in both.items():
        found[name] = Listener(name, emulator.dispatch, (host, port),
                               tls).start()
    found["akv"] = found["maa"] = found["https"]
    return found


def children():
    """Process ids of our children.  Not from /proc/self/task/*/children:
    not every kernel has it (CONFIG_PROC_CHILDREN)."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="latin-1") as stat:
                after_name = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(after_name[1]) == os.getpid():
            out.append(int(pid))
    return out


def end_children():
    """End what the command left behind; as a subreaper we have it all."""
    for _ in range(100):
        left = children()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in left:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
        time.sleep(0.01)


def supervise(argv, env):
    """Run the command; hand signals on.  Returns its exit code as a shell
    reports it."""
    child = subprocess.Popen(argv, env=env)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: child.send_signal(n))
    code = child.wait()
    return 128 - code if code < 0 else code


def run(args, directory, argv):
    """Everything in a child, so that the caller's namespaces stay.  Ctrl-C
    reaches the command from the terminal itself; here it does nothing (a
    handler, since an ignored signal would stay ignored in the command)."""
    signal.signal(signal.SIGINT, lambda *_: None)
    pid = os.fork()
    if pid:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda n, _: os.kill(pid, n))
        status = os.waitpid(pid, 0)[1]
        return os.waitstatus_to_exitcode(status) % 256
    code = 125
    try:
        code = inside(args, os.path.abspath(directory), argv)
    except (OSError, ImportError) as error:
        print("emulator: %s" % error, file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def inside(args, directory, argv):
    from .main import make_emulator
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    emulator = make_emulator(args, directory)
    enter(directory, [*emulator.vaults, emulator.maa_host, *HOSTS,
                      *ARM_HOSTS])
    if args.vtpm:
        emulator.start_vtpm()
    found = serve(emulator)
    announce(emulator, found)
    try:
        return supervise(argv, environment(directory))
    finally:
        emulator.stopping.set()
        if args.vtpm:
            emulator.stop_vtpm()
        for one in set(found.values()):
            one.stop()
        end_children()
