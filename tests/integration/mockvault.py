# SPDX-License-Identifier: Apache-2.0
"""A strict mock of a Vault 1.14 kind of server, for the faults that a real one
does not produce on request.  It speaks HTTP by hand over one stream, keeps the
state that matters, records every request, and fails a careless client: no
token where none belongs, no secret in a path, Content-Length always there.

    m = Mock(); m.fault("PUT", "sys/init", lambda raw: raw[:40])
    w = Worker(..., {6: m.socket()}); ...; m.requests
"""

import base64
import json
import os
import socket
import threading
import time
import uuid

REASON = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden",
          404: "Not Found", 405: "Method Not Allowed", 429: "Too Many",
          500: "Internal Server Error", 501: "Not Implemented",
          503: "Service Unavailable"}
PUBLIC = ("sys/health", "sys/seal-status", "sys/init", "sys/unseal",
          "sys/generate-root/attempt", "sys/generate-root/update")


def answer(status, body=None, chunked=False, extra=""):
    data = b"" if body is None else json.dumps(body).encode()
    head = "HTTP/1.1 %d %s\r\nCache-Control: no-store\r\n%s" % (
        status, REASON.get(status, ""), extra)
    if status == 204:
        return (head + "\r\n").encode()
    if chunked:
        parts = [data[i:i + 7] for i in range(0, len(data), 7)]
        out = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)
        return (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + \
            out + b"0\r\n\r\n"
    return (head + "Content-Length: %d\r\n\r\n" % len(data)).encode() + data


class Mock:
    def __init__(self, storage="pebbledb", chunked=False):
        self.storage, self.chunked = storage, chunked
        self.initialized, self.sealed, self.half = False, True, False
        self.t = self.n = 0
        self.shares, self.progress, self.nonce = [], [], ""
        self.tokens = {}               # token -> policies
        self.attempt = None
        self.generate_root = True
        self.mounts, self.auths = {}, {"token": {"type": "token"}}
        self.policies, self.plugins, self.audits = {}, {}, {}
        self.data, self.reloaded, self.unreadable = {}, [], set()
        self.requests, self.errors, self.faults = [], [], {}
        self.sockets = []

    # --- the stream

    def socket(self):
        """The client's end; a thread serves the other."""
        ours, theirs = socket.socketpair()
        self.sockets.append(ours)
        threading.Thread(target=self.serve, args=(ours,), daemon=True).start()
        return theirs

    def close(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fault(self, method, path, change, times=1, after=0):
        """change(raw answer) -> what is sent instead; None: hang up; a list:
        piece by piece."""
        self.faults[(method, path)] = [change, after, times]

    def serve(self, s):
        f = s.makefile("rb")
        try:
            while True:
                line = f.readline()
                if not line:
                    break
                method, target, version = line.decode().split()
                headers = {}
                while True:
                    h = f.readline().decode()
                    if h == "\r\n":
                        break
                    k, v = h.rstrip("\r\n").split(": ", 1)
                    headers[k.lower()] = v
                body = f.read(int(headers["content-length"]))
                self.check(method, target, version, headers, body)
                path = target[len("/v1/"):]
                raw = self.handle(method, path, headers, body)
                key = (method, path)
                if key in self.faults:
                    change, after, times = self.faults[key]
                    if after > 0:
                        self.faults[key][1] -= 1
                    elif times > 0:
                        self.faults[key][2] -= 1
                        raw = change(raw)
                if raw is None:
                    break
                for piece in raw if isinstance(raw, list) else [raw]:
                    s.sendall(piece)
                    time.sleep(0.03 if isinstance(raw, list) else 0)
        except (OSError, ValueError, KeyError) as e:
            self.errors.append(repr(e))
        s.close()

    def check(self, method, target, version, headers, body):
        path = target[len("/v1/"):]
        self.requests.append((method, path, dict(headers), body))
        if version != "HTTP/1.1" or not target.startswith("/v1/"):
            self.errors.append("bad request line")
        if headers.get("x-vault-request") != "true" or "host" not in headers:
            self.errors.append("missing header")
        if path in PUBLIC and "x-vault-token" in headers:
            self.errors.append("a token on " + path)
        if "x-vault-namespace" in headers:
            self.errors.append("a namespace")
        for s in self.shares:
            if s.hex() in target:
                self.errors.append("a share in a path")

    # --- the server

    def out(self, status, body=None):
        return answer(status, body, self.chunked)

    def fail(self, status, text=None):
        return self.out(status, {"errors": [text] if text else []})

    def status(self):
        return {"type": "shamir", "initialized": self.initialized,
                "sealed": self.sealed, "t": self.t, "n": self.n,
                "progress": len(self.progress), "nonce": self.nonce,
                "version": "1.14.0", "build_date": "2023-06-19T11:40:23Z",
                "migration": False, "recovery_seal": False,
                "storage_type": self.storage}

    def handle(self, method, path, headers, body):
        j = json.loads(body) if body else {}
        if path in PUBLIC:
            return getattr(self, "do_" + path.split("?")[0][4:].replace(
                "/", "_").replace("-", "_"))(method, j)
        if self.sealed:
            return self.fail(503, "Vault is sealed")
        token = headers.get("x-vault-token")
        if token not in self.tokens:
            return self.fail(403, "permission denied")
        if path == "auth/token/lookup-self":
            return self.out(200, {"data": {"policies": self.tokens[token]}})
        if path == "auth/token/revoke-self":
            del self.tokens[token]
            return self.out(204)
        return self.logical(method, path, j)

    def do_health(self, _m, _j):
        if self.half:
            return self.fail(500)
        if not self.initialized:
            return self.out(501, {"initialized": False, "sealed": True})
        return self.out(503 if self.sealed else 200,
                        {"initialized": True, "sealed": self.sealed})

    def do_seal_status(self, _m, _j):
        if self.half:
            return self.fail(500, "core: barrier reports initialized but no "
                             "seal configuration found")
        return self.out(200, self.status())

    def do_init(self, m, j):
        if self.half:
            return self.fail(500 if m == "GET" else 400,
                             "barrier reports initialized but no seal "
                             "configuration found")
        if m == "GET":
            return self.out(200, {"initialized": self.initialized})
        if self.initialized:
            return self.fail(400, "Vault is already initialized")
        self.n, self.t = j["secret_shares"], j["secret_threshold"]
        size = 32 if self.n == 1 else 33
        self.shares = [os.urandom(size) for _ in range(self.n)]
        self.initialized = True
        root = "hvs." + base64.b64encode(os.urandom(18)).decode().replace(
            "+", "a").replace("/", "b")
        self.tokens[root] = ["root"]
        return self.out(200, {
            "keys": [s.hex() for s in self.shares],
            "keys_base64": [base64.b64encode(s).decode()
                            for s in self.shares],
            "root_token": root})

    def do_unseal(self, _m, j):
        if j.get("reset"):
            if not self.sealed:
                return self.fail(400, "vault is unsealed")
            self.progress, self.nonce = [], ""
            return self.out(200, self.status())
        if not self.sealed:
            return self.out(200, self.status())
        key = bytes.fromhex(j["key"])
        if not self.progress:
            self.nonce = str(uuid.uuid4())
        if key not in self.progress:
            self.progress.append(key)
        if len(self.progress) == self.t:
            good = all(k in self.shares for k in self.progress)
            self.progress, self.nonce = [], ""
            if not good:
                return self.fail(400, "Unseal failed, invalid key")
            self.sealed = False
        return self.out(200, self.status())

    def root_status(self, **more):
        a = self.attempt
        out = {"started": bool(a), "nonce": a["nonce"] if a else "",
               "progress": len(a["progress"]) if a else 0,
               "required": self.t, "complete": False, "encoded_token": "",
               "encoded_root_token": "", "pgp_fingerprint": "", "otp": "",
               "otp_length": 28}
        out.update(more)
        return self.out(200, out)

    def do_generate_root_attempt(self, m, j):
        if not self.generate_root:
            return self.fail(405)
        if m == "GET":
            return self.root_status()
        if m == "DELETE":
            self.attempt = None
            return self.out(204)
        if self.attempt:
            return self.fail(400, "root generation already in progress")
        otp = base64.b64encode(os.urandom(21)).decode()
        self.attempt = {"nonce": str(uuid.uuid4()), "otp": otp,
                        "progress": []}
        return self.root_status(otp=otp)

    def do_generate_root_update(self, _m, j):
        a = self.attempt
        if not a or j["nonce"] != a["nonce"]:
            return self.fail(400, "incorrect nonce supplied")
        key = bytes.fromhex(j["key"])
        if key in a["progress"]:
            return self.fail(400, "given key has already been provided")
        a["progress"].append(key)
        if len(a["progress"]) < self.t:
            return self.root_status()
        if not all(k in self.shares for k in a["progress"]):
            a["progress"] = []
            return self.fail(400, "root generation aborted: invalid key")
        token = "hvs." + base64.b64encode(os.urandom(18)).decode().replace(
            "+", "a").replace("/", "b")
        self.tokens[token] = ["root"]
        enc = bytes(x ^ y for x, y in zip(token.encode(), a["otp"].encode()))
        out = self.root_status(
            complete=True, progress=self.t,
            encoded_token=base64.b64encode(enc).decode().rstrip("="))
        self.attempt = None
        return out

    # --- the logical part: enough to be compared and written

    def logical(self, m, path, j):
        for prefix, table in (("sys/mounts/", self.mounts),
                              ("sys/auth/", self.auths)):
            if path.startswith(prefix):
                return self.mount(m, path[len(prefix):], table, j)
        if path.startswith("sys/policies/acl/"):
            return self.table(m, self.policies, path[17:], j)
        if path.startswith("sys/plugins/catalog/"):
            return self.table(m, self.plugins, path[20:].split("?")[0], j)
        if path == "sys/plugins/reload/backend":
            self.reloaded.append(j["plugin"])
            return self.out(200, {"data": {"reload_id": "x"}})
        if path == "sys/audit":
            return self.out(200, {"data": {
                k + "/": v for k, v in self.audits.items()}})
        if path.startswith("sys/audit/"):
            return self.audit(m, path[10:], j)
        if m == "GET" and path in self.unreadable:
            return self.fail(405, "unsupported operation")
        return self.table(m, self.data, path, j)

    def table(self, m, table, key, j):
        if m == "GET":
            if key not in table:
                return self.fail(404)
            return self.out(200, {"data": table[key]})
        table[key] = j
        return self.out(204)

    def mount(self, m, key, table, j):
        if key.endswith("/tune"):
            e = table[key[:-5]]
            for k in ("description", "options"):
                if k in j:
                    e[k] = j.pop(k)
            e.setdefault("config", {}).update(j)
            return self.out(204)
        if m == "GET":
            if key not in table:
                return self.fail(400, "No secret engine mount at %s/" % key)
            return self.out(200, {"data": table[key]})
        if key in table:
            return self.fail(400, "path is already in use at %s/" % key)
        table[key] = j
        return self.out(204)

    def audit(self, m, key, j):
        if m == "DELETE":
            self.audits.pop(key, None)
            return self.out(204)
        if key in self.audits:
            return self.fail(400, "path already in use")
        self.audits[key] = j
        return self.out(204)
