# SPDX-License-Identifier: Apache-2.0
"""The kill matrix of a first life, its half with SIGKILL and with crashes: every
process, every step; the server under every step of control; the supervisor.
Of the container profile, and on raft, 300 of all by a seed.
Parts of it: tests/lib/drawn.py; SALLYPORT_JOBS: rigs at once (4)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import fault_case # noqa: E402

SOME = 300  # by a seed: what the profile and the store change is little


class Whole(unittest.TestCase):
    def test_full(self):
        fault_case.whole(self, False, signals=(fault_case.KILL,
                                               fault_case.SEGV))

    def test_container(self):
        fault_case.whole(self, False, most=SOME, profile='container')

    def test_raft(self):
        fault_case.whole(self, False, most=SOME, storage='raft')


if __name__ == '__main__':
    unittest.main()
