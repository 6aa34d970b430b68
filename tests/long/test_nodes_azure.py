#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that share one store, as they are deployed: HashiCorp Vault on storage
"azure", the lease at the same service (Azurite, by the identity's token).  All
start at once on an empty store: one initialises, one is active, the others
wait; the active one ends, by a signal or by a death, and the next goes on.
A round is a seed: SALLYPORT_SEED=N SALLYPORT_ROUNDS=1 (of five: SALLYPORT_ROUNDS=8)."""
import os
import random
import signal
import time
import unittest

import drawn
import vault_rig
from vault_rig import LeasedRig, World

from boot_rig import free_port, role_uids # found by vault_rig's path

SEED = drawn.seed()
ROUNDS = drawn.rounds(200)
PATIENCE_S = 180
world = None


def setUpModule():
    global world
    world = World()


def tearDownModule():
    world.close()


class Nodes(unittest.TestCase):
    def setUp(self):
        self.rig = LeasedRig(world)
        self.addCleanup(self.rig.close)
        self.kits = [{'port': free_port(),
                      **{'uid_' + r: u for r, u in role_uids().items()}}
                     for _ in range(5)]

    def node(self, i):
        d = self.rig.deployment
        s = {**self.rig.settings, **self.kits[i]}
        boot = self.rig.boot(d.write_conf(
            {k: v for k, v in s.items() if v is not None}, self.rig.sections,
            'node-%d.conf' % i))
        boot.port = self.kits[i]['port']
        return boot

    def one_ready(self, boots):
        """The active node, when all others wait; the time is bounded."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            ready = [b for b in boots if 'ready' in b.events()]
            waiting = [b for b in boots if 'lease' not in b.events() and
                       'lease_waiting' in b.events()]
            for b in boots:
                self.assertIsNone(b.code(), b.text()[-4000:])
            self.assertLessEqual(len(ready), 1)
            if len(ready) + len(waiting) == len(boots) and ready:
                return ready[0]
            time.sleep(0.05)
        self.fail('\n'.join(b.text()[-1500:] for b in boots))

    def ask(self, boot, call, *args):
        self.rig.port = boot.port
        return call(*args)

    def round(self, rnd, count):
        boots = [self.node(i) for i in rnd.sample(range(5), count)]
        try:
            self.in_turns(rnd, boots[:])
        except AssertionError:
            for boot in boots:  # the next round begins with none
                if boot.code() is None:
                    os.kill(boot.pid, signal.SIGKILL)
                    boot.wait(60)
            raise

    def in_turns(self, rnd, boots):
        first, inits, word = True, 0, 'word %d' % rnd.randrange(1 << 30)
        while boots:
            active = self.one_ready(boots)
            if first:
                self.ask(active, self.rig.write_word, word)
            self.assertEqual(self.ask(active, self.rig.read_word), word)
            first = False
            inits += active.events().count('initialised')
            boots.remove(active)
            if rnd.random() < 0.7:
                active.signal(signal.SIGTERM)
                self.assertEqual(active.wait(60), 0)
            else:
                os.kill(active.pid, signal.SIGKILL)
                active.wait(60)
        self.assertEqual(inits, 1)

    def rounds(self, count, number):
        begin = time.monotonic()
        for seed in range(SEED, SEED + number):
            with self.subTest('round', seed=seed):
                self.round(random.Random(seed), count)
            self.rig.forget()
        print('# %d rounds of %d nodes, seed %d: %.0f s' % (
            number, count, SEED, time.monotonic() - begin))

    def test_two_at_once(self):
        self.rounds(2, ROUNDS - ROUNDS // 8)

    def test_five_at_once(self):
        self.rounds(5, ROUNDS // 8)


if __name__ == '__main__':
    unittest.main()
