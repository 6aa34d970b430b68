#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that happens after READY, at once: the server dies, is sealed,
gets a new certificate, SIGHUP comes in bursts, at moments drawn from a seed
(SALLYPORT_SEED replays one).  It always comes back, serves what was written,
and ends with 0 and nothing left; a SIGTERM at any moment of it ends it."""
import os
import random
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'integration'))
from boot_rig import LIMIT_S  # noqa: E402
from error_case import WORD, ErrorCase  # noqa: E402

ROUNDS = 30
BUSY = {'look_interval': 1, 'certificate_interval': 1, 'restart_limit': 100,
        'restart_pause': 1}


class Races(ErrorCase):
    RIG = {'tls_ca': None}

    def setUp(self):
        super().setUp()
        seed = drawn.seed()
        print('# seed %d' % seed, flush=True)
        self.random = random.Random(seed)

    def kill(self, boot):
        for pid in self.rig.server_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def hang_up(self, boot):
        for _ in range(self.random.randrange(1, 20)):
            boot.signal(signal.SIGHUP)
            time.sleep(self.random.random() / 50)

    def seal(self, boot):
        try:
            self.rig.ask('PUT', 'sys/seal', self.rig.token())
        except OSError:
            pass # it is down just now

    def renew(self, boot):
        time.sleep(1 - time.time() % 1)
        self.rig.deployment.put_tls()
        boot.signal(signal.SIGHUP)

    def disturb(self, boot):
        what = self.random.choice((self.kill, self.hang_up, self.seal,
                                   self.renew))
        what(boot)
        time.sleep(self.random.random() * 2)

    def serves(self, boot):
        end = time.monotonic() + LIMIT_S
        while True:
            self.assertIsNone(boot.code(), boot.text()[-4000:])
            try:
                if self.rig.read_word() == WORD:
                    return
            except (OSError, TypeError):
                pass
            self.assertLess(time.monotonic(), end, boot.text()[-4000:])
            time.sleep(0.1)

    def test_it_always_comes_back(self):
        boot = self.rig.ready(**BUSY)
        for _ in range(ROUNDS):
            self.disturb(boot)
        self.serves(boot)
        # what was interrupted is over when the server serves again
        self.kill(boot)
        time.sleep(0.2)
        self.serves(boot)
        time.sleep(3)
        self.rig.stop(boot)
        self.mended()

    def test_a_signal_ends_it_at_any_moment(self):
        for _ in range(ROUNDS // 3):
            boot = self.rig.ready(**BUSY)
            for _ in range(self.random.randrange(1, 3)):
                self.disturb(boot)
            boot.signal(signal.SIGTERM)
            self.assertIn(boot.wait(), (0, 7), boot.text()[-4000:])
            self.rig.check_nothing_left()
        self.mended()

    def test_the_server_dies_during_a_rotation(self):
        boot = self.rig.ready(restart_limit=100, restart_pause=1)
        for n in range(ROUNDS // 3):
            time.sleep(1 - time.time() % 1)
            self.rig.deployment.put_tls()
            boot.signal(signal.SIGHUP)
            time.sleep(self.random.random() * 1.5)
            self.kill(boot)
            self.serves(boot)
        self.rig.stop(boot)
        self.mended()


if __name__ == '__main__':
    unittest.main()
