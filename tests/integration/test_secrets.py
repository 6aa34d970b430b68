#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Secret hygiene (I1, I9): during both boots no share and no PFX password is
in any command line, environment, log or file, nor in the memory of supervisor,
broker and https; and the same scan finds them where they must be."""
import base64
import os
import re
import subprocess
import sys
import threading
import time
import unittest

import spframe as sp
import tpm_bench as tb
from boot_rig import Rig, missing, processes
from cryptography.hazmat.primitives import serialization

PASSWORD = 'MARKED-pfx-password-%s' % os.urandom(8).hex()
WATCHED = ('broker', 'https')


def memory(pid):
    """Every readable page of a process that it could have written."""
    out = []
    try:
        with open('/proc/%d/maps' % pid, encoding='ascii',
                  errors='replace') as maps, \
                open('/proc/%d/mem' % pid, 'rb', 0) as mem:
            for line in maps:
                m = re.match(r'([0-9a-f]+)-([0-9a-f]+) (r)w', line)
                if not m or 'secretmem' in line or '[vvar' in line:
                    continue
                start, end = int(m.group(1), 16), int(m.group(2), 16)
                try:
                    mem.seek(start)
                    out.append(mem.read(min(end - start, 64 << 20)))
                except (OSError, ValueError):
                    pass
    except OSError:
        pass
    return b''.join(out)


def read(path):
    try:
        with open(path, 'rb') as f:
            return f.read()
    except OSError:
        return b''


class Watch(threading.Thread):
    """Samples all processes of a boot until told to stop."""

    def __init__(self, rig, boot):
        super().__init__(daemon=True)
        self.main, self.done = boot.pid, threading.Event()
        self.role = {u: r for r, u in rig.uids.items()}
        self.words, self.pages = [], {}  # (where, bytes); role -> samples
        self.last = {}

    def sample(self, name, pid, scan):
        for what in ('cmdline', 'environ'):
            self.words.append((name + ' ' + what,
                               read('/proc/%d/%s' % (pid, what))))
        if scan:
            self.pages.setdefault(name, []).append(memory(pid))

    def run(self):
        while not self.done.is_set():
            self.sample('supervisor', self.main, self.tick())
            for pid, (uid, _, _) in processes().items():
                role = self.role.get(uid)
                if role:
                    self.sample(role, pid, role in WATCHED)
            time.sleep(0.002)

    def tick(self):
        """The supervisor's memory ten times a second is enough."""
        now = time.monotonic()
        if now - self.last.get('supervisor', 0) < 0.1:
            return False
        self.last['supervisor'] = now
        return True

    def stop(self):
        self.done.set()
        self.join()


def forms(share):
    """How a share may stand somewhere: raw, hex, base64."""
    return [share, share.hex().encode(), share.hex().upper().encode(),
            base64.b64encode(share),
            base64.urlsafe_b64encode(share).rstrip(b'=')]


def files(*folders):
    for folder in folders:
        for d, _, names in os.walk(folder):
            for n in names:
                yield os.path.join(d, n)


class Hygiene(unittest.TestCase):
    def watched_boot(self, rig):
        # a slow key vault keeps the processes alive long enough to be seen
        for operation in ('release', 'secret-set'):
            rig.client.fault(service='akv', operation=operation, times=3,
                             delay=2)
        boot = rig.run()
        w = Watch(rig, boot)
        w.start()
        try:
            self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        finally:
            w.stop()
        rig.client.clear_faults()
        return boot, w

    def shares(self, rig):
        master = tb.Master(key=rig.deployment.private_key())
        raw = base64.b64decode(rig.client.get_secret('apm-unseal-bundle'))
        kind, _, plain = master.open_bundle(
            raw, 'pebbledb:' + rig.store)
        self.assertEqual(kind, tb.FINAL)
        shares = sp.keyset_parse(plain)[1]
        self.assertEqual(len(shares), 5)
        return shares

    def check(self, watch, rig, needles):
        for name in ('supervisor',) + WATCHED:
            samples = watch.pages.get(name, [])
            self.assertGreater(len(samples), 2, name)
            self.assertGreater(max(map(len, samples)), 50000, name)
            for page in samples:
                for n in needles:
                    self.assertNotIn(n, page, name)
        for where, text in watch.words:
            for n in needles:
                self.assertNotIn(n, text, where)
        for path in files(rig.work, rig.run_dir):
            if '/azure/' in path:
                continue  # the vault's own storage
            text = read(path)
            for n in needles:
                self.assertNotIn(n, text, path)

    def test_no_secret_where_it_must_not_be(self):
        why = missing()
        if why:
            self.skipTest(why)
        rig = Rig()
        self.addCleanup(rig.close)
        rig.deployment.put_tls(password=PASSWORD)
        boot, first = self.watched_boot(rig)
        needles = [PASSWORD.encode(), PASSWORD.encode('utf-16-le'),
                   PASSWORD.encode('utf-16-be')]
        shares = self.shares(rig)
        for s in shares:
            needles += forms(s)
        needles.append(rig.token().encode())
        self.check(first, rig, needles)
        log = boot.text().encode()
        for n in needles:
            self.assertNotIn(n, log)
        rig.stop(boot)
        boot, second = self.watched_boot(rig)
        self.check(second, rig, needles)
        # the same scan, where it must find: the server was told shares
        pid = next(p for p, (uid, _, _) in processes().items()
                   if uid == rig.uids['server'])
        page = memory(pid)
        found = [s for s in shares if any(f in page for f in forms(s))]
        self.assertGreaterEqual(len(found), 1)
        rig.stop(boot)

    def test_the_scan_finds_what_is_there(self):
        p = subprocess.Popen(
            [sys.executable, '-c', 'import sys, time\n'
             'x = bytearray(b"MARKED-pfx-") + b"password-" + '
             'sys.argv[1].encode()\nprint("up", flush=True)\n'
             'time.sleep(60)', PASSWORD[-16:]],
            env={'A': PASSWORD}, stdout=subprocess.PIPE)
        try:
            p.stdout.readline()
            self.assertIn(PASSWORD.encode(), memory(p.pid))
            self.assertIn(PASSWORD.encode(),
                          read('/proc/%d/environ' % p.pid))
            self.assertIn(PASSWORD[-16:].encode(),
                          read('/proc/%d/cmdline' % p.pid))
        finally:
            p.kill()
            p.wait()
            p.stdout.close()


if __name__ == '__main__':
    unittest.main()
