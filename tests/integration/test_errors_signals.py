# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGKILL at moments spread over a first life and a restart: it
ends soon, leaves nothing, and the next boot goes on with nothing lost."""
import signal
import time
import unittest

from boot_rig import Rig, missing

MOMENTS = 15
SPREAD_S = 0.8


class Signals(unittest.TestCase):
    def setUp(self):
        why = missing()
        if why:
            self.skipTest(why)
        self.rig = Rig()
        self.addCleanup(self.rig.close)

    def interrupt(self, number, after):
        boot = self.rig.run()
        time.sleep(max(0, boot.start + after - time.monotonic()))
        boot.signal(number)
        begin = time.monotonic()
        code = boot.wait(10)
        self.assertLess(time.monotonic() - begin, 5)
        return boot, code

    def terminated(self, after):
        boot, code = self.interrupt(signal.SIGTERM, after)
        if 'ready' in boot.events():
            self.assertEqual(code, 0, boot.text()[-3000:])
        elif boot.lines():
            self.assertEqual(code, 7, boot.text()[-3000:])
            self.assertIn('nothing is lost', boot.said())
        else:
            # before main could mask signals: the kernel's default
            self.assertIn(code, (7, -signal.SIGTERM))
        self.rig.check_nothing_left()

    def test_term_first_life(self):
        """All moments fall on one deployment until it lives."""
        for i in range(MOMENTS):
            with self.subTest(moment=i):
                self.terminated(i * SPREAD_S / (MOMENTS - 1))
        boot = self.rig.ready()
        self.rig.write_word('after')
        self.rig.stop(boot)

    def test_term_restart(self):
        boot = self.rig.ready()
        self.rig.write_word('before')
        self.rig.stop(boot)
        for i in range(MOMENTS):
            with self.subTest(moment=i):
                self.terminated(i * SPREAD_S / (MOMENTS - 1))
        boot = self.rig.ready()
        self.assertEqual(self.rig.read_word(), 'before')
        self.rig.stop(boot)

    def kill_at(self, moments):
        for after in moments:
            with self.subTest(after=after):
                self.interrupt(signal.SIGKILL, after)
                end = time.monotonic() + 3
                while self.rig.left() and time.monotonic() < end:
                    time.sleep(0.02)
                left = [x for x in self.rig.left()
                        if x.startswith(('process', 'mount'))]
                self.assertEqual(left, [])

    def test_kill(self):
        self.kill_at((0.1, 0.3, 0.5, 0.8))
        boot = self.rig.ready()
        self.rig.write_word('kept')
        boot.signal(signal.SIGKILL)
        boot.wait(5)
        time.sleep(0.3)
        self.assertEqual([x for x in self.rig.left()
                          if x.startswith('process')], [])
        self.kill_at((0.1, 0.2, 0.3, 0.4, 0.5))
        boot = self.rig.ready()
        self.assertEqual(self.rig.read_word(), 'kept')
        self.rig.stop(boot)


if __name__ == '__main__':
    unittest.main()
