# SPDX-License-Identifier: Apache-2.0
"""The kill matrix of a first life, its half with SIGSTOP: every process,
every step; the server under every step of control; the supervisor.
Parts of it: tests/lib/drawn.py; SALLYPORT_JOBS: rigs at once (4)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import fault_case # noqa: E402


class Whole(unittest.TestCase):
    def test_full(self):
        fault_case.whole(self, False, signals=(fault_case.STOP,))


if __name__ == '__main__':
    unittest.main()
