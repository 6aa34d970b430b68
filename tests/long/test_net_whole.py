# SPDX-License-Identifier: Apache-2.0
"""Every fault of net_faults.py at every call of https and of the keeper, and
of server_faults.py at every call of control, for ever and once.
Parts of it: tests/lib/drawn.py."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import drawn # noqa: E402
import net_case # noqa: E402
import net_lease # noqa: E402
import server_faults # noqa: E402

SEED = drawn.seed(1)


class Whole(unittest.TestCase):
    maxDiff = None  # each that went wrong

    def test_for_ever(self):
        self.assertEqual(net_case.run(SEED), [])

    def test_once(self):
        self.assertEqual(net_case.run(SEED, once=True), [])

    def test_server(self):
        self.assertEqual(server_faults.run(SEED), [])

    def test_lease(self):
        self.assertEqual(net_lease.run(SEED), [])


if __name__ == '__main__':
    unittest.main()
