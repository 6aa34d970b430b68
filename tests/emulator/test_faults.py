# SPDX-License-Identifier: Apache-2.0
"""The emulator as a process: serve, stop, serve again; the HTTP server's
strictness; counts, the request log and each kind of fault."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support import HERE, key_cache

from azemu.client import CallError, Client


class Server:
    """`emulator serve` as a child; it is started when this returns."""

    def __init__(self, directory, attestation=False):
        out, into = os.pipe()
        self.process = subprocess.Popen(
            [os.path.join(HERE, "emulator"), "serve", "--dir", directory,
             "--cache", key_cache(), "--ready-fd", str(into),
             *([] if attestation else ["--no-attestation"])],
            pass_fds=[into])
        os.close(into)
        with os.fdopen(out, "rb") as ready:
            if ready.read() != b"ready\n":
                raise AssertionError("the emulator did not start")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(10)


class Serve(unittest.TestCase):
    """Start, stop, state that stays."""

    def test_life(self):
        with tempfile.TemporaryDirectory() as tmp:
            info_path = os.path.join(tmp, "emulator.json")
            server = Server(tmp)
            client = Client(tmp)
            kid = client.create_key("k")["key"]["kid"]
            box = client.encrypt("k", "RSA-OAEP-256", b"x")
            client.set_secret("s", "1")
            with open(info_path, "rb") as info:
                self.assertEqual(json.load(info)["pid"], server.process.pid)
            with open(os.path.join(tmp, "tls-root.pem"), "rb") as root:
                before = root.read()
            self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(info_path))
            start = time.monotonic()
            server = Server(tmp)
            self.assertLess(time.monotonic() - start, 10)
            client = Client(tmp)
            self.assertEqual(client.get_secret("s"), "1")
            self.assertEqual(client.get_key("k")["key"]["kid"], kid)
            self.assertEqual(client.decrypt("k", "RSA-OAEP-256", box), b"x")
            with open(os.path.join(tmp, "tls-root.pem"), "rb") as root:
                self.assertEqual(before, root.read())
            self.assertEqual(server.stop(signal.SIGINT), 0)


class Running(unittest.TestCase):
    """One emulator for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.server = Server(cls.tmp.name)
        cls.client = Client(cls.tmp.name)
        cls.client.set_secret("s", "value" * 400)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.tmp.cleanup()

    def setUp(self):
        self.client.clear_faults()
        self.client.token()
        self.client.reset_counts()

    def status(self):
        return self.client.raw("GET", "/secrets/s", headers={
            "Authorization": "Bearer " + self.client.token()})


class Faults(Running):
    """Each member of the table, over the wire."""

    def fault(self, **entry):
        self.client.fault(service="akv", operation="secret-get", **entry)

    def test_status(self):
        self.fault(status=429, headers={"Retry-After": "7"}, body="{}")
        status, headers, body = self.status()
        self.assertEqual((status, headers["Retry-After"], body),
                         (429, "7", b"{}"))
        self.assertEqual(self.status()[0], 200)

    def test_times_and_skip(self):
        self.fault(status=503, times=2, skip=1)
        self.assertEqual([self.status()[0] for _ in range(4)],
                         [200, 503, 503, 200])
        self.fault(status=503, times=0)
        self.assertEqual([self.status()[0] for _ in range(3)], [503] * 3)

    def test_match_and_operation(self):
        self.fault(status=500, match="other")
        self.client.fault(service="akv", operation="release", status=500)
        self.client.fault(service="imds", operation="*", status=410)
        self.assertEqual(self.status()[0], 200)
        with self.assertRaises(CallError) as caught:
            Client(self.tmp.name).token()
        self.assertEqual(caught.exception.status, 410)

    def test_delay(self):
        self.fault(delay=0.4)
        start = time.monotonic()
        self.assertEqual(self.status()[0], 200)
        self.assertGreater(time.monotonic() - start, 0.39)

    def test_cut(self):
        self.fault(cut=1500)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.status()

    def test_drip(self):
        self.fault(drip=0.0001)
        self.assertEqual(self.status()[0], 200)

    def test_garbage_and_close(self):
        self.fault(garbage=True)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.status()
        self.fault(close=True)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.status()

    def test_body(self):
        self.fault(body="<html>")
        status, _, body = self.status()
        self.assertEqual((status, body), (200, b"<html>"))

    def test_lying_length(self):
        self.fault(headers={"Content-Length": "5"})
        self.assertEqual(len(self.status()[2]), 5)

    def put(self, **entry):
        self.client.fault(service="akv", operation="secret-set", **entry)
        with self.assertRaises((CallError, OSError,
                                http.client.HTTPException)):
            self.client.set_secret("effect", "x" * 2000)
        return len(self.client.list_versions("effect")) \
            if "effect" in str(self.client.state()) else 0

    def test_effect(self):
        """Without "after" the call has no effect, with it it has."""
        self.assertEqual(self.put(close=True), 0)
        self.assertEqual(self.put(status=500), 0)
        self.assertEqual(self.put(close=True, after=True), 1)
        self.assertEqual(self.put(status=500, after=True), 2)
        self.assertEqual(self.put(cut=1500), 3)

    def test_refused_entries(self):
        for entry in ({}, {"service": "akv"}, {"service": "akv",
                      "operation": "*", "statsu": 1},
                      {"service": "akv", "operation": "*", "status": "1"},
                      {"service": "akv", "operation": "release",
                       "mutate": "unknown"}):
            with self.assertRaises(CallError):
                self.client.fault(**entry)


class Counts(Running):
    """Counts and the log."""

    def test_counts(self):
        self.status()
        self.client.fault(service="akv", operation="secret-get", status=500)
        self.status()
        self.client.raw("GET", "/secrets/s")
        self.assertEqual(self.client.counts(), {
            "akv.secret-get": 3, "akv.secret-get.ok": 1})
        self.client.reset_counts()
        self.assertEqual(self.client.counts(), {})

    def test_log(self):
        self.status()
        entry = self.client.requests()[-1]
        self.assertEqual((entry["service"], entry["operation"],
                          entry["method"], entry["path"], entry["status"]),
                         ("akv", "secret-get", "GET", "/secrets/s", 200))
        self.assertNotIn("response_body", entry)
        entry = self.client.requests(bodies=True)[-1]
        self.assertIn("value", entry["response_body"])
        self.assertNotIn(self.client.token(), json.dumps(entry))

    def test_state_has_no_value(self):
        state = self.client.state()
        self.assertIn("s", state["apmkv"]["secrets"])
        self.assertNotIn("value", json.dumps(state))

    def test_options(self):
        self.client.options(token_lifetime=60)
        fresh = Client(self.tmp.name)
        fresh.token()
        self.client.options(token_lifetime=86400)
        for wrong in ({"no_such": 1}, {"refuse_enc": "x"},
                      {"default_identity": "nobody"}):
            with self.assertRaises(CallError):
                self.client.options(**wrong)


class Wire(Running):
    """The HTTP server is strict."""

    def send(self, data):
        with socket.create_connection(
                ("127.0.0.1", self.client.port("imds")), 5) as sock:
            sock.sendall(data)
            out = b""
            while b"\r\n\r\n" not in out:
                more = sock.recv(4096)
                if not more:
                    break
                out += more
        return out.split(b" ")[1] if out else b""

    def test_bad_requests(self):
        head = b"GET /metadata/instance HTTP/1.1\r\n"
        host = b"Host: 127.0.0.1\r\n"
        for data, status in (
                (b"rubbish\r\n\r\n", b"400"),
                (b"GET / HTTP/2.0\r\n\r\n", b"400"),
                (head + b"\r\n", b"400"),
                (head + host + host + b"\r\n", b"400"),
                (head + host + b"a b\r\n\r\n", b"400"),
                (head + host + b"Name : x\r\n\r\n", b"400"),
                (head + host + b"Content-Length: -1\r\n\r\n", b"400"),
                (head + host + b"Content-Length: 1\r\nContent-Length: 2\r\n"
                 b"\r\n", b"400"),
                (head + host + b"Content-Length: 1\r\nTransfer-Encoding: "
                 b"chunked\r\n\r\n", b"400"),
                (head + host + b"Content-Length: 99999999\r\n\r\n", b"413"),
                (head + b"Host: elsewhere\r\n\r\n", b"404")):
            self.assertEqual(self.send(data), status, data)

    def test_keep_alive_and_chunks(self):
        with socket.create_connection(
                ("127.0.0.1", self.client.port("control")), 5) as sock:
            for _ in range(2):
                sock.sendall(b"POST /counts/reset HTTP/1.1\r\nHost: x\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\n"
                             b"3\r\nabc\r\n0\r\n\r\n")
                self.assertTrue(sock.recv(4096).startswith(
                    b"HTTP/1.1 204 "))

    def test_misdirected(self):
        self.client.info["akv_host"] = self.client.info["maa_host"]
        try:
            self.assertEqual(self.client.raw("GET", "/certs")[0], 421)
        finally:
            self.client.info["akv_host"] = "apmkv.vault.azure.net"


if __name__ == "__main__":
    unittest.main()
