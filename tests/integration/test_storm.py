# SPDX-License-Identifier: Apache-2.0
"""Kills at random moments, the short form: some rounds by a seed that is
printed.  SALLYPORT_SEED=N SALLYPORT_ROUNDS=1 is one of them again; by the
thousand: tests/long/test_storm_whole.py."""
import unittest

import drawn
import storm_case as sc
from boot_rig import missing

SEED = drawn.seed()
ROUNDS = drawn.rounds(3)


class Short(unittest.TestCase):
    def test_some_rounds(self):
        why = missing()
        if why:
            self.skipTest(why)
        storm = sc.Storm()
        self.addCleanup(storm.close)
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest('round', seed=seed):
                storm.round(seed)
        print('# seed %d: %s' % (SEED, dict(storm.figures)))


if __name__ == '__main__':
    unittest.main()
