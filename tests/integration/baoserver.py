# SPDX-License-Identifier: Apache-2.0
"""The real server (scripts/get-server) on a store of its own, with a unix
listener, for tests; and a plain client that is nobody's but the test's."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CACHE = os.environ.get("SALLYPORT_CACHE", "/var/cache/sallyport")
BAO = os.path.join(CACHE, "server", "bao")

CONFIG = """
storage "pebbledb" { path = "%(dir)s/data" }
listener "unix" {
  address = "%(dir)s/api.sock"
  disable_unauthed_generate_root_endpoints = %(no_root)s
}
disable_clustering = true
plugin_directory = "%(dir)s/plugins"
audit "file" "main" { options { file_path = "%(dir)s/audit.log" } }
"""


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Bao:
    """bao server: start(), stop(), call(); .sock is its unix listener."""

    def __init__(self, generate_root=True):
        self.dir = tempfile.mkdtemp(prefix="sp-bao-")
        for d in ("data", "plugins"):
            os.mkdir(os.path.join(self.dir, d))
        self.sock = os.path.join(self.dir, "api.sock")
        self.generate_root = generate_root
        self.proc = None

    def start(self):
        conf = os.path.join(self.dir, "c.hcl")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONFIG % {"dir": self.dir, "no_root":
                              str(not self.generate_root).lower()})
        if os.path.exists(self.sock):
            os.unlink(self.sock)
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.proc = subprocess.Popen(
                [BAO, "server", "-config=" + conf], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={"HOME": self.dir,
                                             "TMPDIR": self.dir})
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.call("GET", "sys/health")
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the server did not start: " + self.log())

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8") as f:
            return f.read()

    def stop(self):
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self):
        """A connected stream, as the supervisor hands it to control."""
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.sock)
        return s

    def call(self, method, path, body=None, token=None):
        """Returns (status, decoded body or None)."""
        c = UnixHTTP(self.sock)
        try:
            headers = {"X-Vault-Token": token} if token else {}
            c.request(method, "/v1/" + path,
                      json.dumps(body) if body is not None else None, headers)
            r = c.getresponse()
            text = r.read()
            return r.status, json.loads(text) if text else None
        finally:
            c.close()

    def unseal(self, shares):
        for s in shares:
            status, _ = self.call("PUT", "sys/unseal", {"key": s.hex()})
            assert status == 200, status

    def root(self, shares):
        """A root token by generate-root, for looking behind the scenes."""
        import base64
        _, a = self.call("PUT", "sys/generate-root/attempt", {})
        for s in shares:
            status, u = self.call("PUT", "sys/generate-root/update",
                                  {"nonce": a["nonce"], "key": s.hex()})
            assert status == 200, u
        enc = u["encoded_token"]
        raw = base64.b64decode(enc + "=" * (-len(enc) % 4))
        return bytes(x ^ y for x, y in zip(raw, a["otp"].encode())).decode()
