# SPDX-License-Identifier: Apache-2.0
"""A worker that is stopped while it waits (SIGSTOP, a frozen control group, a
machine that sleeps) goes on: the kernel resumes poll(2) by restart_syscall(2),
which the filter must know.  (resolve: in test_resolve.py.)"""
import contextlib
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../policy'))
import https_rig # noqa: E402
import keeper_rig # noqa: E402
import netfake # noqa: E402
import seats # noqa: E402
import spframe as sp # noqa: E402
from stopping import stop_and_go_on # noqa: E402


class Stopped(unittest.TestCase):
    def goes_on(self, name):
        """And then it ends by itself, as nobody is left to talk to."""
        pid, keep = seats.MAKERS[name]()
        w = getattr(keep[0], 'worker', keep[0])
        try:
            w.start()
            stop_and_go_on(pid)
        finally:
            for k in keep[1:] + [w.broker]:
                k.close()
        w.code = sp.wait(pid)
        self.assertGreater(w.code, 0, 'killed')

    def test_verify(self):
        self.goes_on('verify')

    def test_tpm(self):
        self.goes_on('tpm')

    def test_prepare(self):
        self.goes_on('prepare')

    def test_control(self):
        self.goes_on('control')


    def test_keeper(self):
        """In its wait for the next renewal."""
        with contextlib.closing(keeper_rig.Emulator()) as em:
            k = keeper_rig.Keeper(keeper_rig.conf(em.ports), em.roots)
            try:
                self.assertTrue(k.is_held())
                stop_and_go_on(k.pid)
                self.assertEqual(k.release(), 'OK')
            finally:
                k.close()


class Https(https_rig.Case):
    def test_https(self):
        self.furnish()
        self.az.rule('imds', '/', netfake.Raw(b'', delay=2), 0)
        self.seat = https_rig.Seat(['fetch'],
                                   https_rig.fetch_conf(self.az.port),
                                   self.az.pki.pem)
        self.seat.w.broker.send('ADDRS', https_rig.LOCAL)
        stop_and_go_on(self.seat.w.pid)


if __name__ == '__main__':
    unittest.main()
