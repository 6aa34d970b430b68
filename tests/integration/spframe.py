# SPDX-License-Identifier: Apache-2.0
"""A worker's surroundings, for tests that play supervisor, broker and peers:
frames, CONFIG items, the sealed envelope (RFC 9180), the key set, and the
spawn of the real program with exactly the descriptors of its seat.

All numbers come from the sources (seat.h, messages.def, tags.h, exit.def,
events.def): a test cannot drift from the table.  The cryptography is Python's:
a second implementation, not ours again."""

import ctypes
import hashlib
import hmac
import os
import re
import select
import signal
import socket
import struct
import time

from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MAGIC = 0x5301
HEADER = struct.Struct(">HHBBHII")
KEYSET_BYTES = 676


def _text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def _enum(path, name):
    """The constants of `enum name { A, B = 3, ... };` in a header."""
    body = re.search(r"enum %s \{(.*?)\};" % name, _text(path), re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    out, nxt = {}, 0
    for item in body.split(","):
        m = re.match(r"\s*(\w+)\s*(?:=\s*(\w+))?\s*$", item)
        if not m:
            continue
        if m.group(2):
            nxt = int(m.group(2), 0)
        out[m.group(1)] = nxt
        nxt += 1
    return out


def _rows(path, pattern):
    return {m.group(1): int(m.group(2))
            for m in re.finditer(pattern, _text(path), re.M)}


SEAT = _enum("ipc/seat.h", "seat")             # SEAT["SEAT_TPM"]
TAG = _enum("ipc/tags.h", "tag")               # TAG["TAG_SESSION"]
SLOT = _enum("ipc/blob.h", "slot")
WHEN = _enum("policy/page.h", "page_when")     # WHEN["WHEN_PUBLIC"]
FD = _enum("ipc/fds.h", "fd_number")           # FD["FD_TPM_DEV"]
FD_BROKER, FD_CONFIG, FD_READY = (FD["FD_BROKER"], FD["FD_CONFIG"],
                                  FD["FD_READY"])
FD_FIRST = FD_READY + 1
MSG = _rows("ipc/messages.def", r"^X\((\w+),\s*(\d+),")
EXIT = _rows("ipc/exit.def", r"^X\((\w+),\s*(\d+),")
EVENT = _rows("ipc/events.def", r"^X\((\w+),\s*(\d+),")
MSG_NAME = {v: k for k, v in MSG.items()}
EXIT_NAME = {v: k for k, v in EXIT.items()}
EVENT_NAME = {v: k for k, v in EVENT.items()}


# --- frames ---------------------------------------------------------------

def frame(mtype, seq, body=b""):
    number = MSG[mtype] if isinstance(mtype, str) else mtype
    return HEADER.pack(MAGIC, number, 0, 0, 0, seq, len(body)) + body


class Hangup(Exception):
    pass


class Channel:
    """One end of a seqpacket pair; checks every header it reads."""

    def __init__(self, sock):
        self.sock, self.sent, self.got = sock, 0, 0

    def send(self, mtype, body=b""):
        """To a worker that is gone nothing is said: its exit code counts."""
        try:
            self.sock.sendall(frame(mtype, self.sent, body))
        except (BrokenPipeError, ConnectionResetError):
            return
        self.sent += 1

    def recv(self, timeout=20.0):
        """Returns (name, body); Hangup at the end, TimeoutError."""
        self.sock.settimeout(timeout)
        try:
            p = self.sock.recv(1 << 17)
        except socket.timeout as e:
            raise TimeoutError("no frame came") from e
        except ConnectionResetError:
            p = self.sock.recv(1 << 17)
        if not p:
            raise Hangup()
        magic, mtype, flags, nfds, zero, seq, n = HEADER.unpack(p[:16])
        assert (magic, flags, nfds, zero) == (MAGIC, 0, 0, 0), p[:16].hex()
        assert seq == self.got and n == len(p) - 16, (seq, self.got, n)
        self.got += 1
        return MSG_NAME[mtype], p[16:]

    def expect(self, mtype, timeout=20.0):
        name, body = self.recv(timeout)
        assert name == mtype, "%s came instead of %s" % (name, mtype)
        return body

    def close(self):
        self.sock.close()


def seqpair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def oneway():
    """(sender's end, receiver's end), as the supervisor makes direct pairs."""
    a, b = seqpair()
    a.shutdown(socket.SHUT_RD)
    b.shutdown(socket.SHUT_WR)
    return a, b


# --- CONFIG items ---------------------------------------------------------

def u32(n):
    return struct.pack(">I", n)


def items(pairs):
    """[("TAG_SHARES", 5), ("C_PATH", "kv"), ("TAG_MOUNT", [...]), ...]"""
    out = b""
    for tag, value in pairs:
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, int):
            value = u32(value)
        elif isinstance(value, str):
            value = value.encode()
        elif isinstance(value, (list, tuple)):
            value = items(value)
        out += struct.pack(">HI", TAG[tag], len(value)) + value
    return out


# --- RFC 9180, base mode, single shot -------------------------------------

_KEM = b"KEM" + struct.pack(">H", 0x20)
_SUITE = b"HPKE" + struct.pack(">HHH", 0x20, 1, 2)


def _extract(salt, label, ikm, suite):
    return hmac.new(salt or b"\0" * 32, b"HPKE-v1" + suite + label + ikm,
                    hashlib.sha256).digest()


def _expand(prk, label, info, n, suite):
    info = struct.pack(">H", n) + b"HPKE-v1" + suite + label + info
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = hmac.new(prk, t + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + t, i + 1
    return out[:n]


def raw_pub(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _schedule(dh, enc, pub, info):
    eae = _extract(b"", b"eae_prk", dh, _KEM)
    shared = _expand(eae, b"shared_secret", enc + pub, 32, _KEM)
    context = (b"\0" + _extract(b"", b"psk_id_hash", b"", _SUITE) +
               _extract(b"", b"info_hash", info, _SUITE))
    secret = _extract(shared, b"secret", b"", _SUITE)
    return (_expand(secret, b"key", context, 32, _SUITE),
            _expand(secret, b"base_nonce", context, 12, _SUITE))


def env_info(session, sender, receiver, mtype):
    return (b"sallyport sealed 1" + session +
            bytes([SEAT[sender], SEAT[receiver]]) +
            struct.pack(">H", MSG[mtype]))


def env_seal(pub, info, plain):
    eph = X25519PrivateKey.generate()
    enc = raw_pub(eph.public_key())
    dh = eph.exchange(X25519PublicKey.from_public_bytes(pub))
    key, nonce = _schedule(dh, enc, pub, info)
    return enc + AESGCM(key).encrypt(nonce, plain, b"")


def env_open(priv, info, message):
    enc, ct = message[:32], message[32:]
    dh = priv.exchange(X25519PublicKey.from_public_bytes(enc))
    key, nonce = _schedule(dh, enc, raw_pub(priv.public_key()), info)
    return AESGCM(key).decrypt(nonce, ct, b"")


# --- the key set of ipc/blob.h --------------------------------------------

def keyset(threshold, shares, token=""):
    out = bytes([threshold, len(shares), len(token), 0])
    out += token.encode().ljust(128, b"\0")
    for i in range(16):
        s = shares[i] if i < len(shares) else b""
        out += bytes([len(s)]) + s.ljust(33, b"\0")
    return out


def keyset_parse(raw):
    assert len(raw) == KEYSET_BYTES and raw[3] == 0
    threshold, count, n = raw[0], raw[1], raw[2]
    token = raw[4:4 + n].decode()
    shares = []
    for i in range(count):
        slot = raw[132 + 34 * i:132 + 34 * (i + 1)]
        shares.append(slot[1:1 + slot[0]])
    return threshold, shares, token


# --- the spawn ------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)


def spawn(program, args, fds, uid=None, env=None):
    """Starts it with exactly these descriptors {number: fd}; 0..2 that are
    not named are /dev/null.  no_new_privs is set, as by the supervisor.  It
    is opened before the uid is taken: a clone may lie where only root comes
    (/root)."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    image = os.open(program, os.O_PATH | os.O_CLOEXEC)
    want = {0: null, 1: null, 2: null}
    want.update(fds)
    pid = os.fork()
    if pid:
        os.close(null)
        os.close(image)
        return pid
    try:
        base = 1 + max(image, *want, *want.values())
        for n, (num, fd) in enumerate(sorted(want.items())):
            os.dup2(fd, base + n, inheritable=False)
        image = os.dup2(image, base + len(want), inheritable=False)
        for n, num in enumerate(sorted(want)):
            os.dup2(base + n, num, inheritable=True)
        keep = sorted(want)
        low = 3
        for num in keep:
            if num > low:
                os.closerange(low, num)
            low = max(low, num + 1)
        os.closerange(low, image)
        os.closerange(image + 1, 4096)
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        if _libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
            os._exit(126)
        os.execve(image, [os.path.basename(program)] + list(args),
                  env or {"TZ": "UTC0"})
    except BaseException:  # pylint: disable=broad-except
        pass
    os._exit(127)


def wait(pid, timeout=30.0):
    """The exit code, or -signal; kills and raises when it takes too long."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        got, status = os.waitpid(pid, os.WNOHANG)
        if got:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise TimeoutError("the process did not end")


class Worker:
    """One worker in its seat: broker's and supervisor's side are ours.

    fds: the seat's own, {6: fd or socket, ...}; our copies are closed.
    """

    def __init__(self, program, args, config, fds=None, uid=None,
                 deadline_ms=20000, session=None):
        self.pid, self.code, self.ready = 0, None, -1
        self.session = session or os.urandom(32)
        ours, theirs = seqpair()
        cfg_ours, cfg_theirs = seqpair()
        ready_r, ready_w = os.pipe()
        self.broker, self.ready = Channel(ours), ready_r
        body = items([("TAG_SESSION", self.session),
                      ("TAG_DEADLINE_MS", deadline_ms)] + list(config))
        cfg_ours.sendall(frame("CONFIG", 0, body))
        cfg_ours.close()
        table = {FD_BROKER: theirs.fileno(), FD_CONFIG: cfg_theirs.fileno(),
                 FD_READY: ready_w}
        for n, f in (fds or {}).items():
            table[n] = f if isinstance(f, int) else f.fileno()
        self.pid = spawn(program, args, table, uid)
        self.events, self.notes, self.said = [], [], []
        theirs.close()
        cfg_theirs.close()
        os.close(ready_w)
        for f in (fds or {}).values():
            if isinstance(f, int):
                os.close(f)
            else:
                f.close()

    def start(self, timeout=20.0):
        """LOCKED, the ready pipe's hang-up, then START."""
        self.broker.expect("LOCKED", timeout)
        assert select.select([self.ready], [], [], timeout)[0]
        assert os.read(self.ready, 1) == b""
        self.broker.send("START")
        return self

    def recv(self, timeout=20.0):
        """The next message that is not EVENT or NOTE; those are kept."""
        while True:
            name, body = self.broker.recv(timeout)
            if name == "EVENT":
                n = struct.unpack(">HQQQQ", body)
                self.events.append((EVENT_NAME[n[0]],) + n[1:])
            elif name == "NOTE":
                self.notes.append(body.decode("ascii"))
            else:
                return name, body

    def finish(self, timeout=30.0):
        """Reads to the hang-up.  Returns the exit code's name ("OK"); all
        that was said on the way is in .said; RESULT must be the exit code."""
        result = None
        try:
            while True:
                name, body = self.recv(timeout)
                if name == "RESULT":
                    result = struct.unpack(">I", body)[0]
                else:
                    assert result is None, "said %s after RESULT" % name
                    self.said.append((name, body))
        except Hangup:
            pass
        self.code = wait(self.pid, timeout)
        self.close()
        if result is not None:
            assert self.code == result, (self.code, result)
        if self.code < 0:
            return signal.Signals(-self.code).name
        return EXIT_NAME.get(self.code, str(self.code))

    def kill(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL
        self.close()

    def close(self):
        self.broker.close()
        if self.ready >= 0:
            os.close(self.ready)
            self.ready = -1

    def __del__(self):
        if self.pid and self.code is None:
            self.kill()
