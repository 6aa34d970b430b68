# SPDX-License-Identifier: Apache-2.0
"""sallyport-https and a broker that speaks out of turn, or is gone."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
import spframe as sp  # noqa: E402
from https_rig import HTTPS, Case, Seat, fetch_conf  # noqa: E402


class Broker(Case):
    """Who speaks out of turn, or hangs up."""

    def rude(self, *frames):
        self.furnish()
        seat = Seat(["fetch"], fetch_conf(self.az.port), self.az.pki.pem)
        self.seat = seat
        for name, body in frames:
            seat.w.broker.send(name, body)
        try:
            while True:
                seat.w.recv()
        except sp.Hangup:
            pass
        return seat.end()

    def test_evidence_before_addrs(self):
        self.assertEqual(self.rude(("EVIDENCE", nf.evidence())), "PROTOCOL")

    def test_addrs_of_a_foreign_shape(self):
        self.assertEqual(self.rude(("ADDRS", b"\0\5" + b"\0" * 16)),
                         "PROTOCOL")

    def test_evidence_twice(self):
        self.az.rule("imds", "/THIM/", nf.Raw(b"", delay=1), 0)
        self.assertEqual(self.rude(
            ("ADDRS", nf.addrs(*[(i, "127.0.0.1") for i in range(3)])),
            ("EVIDENCE", nf.evidence()), ("EVIDENCE", nf.evidence())),
            "PROTOCOL")

    def test_a_token_nobody_asked_for(self):
        self.assertEqual(self.rude(
            ("ADDRS", nf.addrs(*[(i, "127.0.0.1") for i in range(3)])),
            ("TOKEN", nf.JWT.encode())), "PROTOCOL")

    def test_the_broker_hangs_up(self):
        seat = Seat(["fetch"], fetch_conf(self.az.port), self.az.pki.pem)
        self.seat = seat
        seat.w.broker.close()
        self.assertEqual(sp.EXIT_NAME[sp.wait(seat.w.pid)], "PROTOCOL")
        seat.w.code = 0

    def test_a_malformed_config(self):
        w = sp.Worker(HTTPS, ["fetch"],
                      fetch_conf(self.az.port, AKV_URL="http://x"),
                      {6: nf.memfd(b"x"), 7: nf.memfd(b"")})
        self.assertEqual(w.finish(), "LOCK")


if __name__ == "__main__":
    unittest.main()
