# SPDX-License-Identifier: Apache-2.0
"""Runs the real sallyport-prepare in its two seats, as supervisor, broker and
tpm would, and makes PFX files for it."""

import fcntl
import os
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "emulator"))
import spframe as sp  # noqa: E402
from ports import free_uids  # noqa: E402
from azemu import pki_web  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
PREPARE = os.path.join(BUILD, "vault-launcher", "sallyport-prepare")
UID = free_uids(1)
SEALS = 0x000f  # F_SEAL_SEAL | SHRINK | GROW | WRITE
F_ADD_SEALS = 1033


def memfd(data):
    fd = os.memfd_create("template", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


class Outputs:
    """Two files of which the worker gets write-only descriptors."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.paths = [os.path.join(self.dir.name, n) for n in "ab"]
        self.fds = [os.open(p, os.O_WRONLY | os.O_CREAT, 0o600)
                    for p in self.paths]

    def read(self):
        out = []
        for p in self.paths:
            with open(p, "rb") as f:
                out.append(f.read())
        self.dir.cleanup()
        return out


def seal(w, pub_in, sealed_out, seat, mtype, plain, mangle=lambda m: m):
    """Plays tpm: reads the public key, seals."""
    try:
        pub = sp.Channel(pub_in).expect("SEAL_PUB", 5)
        box = sp.env_seal(pub, sp.env_info(w.session, "SEAT_TPM", seat, mtype),
                          plain)
        sp.Channel(sealed_out).send(mtype, mangle(box))
    except (sp.Hangup, BrokenPipeError):
        pass  # it had ended already
    finally:
        pub_in.close()
        sealed_out.close()


def render(template, config, key=None, **kw):
    """config: the items; key: the 64 bytes of the storage key.  Returns the
    worker; .outcome, .public, .private."""
    mangle = kw.pop("mangle", lambda m: m)
    pub_out, pub_in = sp.oneway()
    sealed_out, sealed_in = sp.oneway()
    files = Outputs()
    config = list(config)
    if key is not None:
        config.append(("TAG_STORAGE_KEY", 1))
    w = sp.Worker(PREPARE, ["render"], config,
                  {6: memfd(template.encode()
                            if isinstance(template, str) else template),
                   7: files.fds[0], 8: files.fds[1], 9: pub_out,
                   10: sealed_in}, uid=UID, **kw)
    try:
        w.start()
        if key is not None:
            seal(w, pub_in, sealed_out, "SEAT_RENDER", "SEALED_STORAGE", key,
                 mangle)
    except sp.Hangup:
        pass
    except AssertionError:
        pass  # it ended before LOCKED: RESULT came instead
    w.outcome = w.finish()
    w.public, w.private = files.read()
    return w


def tls(pfx, password, config, **kw):
    """password: text, or the raw plaintext as bytes.  Returns the worker;
    .outcome, .cert, .key."""
    mangle = kw.pop("mangle", lambda m: m)
    if isinstance(password, str):
        password = password.encode()
        password = bytes([len(password)]) + password.ljust(128, b"\0")
    pub_out, pub_in = sp.oneway()
    sealed_out, sealed_in = sp.oneway()
    files = Outputs()
    w = sp.Worker(PREPARE, ["tls"], config,
                  {6: files.fds[0], 7: files.fds[1], 8: pub_out,
                   9: sealed_in}, uid=UID, **kw)
    w.start()
    try:
        w.broker.send("PFX", pfx)
    except BrokenPipeError:
        pass
    seal(w, pub_in, sealed_out, "SEAT_TLS", "SEALED_PASSWORD", password,
         mangle)
    w.outcome = w.finish()
    w.cert, w.key = files.read()
    return w


class Identity:
    """Root, intermediate, leaf and stranger; .pfx() exports by openssl(1)."""

    def __init__(self, host):
        keys = [pki_web.new_rsa(2048) for _ in range(3)]
        self.keys = keys
        self.root = pki_web.build(pki_web.name("Root"), keys[0], ca=-1)
        self.middle = pki_web.build(pki_web.name("Issuing"), keys[1],
                                    self.root, keys[0], ca=0)
        self.leaf = self.make_leaf(host)
        self.other_root = pki_web.build(pki_web.name("Root"), keys[1], ca=-1)

    def make_leaf(self, host, **kw):
        return pki_web.build(pki_web.name(host), self.keys[2], self.middle,
                             self.keys[1], san=[host], **kw)

    def pfx(self, password, *argv, leaf=None, key=2, chain=None):
        with tempfile.TemporaryDirectory() as tmp:
            def put(name, data):
                with open(os.path.join(tmp, name), "wb") as f:
                    f.write(data)
            put("key", self.keys[key].private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            put("leaf", pki_web.pem(leaf or self.leaf))
            chain = [self.middle, self.root] if chain is None else chain
            put("chain", b"".join(pki_web.pem(c) for c in chain))
            subprocess.run(
                ["openssl", "pkcs12", "-export", "-inkey", "key", "-in",
                 "leaf", "-passout", "pass:" + password, "-out", "out"] +
                (["-certfile", "chain"] if chain else []) + list(argv),
                check=True, cwd=tmp, capture_output=True)
            with open(os.path.join(tmp, "out"), "rb") as f:
                return f.read()
