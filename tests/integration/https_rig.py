# SPDX-License-Identifier: Apache-2.0
"""Runs the real sallyport-https in its seats as supervisor and broker would,
against the small Azure of netfake.py (or the emulator)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
import spframe as sp  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
HTTPS = os.path.join(BUILD, "net-worker", "sallyport-https")
RESOLVE = os.path.join(BUILD, "net-worker", "sallyport-resolve")
LOCAL = nf.addrs((0, "127.0.0.1"), (1, "127.0.0.1"), (2, "127.0.0.1"))
NONCES = {"2": "cd" * 32, "1": "ef" * 32}


def slots(*names):
    return sum(1 << sp.SLOT["SLOT_" + n] for n in names)


def common(port, **change):
    """CONFIG of both kinds of seat; change: tag=value, None leaves it out."""
    conf = {"IMDS_URL": "http://" + nf.IMDS_HOST,
            "AKV_URL": "https://" + nf.AKV_HOST,
            "IMDS_PORT": port["imds"], "AKV_PORT": port["akv"],
            "CONNECT_MS": 1000, "CALL_MS": 4000, "RETRY_MS": 2500}
    conf.update(change)
    return [("TAG_" + k, v) for k, v in conf.items() if v is not None]


def fetch_conf(port, encs=(2, 1), **change):
    conf = {"MAA_URL": "https://" + nf.MAA_HOST, "MAA_PORT": port["maa"],
            "MAA_NONCE": "ab" * 32, "OS_NAME": "Debian GNU/Linux",
            "OS_MAJOR": 12, "OS_MINOR": 0,
            "KEY_URL": "https://%s/keys/mk" % nf.AKV_HOST,
            "PLAN": slots("TLS_CERT", "TLS_PASSWORD", "BUNDLE", "OLD_KEY"),
            "LAYOUT": 0, "OLD_COUNT": 5}
    conf.update(change)
    return common(port, **conf) + [
        ("TAG_ENC", bytes([e]) + NONCES[str(e)].encode()) for e in encs]


class Seat:
    """One https process; said: what it sent, in order."""

    def __init__(self, args, conf, roots, log=b"", deadline_ms=20000):
        self.w = sp.Worker(HTTPS, args, conf,
                           {6: nf.memfd(roots), 7: nf.memfd(log)},
                           deadline_ms=deadline_ms)
        self.messages = []
        try:
            self.w.start()
        except sp.Hangup:
            raise AssertionError("it ended before it was locked: %s" %
                                 self.end()) from None

    def fetch(self, evidence=None, token=nf.JWT.encode(), addrs=LOCAL,
              timeout=30.0):
        """Plays broker and tpm.  Returns the exit code's name."""
        w = self.w
        result = None
        try:
            w.broker.send("ADDRS", addrs)
            if evidence is not False:
                w.broker.send("EVIDENCE", evidence or nf.evidence())
        except BrokenPipeError:
            pass    # it has ended already; what it said is still there
        try:
            while True:
                name, body = w.recv(timeout)
                assert result is None
                if name == "RESULT":
                    result = int.from_bytes(body, "big")
                    continue
                self.messages.append((name, body))
                if name == "ENC_TOKEN" and token:
                    w.broker.send("TOKEN", token)
        except sp.Hangup:
            pass
        return self.end(result)

    def end(self, result=None):
        code = sp.wait(self.w.pid)
        self.w.code = code
        self.w.close()
        if result is not None:
            assert code == result, (code, result)
        if code < 0:
            return "signal %d" % -code
        return sp.EXIT_NAME.get(code, str(code))

    def body(self, name, nth=0):
        return [b for n, b in self.messages if n == name][nth]

    def count(self, name):
        return len([b for n, b in self.messages if n == name])


@unittest.skipUnless(os.path.exists(HTTPS), "no build: SALLYPORT_BUILD")
class Case(unittest.TestCase):
    """A small Azure for each test."""

    azure = {}

    def setUp(self):
        self.az = nf.Azure(**self.azure)
        self.addCleanup(self.az.close)
        self.seat = None

    def request(self, service, piece):
        """The first call that has the piece in its method and path."""
        return [r for r in self.az.seen if r.service == service and
                piece in "%s %s" % (r.method, r.path)][0]

    def tearDown(self):
        """Whatever happened: no token in what was said."""
        if self.seat is None:
            return
        if self.seat.w.code is None:
            self.seat.w.kill()
        for text in self.seat.w.notes:
            self.assertNotIn(nf.BEARER[:24], text)
            self.assertNotIn(nf.JWT[:24], text)
            self.assertLessEqual(len(text), 200)

    def furnish(self):
        self.az.set("apm-tls-cert", nf.b64(b"PFX" * 100))
        self.az.set("apm-tls-cert-password", nf.b64(b"w" * 256))
        self.az.set("apm-unseal-bundle", nf.b64(b"b" * 780))

    def fetch(self, evidence=None, token=nf.JWT.encode(), addrs=LOCAL,
              roots=None, log=b"LOG", deadline_ms=20000, **change):
        self.seat = Seat(["fetch"], fetch_conf(self.az.port, **change),
                         roots or self.az.pki.pem, log, deadline_ms)
        return self.seat.fetch(evidence, token, addrs)

    def events(self, name):
        return [e[1:] for e in self.seat.w.events if e[0] == name]

    def noted(self, *pieces):
        """There is a NOTE with all these pieces."""
        for text in self.seat.w.notes:
            if all(p in text for p in pieces):
                return
        self.fail("no NOTE with %r: %r" % (pieces, self.seat.w.notes))
