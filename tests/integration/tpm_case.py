# SPDX-License-Identifier: Apache-2.0
"""What the test files of sallyport-tpm share: one machine, a master key per
class, a session per test."""

import base64
import os
import unittest

import spframe as sp
import tpm_bench as tb

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
PASSWORD = "correct horse"
STORAGE = os.urandom(64)
SHARES = [os.urandom(33) for _ in range(5)]
TOKEN = "s.roottoken0123456789"
GEN = os.urandom(16)
FRESH_SET = sp.keyset(3, SHARES, TOKEN)
FINAL_SET = sp.keyset(3, SHARES)


class TpmCase(unittest.TestCase):
    program = os.path.join(BUILD, "attest-worker", "sallyport-tpm")

    @classmethod
    def setUpClass(cls):
        cls.machine = tb.machine()
        cls.master = tb.Master()
        cls.stored = [
            ("TLS_PASSWORD", 0, cls.master.wrap(PASSWORD)),
            ("STORAGE_KEY", 0, cls.master.wrap(base64.b64encode(STORAGE)))]

    def setUp(self):
        self.live = None

    def tearDown(self):
        if self.live:
            self.live.kill()

    def config(self, *slots, **more):
        """CONFIG items; None leaves one out."""
        values = {"pin": self.master.pin, "store_id": tb.STORE, "marker": 0,
                  "layout": 0, "generation": GEN, **more}
        return [tb.plan(*slots)] + [("TAG_" + name.upper(), value)
                                    for name, value in values.items()
                                    if value is not None]

    def session(self, *slots, tpm=None, deadline_ms=20000, **config):
        self.live = tb.Session(tpm or self.machine.connect(),
                               self.program,
                               self.config(*slots, **config), deadline_ms)
        return self.live

    def ends(self, session, code):
        self.assertEqual(session.finish(), code)
        self.live = None
        return session
