# SPDX-License-Identifier: Apache-2.0
"""sallyport-resolve with a name server of the test's own, in a mount and a
network namespace of its own (so it needs root)."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from mounts import propagation  # noqa: E402
import spframe as sp  # noqa: E402
from https_rig import RESOLVE  # noqa: E402
from stopping import stop_and_go_on  # noqa: E402

INSIDE = "SALLYPORT_TEST_RESOLVE_INSIDE"
A, AAAA = 1, 28
ZONE = {"vault.test": {A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"]},
        "many.test": {A: ["192.0.2.%d" % i for i in range(1, 13)]},
        "large.test": {A: ["192.0.2.%d" % i for i in range(1, 3)]},
        "large.huge.test": {A: ["192.0.2.%d" % (i % 250)
                                for i in range(3000)]},
        "empty.test": {}}
RESOLV = "nameserver %s\noptions timeout:1 attempts:1\n"


class Dns:
    """Answers A and AAAA of ZONE over UDP; `fail` many SERVFAILs first."""

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 53))
        self.tcp = socket.create_server((host, 53), family=family)
        self.asked, self.fail, self.streams = [], 0, 0
        self.mute = threading.Event() # set: asks again, hears nothing
        threading.Thread(target=self.run, daemon=True).start()
        threading.Thread(target=self.run_tcp, daemon=True).start()

    def run(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            if self.mute.is_set():
                continue
            answer = self.answer(data)
            if b"\x05large" in data:    # TC: ask by TCP
                answer = answer[:2] + b"\x83\x80" + data[4:6] + \
                    b"\0" * 6 + data[12:]
            self.sock.sendto(answer, peer)

    def run_tcp(self):
        while True:
            try:
                conn = self.tcp.accept()[0]
            except OSError:
                return
            with conn, conn.makefile("rb") as f:
                self.streams += 1
                while len(head := f.read(2)) == 2:
                    answer = self.answer(f.read(int.from_bytes(head, "big")))
                    conn.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, q):
        at, labels = 12, []
        while q[at]:
            labels.append(q[at + 1:at + 1 + q[at]].decode().lower())
            at += 1 + q[at]
        name = ".".join(labels)
        kind = struct.unpack(">H", q[at + 1:at + 3])[0]
        question = q[12:at + 5]
        self.asked.append((name, kind))
        code, records = 0, b""
        found = ZONE.get(name, {}).get(kind, [])
        if name not in ZONE:
            code = 3
        if self.fail:
            self.fail, code, found = self.fail - 1, 2, []
        for text in found:
            raw = socket.inet_pton(socket.AF_INET if kind == A
                                   else socket.AF_INET6, text)
            records += struct.pack(">HHHIH", 0xc00c, kind, 1, 60,
                                   len(raw)) + raw
        return q[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found),
                                   0, 0) + question + records


def parse(body):
    out = []
    for i in range(0, len(body), 18):
        remote, family = body[i], body[i + 1]
        raw = body[i + 2:i + 18]
        if family == 4:
            assert raw[4:] == b"\0" * 12
            out.append((remote, socket.inet_ntop(socket.AF_INET, raw[:4])))
        else:
            out.append((remote, socket.inet_ntop(socket.AF_INET6, raw)))
    return out


@unittest.skipUnless(os.path.exists(RESOLVE), "no build: SALLYPORT_BUILD")
class Resolve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with tempfile.TemporaryDirectory() as d:
            for name, text in (("resolv.conf", RESOLV % "127.0.0.1"),
                               ("hosts", "127.0.0.7 inhosts.test\n")):
                path = os.path.join(d, name)
                with open(path, "w", encoding="ascii") as f:
                    f.write(text)
                subprocess.run(["mount", "--bind", path, "/etc/" + name],
                               check=True)
        cls.dns = Dns()

    @classmethod
    def tearDownClass(cls):
        cls.dns.sock.close()
        cls.dns.tcp.close()

    def run_it(self, *names, deadline_ms=20000):
        self.dns.asked.clear()
        self.w = sp.Worker(RESOLVE, [], [("TAG_NAME", n) for n in names],
                           deadline_ms=deadline_ms)
        self.w.start()
        code = self.w.finish()
        self.found = [parse(b) for n, b in self.w.said if n == "ADDRS"]
        return code

    def test_names_become_addresses(self):
        self.assertEqual(self.run_it("169.254.169.254", "vault.test",
                                     "inhosts.test"), "OK")
        self.assertEqual(len(self.found), 1)
        found = self.found[0]
        self.assertEqual(found[0], (0, "169.254.169.254"))
        self.assertEqual(sorted(found[1:4]), [
            (1, "192.0.2.1"), (1, "192.0.2.2"), (1, "2001:db8::1")])
        self.assertEqual(found[4:], [(2, "127.0.0.7")])
        self.assertEqual(self.w.events, [("RESOLVED", 5, 0, 0, 0)])

    def test_literals_are_not_asked_for(self):
        self.assertEqual(self.run_it("10.0.0.1", "::1", "10.0.0.2"), "OK")
        self.assertEqual(self.found, [[(0, "10.0.0.1"), (1, "::1"),
                                       (2, "10.0.0.2")]])
        self.assertEqual(self.dns.asked, [])

    def test_at_most_eight_of_a_name(self):
        self.assertEqual(self.run_it("many.test", "vault.test"), "OK")
        self.assertEqual(len([a for a in self.found[0] if a[0] == 0]), 8)
        self.assertEqual(len([a for a in self.found[0] if a[0] == 1]), 3)

    def test_a_truncated_answer_is_asked_for_by_tcp(self):
        self.assertEqual(self.run_it("large.test"), "OK")
        self.assertEqual(len(self.found[0]), 2)
        self.assertGreater(self.dns.streams, 0)

    def test_more_addresses_than_anybody_has(self):
        """What it keeps is bounded, what it is sent is not: the heap grows."""
        self.assertEqual(self.run_it("large.huge.test"), "OK")
        self.assertEqual(len(self.found[0]), 8)

    def test_a_name_server_with_an_address_of_version_6(self):
        other = Dns("::1")
        try:
            with open("/etc/resolv.conf", "w", encoding="ascii") as f:
                f.write(RESOLV % "::1")
            self.assertEqual(self.run_it("vault.test", "large.test"), "OK")
        finally:
            with open("/etc/resolv.conf", "w", encoding="ascii") as f:
                f.write(RESOLV % "127.0.0.1")
            other.sock.close()
            other.tcp.close()
        self.assertEqual([len([a for a in self.found[0] if a[0] == n])
                          for n in (0, 1)], [3, 2])
        self.assertGreater(other.streams, 0)
        self.assertEqual(self.dns.asked, [])

    def test_a_remote_that_is_not_there_keeps_its_place(self):
        self.assertEqual(self.run_it("10.0.0.1", "", "inhosts.test"), "OK")
        self.assertEqual(self.found, [[(0, "10.0.0.1"), (2, "127.0.0.7")]])

    def test_a_name_that_is_not_there(self):
        self.assertEqual(self.run_it("10.0.0.1", "nowhere.test"), "RESOLVE")
        self.assertIn("nowhere.test: Name or service not known",
                      self.w.notes)
        self.assertEqual(self.found, [])

    def test_a_name_without_an_address(self):
        self.assertEqual(self.run_it("empty.test"), "RESOLVE")
        self.assertIn("empty.test", self.w.notes[0])

    def test_a_name_server_that_fails_once(self):
        self.dns.fail = 2
        self.assertEqual(self.run_it("vault.test"), "OK")
        self.assertEqual(len(self.found[0]), 3)

    def test_a_name_server_that_fails_on(self):
        self.dns.fail = 1000
        self.assertEqual(self.run_it("vault.test", deadline_ms=3500),
                         "RESOLVE")
        self.dns.fail = 0
        self.assertIn("vault.test", self.w.notes[0])

    def test_stopped_in_its_wait_it_goes_on(self):
        self.dns.mute.set()
        w = sp.Worker(RESOLVE, [], [("TAG_NAME", "vault.test")]).start()
        try:
            stop_and_go_on(w.pid)
        finally:
            self.dns.mute.clear()
        self.assertEqual(w.finish(), "OK")

    def test_too_many_names(self):
        self.assertEqual(self.run_it(*["10.0.0.1"] * 5), "PROTOCOL")

    def test_no_name(self):
        self.assertEqual(self.run_it(), "PROTOCOL")


@unittest.skipUnless(os.path.exists(RESOLVE), "no build: SALLYPORT_BUILD")
@unittest.skipUnless(os.getuid() == 0, "needs root: namespaces")
class Namespaces(unittest.TestCase):
    def test_everything_inside_namespaces_of_its_own(self):
        r = subprocess.run(
            ["unshare", "-m", "-n", "--propagation", propagation(),
             "/usr/bin/python3", os.path.abspath(__file__), "-v"],
            env=dict(os.environ, **{INSIDE: "1"}), capture_output=True,
            text=True, timeout=120)
        print(r.stderr, file=sys.stderr)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("skipped", r.stderr)


def load_tests(loader, _tests, _pattern):
    inside = os.environ.get(INSIDE)
    return loader.loadTestsFromTestCase(Resolve if inside else Namespaces)


if __name__ == "__main__":
    unittest.main()
