# SPDX-License-Identifier: Apache-2.0
"""Failing calls of the supervisor and of its children before their exec
(calls_supervisor.py).  SALLYPORT_CASES: so many, by SALLYPORT_SEED."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
from calls_supervisor import SUPERVISOR, SupervisorCase  # noqa: E402

MANY = int(os.environ.get('SALLYPORT_CASES') or 0) or None
SEED = int(os.environ.get('SALLYPORT_SEED') or 1)


class Whole(SupervisorCase):
    def test_each_call(self):
        self.sampled(SUPERVISOR, MANY, SEED)

    def test_each_call_of_each_child_before_its_exec(self):
        self.sampled('clone:1', MANY, SEED)


if __name__ == '__main__':
    unittest.main()
