# SPDX-License-Identifier: Apache-2.0
"""A small Azure on loopback for the tests of resolve and https: it proves
nothing and verifies nothing, but can answer in every wrong way there is.
The emulator (tests/emulator) is the one that really checks."""

import base64
import datetime
import json
import os
import socket
import ssl
import struct
import tempfile
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AKV_HOST = "apmkv.vault.azure.net"
MAA_HOST = "sharedeus.eus.attest.azure.net"
IMDS_HOST = "169.254.169.254"
BLOB_HOST = "apmsa.blob.core.windows.net"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
JWS = "eyJhbGciOiJSUzI1NiJ9." + "QUJD" * 40 + ".c2ln"
BEARER = "eyJ0eXAiOiJKV1QifQ.bWFya2VkLWJlYXJlci10b2tlbg.c2ln"


def b64(data):
    return base64.b64encode(data).decode()


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Pki:
    """One root, certificates for any names."""

    def __init__(self, name="netfake root"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME,
                                                  name)])
        self.root = self.sign(self.name, self.key.public_key(), ca=True)
        self.pem = self.root.public_bytes(serialization.Encoding.PEM)

    def sign(self, subject, public, names=(), ca=False, days=(-1, 30)):
        now = datetime.datetime.utcnow()
        cert = (x509.CertificateBuilder().subject_name(subject)
                .issuer_name(self.name).public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=days[0]))
                .not_valid_after(now + datetime.timedelta(days=days[1]))
                .add_extension(x509.BasicConstraints(ca, None), True))
        if names:
            cert = cert.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names]), False)
            cert = cert.add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH]), False)
        return cert.sign(self.key, hashes.SHA256())

    def context(self, names, days=(-1, 30), most=None):
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self.sign(x509.Name([x509.NameAttribute(
            NameOID.COMMON_NAME, names[0])]), key.public_key(), names,
            days=days)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if most:
            ctx.minimum_version = ssl.TLSVersion.TLSv1
            ctx.maximum_version = most
            ctx.set_ciphers("ALL:@SECLEVEL=0")
        with tempfile.NamedTemporaryFile() as f:
            f.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            f.write(cert.public_bytes(serialization.Encoding.PEM))
            f.flush()
            ctx.load_cert_chain(f.name)
        return ctx


class Request:
    def __init__(self, service, method, path, headers, body):
        self.service, self.method, self.path = service, method, path
        self.headers, self.body = headers, body

    def json(self):
        return json.loads(self.body)


class Raw:
    """An answer as bytes on the wire, then the connection is closed."""

    def __init__(self, data, delay=0.0, drip=0.0):
        self.data, self.delay, self.drip = data, delay, drip


def answer(status, body=b"", headers=None, kind="application/json"):
    if isinstance(body, (dict, list)):
        body = json.dumps(body, separators=(",", ":")).encode()
    elif isinstance(body, str):
        body = body.encode()
    head = {"Content-Length": str(len(body)), "Content-Type": kind}
    head.update(headers or {})
    lines = ["HTTP/1.1 %d X" % status]
    lines += ["%s: %s" % kv for kv in head.items() if kv[1] is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def error(status, code, message="because", inner=None, headers=None):
    e = {"code": code, "message": message}
    if inner:
        e["innererror"] = {"code": inner}
    return answer(status, {"error": e}, headers)


def blob_error(status, code):
    return answer(status, b"", {"x-ms-error-code": code})


class Azure:
    """imds, maa, akv and blob (one blob, as far as its lease goes) on ports of
    127.0.0.1.  rules: a list of [service, piece of "METHOD path" or of
    "METHOD path lease-action", times (0: for ever), answer]; an answer is
    bytes (whole, with head), a Raw, or a function of the request."""

    def __init__(self, maa_names=(MAA_HOST,), akv_names=(AKV_HOST,),
                 days=(-1, 30), most=None, host="127.0.0.1"):
        self.pki = Pki()
        self.secrets, self.rules, self.seen = {}, [], []
        self.lock, self.stop = threading.Lock(), False
        self.port, self.socks = {}, []
        self.serial = 0
        tls = {"imds": None, "maa": self.pki.context(list(maa_names)),
               "akv": self.pki.context(list(akv_names), days, most),
               "blob": self.pki.context([BLOB_HOST])}
        self.blob_is_there, self.lease = True, None
        for name, ctx in tls.items():
            s = self.listener(host)
            self.port[name] = s.getsockname()[1]
            self.socks.append(s)
            threading.Thread(target=self.accept, args=(name, s, ctx),
                             daemon=True).start()

    def listener(self, host):
        """On a port that is nobody's on 127.0.0.1 either: refused there."""
        if ":" not in host:
            return socket.create_server((host, 0))
        while True:
            s = socket.create_server((host, 0), family=socket.AF_INET6)
            other = socket.socket()
            self.socks.append(other)
            try:
                other.bind(("127.0.0.1", s.getsockname()[1]))
                return s
            except OSError:
                s.close()

    def close(self):
        self.stop = True
        for s in self.socks:
            try:    # a blocked accept(2) would keep its descriptor's number
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def set(self, name, value, enabled=True, created=None):
        self.serial += 1
        version = "%032x" % (0xabc000 + self.serial)
        self.secrets.setdefault(name, []).append(
            {"value": value, "enabled": enabled, "version": version,
             "created": created or 1700000000 + self.serial})
        return version

    def rule(self, service, piece, what, times=1):
        self.rules.append([service, piece, times, what])

    def paths(self, service):
        return ["%s %s" % (r.method, r.path) for r in self.seen
                if r.service == service]

    # --- the server

    def accept(self, name, listener, ctx):
        while not self.stop:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(name, conn, ctx),
                             daemon=True).start()

    def serve(self, name, conn, ctx):
        try:
            conn.settimeout(30)
            if ctx:
                conn = ctx.wrap_socket(conn, server_side=True)
            with conn, conn.makefile("rb") as f:
                while self.one(name, conn, f):
                    pass
        except (OSError, ValueError):
            pass

    def one(self, name, conn, f):
        line = f.readline()
        if not line:
            return False
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while True:
            h = f.readline().decode().strip()
            if not h:
                break
            k, _, v = h.partition(":")
            headers[k.strip().lower()] = v.strip()
        body = f.read(int(headers.get("content-length", "0")))
        req = Request(name, method, path, headers, body)
        with self.lock:
            self.seen.append(req)
            what = self.pick(req)
        if callable(what):
            what = what(req)
        if isinstance(what, Raw):
            time.sleep(what.delay)
            if what.drip:
                for i in range(len(what.data)):
                    conn.sendall(what.data[i:i + 1])
                    time.sleep(what.drip)
            else:
                conn.sendall(what.data)
            return False
        conn.sendall(what)
        return True

    def pick(self, req):
        text = " ".join((req.method, req.path,
                         req.headers.get("x-ms-lease-action", "")))
        for r in self.rules:
            if r[0] == req.service and r[1] in text:
                if r[2] == 1:
                    self.rules.remove(r)
                elif r[2] > 1:
                    r[2] -= 1
                return r[3]
        return getattr(self, req.service)

    # --- the good answers

    def imds(self, req):
        if req.headers.get("metadata") != "true":
            return answer(400, {"error": "bad_request_102"})
        if "/oauth2/token" in req.path:
            query = urllib.parse.parse_qs(req.path.partition("?")[2])
            return answer(200, token(resource=query["resource"][0]))
        return answer(200, {"vcekCert": PEM, "tcbm": "DB18000000000004",
                            "certificateChain": PEM + PEM,
                            "cacheControl": "86400"})

    def maa(self, req):
        return answer(200, {"token": b64u(json.dumps(envelope()).encode())})

    def akv(self, req):
        if req.headers.get("authorization") != "Bearer " + BEARER:
            return error(401, "Unauthorized", "AKV10000: no token")
        path, _, query = req.path.partition("?")
        if "api-version=7.4" not in query:
            return error(400, "BadParameter")
        parts = path.strip("/").split("/")
        if parts[-1] == "release":
            return answer(200, {"value": JWS})
        if parts[0] == "keys":  # no other right on keys
            return error(403, "Forbidden", "Caller is not authorized to "
                         "perform action on resource.", "ForbiddenByRbac")
        name = parts[1]
        if req.method == "PUT":
            self.set(name, req.json()["value"])
        have = self.secrets.get(name)
        if not have:
            return error(404, "SecretNotFound", "A secret with (name/id) %s "
                         "was not found in this key vault." % name)
        if parts[2:] == ["versions"]:
            return answer(200, {"value": [self.item(name, v) for v in have],
                                "nextLink": None})
        v = have[-1]
        if len(parts) == 3:
            v = [x for x in have if x["version"] == parts[2]][0]
        return answer(200, dict(self.item(name, v), value=v["value"]))

    def blob(self, req):
        if req.headers.get("authorization") != "Bearer " + BEARER:
            return blob_error(401, "InvalidAuthenticationInfo")
        if "comp=lease" not in req.path:
            there, self.blob_is_there = self.blob_is_there, True
            return blob_error(409, "BlobAlreadyExists") if there else \
                answer(201)
        if not self.blob_is_there:
            return blob_error(404, "BlobNotFound")
        if req.headers["x-ms-lease-action"] == "acquire":
            who = req.headers["x-ms-proposed-lease-id"]
            if self.lease not in (None, who):
                return blob_error(409, "LeaseAlreadyPresent")
            self.lease = who
            return answer(201)
        if self.lease != req.headers["x-ms-lease-id"]:
            return blob_error(409, "LeaseIdMismatchWithLeaseOperation")
        if req.headers["x-ms-lease-action"] == "release":
            self.lease = None
        return answer(200)

    @staticmethod
    def item(name, v):
        return {"id": "https://%s/secrets/%s/%s" % (AKV_HOST, name,
                                                    v["version"]),
                "attributes": {"enabled": v["enabled"],
                               "created": v["created"]}}


def token(**members):
    out = {"access_token": BEARER, "expires_on": str(int(time.time()) + 86400),
           "resource": "https://vault.azure.net", "token_type": "Bearer"}
    out.update(members)
    return {k: v for k, v in out.items() if v is not None}


def envelope(**members):
    out = {"Jwt": b64(b"c" * 100), "EncryptedInnerKey": b64(b"k" * 256),
           "EncryptionParams": {"BlockMode": "ChainingModeGCM",
                                "BlockPadding": "PKCS7", "Cipher": "AES",
                                "KeySizeInBits": 256, "Iv": b64(b"i" * 12)},
           "AuthenticationData": b64(b"t" * 16)}
    out.update(members)
    return out


# --- what the other processes would give

CLAIMS = b'{"keys":[],"user-data":"00"}'


def evidence(claims=CLAIMS):
    """A well-formed EVIDENCE of recognisable parts."""
    def var(data):
        return struct.pack(">H", len(data)) + data
    report = bytearray(0x4d4)
    report[:4] = b"HCLA"
    report[0x20:0x20 + 1184] = b"R" * 1184
    report[0x4d0:0x4d4] = struct.pack("<I", len(claims))
    return (var(bytes(report) + claims) + var(b"akpub") + var(b"akcert") +
            b"".join(bytes([i]) * 32 for i in range(8)) + var(b"quote") +
            var(b"quotesig") + var(b"encpub") + var(b"certify") +
            var(b"certifysig"))


def addrs(*entries):
    """ADDRS of (remote, "127.0.0.1") pairs."""
    out = b""
    for remote, text in entries:
        six = ":" in text
        raw = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET,
                               text)
        out += bytes([remote, 6 if six else 4]) + raw.ljust(16, b"\0")
    return out


def memfd(data):
    """A sealed memfd, as the supervisor makes it."""
    import fcntl  # F_ADD_SEALS
    fd = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL |
                fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return fd
