# SPDX-License-Identifier: Apache-2.0
"""scripts/demo leaves nothing behind after Ctrl-C, SIGTERM and a terminal that
is closed, at any step."""
import os
import signal
import tempfile
import time
import unittest

from boot_rig import LIMIT_S
from demo_case import DemoCase


class Interrupted(DemoCase):
    STEPS = ('== Azure', '== A deployment', 'server = ',
             'confinement profile', 'key released', 'store marked PREPARED',
             'server initialised', 'store marked STORED', 'READY',
             '== Restart', 'server unsealed')

    def interrupted(self, step, number, whole_group):
        p = self.start()
        text = ''
        for line in p.stdout:
            text += line
            if line.startswith(step) or '] ' + step in line:
                break
        else:
            self.fail('no %s in %s' % (step, text[-2000:]))
        begin = time.monotonic()
        (os.killpg if whole_group else os.kill)(p.pid, number)
        text += p.communicate(timeout=LIMIT_S)[0]
        self.assertEqual(p.returncode, 128 + number, text[-2000:])
        self.assertLess(time.monotonic() - begin, 60)
        self.nothing_left(text)

    def test_at_each_step(self):
        ways = [(signal.SIGINT, True), (signal.SIGTERM, False),
                (signal.SIGHUP, True)]
        for i, step in enumerate(self.STEPS):
            with self.subTest(step):
                self.interrupted(step, *ways[i % len(ways)])

    def test_while_it_sets_up(self):
        """Before it says anything: no temporary file stays."""
        with tempfile.TemporaryDirectory() as tmp:
            for seconds in (0.02, 0.1, 0.3, 0.6, 1):
                p = self.start(env=dict(os.environ, TMPDIR=tmp))
                time.sleep(seconds)
                os.killpg(p.pid, signal.SIGINT)
                text = p.communicate(timeout=LIMIT_S)[0]
                # before bash takes it, the signal itself ends it
                self.assertIn(p.returncode, (130, -signal.SIGINT), text)
                self.assertEqual(os.listdir(tmp), [])
                self.nothing_left(text)


if __name__ == '__main__':
    unittest.main()
