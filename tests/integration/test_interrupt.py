#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, SIGINT and SIGKILL at many moments of both kinds of boot: it ends
within a bounded time, leaves nothing behind, and the next boot goes on; a
first life needs its pin and a way in."""
import os
import shutil
import signal
import time
import unittest

from boot import Rig


class Interrupted(unittest.TestCase):
    def rig(self, **more):
        rig = Rig(**more)
        self.addCleanup(rig.close)
        return rig

    def end_after(self, rig, seconds, sig):
        rig.start()
        time.sleep(seconds)
        start = time.monotonic()
        code = rig.end(sig, 15)
        self.assertLess(time.monotonic() - start, 5)
        if sig != signal.SIGKILL:
            # before its signals are blocked, the signal itself ends it
            self.assertIn(code, (0, 7, -sig), rig.text()[-2000:])
        # a killed supervisor's children follow it by their death signal
        for _ in range(100):
            left = [x for x in rig.leftovers() if x.startswith('process')]
            if not left:
                break
            time.sleep(0.02)
        self.assertEqual(left, [], 'after %.2f s' % seconds)

    def test_a_first_life_at_any_moment(self):
        for i, seconds in enumerate((0.01, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4,
                                     0.45, 0.5, 0.6, 0.7)):
            with self.subTest(seconds):
                rig = Rig(absent_time=1)
                try:
                    sig = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[i % 3]
                    self.end_after(rig, seconds, sig)
                    rig.boot()
                    token = rig.root_token()
                    self.assertEqual(rig.ask('GET', 'sys/mounts/anjuna',
                                             token=token)[0], 200)
                    self.assertEqual(rig.end(), 0)
                    self.assertEqual(rig.leftovers(), [])
                finally:
                    rig.close()

    def restart(self, profile):
        rig = self.rig(profile=profile)
        rig.boot()
        token = rig.root_token()
        rig.ask('POST', 'anjuna/x', {'word': 'kept'}, token)
        self.assertEqual(rig.end(), 0)
        for i, seconds in enumerate((0.02, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35,
                                     0.4)):
            with self.subTest(seconds):
                sig = (signal.SIGKILL, signal.SIGTERM)[i % 2]
                self.end_after(rig, seconds, sig)
        rig.boot()
        self.assertEqual(rig.ask('GET', 'anjuna/x', token=token)[1]['data'],
                         {'word': 'kept'})
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])

    def test_a_restart_at_any_moment_full(self):
        self.restart('full')

    def test_a_restart_at_any_moment_container(self):
        self.restart('container')


class FirstLife(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        self.store = self.rig.settings['storage_path']

    def refused(self, code, piece, **settings):
        self.rig.write_conf(**settings)
        self.assertEqual(self.rig.fails(), code, self.rig.text()[-2000:])
        self.assertIn(piece, self.rig.text())
        self.assertEqual(self.rig.leftovers(), [])
        self.assertFalse(os.path.exists(self.store))
        self.assertFalse(os.path.exists(self.store + '.sallyport'))

    def test_without_pin_and_way_in_it_names_the_two_lines(self):
        pin, op = self.rig.settings['pin'], self.rig.settings['operator_key']
        self.refused(66, 'add: pin = ', pin=None, operator_key=None)
        self.assertIn('add: operator_key = ', self.rig.text())
        self.assertIn(pin, self.rig.text())
        self.refused(64, 'add: operator_key = ', pin=pin)
        self.rig.write_conf(operator_key=op, pin=None, trust_first_key='yes')
        self.rig.boot()
        self.assertIn(pin, self.rig.text())
        self.assertEqual(self.rig.end(), 0)

    def test_a_vault_that_keeps_nothing_starts_no_life(self):
        self.rig.deployment.client.fault(
            service='akv', operation='secret-set', times=0, status=403,
            body='{"error":{"code":"Forbidden","message":"no set"}}')
        self.refused(65, 'no set')

    def test_an_interrupted_first_life_is_moved_aside(self):
        rig = self.rig
        rig.boot()
        self.assertEqual(rig.end(), 0)
        marker = self.store + '.sallyport'
        with open(marker, encoding='ascii') as f:
            text = f.read()
        with open(marker, 'w', encoding='ascii') as f:
            f.write(text.replace('STORED', 'PREPARED'))
        client = rig.deployment.client
        for v in client.list_versions('apm-unseal-bundle'):
            client.disable_version('apm-unseal-bundle',
                                   v['id'].rsplit('/', 1)[1])
        rig.boot()
        self.assertIn('moved_aside', rig.names())
        self.assertEqual(rig.end(), 0)
        aside = [n for n in os.listdir(os.path.dirname(self.store))
                 if '.aside-' in n]
        self.assertEqual(len(aside), 1)
        shutil.rmtree(os.path.join(os.path.dirname(self.store), aside[0]))


if __name__ == '__main__':
    unittest.main()
