# SPDX-License-Identifier: Apache-2.0
"""Every system call of each role with every errno and short, every allocation
of our own code and one in 40 of the libraries'.
Parts of it: tests/lib/drawn.py."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import drawn # noqa: E402
import calls_case as cc # noqa: E402

SEED = drawn.seed(1)


class Whole(unittest.TestCase):
    maxDiff = None  # each that went wrong

    def whole(self, name):
        self.assertEqual(cc.sampled(name, None, SEED), [])

    def test_broker(self):
        self.whole('broker')

    def test_keeper(self):
        self.whole('keeper')

    def test_exec(self):
        self.whole('exec')

    def test_resolve(self):
        self.whole('resolve')

    def test_fetch(self):
        self.whole('fetch')

    def test_store(self):
        self.whole('store')

    def test_verify(self):
        self.whole('verify')

    def test_tpm(self):
        self.whole('tpm')

    def test_render(self):
        self.whole('render')

    def test_tls(self):
        self.whole('tls')

    def test_look(self):
        self.whole('look')

    def test_init(self):
        self.whole('init')

    def test_unseal(self):
        self.whole('unseal')


if __name__ == '__main__':
    unittest.main()
