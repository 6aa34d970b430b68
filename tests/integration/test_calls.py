# SPDX-License-Identifier: Apache-2.0
"""Failing system calls and allocations in each role, the short form: some of
each by a seed that is printed (again: SALLYPORT_SEED).  The whole is
tests/long/test_calls_whole.py."""
import os
import unittest

import calls_case as cc
import drawn
from calls_supervisor import SUPERVISOR, SupervisorCase

SEED = drawn.seed()
COUNT = 8


class Short(unittest.TestCase):
    def some(self, *names):
        if os.geteuid() != 0 or not os.path.exists(cc.FAULT):
            self.skipTest('needs root and tests/fault')
        for name in names:
            self.assertEqual(cc.sampled(name, COUNT, SEED), [])

    def test_the_small_ones(self):
        self.some('broker', 'resolve', 'verify', 'exec')

    def test_https(self):
        self.some('fetch', 'store')

    def test_keeper(self):
        self.some('keeper')

    def test_tpm(self):
        self.some('tpm')

    def test_prepare(self):
        self.some('render', 'tls')

    def test_no_certificate_is_lost(self):
        """Without memory, who issued the certificate cannot be told: that is
        no certificate without issuer.  (Found by this sweep.)"""
        if os.geteuid() != 0 or not os.path.exists(cc.FAILALLOC):
            self.skipTest('needs root and tests/fault')
        role = cc.Role('tls')
        self.addCleanup(role.close)
        end = cc.count(role, False)
        first = max(1, end - 3000) # before it the password's derivation
        places = range(first, end + 1, (end - first) // 90 + 1)
        self.assertGreater(len(places), 60)
        for at in places:
            self.assertIsNone(role.allocation(at)[1], at)

    def test_control(self):
        self.some('look', 'init', 'unseal')


class Supervisor(SupervisorCase):
    def test_some_of_its_calls(self):
        self.sampled(SUPERVISOR, COUNT // 2, SEED)

    def test_some_of_a_child_before_its_exec(self):
        self.sampled('clone:1', COUNT, SEED)


if __name__ == '__main__':
    unittest.main()
