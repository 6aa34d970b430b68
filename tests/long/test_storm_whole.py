# SPDX-License-Identifier: Apache-2.0
"""Kills at random moments by the hundred (storm_case.py): OpenBao on pebbledb
in both profiles and on raft, and a mock behind a lease (remote_case.py; Vault
itself: test_storm_azure.py).  SALLYPORT_ROUNDS: of each; SALLYPORT_SEED: of
the first, the others follow by one, so that a round that failed is
SALLYPORT_SEED=N SALLYPORT_ROUNDS=1 and its case's name."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../integration'))
import drawn  # noqa: E402
import storm_case as sc  # noqa: E402
from boot_rig import missing  # noqa: E402
from remote_case import RemoteRig  # noqa: E402

SEED = drawn.seed()
ROUNDS = drawn.rounds(250)
KINDS = {'pebbledb': sc.Storm,
         'container': lambda: sc.Storm(profile='container'),
         'raft': lambda: sc.Storm(storage='raft'),
         'lease': lambda: sc.Shared(RemoteRig())}


def rounds(make, name, number, out):
    """Runs them; out: (seed, why) of each that failed."""
    storm, begin = make(), time.monotonic()
    figures = storm.figures
    try:
        for seed in range(SEED, SEED + number):
            try:
                storm.round(seed)
            except (AssertionError, OSError) as e:
                out.append((seed, str(e)))
                storm.close()
                storm = make()  # the next begins with a new one
                storm.figures = figures
    finally:
        storm.close()
    print('# %s, seed %d: %s, %d went wrong, %.0f s' % (
        name, SEED, dict(figures), len(out), time.monotonic() - begin),
          flush=True)


class Whole(unittest.TestCase):
    def storm(self, name):
        why = missing()
        if why:
            self.skipTest(why)
        failed = []
        rounds(KINDS[name], name, ROUNDS, failed)
        for seed, why in failed:
            with self.subTest(name, seed=seed):
                self.fail(why)

    def test_pebbledb(self):
        self.storm('pebbledb')

    def test_container(self):
        self.storm('container')

    def test_raft(self):
        self.storm('raft')

    def test_lease(self):
        self.storm('lease')


if __name__ == '__main__':
    unittest.main()
