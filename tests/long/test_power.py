# SPDX-License-Identifier: Apache-2.0
"""The power goes: store and marker are put back, together, to what they were
at moments of a first life, of a life and of a restart, while the key vault
stays as it is.  The next boot goes on, or says why it will not; it initialises
nothing and moves nothing, for there is a bundle; and what was written before
the moment is read after it.  SALLYPORT_CASES: so many moments."""
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../integration'))
from boot_rig import Rig, missing, processes # noqa: E402

WORD = 'before the power went'
MANY = int(os.environ.get('SALLYPORT_CASES') or 24)
SEED = int(os.environ.get('SALLYPORT_SEED') or 1)
# the ends that say why: the table's own (56, 58)
STOPS = (56, 58)


class Moments(threading.Thread):
    """Copies of what lies on the disk, while the server stands still."""

    def __init__(self, rig, pause=0.03):
        super().__init__(daemon=True)
        self.rig, self.pause, self.over = rig, pause, threading.Event()
        self.taken, self.written = [], False
        self.top = os.path.dirname(rig.store)

    def run(self):
        while not self.over.wait(self.pause):
            self.take()

    def take(self):
        held = [pid for pid, (uid, _, _) in processes().items()
                if uid == self.rig.uids['server']]
        written = self.written  # before the copy: then it must be in it
        to = os.path.join(self.rig.work, 'moment-%d' % len(self.taken))
        self.signal(held, signal.SIGSTOP)
        try:
            subprocess.run(['cp', '-a', self.top, to], check=False,
                           capture_output=True)
        finally:
            self.signal(held, signal.SIGCONT)
        if os.path.isdir(to):
            self.taken.append((to, written))

    @staticmethod
    def signal(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self):
        self.over.set()
        self.join()


class Power(unittest.TestCase):
    def goes(self, storage):
        why = missing()
        if why:
            self.skipTest(why)
        rig = Rig(storage=storage)
        self.addCleanup(rig.close)
        rig.conf()
        m = Moments(rig)
        m.start()
        try:
            boot = rig.ready()
            rig.write_word(WORD)
            m.written = True
            time.sleep(0.2)
            rig.stop(boot)
            rig.stop(rig.ready())
        finally:
            m.stop()
        some = m.taken[:]
        random.Random(SEED).shuffle(some)
        ends = [self.restored(rig, *moment) for moment in some[:MANY]]
        print('# %s, seed %d: %d of %d moments: %d READY, %d said why' % (
            storage, SEED, len(ends), len(m.taken), ends.count(0),
            len(ends) - ends.count(0)))
        self.assertIn(0, ends)

    def restored(self, rig, moment, written):
        top = os.path.dirname(rig.store)
        for path in (rig.store + '.sallyport', rig.store + '.sallyport.new'):
            if os.path.exists(path):
                os.unlink(path)
        # its directory is the one that the marker names
        for name in os.listdir(rig.store):
            path = os.path.join(rig.store, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for name in sorted(os.listdir(moment)):
            source = os.path.join(moment, name)
            subprocess.run(['cp', '-a', source + '/.', rig.store]
                           if name == 'data' else ['cp', '-a', source, top],
                           check=True)
        with self.subTest(os.path.basename(moment)):
            return self.boots(rig, written)

    def boots(self, rig, written):
        boot = rig.run()
        if not boot.wait_until('ready'):
            code = boot.wait()
            self.assertIn(code, STOPS, boot.text()[-3000:])
            self.assertFalse(written, boot.text()[-3000:])
            self.assertIn('what to do: ', boot.said())
        else:
            code = 0
            if written:
                self.assertEqual(rig.read_word(), WORD)
            rig.stop(boot)
        for event in ('initialised', 'moved_aside'):
            self.assertNotIn(event, boot.events(), boot.text()[-3000:])
        rig.check_nothing_left()
        return code

    def test_pebbledb(self):
        self.goes('pebbledb')

    def test_raft(self):
        self.goes('raft')


if __name__ == '__main__':
    unittest.main()
