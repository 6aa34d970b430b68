# SPDX-License-Identifier: Apache-2.0
"""The kill matrix of a restart: every process, every step of its protocol, SIGKILL,
a crash, SIGSTOP; the server under every step of control; the supervisor.
On raft 300 of them by a seed.
Parts of it: tests/lib/drawn.py; SALLYPORT_JOBS: rigs at once (4)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import fault_case # noqa: E402


class Whole(unittest.TestCase):
    def test_full(self):
        fault_case.whole(self, True)

    def test_container(self):
        fault_case.whole(self, True, profile='container')

    def test_raft(self):
        fault_case.whole(self, True, most=300, storage='raft')


if __name__ == '__main__':
    unittest.main()
