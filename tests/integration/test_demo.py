#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/demo: shows the job done in both profiles, under odd circumstances
too, and what it prints can be followed. Its options, and those of
scripts/check."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from boot_rig import LIMIT_S, ROOT
from demo_case import DemoCase


class Demo(DemoCase):
    def test_full(self):
        self.assertIn('confinement profile: full',
                      self.whole('--profile', 'full'))

    def test_container(self):
        self.assertIn('confinement profile: container',
                      self.whole('--profile', 'container'))

    def test_odd_circumstances(self):
        """No network, another python3 first, odd locale and environment."""
        with tempfile.TemporaryDirectory() as odd:
            other = os.path.join(odd, 'python3')
            with open(other, 'w', encoding='ascii') as f:
                f.write('#!/bin/sh\nexit 9\n')
            os.chmod(other, 0o755)
            self.whole(wrap=['unshare', '-n'], cwd='/', env=dict(
                os.environ, PATH=odd + ':' + os.environ['PATH'],
                LC_ALL='de_DE', LANG='de_DE', PYTHONPATH=odd, CDPATH='/usr',
                TMPDIR=odd, https_proxy='http://127.0.0.1:1'))
            self.assertEqual(os.listdir(odd), ['python3'])

    def test_input_and_output_are_closed(self):
        p = self.start(wrap=['sh', '-c', 'exec "$0" <&-'])
        text = p.communicate(timeout=300)[0]
        self.assertEqual(p.returncode, 0, text[-3000:])
        self.nothing_left(text)
        p = self.start()
        text = ''
        while 'READY' not in text:
            line = p.stdout.readline()
            self.assertTrue(line, text)
            text += line
        p.stdout.close()
        self.assertNotEqual(p.wait(LIMIT_S), 0)
        self.nothing_left(text)


class Stays(DemoCase):
    def test_what_it_prints_can_be_pasted(self):
        p = self.start('--stay')
        text = ''
        while 'Stop it:' not in text:
            line = p.stdout.readline()
            self.assertTrue(line, text)
            text += line
        commands = [x.split('#')[0].strip() for x in text.splitlines()
                    if re.match(r'  (curl|kill|/)', x)]
        self.assertEqual(len(commands), 4, text)
        word = re.search(r'the secret of the first life is there: (\S+)',
                         text).group(1)
        for command, piece in zip(commands, ('"sealed":false', word,
                                             '"akv.release.ok": 3', '')):
            r = subprocess.run(command, shell=True, capture_output=True,
                               text=True, check=False, timeout=LIMIT_S)
            self.assertEqual(r.returncode, 0, command + r.stderr)
            self.assertIn(piece, r.stdout)
        stop = re.search(r'kill -TERM \d+', text).group(0)
        subprocess.run(stop, shell=True, check=True)
        text += p.communicate(timeout=LIMIT_S)[0]
        self.assertEqual(p.returncode, 143, text[-2000:])
        self.nothing_left(text)


class Words(unittest.TestCase):
    """What is asked for wrongly is refused before anything is done."""

    def said(self, *argv, code=1, wrap=(), root=ROOT):
        r = subprocess.run([*wrap, root + '/scripts/' + argv[0], *argv[1:]],
                           capture_output=True, text=True, timeout=60,
                           check=False)
        self.assertEqual(r.returncode, code, r.stderr)
        return r.stdout if code == 0 else r.stderr

    def test_help(self):
        self.assertIn('--profile full|container', self.said(
            'demo', '--help', code=0))
        self.assertIn('PATTERN', self.said('check', '--help', code=0))

    def test_wrong(self):
        for argv, text in (
                (('demo', '--colour'), 'unknown option --colour'),
                (('demo', 'x'), 'unknown option x'),
                (('demo', '--profile'), 'must be full or container'),
                (('demo', '--profile', 'none'), 'must be full or container'),
                (('demo', '--storage'), 'must be pebbledb or raft'),
                (('demo', '--storage', 's3'), 'must be pebbledb or raft'),
                (('check', '--colour'), 'unknown option --colour'),
                (('check', 'a', 'b'), 'one PATTERN'),
                (('check', '--jobs'), 'needs a number'),
                (('check', '--jobs', '0'), 'needs a number')):
            with self.subTest(argv):
                self.assertIn(text, self.said(*argv))

    def test_not_root(self):
        wrap = ['setpriv', '--reuid', '65534', '--clear-groups'] \
            if os.geteuid() == 0 else []
        # the clone may lie where only root comes
        with tempfile.TemporaryDirectory(prefix='sp-scripts-') as root:
            shutil.copytree(ROOT + '/scripts', root + '/scripts')
            os.chmod(root, 0o755)
            for name in ('demo', 'check'):
                self.assertIn('must be run by root', self.said(
                    name, wrap=wrap, root=root))


if __name__ == '__main__':
    unittest.main()
