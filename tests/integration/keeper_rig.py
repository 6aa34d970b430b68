# SPDX-License-Identifier: Apache-2.0
"""Runs the real sallyport-keeper as the supervisor would, against the
emulator's storage service (or another): the names that resolve left, the go
pipe, and the two sockets whose half it shuts."""
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
import spframe as sp  # noqa: E402

sys.path.insert(0, os.path.join(sp.ROOT, "tests", "emulator"))
from azemu.client import Client  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
KEEPER = os.path.join(BUILD, "net-worker", "sallyport-keeper")
CACHE = os.environ.get("SALLYPORT_CACHE",
                       "/var/cache/sallyport") + "/emulator-keys"
ACCOUNT = "apmsa"
FD = {n: sp.FD["FD_KEEPER_" + n]
      for n in ("GO", "NAMES", "ROOTS", "ASKED", "HELD")}
GO_HOLD = bytes([sp._enum("ipc/go.h", "go")["GO_HOLD"]])
POLLRDHUP = 0x2000
LOCAL = nf.addrs((0, "127.0.0.1"), (3, "127.0.0.1"))


class Emulator:
    """IMDS and the storage service; no attestation."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="sallyport-keeper.")
        r, w = os.pipe()
        self.process = subprocess.Popen(
            [os.path.join(sp.ROOT, "tests/emulator/emulator"), "serve",
             "--no-attestation", "--dir", self.dir.name, "--cache", CACHE,
             "--ready-fd", str(w)], pass_fds=[w], stdin=subprocess.DEVNULL)
        os.close(w)
        with os.fdopen(r, "rb") as f:
            assert f.read(1), "no emulator"
        self.client = Client(self.dir.name)
        with open(self.client.info["tls_roots"], "rb") as f:
            self.roots = f.read()
        self.ports = {"imds": self.client.port("imds"),
                      "blob": self.client.port("blob")}

    def provision(self, operation="blob", **more):
        self.client.plain("control", "POST", "/provision",
                          json.dumps({"operation": operation, **more}))

    def lease(self, blob="vault"):
        """(state, id) of a blob; ("absent", None) where there is none."""
        one = self.client.plain("control", "GET", "/leases").get(
            "%s.blob.core.windows.net/sallyport/%s" % (ACCOUNT, blob))
        return (one["state"], one["id"]) if one else ("absent", None)

    def calls(self, operation):
        return self.client.counts().get("blob." + operation, 0)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.dir.cleanup()


def conf(ports, **change):
    """CONFIG; change: tag=value, None leaves it out."""
    out = {"IMDS_URL": "http://169.254.169.254", "IMDS_PORT": ports["imds"],
           "BLOB_URL": "https://%s.blob.core.windows.net" % ACCOUNT,
           "BLOB_PORT": ports["blob"], "BLOB_PATH": "/sallyport/vault",
           "LEASE_S": 15, "CONNECT_MS": 2000, "CALL_MS": 5000,
           "RETRY_MS": 1500}
    out.update(change)
    return [("TAG_" + k, v) for k, v in out.items() if v is not None]


def names(addrs=LOCAL, result=0, extra=()):
    """The keeper's end of the socket that resolve, which is gone, left."""
    ours, theirs = sp.seqpair()
    c = sp.Channel(ours)
    c.send("LOCKED")
    for mtype, body in extra:
        c.send(mtype, body)
    if addrs is not None:
        c.send("ADDRS", addrs)
    c.send("RESULT", sp.u32(result))
    ours.close()
    return theirs


class Keeper:
    """One keeper; go: say the word at once."""

    def __init__(self, config, roots, left=None, go=True, uid=None):
        go_r, self.go = os.pipe()
        told = [socket.socketpair() for _ in range(2)]
        self.asked, self.held = told[0][0], told[1][0]
        self.w = sp.Worker(
            KEEPER, [], config,
            {FD["GO"]: go_r, FD["NAMES"]: left or names(),
             FD["ROOTS"]: nf.memfd(roots), FD["ASKED"]: told[0][1],
             FD["HELD"]: told[1][1]}, uid=uid, deadline_ms=4000000000)
        self.pid = self.w.pid
        self.code = None
        if go:
            self.locked()
            self.say(GO_HOLD)

    def locked(self, timeout=20):
        assert select.select([self.w.ready], [], [], timeout)[0]
        assert os.read(self.w.ready, 1) == b""

    def say(self, data):
        try:
            os.write(self.go, data)
        except BrokenPipeError:
            pass

    @staticmethod
    def said(sock, timeout):
        """True: half shut; False: it died; None: nothing yet."""
        p = select.poll()
        p.register(sock, select.POLLIN | POLLRDHUP)
        for _, what in p.poll(timeout * 1000):
            return not what & select.POLLHUP and bool(what & POLLRDHUP)
        return None

    def is_held(self, timeout=20):
        return self.said(self.held, timeout)

    def is_asked(self, timeout=20):
        return self.said(self.asked, timeout)

    def alive(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = self.w.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def end(self, timeout=30):
        """The exit code's name; it ends by itself."""
        if self.code is None:
            self.code = self.w.code = sp.wait(self.pid, timeout)
        self.close()
        return sp.EXIT_NAME.get(self.code, str(self.code))

    def release(self, timeout=30):
        """The go pipe ends."""
        if self.go >= 0:
            os.close(self.go)
            self.go = -1
        return self.end(timeout)

    def close(self):
        if self.alive():
            self.w.kill()
            self.code = self.w.code
        if self.go >= 0:
            os.close(self.go)
            self.go = -1
        self.asked.close()
        self.held.close()
        self.w.close()


def until(what, timeout=20):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False
