# SPDX-License-Identifier: Apache-2.0
"""The power goes.  strace(1) follows a first life, a life and a restart, and
holds whoever syncs for a moment; at each such point is kept what a disk holds
that loses all that was not synced.  Each point is put back, with the key vault as it was then and as it is at the end, and
booted: READY, and what was written before the point is read after it, or an
end that says why; nothing is initialised where a bundle is, and nothing moved.
Parts of it: tests/lib/drawn.py."""
import collections
import os
import re
import shutil
import signal
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../integration'))
import drawn # noqa: E402
from boot_rig import Rig, missing, processes # noqa: E402
from azemu.client import CallError # noqa: E402 (found by boot_rig's path)

WORD = 'before the power went'
SEED = drawn.seed(1)
# the ends that say why: what was found does not fit together, where keys or
# store are older than the other
STOPS = (56, 58, 72)
OURS = ('apm-unseal-bundle', 'apm-root-token', 'apm-probe')
HOLD_US = 400000 # until its disk is copied; a later copy fails the test
SYNCED = re.compile(r'(?:fsync|fdatasync)\(\d+<(/[^>]*)>\) *= 0')
Point = collections.namedtuple('Point', 'number disk secrets written')


class Disk:
    """What is there after a loss of power: of each file what it held when it
    was synced last, of each directory its names when it was (a synced file's
    own name too, as ext4 and XFS keep it).  names: path -> a copy, which is
    never changed, or None: a directory."""

    def __init__(self, top, pool):
        self.top, self.pool, self.copies = top, pool, 0
        self.names, self.known = {}, {}
        os.mkdir(pool)

    def synced(self, path):
        if os.path.isdir(path):
            self.directory(path)
            return
        number = os.stat(path).st_ino
        self.known[number] = self.keep(path)
        self.parents(path)
        self.names[self.inside(path)] = self.known[number]

    def inside(self, path):
        return os.path.relpath(path, self.top)

    def keep(self, path, empty=False):
        self.copies += 1
        to = os.path.join(self.pool, str(self.copies))
        shutil.copy2(path, to)
        own(path, to)
        if empty:
            os.truncate(to, 0)
        return to

    def parents(self, path):
        folder = os.path.dirname(self.inside(path))
        while folder and folder not in self.names:
            self.names[folder] = None
            folder = os.path.dirname(folder)

    def directory(self, path):
        self.parents(os.path.join(path, 'name'))
        here, now = self.inside(path), os.listdir(path)
        for name in list(self.names):
            above, last = os.path.split(name)
            if (above or '.') == here and last not in now:
                self.forget(name)
        for last in now:
            source = os.path.join(path, last)
            name = self.inside(source)
            if os.path.isdir(source):
                self.names.setdefault(name, None)
                continue
            kept = self.known.get(os.stat(source).st_ino)
            if kept or name not in self.names: # its name, and nothing in it
                self.names[name] = kept or self.keep(source, True)

    def forget(self, name):
        for other in list(self.names):
            if other == name or other.startswith(name + '/'):
                del self.names[other]


def own(source, to):
    s = os.stat(source)
    os.chown(to, s.st_uid, s.st_gid)


def write(names, like, top):
    """That disk, into top; like: the directory that the store's are made as."""
    for name in sorted(names):
        to, kept = os.path.join(top, name), names[name]
        if kept:
            shutil.copy2(kept, to)
            own(kept, to)
        elif not os.path.isdir(to):
            os.mkdir(to)
            shutil.copystat(like, to)
            own(like, to)


class Points(threading.Thread):
    """Reads what strace says, and keeps the disk of each point."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.top = rig, os.path.dirname(rig.store)
        self.disk = Disk(self.top, os.path.join(rig.work, 'pool'))
        self.pipe = os.path.join(rig.work, 'synced')
        os.mkfifo(self.pipe)
        self.taken, self.written, self.failed = [], False, None

    def wrap(self):
        return ['strace', '-f', '-qq', '-y', '-s0', '-e', 'signal=none',
                '-e', 'trace=fsync,fdatasync', '-e',
                'inject=fsync,fdatasync:delay_exit=%d' % HOLD_US,
                '-o', self.pipe]

    def run(self):
        # three boots write to it, one after the other
        with open(self.pipe, encoding='ascii') as f:
            for line in f:
                m = SYNCED.search(line)
                if m and m.group(1).startswith(self.top):
                    try:
                        self.take(m.group(1))
                    except Exception as e: # pylint: disable=broad-except
                        self.failed = e

    def take(self, path):
        written = self.written # before the copy: then it must be in it
        self.disk.synced(path)
        self.taken.append(Point(len(self.taken), dict(self.disk.names),
                                self.secrets(), written))

    def secrets(self):
        out = {}
        for name in OURS:
            try:
                out[name] = self.rig.client.get_secret(name)
            except CallError as e:
                if e.status != 404:
                    raise
        return out


class Power(unittest.TestCase):
    def goes(self, storage):
        why = missing() or (None if shutil.which('strace') else 'no strace')
        if why:
            self.skipTest(why)
        self.rig = rig = Rig(storage=storage)
        self.addCleanup(rig.close)
        points = self.lives(rig)
        cases = [(p, then) for p in points for then in (True, False)]
        todo = drawn.cases(cases, SEED, lambda c: '%s %d %s' % (
            storage, c[0].number, c[1]))
        ends = collections.Counter()
        for point, then in todo:
            with self.subTest('point %d, the key vault of %s' % (
                    point.number, 'then' if then else 'the end')):
                ends[self.restored(rig, point, then)] += 1
        print('# %s, seed %d: %d of %d cases at %d points: %s' % (
            storage, SEED, sum(ends.values()), len(cases), len(points),
            ', '.join('%d ended with %s' % (n, code or 'READY')
                      for code, n in sorted(ends.items()))))
        self.assertIn(0, ends)

    def lives(self, rig):
        m = Points(rig)
        rig.conf()
        m.start()
        keep = os.open(m.pipe, os.O_WRONLY) # between two boots too
        for life in range(3):
            boot = rig.run(wrap=m.wrap())
            self.assertTrue(boot.wait_until('ready', 120), boot.text())
            if life == 1:
                rig.write_word(WORD)
                m.written = True
                time.sleep(0.5)
            os.kill(self.supervisor(boot), signal.SIGTERM)
            self.assertEqual(boot.wait(60), 0, boot.text())
        os.close(keep)
        m.join()
        self.assertIsNone(m.failed)
        self.last, self.top = m.secrets(), os.path.dirname(rig.store)
        self.number = os.stat(rig.store).st_ino
        return m.taken

    @staticmethod
    def supervisor(boot):
        """strace's child."""
        path = '/proc/%d/task/%d/children' % (boot.pid, boot.pid)
        with open(path, encoding='ascii') as f:
            return int(f.read().split()[0])

    def restored(self, rig, point, then):
        secrets = point.secrets if then else self.last
        self.put_back(rig, point.disk)
        for name, value in secrets.items():
            rig.client.set_secret(name, value)
        boot = rig.run()
        if not boot.wait_until('ready'):
            code = boot.wait()
            self.assertIn(code, STOPS, boot.text()[-3000:])
            self.assertFalse(point.written, boot.text()[-3000:])
            self.assertFalse(then, boot.text()[-3000:])
            self.assertIn('what to do: ', boot.said())
        else:
            code = 0
            if point.written:
                self.assertEqual(rig.read_word(), WORD)
            rig.stop(boot)
        if 'apm-unseal-bundle' in secrets:
            for event in ('initialised', 'moved_aside'):
                self.assertNotIn(event, boot.events(), boot.text()[-3000:])
        rig.check_nothing_left()
        return code

    def put_back(self, rig, disk):
        """The store's directory is the one that the marker names, which a
        first life may have moved."""
        aside, top = os.path.join(rig.work, 'directory'), self.top
        directory, = (x for x in os.scandir(top) if x.inode() == self.number)
        os.rename(directory.path, aside)
        for name in os.listdir(aside):
            path = os.path.join(aside, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        rig.forget()
        os.mkdir(top)
        os.rename(aside, rig.store)
        write(disk, rig.store, top)

    def test_pebbledb(self):
        self.goes('pebbledb')

    def test_raft(self):
        self.goes('raft')


if __name__ == '__main__':
    unittest.main()
