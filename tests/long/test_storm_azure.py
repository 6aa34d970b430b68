# SPDX-License-Identifier: Apache-2.0
"""Kills at random moments (storm_case.py) where nodes share a store: Vault on
Azurite, the keeper with its lease among those that are killed.  What a kill
between the server's init and the stored bundle leaves there only a human may
remove; the boot after it says so and changes nothing."""
import unittest

import vault_rig  # noqa: F401  (its paths)
from vault_rig import LeasedRig, World

import drawn
import storm_case as sc

SEED = drawn.seed()
ROUNDS = drawn.rounds(60)
world = None


def setUpModule():
    global world
    world = World()


def tearDownModule():
    world.close()


class Slow(sc.Shared):
    STEP_S = 20  # a storage service, and a larger server


class Azure(unittest.TestCase):
    def test_with_a_lease(self):
        storm = Slow(LeasedRig(world))
        self.addCleanup(storm.close)
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest('round', seed=seed):
                storm.round(seed)
        print('# lease, seed %d: %s' % (SEED, dict(storm.figures)))


if __name__ == '__main__':
    unittest.main()
