# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, SIGINT and SIGKILL at moments spread over a first life and over a
restart, both profiles: it ends within a bounded time with the right code,
leaves nothing behind, and the next boot goes on with nothing lost."""
import signal
import time
import unittest

from boot_rig import LIMIT_S, Rig, missing

STOPS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(unittest.TestCase):
    def set_up(self, profile='full'):
        why = missing()
        if why:
            self.skipTest(why)
        self.rig = Rig(profile=profile)
        self.addCleanup(self.rig.close)

    def lasts(self):
        """How long a boot takes here and now; it wrote the word."""
        boot = self.rig.ready()
        took = time.monotonic() - boot.start
        self.rig.write_word('kept')
        self.rig.stop(boot)
        return took

    def interrupt(self, number, after):
        boot = self.rig.run()
        time.sleep(max(0, boot.start + after - time.monotonic()))
        boot.signal(number)
        begin = time.monotonic()
        code = boot.wait()
        took = time.monotonic() - begin
        if number in STOPS:
            self.stopped(boot, number, code, took)
        else:
            self.assertEqual(code, -number)
            self.nothing_runs()

    def stopped(self, boot, number, code, took):
        # ten times what it takes on an idle machine
        self.assertLess(took, 20, boot.text()[-3000:])
        if 'ready' in boot.events():
            self.assertEqual(code, 0, boot.text()[-3000:])
        elif boot.lines():
            self.assertEqual(code, 7, boot.text()[-3000:])
            self.assertIn('nothing is lost', boot.said())
        else:
            # before main could mask signals: the kernel's default
            self.assertIn(code, (7, -number))
        self.rig.check_nothing_left()

    def nothing_runs(self):
        """Nobody outlives a killed supervisor; files need a next boot."""
        end = time.monotonic() + LIMIT_S
        while True:
            left = [x for x in self.rig.left()
                    if x.startswith(('process', 'mount'))]
            if not left or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.assertEqual(left, [])

    def moments(self, count, signals, lasts):
        """(signal, seconds), spread over a boot and a little beyond."""
        return [(signals[i % len(signals)], 1.1 * lasts * i / (count - 1))
                for i in range(count)]

    def test_first_life(self):
        """Each moment on a deployment that never lived."""
        self.set_up()
        lasts = self.lasts()
        for number, after in self.moments(12, (*STOPS, signal.SIGKILL),
                                          lasts):
            with self.subTest(number=number, after=after):
                self.rig.forget()
                self.interrupt(number, after)
                boot = self.rig.ready()
                self.rig.write_word('after')
                self.assertEqual(self.rig.read_word(), 'after')
                self.rig.stop(boot)

    def test_again_and_again(self):
        """All moments fall on one deployment until it lives."""
        self.set_up()
        lasts = self.lasts()
        self.rig.forget()
        for number, after in self.moments(12, STOPS, lasts):
            with self.subTest(number=number, after=after):
                self.interrupt(number, after)
        self.lasts()

    def restart(self, profile):
        self.set_up(profile)
        self.lasts()
        lasts = self.lasts()
        for number, after in self.moments(12, (*STOPS, signal.SIGKILL),
                                          lasts):
            with self.subTest(number=number, after=after):
                self.interrupt(number, after)
        boot = self.rig.ready()
        self.assertEqual(self.rig.read_word(), 'kept')
        self.rig.stop(boot)

    def test_restart_full(self):
        self.restart('full')

    def test_restart_container(self):
        self.restart('container')

    def test_killed_at_rest(self):
        self.set_up()
        boot = self.rig.ready()
        self.rig.write_word('kept')
        boot.signal(signal.SIGKILL)
        boot.wait()
        self.nothing_runs()
        boot = self.rig.ready()
        self.assertEqual(self.rig.read_word(), 'kept')
        self.rig.stop(boot)


if __name__ == '__main__':
    unittest.main()
