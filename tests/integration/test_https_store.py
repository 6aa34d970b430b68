# SPDX-License-Identifier: Apache-2.0
"""sallyport-https, store: written, read back by name, given back; for ever,
until the broker says that it compared equal."""

import base64
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
import spframe as sp  # noqa: E402
from https_rig import LOCAL, Case, Seat, common  # noqa: E402

BUNDLE = bytes(range(256)) * 3 + b"x" * 12
JWE = b"eyJhbGciOiJSU0EifQ." + b"a" * 342 + b".aXY." + b"c" * 99 + b".dGFn"


class Store(Case):
    def begin(self, number="0", **change):
        self.seat = Seat(["store", number], common(self.az.port, **change),
                         self.az.pki.pem, deadline_ms=60000)
        self.seat.w.broker.send("ADDRS", LOCAL)
        return self.seat.w

    def stored(self, w):
        """STORED ends it."""
        w.broker.send("STORED")
        name, body = w.recv()
        self.assertEqual((name, body), ("RESULT", sp.u32(0)))
        self.assertEqual(self.seat.end(), "OK")
        self.assertEqual(self.events("STORED"), [(0, 0, 0, 0)])

    def echo(self, w, name, body, timeout=20.0):
        w.broker.send(name, body)
        got, back = w.recv(timeout)
        self.assertEqual(got, "ECHO")
        return back

    def test_a_bundle(self):
        w = self.begin()
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), BUNDLE)
        self.stored(w)
        value = self.az.secrets["apm-unseal-bundle"][0]["value"]
        self.assertEqual(base64.b64decode(value), BUNDLE)
        self.assertEqual(self.az.paths("akv"), [
            "PUT /secrets/apm-unseal-bundle?api-version=7.4",
            "GET /secrets/apm-unseal-bundle?api-version=7.4"])

    def test_the_jwe_then_the_bundle(self):
        w = self.begin("3")
        self.assertEqual(self.echo(w, "JWE", JWE), JWE)
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), BUNDLE)
        self.stored(w)
        self.assertEqual(self.az.secrets["apm-root-token"][0]["value"],
                         JWE.decode())

    def test_a_write_without_an_answer_is_never_repeated_unsaid(self):
        w = self.begin("3")
        self.assertEqual(self.echo(w, "JWE", JWE), JWE)
        self.az.rule("akv", "PUT", nf.Raw(b""))
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), BUNDLE)
        self.stored(w)
        self.assertEqual(len(self.events("STORE_TRY")), 1)

    def test_what_comes_back_is_given_back_whatever_it_is(self):
        """The broker compares; it sends the same again."""
        self.az.rule("akv", "GET", nf.answer(200, {"value": nf.b64(b"else")}))
        self.az.rule("akv", "GET", nf.answer(200, {"value": nf.b64(b"else")}))
        w = self.begin()
        started = time.monotonic()
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), b"else")
        self.assertLess(time.monotonic() - started, 1)
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), b"else")
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE), BUNDLE)
        self.assertGreaterEqual(time.monotonic() - started, 1 + 2)
        self.stored(w)
        self.assertEqual(len(self.az.secrets["apm-unseal-bundle"]), 3)

    def test_failures_are_outlasted(self):
        self.az.rule("imds", "token", nf.answer(500, {}))
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden", "not yet",
                                            "ForbiddenByRbac"))
        self.az.rule("akv", "GET", nf.answer(200, {"value": "not base64!"}))
        w = self.begin(RETRY_MS=0)
        started = time.monotonic()
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE, 30), BUNDLE)
        self.assertGreaterEqual(time.monotonic() - started, 1 + 2 + 4)
        self.stored(w)
        self.assertEqual([e[0] for e in self.events("STORE_TRY")], [1, 2])
        self.noted("writing apm-unseal-bundle", "HTTP 403", "not yet")

    def test_a_deleted_name_is_called_so(self):
        """It may stay so for days, and only a human ends it."""
        self.az.rule("akv", "PUT", nf.error(
            409, "Conflict", "Secret apm-unseal-bundle is currently in a "
            "deleted but recoverable state", "ObjectIsDeletedButRecoverable"))
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden"))
        w = self.begin(RETRY_MS=0)
        self.assertEqual(self.echo(w, "BUNDLE", BUNDLE, 30), BUNDLE)
        self.stored(w)
        self.assertEqual([e[:3] for e in self.events("STORE_TRY")],
                         [(1, 409, 1), (2, 403, 0)])

    def test_a_right_given_meanwhile_needs_a_new_token(self):
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden"))
        w = self.begin()
        self.echo(w, "BUNDLE", BUNDLE)
        self.stored(w)
        self.assertEqual(len(self.az.paths("imds")), 2)

    def test_the_same_failure_is_said_once(self):
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden"), 3)
        w = self.begin()
        self.echo(w, "BUNDLE", BUNDLE, 30)
        self.stored(w)
        self.assertEqual(len(w.notes), 1)

    def test_a_message_out_of_turn(self):
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden"), 0)
        w = self.begin()
        w.broker.send("BUNDLE", BUNDLE)
        time.sleep(0.5)
        w.broker.send("STORED")
        try:
            while True:
                w.recv()
        except sp.Hangup:
            pass
        self.assertEqual(self.seat.end(), "PROTOCOL")

    def test_the_broker_hangs_up_while_it_waits(self):
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden"), 0)
        w = self.begin()
        w.broker.send("BUNDLE", BUNDLE)
        time.sleep(0.5)
        w.broker.close()
        self.assertEqual(sp.EXIT_NAME[sp.wait(w.pid)], "PROTOCOL")
        w.code = 0

    def test_a_jwe_that_is_none(self):
        w = self.begin()
        w.broker.send("JWE", b'"' * 480)
        name, body = w.recv()
        self.assertEqual((name, body), ("RESULT", sp.u32(sp.EXIT[
            "PROTOCOL"])))
        self.assertEqual(self.seat.end(), "PROTOCOL")
        self.assertEqual(self.az.paths("akv"), [])

    def test_the_deadline_ends_it(self):
        self.seat = Seat(["store", "1"], common(self.az.port),
                         self.az.pki.pem, deadline_ms=700)
        self.seat.w.broker.send("ADDRS", LOCAL)
        self.assertEqual(self.seat.w.recv()[1],
                         sp.u32(sp.EXIT["DEADLINE"]))
        self.assertEqual(self.seat.end(), "DEADLINE")


if __name__ == "__main__":
    unittest.main()
