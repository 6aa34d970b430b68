# SPDX-License-Identifier: Apache-2.0
"""Everything around sallyport-tpm in its tests: the emulator's vTPM, the
attestation service, the key service, what a deployer stored.  The bundle is
made here a second time, from its description, by another cryptography."""

import atexit
import functools
import hashlib
import os
import socket
import struct
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import spframe as sp

sys.path.insert(0, os.path.join(sp.ROOT, "tests", "emulator"))
from azemu import pki_amd, relay, tpmwire, vtpm  # noqa: E402

STORE = "pebbledb:/var/lib/store"
HASH = {1: hashes.SHA1, 2: hashes.SHA256, 3: hashes.SHA384}
FRESH, FINAL = 1, 2
ENDS = {"render_pub": 7, "render": 8, "tls_pub": 9, "tls": 10,
        "unseal_pub": 11, "unseal": 12, "init_pub": 13, "init": 14}
TO_TPM = ("render_pub", "tls_pub", "unseal_pub", "init")


def oaep(alg=hashes.SHA256):
    return padding.OAEP(padding.MGF1(alg()), alg(), None)


# --- the master key and what is stored under it ---------------------------

class Master:
    """A master key, its pin, and what can be made with it."""

    def __init__(self, bits=2048, key=None):
        self.key = key or rsa.generate_private_key(65537, bits)
        self.der = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        self.pin = hashlib.sha256(self.key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)).digest()

    def wrap(self, text, alg=hashes.SHA256):
        if isinstance(text, str):
            text = text.encode()
        return self.key.public_key().encrypt(text, oaep(alg))

    def derived(self, salt, context):
        n = self.key.private_numbers()
        half = self.key.key_size // 16
        ikm = max(n.p, n.q).to_bytes(half, "big") + \
            min(n.p, n.q).to_bytes(half, "big")
        out = HKDF(hashes.SHA256(), 44, salt, context).derive(ikm)
        return AESGCM(out[:32]), out[32:]

    @staticmethod
    def context(store, generation, kind):
        def var(b):
            return struct.pack(">H", len(b)) + b
        return var(b"sallyport sealed object v1") + \
            var(b"apm-unseal-bundle") + var(store.encode()) + generation + \
            bytes([kind])

    def bundle(self, keyset, generation, kind=FRESH, store=STORE):
        salt = os.urandom(32)
        head = b"SPBU\0\1" + bytes([kind, 0]) + generation + self.pin + salt
        context = self.context(store, generation, kind)
        aead, iv = self.derived(salt, context)
        return head + aead.encrypt(iv, keyset, head + context)

    def open_bundle(self, raw, store=STORE):
        """(kind, generation, key set)"""
        assert len(raw) == 780 and raw[:6] == b"SPBU\0\1" and raw[7] == 0
        kind, generation = raw[6], raw[8:24]
        assert raw[24:56] == self.pin
        context = self.context(store, generation, kind)
        aead, iv = self.derived(raw[56:88], context)
        return kind, generation, aead.decrypt(iv, raw[88:], raw[:88] + context)


def forged_key(honest):
    """PKCS#8 with the honest n and e, and a private half of another key."""
    other = rsa.generate_private_key(65537, honest.key.key_size)
    n = honest.key.private_numbers().public_numbers.n

    def integer(v):
        b = v.to_bytes(v.bit_length() // 8 + 1, "big")
        return tlv(2, b)

    def tlv(tag, body):
        size = len(body)
        head = bytes([size]) if size < 128 else \
            b"\x81" + bytes([size]) if size < 256 else \
            b"\x82" + size.to_bytes(2, "big")
        return bytes([tag]) + head + body
    o = other.private_numbers()
    key = tlv(0x30, b"".join(integer(v) for v in (
        0, n, 65537, o.d, o.p, o.q, o.dmp1, o.dmq1, o.iqmp)))
    return tlv(0x30, integer(0) + bytes.fromhex(
        "300d06092a864886f70d0101010500") + tlv(4, key))


# --- the software TPM -----------------------------------------------------

class Machine:
    """One provisioned vTPM; every session connects to it anew."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="sptpm")
        self.pki = pki_amd.Pki(os.path.join(self.dir.name, "amd"))
        state = os.path.join(self.dir.name, "vm")
        os.makedirs(state)
        vtpm.provision(state, self.pki, "11111111-2222-3333-4444-555555555555")
        self.tpm = vtpm.start(state, self.pki)

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(self.tpm.path)
        return s

    def close(self):
        self.tpm.terminate()
        self.dir.cleanup()


@functools.lru_cache(maxsize=None)
def machine():
    """The one of this test program, made when it is first asked for."""
    one = Machine()
    atexit.register(one.close)
    return one


class Proxy:
    """A stream in front of a machine's TPM.  change(code, command, answer)
    returns what the worker gets: bytes, None for a hang-up, b"" for silence,
    or a list of pieces sent one by one."""

    def __init__(self, machine, change):
        self.ours, self.theirs = socket.socketpair()
        self.machine, self.change = machine, change
        self.codes = []     # commands seen, None at the worker's hang-up
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def instead(self, _command):
        """An answer without the TPM's knowledge, or None."""
        return None

    def run(self):
        up = self.machine.connect()
        try:
            while True:
                command = relay.read_frame(self.ours)
                code = struct.unpack(">I", command[6:10])[0]
                self.codes.append(code)
                reply = self.instead(command)
                if reply is None:
                    up.sendall(command)
                    reply = self.change(code, command, relay.read_frame(up))
                if reply is None:
                    break
                for piece in [reply] if isinstance(reply, bytes) else reply:
                    self.ours.sendall(piece)
                    time.sleep(0 if piece is reply else 0.001)
        except OSError:
            self.codes.append(None)
        up.close()
        self.ours.close()


# --- one session ----------------------------------------------------------

class Session:
    """sallyport-tpm in its seat, with the far ends of all its pairs."""

    def __init__(self, tpm, program, config, deadline_ms=20000):
        fds = {6: tpm}
        self.ends = {}
        for name, number in ENDS.items():
            sender, receiver = sp.oneway()
            ours, theirs = (sender, receiver) if name in TO_TPM else \
                (receiver, sender)
            fds[number] = theirs
            self.ends[name] = sp.Channel(ours)
        fds[sp.FD["FD_TPM_GO"]], self.go = os.pipe()
        self.worker = sp.Worker(program, [], config, fds,
                                deadline_ms=deadline_ms)
        self.session = self.worker.session
        self.transfer = self.clean_events = None

    # clean part
    def start(self):
        self.worker.start()
        return self

    def evidence(self):
        name, body = self.worker.recv()
        assert name == "EVIDENCE", (name, body.hex())
        self.evidence_fields = parse_evidence(body)
        modulus = tpmwire.RsaPublic(self.evidence_fields["enc_pub"][2:]) \
            .modulus
        self.transfer = rsa.RSAPublicNumbers(
            65537, int.from_bytes(modulus, "big")).public_key()
        return self.evidence_fields

    def enc_token(self, token, aad=b"Transport Key", spoil=None):
        key, iv = os.urandom(32), os.urandom(12)
        sealed = AESGCM(key).encrypt(iv, token, aad)
        inner = self.transfer.encrypt(key, padding.PKCS1v15())
        if spoil:
            iv, sealed, inner = spoil(iv, sealed, inner)
        self.worker.broker.send("ENC_TOKEN", iv + sealed[-16:] + inner +
                                struct.pack(">H", len(sealed) - 16) +
                                sealed[:-16])

    def token(self, token=b"e30." + b"x" * 5000):
        self.enc_token(token)
        name, body = self.worker.recv()
        assert name == "TOKEN" and body == token, name

    # tainted part
    def wrapped(self, *args, **more):
        self.wrapped_raw(self.key_body(*args, **more))

    def key_body(self, der, enc=2, says=None, kek_bytes=32):
        self.clean_events = len(self.worker.events)
        kek = os.urandom(kek_bytes)
        head = self.transfer.encrypt(kek, oaep(HASH[enc]))
        tail = keywrap.aes_key_wrap_with_padding(kek, der)
        return (bytes([says or enc]) + head +
                struct.pack(">H", len(tail)) + tail)

    def let_open(self):
        """The supervisor's word; a second time nothing."""
        if self.go >= 0:
            os.write(self.go, b"\x40")
            self.hush()

    def hush(self):
        """As a supervisor that dies: nothing is said any more."""
        if self.go >= 0:
            os.close(self.go)
        self.go = -1

    def wrapped_raw(self, body):
        self.let_open()
        self.key_alone(body)

    def key_alone(self, body):
        self.worker.broker.send("WRAPPED_KEY", body)

    def blob(self, slot, raw, age=0):
        self.worker.broker.send("BLOB", struct.pack(
            ">BBH", sp.SLOT["SLOT_" + slot], age, len(raw)) + raw)

    def open(self, count):
        self.worker.broker.send("OPEN", bytes([count]))

    def released(self, master, blobs, enc=2):
        """From start to OPEN; blobs: [(slot, age, bytes)]"""
        self.start()
        self.evidence()
        self.token()
        self.wrapped(master.der, enc)
        for slot, age, raw in blobs:
            self.blob(slot, raw, age)
        self.open(len(blobs))
        return self

    def ask(self, seat):
        """As a receiver: send a key, open what comes."""
        kind = {"render": "SEALED_STORAGE", "tls": "SEALED_PASSWORD",
                "unseal": "SEALED_SHARES"}[seat]
        key = X25519PrivateKey.generate()
        self.ends[seat + "_pub"].send("SEAL_PUB", sp.raw_pub(key.public_key()))
        message = self.ends[seat].expect(kind)
        return sp.env_open(key, sp.env_info(
            self.session, "SEAT_TPM", "SEAT_" + seat.upper(), kind), message)

    def give_keys(self, keyset):
        """As init: take the key, seal what the server handed out."""
        pub = self.ends["init_pub"].expect("TPM_PUB")
        self.ends["init"].send("SEALED_KEYS", sp.env_seal(
            pub, sp.env_info(self.session, "SEAT_INIT", "SEAT_TPM",
                             "SEALED_KEYS"), keyset))

    def finish(self):
        """The exit code's name; nothing but the closed list after taint."""
        out = self.worker.finish()
        self.close()
        if self.clean_events is not None:
            assert len(self.worker.events) == self.clean_events
            assert {name for name, _ in self.worker.said} <= {"BUNDLE"}
        return out

    def said(self, name):
        return [body for n, body in self.worker.said if n == name]

    def close(self):
        for end in self.ends.values():
            end.close()
        self.hush()

    def kill(self):
        self.worker.kill()
        self.close()


def parse_evidence(body):
    rd = tpmwire.Reader(body)
    out = {"hcl": rd.sized(), "ak_pub": rd.sized(), "ak_cert": rd.sized()}
    out["pcrs"] = {i: rd.take(32) for i in range(8)}
    for name in ("quote", "quote_sig", "enc_pub", "certify", "certify_sig"):
        out[name] = rd.sized()
    rd.end()
    return out


def plan(*slots):
    return ("TAG_PLAN", sum(1 << sp.SLOT["SLOT_" + s] for s in slots))


def leave_objects(machine):
    """Leaves one key and two sessions in the TPM, one of them saved; returns
    how many handles that is."""
    with machine.connect() as s:
        def call(code, handles=(), params=b"", auth=None, out=0):
            s.sendall(tpmwire.command(code, handles, params, auth))
            return tpmwire.parse_response(s.recv(4096), out,
                                          auth is not None, code)
        start = b"\0\x10" + os.urandom(16) + b"\0\0" + b"\1" + b"\0\x10" + \
            b"\0\x0b"
        null = 0x40000007
        handles = [call("StartAuthSession", (null, null), start, out=1)[0][0]
                   for _ in range(2)]
        s.sendall(struct.pack(">HIII", 0x8001, 14, 0x162, handles[0]))
        assert s.recv(4096)[6:10] == b"\0\0\0\0"  # ContextSave
        template = tpmwire.sized(tpmwire.transfer_public(b"\0" * 32,
                                                         b"\0" * 256))
        call("CreatePrimary", (null,), b"\0\4\0\0\0\0" + template + b"\0\0" +
             b"\0\0\0\0", [b""], out=1)
        return 3


def write_user_data(machine, data):
    """Writes the TPM's user data, as any process with root in the VM can."""
    index = 0x01400002
    with machine.connect() as s:
        def call(code, handles, params):
            s.sendall(tpmwire.command(code, handles, params, [b""]))
            return tpmwire.parse_response(s.recv(4096), 0, True, code)
        try:
            call("NV_DefineSpace", (tpmwire.OWNER,), b"\0\0" + tpmwire.sized(
                struct.pack(">IHIHH", index, 0x0b, 0x00020002, 0, 64)))
        except tpmwire.TpmError:
            pass  # it is there
        call("NV_Write", (tpmwire.OWNER, index), tpmwire.sized(data) + b"\0\0")


def scan(pid, marked):
    """The names of those byte strings that lie in memory of the process that
    root can read."""
    seen = set()
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if "r" not in mode or "[v" in line:
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except OSError:
                continue  # secret memory: EIO
            seen |= {name for name, text in marked.items() if text in data}
    return seen
