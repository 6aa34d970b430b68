# SPDX-License-Identifier: Apache-2.0
"""Runs the real sallyport-control in its three seats, as the supervisor and
tpm would, against whatever stream it is given."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from ports import free_uids  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
CONTROL = os.path.join(BUILD, "vault-launcher", "sallyport-control")
UID = free_uids(1)


def look(stream, storage="pebbledb", **kw):
    """Returns the finished worker; .outcome is the exit code's name."""
    w = sp.Worker(CONTROL, ["look"], [("TAG_STORAGE", storage)], {6: stream},
                  uid=UID, **kw)
    w.start()
    w.outcome = w.finish()
    return w


def init(stream, shares=5, threshold=3, storage="pebbledb", pub=True, **kw):
    """Returns the worker; .keys is (threshold, shares, token) or None."""
    key = sp.X25519PrivateKey.generate()
    pub_out, pub_in = sp.oneway()
    sealed_out, sealed_in = sp.oneway()
    w = sp.Worker(CONTROL, ["init"],
                  [("TAG_STORAGE", storage), ("TAG_SHARES", shares),
                   ("TAG_THRESHOLD", threshold)],
                  {6: stream, 7: pub_in, 8: sealed_out}, uid=UID, **kw)
    w.start()
    try:
        if pub:
            sp.Channel(pub_out).send("TPM_PUB",
                                     sp.raw_pub(key.public_key()))
    except BrokenPipeError:
        pass  # it had ended already
    pub_out.close()
    w.outcome = w.finish()
    w.keys, w.raw = None, None
    try:
        ct = sp.Channel(sealed_in).expect("SEALED_KEYS", 5)
        w.raw = sp.env_open(key, sp.env_info(
            w.session, "SEAT_INIT", "SEAT_TPM", "SEALED_KEYS"), ct)
        w.keys = sp.keyset_parse(w.raw)
    except sp.Hangup:
        pass
    sealed_in.close()
    return w


def unseal(stream, keyset, config=(), mangle=lambda m: m, **kw):
    pub_out, pub_in = sp.oneway()
    sealed_out, sealed_in = sp.oneway()
    w = sp.Worker(CONTROL, ["unseal"], list(config),
                  {6: stream, 7: pub_out, 8: sealed_in}, uid=UID, **kw)
    w.start()
    pub = sp.Channel(pub_in).expect("SEAL_PUB")
    message = mangle(sp.env_seal(pub, sp.env_info(
        w.session, "SEAT_TPM", "SEAT_UNSEAL", "SEALED_SHARES"), keyset))
    if message is not None:
        sp.Channel(sealed_out).send("SEALED_SHARES", message)
    sealed_out.close()
    w.outcome = w.finish()
    pub_in.close()
    return w


class Between:
    """A stream between control and a server: hook(n, method, path) is called
    before request number n (from 0) is passed on."""

    def __init__(self, server, hook):
        self.theirs, self.ours = socket.socketpair()
        self.server, self.hook, self.seen = server, hook, []
        self.error = None
        threading.Thread(target=self.run, daemon=True).start()

    def message(self, f):
        head = b""
        while True:
            line = f.readline()
            if not line:
                return None
            head += line
            if line == b"\r\n":
                break
        n = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                n = int(line.split(b":")[1])
        return head + f.read(n)

    def run(self):
        up, down = self.ours.makefile("rb"), self.server.makefile("rb")
        try:
            while True:
                request = self.message(up)
                if request is None:
                    break
                method, path = request.split(b" ", 2)[:2]
                self.seen.append((method.decode(), path.decode()[4:]))
                self.hook(len(self.seen) - 1, *self.seen[-1])
                self.server.sendall(request)
                reply = self.message(down)
                if reply is None:
                    break
                self.ours.sendall(reply)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e
        for s in (up, down, self.ours, self.server):
            s.close()
