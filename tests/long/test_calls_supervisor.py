# SPDX-License-Identifier: Apache-2.0
"""Failing calls of the supervisor and of its children before their exec
(calls_supervisor.py).  Parts of it: tests/lib/drawn.py."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import drawn  # noqa: E402
from calls_supervisor import SUPERVISOR, SupervisorCase  # noqa: E402

SEED = drawn.seed(1)
JOBS = drawn.jobs(4)


class Whole(SupervisorCase):
    def test_each_call(self):
        self.sampled(SUPERVISOR, None, SEED, JOBS)

    def test_each_call_of_each_child_before_its_exec(self):
        self.sampled('clone:1', None, SEED, JOBS)


if __name__ == '__main__':
    unittest.main()
