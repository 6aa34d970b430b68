#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signals: before main, over the steps that would lose keys, in bursts; and
the duties of PID 1."""
import os
import signal
import time
import unittest

from boot_rig import processes
from error_case import ErrorCase

PRELUDE = ('import os, signal, sys\n'
           'signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n'
           'os.kill(os.getpid(), signal.SIGTERM)\n'
           'os.execv(sys.argv[1], sys.argv[1:])\n')


IGNORED = ('import os, signal, sys\n'
           'signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n'
           'os.execv(sys.argv[1], sys.argv[1:])\n')


class Early(ErrorCase):
    LIVED = False

    def test_whoever_started_it_ignores_the_end_of_children(self):
        """The kernel would reap them, and nobody would know how they ended."""
        boot = self.rig.run(wrap=['/usr/bin/python3', '-c', IGNORED])
        self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        self.rig.stop(boot)
        self.rig.forget()

    def test_one_that_waits_when_the_program_starts(self):
        boot = self.rig.run(wrap=['/usr/bin/python3', '-c', PRELUDE])
        self.assertEqual(boot.wait(), 7, boot.text())
        self.assertIn('nothing is lost', boot.said())
        self.assertNotIn('resolved', boot.events())
        self.rig.check_nothing_left()
        self.assertEqual(self.store_files(), [])

    def test_the_first_milliseconds(self):
        for ms in range(0, 20, 2):
            boot = self.rig.run()
            time.sleep(ms / 1000)
            boot.signal(signal.SIGHUP if ms % 4 else signal.SIGINT)
            boot.signal(signal.SIGTERM)
            # before main could take it: the kernel's default
            self.assertIn(boot.wait(), (7, -signal.SIGTERM, -signal.SIGINT,
                                        -signal.SIGHUP), boot.text())
            self.rig.check_nothing_left()
        self.assertEqual(self.store_files(), [])


class Keys(ErrorCase):
    LIVED = False

    def test_sigterm_waits_until_the_keys_are_stored(self):
        """Between init and the bundle's storing nobody else has the keys."""
        self.client.fault(service='akv', operation='secret-set', times=3,
                          match='apm-unseal-bundle', status=503)
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('initialised'), boot.text())
        boot.signal(signal.SIGTERM)
        boot.signal(signal.SIGINT)
        self.assertEqual(boot.wait(), 7, boot.text())
        self.assertEqual(boot.events().count('deferred'), 1)
        self.assertIn('keys_stored', boot.events())
        self.rig.check_nothing_left()
        self.assertEqual(self.store_files(), ['data', 'data.sallyport'])
        boot = self.rig.ready()
        self.assertNotIn('moved_aside', boot.events())
        self.rig.write_word('kept')
        self.rig.stop(boot)
        boot = self.rig.ready()
        self.assertEqual(self.rig.read_word(), 'kept')
        self.rig.stop(boot)


class Lost(ErrorCase):
    LIVED = False

    def test_sigterm_does_not_wait_for_ever(self):
        """The key vault never takes them: the boot ends in bounded time, and
        the next one begins the store, which has no data, anew."""
        self.client.fault(service='akv', operation='secret-set', times=1000,
                          match='apm-unseal-bundle', status=503)
        boot = self.rig.run(step_deadline=12)
        self.assertTrue(boot.wait_until('initialised'), boot.text())
        begin = time.monotonic()
        boot.signal(signal.SIGTERM)
        self.assertEqual(boot.wait(), 7, boot.text())
        took = time.monotonic() - begin
        self.assertTrue(11.5 < took < 30, took)
        self.assertIn('keys_gone', boot.events())
        self.rig.check_nothing_left()
        self.client.clear_faults()
        boot = self.rig.ready(absent_time=1)
        self.assertIn('moved_aside', boot.events())
        self.rig.stop(boot)


class PidOne(ErrorCase):
    def zombies(self, pid):
        out = []
        for child in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open('/proc/%s/stat' % child) as f:
                    state, parent = f.read().rsplit(') ', 1)[1].split()[:2]
            except OSError:
                continue
            if int(parent) == pid and state == 'Z':
                out.append(int(child))
        return out

    def test_orphans_are_reaped(self):
        """A child that was there before, and what it leaves to its next
        subreaper."""
        wrap = ['sh', '-c', '(sleep 2 & sleep 1) & exec "$@"', 'sh']
        boot = self.rig.ready(wrap=wrap)
        time.sleep(3)
        self.assertEqual(self.zombies(boot.pid), [])
        sleeps = [x for x in processes().values() if x[2].startswith('sleep')
                  and x[1] == boot.pid]
        self.assertEqual(sleeps, [])
        self.rig.stop(boot)

    def test_as_pid_1(self):
        wrap = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc',
                'sh', '-c', '(sleep 2 & sleep 1) & exec "$@"', 'sh']
        boot = self.rig.ready(wrap=wrap)
        one = [pid for pid, (_, sid, cmd) in processes().items()
               if sid == boot.pid and ' run ' in cmd and 'unshare' not in cmd]
        self.assertEqual(len(one), 1)
        time.sleep(3)
        self.assertEqual(self.zombies(one[0]), [])
        os.kill(one[0], signal.SIGTERM)
        self.assertEqual(boot.wait(), 0, boot.text()[-3000:])
        self.rig.check_nothing_left()


if __name__ == '__main__':
    unittest.main()
