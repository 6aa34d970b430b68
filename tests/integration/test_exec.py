# SPDX-License-Identifier: Apache-2.0
"""sallyport-exec: what the process may do that it becomes, seen from inside
that process (the tests' plugin, which tries and reports), and that the real
server lives there."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import baoserver  # noqa: E402
import policypage  # noqa: E402
import plugin_tries  # noqa: E402
import spframe as sp  # noqa: E402
from ports import free_port, free_uids  # noqa: E402
from server_run import plugin_path  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
EXEC = os.path.join(BUILD, "vault-launcher", "sallyport-exec")
UID = free_uids(1)
LIFE = sp.WHEN["WHEN_PUBLIC"] | sp.WHEN["WHEN_LOCAL"]


class Exec(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sp-exec-")
        os.chmod(self.dir, 0o755)
        for name in ("conf", "other"):
            with open(os.path.join(self.dir, name), "w",
                      encoding="ascii") as f:
                f.write("x")
            os.chmod(os.path.join(self.dir, name), 0o666)
        self.plugin = os.path.join(self.dir, "plugin")
        shutil.copy(plugin_path(), self.plugin)
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

    def probe(self, name="environment", extra=(), when=LIFE):
        """The CONFIG that makes it the plugin, which does one try."""
        return [("X_PROGRAM", self.plugin), ("X_ARG", self.plugin),
                ("X_ENV", "TMPDIR=" + self.path("base/tmp")),
                ("X_ENV", "SALLYPORT_TEST_TRY=try %s %d" % (
                    name, os.getpid())),
                ("X_ENV", "SALLYPORT_TEST_ABSTRACT=" + self.dir),
                ("X_EXEC_PATH", self.plugin), *extra,
                ("X_WHEN", when)]

    def said(self, name, extra=()):
        r, w = os.pipe()
        pid, ready = self.run_exec(self.probe(name, extra), out=w)
        os.close(w)
        with os.fdopen(r) as f:
            text = f.read()
        code = sp.wait(pid, 30)
        self.assertEqual(os.read(ready, 1), b"")
        os.close(ready)
        if code == -signal.SIGSYS:
            return "refused: signal: bad system call"
        self.assertEqual(code, 0, name + ": " + text)
        return text

    def test_what_is_named_works_and_nothing_beside_it(self):
        opened, shut = socket.socket(), socket.socket()
        for s in (opened, shut):
            s.bind(("127.0.0.1", 0))
            s.listen(4)
        port, closed = (s.getsockname()[1] for s in (opened, shut))
        bind = free_port()
        extra = [("X_READ_PATH", self.path("conf")),
                 ("X_WRITE_PATH", self.path("write")),
                 ("X_WRITE_PATH", "/dev/null"),
                 ("X_CONNECT_PORT", port), ("X_BIND_PORT", bind)]
        for name, want in (
                ("read-" + self.path("conf"), "GOT"),
                ("read-" + self.path("other"), "refused"),
                ("write-" + self.path("conf"), "refused"),
                ("write-" + self.path("write/new"), "GOT"),
                ("write-" + self.path("other"), "refused"),
                ("run-/usr/bin/true", "refused"),
                ("run-" + self.path("write/new"), "refused"),
                ("connect-%d" % port, "GOT"),
                ("connect-%d" % closed, "refused"),
                ("mptcp-%d" % port, "refused"),
                ("fastopen_sendto-%d" % closed, "refused"),
                ("fastopen_sendmsg-%d" % closed, "refused"),
                ("bind-%d" % bind, "GOT"),
                ("bind-%d" % (bind + 1), "refused")):
            with self.subTest(name):
                self.assertRegex(self.said(name, extra), "^" + want)
        for s in (opened, shut):
            s.close()

    def test_what_a_hostile_plugin_tries_is_refused_or_kills(self):
        hidden = socket.socket(socket.AF_UNIX)
        hidden.bind("\0" + self.dir)
        hidden.listen(1)
        tries = list(plugin_tries.expected(below=False))
        said = {t: self.said(t) for t in tries}
        self.assertEqual(plugin_tries.wrong(said, below=False), [])
        for t in ("abstract", "signal-%d" % os.getpid()):
            self.assertRegex(self.said(t), plugin_tries.EPERM)
        hidden.close()

    def test_its_limits_environment_and_descriptors_are_the_named(self):
        got = json.loads(self.said("state-" + self.path("write"), [
            ("X_WRITE_PATH", self.path("write"))]))
        self.assertEqual(got.pop("mode"), 0o600)  # umask 077
        self.assertEqual(got.pop("core"), 0)
        self.assertEqual(got.pop("nofile"),
                         policypage.Page("vault-server").limit("nofile"))
        self.assertEqual(got.pop("fds"), [0, 1, 2])
        self.assertEqual(sorted(got.pop("env")), sorted(
            v for k, v in self.probe("state-" + self.path("write"))
            if k == "X_ENV"))
        for beside in ("passwd", "connect"):
            self.assertRegex(got.pop(beside), "^refused: .*permission denied")
        self.assertEqual(got, {})

    def test_the_harness_can_run_it_at_all(self):
        self.assertEqual(self.code(self.probe()), "OK")

    def test_a_missing_path_is_an_error(self):
        for tag in ("X_READ_PATH", "X_WRITE_PATH", "X_EXEC_PATH"):
            self.assertEqual(self.code(self.probe(
                extra=[(tag, self.path("absent"))])), "LOCK", tag)

    def test_a_relative_path_is_an_error(self):
        self.assertEqual(self.code(self.probe(extra=[("X_READ_PATH", "usr")])), "LOCK")

    def test_the_metadata_port_is_never_granted(self):
        self.assertEqual(self.code(self.probe(extra=[("X_CONNECT_PORT", 80)])), "LOCK")

    def test_what_the_page_does_not_state_is_an_error(self):
        """Each beside one that it states: by what is done with it, by its
        name, by the life that begins."""
        private = sp.WHEN["WHEN_PRIVATE"] | sp.WHEN["WHEN_LOCAL"]
        remote = sp.WHEN["WHEN_PUBLIC"] | sp.WHEN["WHEN_REMOTE"]
        raft = sp.WHEN["WHEN_RAFT"]
        for tag, value, when, want in (
                ("X_READ_PATH", self.path("conf"), LIFE, "OK"),
                ("X_READ_PATH", self.path("other"), LIFE, "LOCK"),
                ("X_READ_PATH", "/etc/hosts", LIFE, "LOCK"),
                ("X_READ_PATH", "/etc/hosts", remote, "OK"),
                ("X_WRITE_PATH", self.path("other"), LIFE, "OK"),
                ("X_WRITE_PATH", "/dev/null", remote, "OK"),
                ("X_BIND_PORT", 8200, LIFE, "OK"),
                ("X_BIND_PORT", 8200, private, "LOCK"),
                ("X_BIND_PORT", 0, private, "LOCK"),
                ("X_BIND_PORT", 0, private | raft, "OK"),
                ("X_CONNECT_PORT", 443, LIFE, "OK"),
                ("X_CONNECT_PORT", 443, private, "LOCK")):
            with self.subTest((tag, value, when)):
                self.assertEqual(self.code(self.probe(
                    extra=[(tag, value)], when=when)), want)
        self.assertEqual(self.code([p for p in self.probe()
                                    if p[0] != "X_WHEN"]), "LOCK")

    def test_a_port_that_is_none_is_an_error(self):
        self.assertEqual(self.code(self.probe(extra=[("X_CONNECT_PORT", 65536)])), "LOCK")

    def test_a_second_config_is_an_error(self):
        self.assertEqual(self.code(self.probe(), second=True), "LOCK")

    def test_without_program_or_arguments_nothing_is_run(self):
        whole = self.probe()
        for tag in ("X_PROGRAM", "X_ARG"):
            self.assertEqual(self.code([p for p in whole if p[0] != tag]),
                             "LOCK", tag)

    def test_a_program_outside_the_exec_paths_is_not_run(self):
        whole = [p for p in self.probe() if p[0] != "X_EXEC_PATH"]
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
                  ("X_EXEC_PATH", baoserver.BAO), ("X_WHEN", LIFE)]
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
