# SPDX-License-Identifier: Apache-2.0
"""sallyport-exec: what the process may do that it becomes, seen from inside
that process (a Python that reports), and that the real server lives there."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import baoserver  # noqa: E402
import policypage  # noqa: E402
import spframe as sp  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
EXEC = os.path.join(BUILD, "vault-launcher", "sallyport-exec")
PYTHON = os.path.realpath("/usr/bin/python3")
UID = 52100
SYSTEM = ["/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache"]

# Each line of a probe is one attempt; its errno (0: it worked) is reported.
PROBE = r"""
import errno, json, os, resource, signal, socket, subprocess, sys, threading
out = {}
def attempt(name, f):
    try:
        f(); out[name] = 0
    except OSError as e:
        out[name] = errno.errorcode.get(e.errno, e.errno)
def tcp(port, proto=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, proto)
    s.connect(("127.0.0.1", port)); s.close()
def bind(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.bind(("127.0.0.1", port)); s.close()
def abstract():
    s = socket.socket(socket.AF_UNIX); s.connect("\0" + A["abstract"])
A = json.loads(sys.argv[1])
attempt("read", lambda: open(A["read"]).read())
attempt("read_other", lambda: open(A["other"]).read())
attempt("write", lambda: open(A["write"] + "/new", "w").write("x"))
attempt("write_read_path", lambda: open(A["read"], "a"))
attempt("write_other", lambda: open(A["other"], "a"))
attempt("exec", lambda: subprocess.run([A["python"], "-c", "0"]))
attempt("exec_other", lambda: subprocess.run(["/usr/bin/true"]))
attempt("exec_written", lambda: (os.chmod(A["write"] + "/new", 0o700),
                                 os.execv(A["write"] + "/new", ["x"])))
attempt("connect", lambda: tcp(A["open"]))
attempt("connect_other", lambda: tcp(A["shut"]))
attempt("mptcp", lambda: tcp(A["shut"], 262))
attempt("bind", lambda: bind(A["bind"]))
attempt("bind_other", lambda: bind(A["bind"] + 1))
attempt("abstract", abstract)
threading.Thread(target=attempt, args=("thread", lambda: None)).start()
attempt("signal", lambda: os.kill(A["pid"], 0))
out["umask"] = os.umask(0)
out["core"] = resource.getrlimit(resource.RLIMIT_CORE)
out["nofile"] = resource.getrlimit(resource.RLIMIT_NOFILE)
out["env"] = dict(os.environ)
fds = []
for n in range(200):
    try:
        os.fstat(n); fds.append(n)
    except OSError:
        pass
out["fds"] = fds
print(json.dumps(out))
"""


class Exec(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sp-exec-")
        os.chmod(self.dir, 0o755)
        for name in ("read", "other"):
            with open(os.path.join(self.dir, name), "w",
                      encoding="ascii") as f:
                f.write("x")
            os.chmod(os.path.join(self.dir, name), 0o666)
        os.mkdir(os.path.join(self.dir, "write"))
        os.chmod(os.path.join(self.dir, "write"), 0o777)

    def tearDown(self):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def run_exec(self, config, out=None, uid=UID, second=False):
        """Starts it; returns (pid, read end of the ready pipe)."""
        ours, theirs = sp.seqpair()
        ours.sendall(sp.frame("CONFIG", 0, sp.items(config)))
        if second:
            ours.sendall(sp.frame("CONFIG", 1, sp.items(config)))
        ours.close()
        r, w = os.pipe()
        fds = {4: theirs.fileno(), 5: w}
        if out is not None:
            fds[1] = fds[2] = out
        pid = sp.spawn(EXEC, [], fds, uid)
        theirs.close()
        os.close(w)
        return pid, r

    def code(self, config, **kw):
        pid, r = self.run_exec(config, **kw)
        try:
            return sp.EXIT_NAME[sp.wait(pid, 10)]
        finally:
            os.close(r)

    def python(self, argument, script=PROBE, extra=()):
        return ([("X_PROGRAM", PYTHON)] +
                [("X_ARG", a) for a in (PYTHON, "-I", "-c", script,
                                        json.dumps(argument))] +
                [("X_ENV", "HOME=/none"),
                 ("X_EXEC_PATH", PYTHON)] +
                [("X_EXEC_PATH", p) for p in SYSTEM] + list(extra))

    def test_what_becomes_of_it_may_do_what_is_named_and_no_more(self):
        opened, shut = socket.socket(), socket.socket()
        for s in (opened, shut):
            s.bind(("127.0.0.1", 0))
            s.listen(4)
        hidden = socket.socket(socket.AF_UNIX)
        hidden.bind("\0" + self.dir)
        hidden.listen(1)
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        bind = free.getsockname()[1]
        free.close()
        arg = {"read": self.path("read"), "other": self.path("other"),
               "write": self.path("write"), "python": PYTHON,
               "open": opened.getsockname()[1],
               "shut": shut.getsockname()[1], "bind": bind,
               "abstract": self.dir, "pid": os.getpid()}
        r, w = os.pipe()
        pid, ready = self.run_exec(self.python(arg, extra=[
            ("X_READ_PATH", self.path("read")),
            ("X_WRITE_PATH", self.path("write")),
            ("X_WRITE_PATH", "/dev/null"),
            ("X_CONNECT_PORT", arg["open"]), ("X_BIND_PORT", bind)]), out=w)
        os.close(w)
        with os.fdopen(r) as f:
            text = f.read()
        self.assertEqual(sp.wait(pid), 0, text)
        self.assertEqual(os.read(ready, 1), b"")
        os.close(ready)
        got = json.loads(text)
        self.assertEqual(
            {k: got[k] for k in got if k not in
             ("umask", "core", "nofile", "env", "fds")},
            {"read": 0, "read_other": "EACCES", "write": 0,
             "write_read_path": "EACCES", "write_other": "EACCES",
             "exec": 0, "exec_other": "EACCES", "exec_written": "EACCES",
             "connect": 0, "connect_other": "EACCES", "mptcp": "EPERM",
             "bind": 0, "bind_other": "EACCES", "abstract": "EPERM", "thread": 0,
             "signal": "EPERM"})
        self.assertEqual(got["umask"], 0o77)
        self.assertEqual(got["core"], [0, 0])
        limit = policypage.Page("vault-server").limit("nofile")
        self.assertEqual(got["nofile"], [limit, limit])
        got["env"].pop("LC_CTYPE", None)  # Python's own
        self.assertEqual(got["env"], {"HOME": "/none"})
        self.assertEqual(got["fds"], [0, 1, 2])
        for s in (opened, shut, hidden):
            s.close()

    def test_the_harness_can_run_it_at_all(self):
        self.assertEqual(self.code(self.python({}, "raise SystemExit(0)")),
                         "OK")

    def test_a_missing_path_is_an_error(self):
        for tag in ("X_READ_PATH", "X_WRITE_PATH", "X_EXEC_PATH"):
            self.assertEqual(self.code(self.python(
                {}, "0", [(tag, self.path("absent"))])), "LOCK", tag)

    def test_a_relative_path_is_an_error(self):
        self.assertEqual(self.code(self.python(
            {}, "0", [("X_READ_PATH", "usr")])), "LOCK")

    def test_the_metadata_port_is_never_granted(self):
        self.assertEqual(self.code(self.python(
            {}, "0", [("X_CONNECT_PORT", 80)])), "LOCK")

    def test_a_port_that_is_none_is_an_error(self):
        self.assertEqual(self.code(self.python(
            {}, "0", [("X_CONNECT_PORT", 65536)])), "LOCK")

    def test_a_second_config_is_an_error(self):
        self.assertEqual(self.code(self.python({}, "0"), second=True), "LOCK")

    def test_without_program_or_arguments_nothing_is_run(self):
        whole = self.python({}, "0")
        for tag in ("X_PROGRAM", "X_ARG"):
            self.assertEqual(self.code([p for p in whole if p[0] != tag]),
                             "LOCK", tag)

    def test_a_program_outside_the_exec_paths_is_not_run(self):
        whole = [p for p in self.python({}, "0") if p != ("X_EXEC_PATH",
                                                          PYTHON)]
        self.assertEqual(self.code(whole), "SERVER_GONE")

    @unittest.skipUnless(os.path.exists(baoserver.BAO), "no server fetched")
    def test_the_real_server_lives_in_it(self):
        b = baoserver.Bao()
        with open(os.path.join(b.dir, "c.hcl"), "w", encoding="ascii") as f:
            f.write(baoserver.CONFIG % {"dir": b.dir, "no_root": "false"})
        os.chmod(b.dir, 0o755)
        subprocess.run(["chown", "-R", str(UID), b.dir], check=True)
        config = [("X_PROGRAM", baoserver.BAO), ("X_ARG", "bao"),
                  ("X_ARG", "server"), ("X_ARG", "-config=%s/c.hcl" % b.dir),
                  ("X_ENV", "HOME=" + b.dir), ("X_ENV", "TMPDIR=" + b.dir),
                  ("X_WRITE_PATH", b.dir),
                  ("X_WRITE_PATH", "/dev/null"),
                  ("X_EXEC_PATH", baoserver.BAO)]
        with open(os.path.join(b.dir, "log"), "wb") as log:
            pid, ready = self.run_exec(config, out=log.fileno())
        try:
            for _ in range(1000):
                try:
                    status, _ = b.call("GET", "sys/health")
                    break
                except OSError:
                    time.sleep(0.01)
            else:
                self.fail(b.log())
            self.assertEqual(status, 501)
            status, keys = b.call("PUT", "sys/init", {
                "secret_shares": 1, "secret_threshold": 1})
            self.assertEqual(status, 200)
            b.unseal([bytes.fromhex(keys["keys"][0])])
            self.assertEqual(b.call("GET", "sys/health")[0], 200)
            # not dumpable: its uid can neither read nor trace it
            self.assertEqual(os.stat("/proc/%d/mem" % pid).st_uid, 0)
        finally:
            os.kill(pid, 15)
            sp.wait(pid)
            os.close(ready)
            b.close()


if __name__ == "__main__":
    unittest.main()
