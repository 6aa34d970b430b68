# SPDX-License-Identifier: Apache-2.0
"""Every fault of net_faults.py at every call of https, for ever and once.
SALLYPORT_CASES: so many, by SALLYPORT_SEED."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import net_case # noqa: E402

MANY = int(os.environ.get('SALLYPORT_CASES') or 0) or None
SEED = int(os.environ.get('SALLYPORT_SEED') or 1)


class Whole(unittest.TestCase):
    def test_for_ever(self):
        self.assertEqual(net_case.run(SEED, MANY), [])

    def test_once(self):
        self.assertEqual(net_case.run(SEED, MANY, once=True), [])


if __name__ == '__main__':
    unittest.main()
