# SPDX-License-Identifier: Apache-2.0
"""control against the real server while somebody else talks to it, too."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from control_case import CONFIG, REVOKE, Real  # noqa: E402
from control_rig import Between, unseal  # noqa: E402


class Attack(Real):
    """Others talk to the same server while we do."""

    def through(self, keys, hook, config=tuple(REVOKE), **kw):
        self.between = Between(self.bao.connect(), hook)
        return unseal(self.between.theirs, keys, config, **kw)

    def on(self, path, nth, act):
        """Calls act() before the nth request of that path."""
        count = [0]

        def hook(_n, method, p):
            if (method, p) == path:
                count[0] += 1
                if count[0] == nth:
                    act()
        return hook

    def reset(self):
        self.bao.call("PUT", "sys/unseal", {"reset": True})

    def test_three_false_shares_and_the_right_ones_from_outside(self):
        self.born()

        def right():
            self.reset()
            self.bao.unseal(self.shares[:3])
        # reset is the first PUT of this path, our third share the fourth
        w = self.through(sp.keyset(3, [os.urandom(33) for _ in range(3)]),
                         self.on(("PUT", "sys/unseal"), 4, right), CONFIG)
        self.assertEqual(w.outcome, "PROOF")
        self.assertIn(("PUT", "sys/generate-root/update"), self.between.seen)
        self.assertEqual(self.bao.call(
            "GET", "sys/mounts/anjuna", token=self.root())[0], 400)

    def test_a_false_share_from_outside_only_delays(self):
        self.born()
        self.assertEqual(self.through(
            self.final, self.on(("PUT", "sys/unseal"), 3, lambda: self.bao.call(
                "PUT", "sys/unseal", {"key": "00" * 33}))).outcome, "OK")

    def test_a_false_threshold_from_outside_only_delays(self):
        self.born()

        def false():
            self.reset()
            for i in range(2):
                self.bao.call("PUT", "sys/unseal", {"key": "%066x" % i})
        self.assertEqual(self.through(
            self.final,
            self.on(("PUT", "sys/unseal"), 4, false)).outcome, "OK")

    def test_a_reset_from_outside_only_delays(self):
        self.born()
        self.assertEqual(self.through(
            self.final,
            self.on(("PUT", "sys/unseal"), 3, self.reset)).outcome, "OK")

    def test_somebody_who_never_stops_is_named(self):
        self.born()

        def hook(_n, method, path):
            if (method, path) == ("PUT", "sys/unseal"):
                self.bao.call("PUT", "sys/unseal", {"key": os.urandom(
                    33).hex()})
        self.assertIn(self.through(self.final, hook).outcome,
                      ("PROOF", "NOT_THESE"))

    def test_an_attempt_of_somebody_else_is_waited_for(self):
        self.born()
        seen = [0]

        def hook(_n, method, path):
            if (method, path) != ("GET", "sys/generate-root/attempt"):
                return
            seen[0] += 1
            if seen[0] == 1:
                self.bao.call("PUT", "sys/generate-root/attempt", {})
            if seen[0] == 3:
                self.bao.call("DELETE", "sys/generate-root/attempt")
        w = self.through(self.final, hook)
        self.assertEqual(w.outcome, "OK")
        self.assertEqual(seen[0], 3)
        self.assertNotIn(("DELETE", "sys/generate-root/attempt"),
                         self.between.seen)

    def test_sealed_again_right_after(self):
        self.born()

        def seal():
            self.bao.call("PUT", "sys/seal", token=self.root())
        w = self.through(self.final, self.on(("GET", "sys/health"), 1, seal))
        self.assertEqual(w.outcome, "PROOF")

    def test_a_server_that_dies_under_it(self):
        self.born()
        w = self.through(self.final, self.on(
            ("PUT", "sys/unseal"), 3, self.bao.proc.kill))
        self.assertEqual(w.outcome, "SERVER_API")

    def test_the_proofs_token_is_revoked_under_it(self):
        """The configuration cannot be compared then: not a silent pass."""
        self.born()

        def revoke():
            mine = self.root()
            own = self.get("auth/token/lookup-self", mine)["accessor"]
            for a in self.accessors(mine):
                if a != own:
                    self.bao.call("POST", "auth/token/revoke-accessor",
                                  {"accessor": a}, mine)
        w = self.through(self.final, self.on(
            ("GET", "sys/mounts/anjuna"), 1, revoke), CONFIG)
        self.assertEqual(w.outcome, "CONFIGURE")


if __name__ == "__main__":
    unittest.main()
