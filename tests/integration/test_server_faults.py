#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that misbehave, in whole boots: each ends with its code within its
deadline, leaves nothing behind and the store as it was; the next honest boot
is READY and reads what was written."""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from boot_rig import LIMIT_S, SALLYPORT, SERVER
from error_case import WORD, ErrorCase
from remote_case import build_server, set_mode


class FaultCase(ErrorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faults = os.path.join(cls.rig.work, 'faults')
        cls.server = os.path.join(cls.rig.work, 'server')
        build_server(cls.faults, cls.server)
        bao = os.path.join(cls.faults, 'bao')
        try:
            os.link(SERVER, bao)
        except OSError:
            shutil.copy(SERVER, bao)
            os.chmod(bao, 0o711)

    def faulty(self, mode, **more):
        set_mode(self.faults, mode)
        # without /tmp: not all above it is root's alone
        return {'server': self.server, 'plugin_directory': self.faults,
                **more}

    def within(self, seconds, code, *said, **run):
        begin = time.monotonic()
        boot = self.refused(code, *said, **run)
        self.assertLess(time.monotonic() - begin, seconds)
        return boot

class Faults(FaultCase):
    def test_a_deaf_server_is_killed_after_server_stop(self):
        boot = self.refused(60, **self.faulty('deaf', server_stop=1))
        self.assertIn('public', boot.events())
        self.mended()

    def test_ready_late_is_ready(self):
        self.mended(**self.faulty('slow 2'))

    def test_ready_too_late_is_53(self):
        self.within(40, 53, 'the server did not become ready',
                    **self.faulty('slow 60', server_ready=2))
        self.mended()

    def test_half_initialised_is_56(self):
        self.refused(56, 'half-initialised', **self.faulty('half'))
        self.mended()

    def test_a_standby_is_unsealed_and_refused(self):
        self.refused(56, 'unsealed', **self.faulty('standby'))

    def test_another_kind_of_node_is_refused(self):
        self.refused(61, 'HTTP 473', **self.faulty('performance'))

    def test_exits_at_once_is_52(self):
        self.within(40, 52, 'the server exited with code 3',
                    **self.faulty('exit'))
        self.mended()


class Log(FaultCase):
    """Standard error is a pipe."""

    def start(self, **more):
        conf = self.rig.conf(**more)
        r, w = os.pipe()
        self.addCleanup(os.close, r)
        return r, w, conf

    def popen(self, conf, w):
        p = subprocess.Popen([SALLYPORT, 'run', '--config', conf],
                             env={'PATH': '/usr/sbin:/usr/bin'},
                             stdin=subprocess.DEVNULL, stdout=w, stderr=w,
                             start_new_session=True)
        os.close(w)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def test_a_full_pipe_does_not_hold_up_the_end(self):
        """Nobody reads: the server waits for its own line to be taken, which
        is a server that is not ready in time; Sallyport does not wait."""
        r, w, conf = self.start(server_ready=3)
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
        os.write(w, b'x' * 4096)
        p = self.popen(conf, w)
        self.assertEqual(p.wait(60), 53)
        self.rig.check_nothing_left()
        self.mended()

    def test_a_reader_that_is_gone(self):
        """The server dies of its broken pipe: it exited, and it is not its
        confinement that failed."""
        r, w = os.pipe()
        os.close(r)
        self.assertEqual(self.popen(self.rig.conf(), w).wait(60), 52)
        self.rig.check_nothing_left()
        self.mended()

    def test_a_socket_that_nobody_reads(self):
        """As a pipe: neither a boot nor its end waits for a reader."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        theirs.setblocking(False)
        try:
            while True:
                theirs.send(b'x' * 4096)
        except BlockingIOError:
            theirs.setblocking(True)
        p = self.popen(self.rig.conf(server_ready=3), theirs.detach())
        time.sleep(1)
        p.send_signal(signal.SIGTERM)
        self.assertIn(p.wait(30), (0, 7, 53))
        self.rig.check_nothing_left()
        self.mended()

    def test_a_terminal_that_nobody_reads(self):
        """Stopped by ^S, or of a container that nobody attached to."""
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        os.set_blocking(theirs, False)
        try:
            while True:
                os.write(theirs, b'x' * 4096)
        except BlockingIOError:
            os.set_blocking(theirs, True)
        p = self.popen(self.rig.conf(server_ready=3), theirs)
        time.sleep(1)
        p.send_signal(signal.SIGTERM)
        self.assertIn(p.wait(30), (0, 7, 53))
        self.rig.check_nothing_left()
        self.mended()

    def test_a_server_that_floods_the_log_is_unsealed(self):
        r, w, conf = self.start(**self.faulty('flood'))

        tail, ready = b'', threading.Event()

        def drain():
            nonlocal tail
            while data := os.read(r, 1 << 20):
                tail = (tail + data)[-(1 << 21):]
                if b'"event":"ready"' in tail:
                    ready.set()
                time.sleep(0.01)
        reader = threading.Thread(target=drain)
        p = self.popen(conf, w)
        reader.start()
        self.addCleanup(reader.join)
        self.assertTrue(ready.wait(LIMIT_S))
        self.assertEqual(self.rig.read_word(), WORD)
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.wait(60), 0)
        self.rig.check_nothing_left()


if __name__ == '__main__':
    unittest.main()
