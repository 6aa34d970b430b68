# SPDX-License-Identifier: Apache-2.0
"""The wall clock is stepped by hours, forwards and backwards, in the middle of
a boot and at rest: no deadline moves, no lease is lost, nothing is restarted.
What is by the wall clock is what others say by it: the validity of
certificates, the age of a certificate in use.  tests/lib/shifted.py gives our
processes a clock of their own; the machine's is not touched."""
import os
import time
import unittest

import shifted
from boot_rig import PYTHON, ROOT
from error_case import WORD, ErrorCase
from remote_case import RemoteRig

HOUR, DAY = 3600, 86400
SHIFTED = os.path.join(ROOT, 'tests', 'lib', 'shifted.py')


class ClockCase(ErrorCase):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.rig.work, 'clock')

    def step(self, seconds, boot=None):
        shifted.step(self.file, seconds, boot.pid if boot else os.getpid())

    def run_at(self, seconds, **more):
        self.step(seconds)
        return self.rig.run(wrap=[PYTHON, SHIFTED, self.file], **more)

    def shows(self, boot, seconds):
        """Sallyport's own lines have the stepped time."""
        said = boot.lines()[-1]['time'][:19]
        then = time.time() + seconds
        self.assertIn(said[:13], [time.strftime('%Y-%m-%dT%H', time.gmtime(
            then + d)) for d in (-60, 0)])


class Boots(ClockCase):
    RIG = {'tls_ca': None}

    def test_steps_in_the_middle_of_a_boot(self):
        """While the attestation is waited for, to and fro."""
        self.client.fault(service='maa', operation='*', times=2, delay=2)
        boot = self.run_at(0)
        boot.until('evidence')
        for seconds in (5 * HOUR, -5 * HOUR):
            self.step(seconds, boot)
            time.sleep(0.5)
        boot.until('ready')
        self.shows(boot, -5 * HOUR)
        self.assertEqual(self.rig.read_word(), WORD)
        self.step(7 * HOUR, boot)
        time.sleep(1)
        self.rig.stop(boot)

    def test_no_deadline_moves(self):
        for seconds in (4 * HOUR, -4 * HOUR):
            self.client.fault(service='maa', operation='*', times=0, delay=60)
            boot = self.run_at(0, call_timeout=60, step_deadline=6)
            boot.until('evidence')
            self.step(seconds, boot)
            begin = time.monotonic()
            self.assertEqual(boot.wait(), 8, boot.text()[-3000:])
            took = time.monotonic() - begin
            self.assertTrue(2 < took < 20, took)
            self.shows(boot, seconds)
            self.rig.check_nothing_left()
            self.client.clear_faults()

    def test_a_clock_that_is_wrong_is_named(self):
        """By two months: tokens seem over, certificates not yet valid."""
        for seconds, code, words in (
                (60 * DAY, 27, "is over already, by this machine's clock"),
                (-60 * DAY, 32, 'certificate is not yet valid')):
            boot = self.run_at(seconds)
            self.assertEqual(boot.wait(), code, boot.said())
            self.assertIn(words, boot.said())
            self.rig.check_nothing_left()
        self.mended()

    def test_a_newer_certificate_is_seen_whatever_the_clock_says(self):
        """A step forwards is a rotation too many, for what was asked for
        seems old; a step back is none, and hides no new certificate."""
        boot = self.run_at(0, certificate_interval=1)
        boot.until('ready')
        for seconds in (5 * HOUR, -5 * HOUR):
            self.step(seconds, boot)
            if seconds > 0:
                boot.until('rotated')
            time.sleep(3)
            self.assertEqual(boot.events().count('rotate'), 1)
        time.sleep(1 - time.time() % 1)
        self.rig.deployment.put_tls()
        boot.until('rotated', 2)
        self.rig.stop(boot)


class Lease(ClockCase):
    LIVED = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rig.close()
        cls.rig = RemoteRig()
        cls.addClassCleanup(cls.rig.close)
        cls.client = cls.rig.client

    def test_no_lease_is_lost(self):
        """It is counted by a clock that nobody sets."""
        boot = self.run_at(0)
        boot.until('ready')
        for seconds in (6 * HOUR, -6 * HOUR):
            self.step(seconds, boot)
            time.sleep(9)  # it is renewed each 3.75 s
            self.assertIsNone(boot.code(), boot.text()[-3000:])
            self.assertEqual(self.rig.lease(), 'leased')
        self.assertEqual(boot.events()[-1], 'ready')
        self.rig.stop(boot)


if __name__ == '__main__':
    unittest.main()
