# SPDX-License-Identifier: Apache-2.0
"""The lease on a shared store in whole boots that become READY (remote_case):
held by another node, lost while the keys are stored, and lost, taken by
another or interrupted while the server is booted again."""
import os
import signal
import time
import unittest

from boot_rig import LIMIT_S, free_port, missing, role_uids
from remote_case import RemoteRig
import storm_watch

BUNDLE = 'apm-unseal-bundle'
LOST = 'the lease on the shared store was lost'


class Remote(unittest.TestCase):
    def setUp(self):
        why = missing()
        if why:
            self.skipTest(why)
        self.rig = RemoteRig()
        self.addCleanup(self.rig.close)
        self.mock = self.rig.account.mock
        self.client = self.rig.client

    def ends(self, boot, code, *words):
        self.assertEqual(boot.wait(), code, boot.text()[-4000:])
        for word in words:
            self.assertIn(word, boot.said())
        self.assertIn('what to do: ', boot.said())
        self.rig.check_nothing_left()
        return boot.events()

    def goes_on(self):
        """The next boot is READY, on the store as it is; all that it asked
        the server was right."""
        boot = self.rig.ready()
        self.assertNotIn('initialised', boot.events())
        self.assertFalse(self.mock.sealed)
        self.assertEqual(self.mock.errors, [])
        self.rig.stop(boot)
        return boot

    def other(self, **more):
        """A second node on this machine: uids, port and run directory."""
        return self.rig.run(port=free_port(),
                            run_directory=self.rig.run_dir + '2',
                            **{'uid_' + r: u for r, u in
                               role_uids().items()}, **more)

    def stored(self, boot):
        """The key vault does not take the bundle: keys only in memory."""
        self.client.fault(service='akv', operation='secret-set', times=0,
                          match=BUNDLE, status=503)
        boot.until('initialised')

    def versions(self):
        vault = self.client.state()[self.rig.deployment.info['vault_name']]
        return len(self.client.list_versions(BUNDLE)) \
            if BUNDLE in vault['secrets'] else 0


class Others(Remote):
    def test_c17_another_node_has_the_store(self):
        """The second waits, asks nobody for anything, and when it is its
        turn goes on from the top: it finds what the first made."""
        first = self.rig.ready()
        second = self.other()
        second.until('lease_waiting')
        time.sleep(1)
        self.assertEqual(second.events()[-1], 'lease_waiting')
        self.assertEqual(self.rig.account.lives, 3)
        first.signal(signal.SIGTERM)
        self.assertEqual(first.wait(), 0)
        second.until('ready')
        self.assertNotIn('initialised', second.events())
        self.assertEqual(self.rig.account.asked('PUT', 'sys/init'), 1)
        second.signal(signal.SIGTERM)
        self.assertEqual(second.wait(), 0)
        self.assertEqual(self.rig.lease(), 'available')

    def test_one_whose_keeper_stands_still_does_not_wait_for_ever(self):
        """Nobody would ever take the lease.  (Found by a random kill.)"""
        first = self.rig.ready()
        second = self.other(step_deadline=4)
        second.until('lease_waiting')
        for pid in storm_watch.children(second.pid):
            if storm_watch.name_of(pid) == 'keeper':
                os.kill(pid, signal.SIGSTOP)
        begin = time.monotonic()
        self.assertEqual(second.wait(), 8, second.text()[-3000:])
        # a step, then 10 s in which the lease could have been given back
        self.assertLess(time.monotonic() - begin, 40)
        self.assertIn('keeper stands still', second.said())
        self.rig.stop(first)


class Storing(Remote):
    def test_c18_the_lease_is_lost_while_the_keys_are_stored(self):
        """They are the only copy, so they are stored, and only then it ends:
        nothing is unsealed; the next boot unseals with what was stored."""
        boot = self.rig.run()
        self.stored(boot)
        self.rig.lose_lease()
        time.sleep(6)  # it is renewed each 3.75 s
        self.assertIsNone(boot.code(), boot.text()[-3000:])
        self.assertEqual(self.versions(), 0)
        self.client.clear_faults()
        events = self.ends(boot, 77, LOST)
        self.assertIn('keys_stored', events)
        self.assertNotIn('public', events)
        self.assertTrue(self.mock.sealed)
        self.assertEqual(self.versions(), 1)
        self.assertEqual(self.rig.account.asked('PUT', 'sys/unseal'), 0)
        self.goes_on()

    def test_c18_lost_between_the_answer_and_the_storing(self):
        """tpm is held when the server answers, so that it opens the keys when
        the lease is lost: they are stored all the same."""
        held = []

        def hold(raw):
            held.extend(storm_watch.named(boot.pid, 'tpm'))
            for pid in held:
                os.kill(pid, signal.SIGSTOP)
            return raw
        self.mock.fault('PUT', 'sys/init', hold)
        boot = self.rig.run()
        boot.comes(lambda: held and not storm_watch.named(
            boot.pid, 'control init'))
        self.rig.lose_lease()
        boot.comes(lambda: not storm_watch.named(boot.pid, 'keeper'))
        self.assertEqual((boot.code(), self.versions()), (None, 0))
        for pid in held:
            os.kill(pid, signal.SIGCONT)
        events = self.ends(boot, 77, LOST)
        self.assertIn('keys_stored', events)
        self.assertEqual(self.versions(), 1)
        self.goes_on()

    def test_c18_and_another_node_has_it_meanwhile(self):
        """The other finds a store that is initialised, and no keys, as long
        as they are not stored: it changes nothing.  Then it goes on."""
        boot = self.rig.run()
        self.stored(boot)
        self.rig.lose_lease()
        second = self.other()
        self.assertEqual(second.wait(), 57, second.text()[-3000:])
        self.assertIsNone(boot.code(), boot.text()[-3000:])
        self.client.clear_faults()
        self.ends(boot, 77, LOST)
        self.assertEqual(self.rig.account.asked('PUT', 'sys/init'), 1)
        self.goes_on()


class Again(Remote):
    """The server ended, and is booted again."""

    def end_server(self, boot, event):
        """It is killed; until the boot has said this once more."""
        count = boot.events().count(event)
        for pid in self.rig.server_pids():
            os.kill(pid, signal.SIGKILL)
        boot.until(event, count + 1)

    def slow(self, boot):
        """The server is killed; the boot comes as far as its attestation."""
        def asked():
            return sum(n for name, n in self.client.counts().items()
                       if name.startswith('maa.'))
        self.client.fault(service='maa', operation='*', times=1, delay=60)
        before, end = asked(), time.monotonic() + LIMIT_S
        self.end_server(boot, 'resolved')
        while asked() == before:
            self.assertLess(time.monotonic(), end, boot.text()[-3000:])
            time.sleep(0.02)

    def test_the_lease_is_lost_during_the_pause(self):
        """A long pause: four ends of the server came before."""
        boot = self.rig.ready(restart_pause=30)
        for n in range(4):  # pauses of 1, 2, 4; now one of 8
            self.end_server(boot, 'restart')
            if n < 3:
                boot.until('ready', n + 2)
        lives = self.rig.account.lives
        self.rig.lose_lease()
        self.ends(boot, 77, LOST)
        self.assertEqual(self.rig.account.lives, lives)
        self.goes_on()

    def test_the_lease_is_lost_during_the_boot(self):
        """And another node takes it, which becomes READY."""
        boot = self.rig.ready()
        lives = self.rig.account.lives
        self.slow(boot)
        self.rig.lose_lease()
        second = self.other()
        self.assertEqual(boot.wait(), 77, boot.text()[-4000:])
        self.assertIn(LOST, boot.said())
        self.assertEqual(boot.events().count('ready'), 1)
        second.until('ready')
        self.assertGreater(self.rig.account.lives, lives)
        second.signal(signal.SIGTERM)
        self.assertEqual(second.wait(), 0)

    def test_sigterm_gives_the_lease_back(self):
        for when in ('pause', 'boot'):
            with self.subTest(when):
                boot = self.rig.ready()
                if when == 'boot':
                    self.slow(boot)
                else:
                    self.end_server(boot, 'restart')
                boot.signal(signal.SIGTERM)
                self.ends(boot, 7, 'nothing is lost')
                self.assertEqual(self.rig.lease(), 'available')
                self.client.clear_faults()
        self.goes_on()


if __name__ == '__main__':
    unittest.main()
