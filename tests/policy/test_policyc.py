#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""policyc as a program: what it refuses of files and of sets of files (single
lines: tests/tables/policy_errors.tbl), what it says, and what it leaves."""
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get('SALLYPORT_BUILD', os.path.join(ROOT, 'build/release'))
POLICYC = os.path.join(BUILD, 'policy/policyc')
POLICIES = sorted(f for f in os.listdir(os.path.join(ROOT, 'policy'))
                  if f.endswith('.policy'))
HEAD = 'role x\ndefault kill-process\n'
GOOD = HEAD + 'allow read # why [t:tag]\n'


class Rig(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='sallyport-policyc.')
        self.addCleanup(shutil.rmtree, self.dir)
        for name in POLICIES:
            shutil.copy(os.path.join(ROOT, 'policy', name), self.dir)

    def at(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.at(name), 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return self.at(name)

    def edit(self, name, old, new):
        with open(self.at(name)) as f:
            text = f.read()
        self.assertEqual(text.count(old), 1, old)
        self.write(name, text.replace(old, new))

    def run_it(self, *argv):
        p = subprocess.run([POLICYC, *argv], capture_output=True, timeout=60)
        self.assertIn(p.returncode, (0, 1, 2), p.stderr)
        return p.returncode, p.stderr.decode()

    def refuses(self, what, *argv):
        code, said = self.run_it(*argv)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, what)
        return said

    def whole(self, *more):
        return [*map(self.at, POLICIES), *more]


class Files(Rig):
    def test_what_is_no_policy(self):
        out = self.at('out.c')
        for data, what in (
                ('', r'x\.policy:1:1: no role'),
                ('\n' * 131071, r'x\.policy:131071:1: no role'),
                (b'a' * 1000000, r'x\.policy: 131072 bytes or more'),
                (b'\0' * 1000, r'x\.policy:1:1: the byte 0x00'),
                (GOOD.replace('\n', '\r\n'),
                 r'x\.policy:1:7: a carriage return; end lines'),
                ('\ufeff' + GOOD, r'x\.policy:1:1: the byte 0xef'),
                (GOOD.encode('utf-16'), r'x\.policy:1:1: the byte 0xff')):
            self.refuses(what, '-c', out, self.write('x.policy', data))
        self.refuses('Is a directory', '-c', out, self.dir)
        self.refuses('No such file', '-c', out, self.at('none.policy'))
        self.assertFalse(os.path.exists(out))

    def test_every_place_of_a_real_policy_cut_off_or_garbled_is_told(self):
        """Whatever it makes of it, no crash, and errors that name a place."""
        with open(self.at('tpm.policy'), 'rb') as f:
            text = f.read()
        refused = 0
        for n in range(0, len(text), 61):
            for data in (text[:n], text[:n] + b'~' + text[n + 1:]):
                code, said = self.run_it('-t', self.at('out.c'), self.write(
                    'tpm.policy', data), self.at('outer.policy'))
                refused += code
                if code:
                    self.assertRegex(said, r'tpm\.policy:\d+:\d+: .+')
        self.assertGreater(refused, 30)

    def test_what_cannot_be_written_is_said_and_no_device_is_removed(self):
        full = self.at('full')
        os.symlink('/dev/full', full)
        x = self.write('x.policy', GOOD)
        os.symlink(full, self.at('x.txt'))
        for argv in (('-c', full), ('-t', full), ('-l', self.dir)):
            self.refuses('No space left', *argv, x)
            self.assertTrue(stat.S_ISCHR(os.stat(full).st_mode), argv)
        self.refuses('No such file', '-c', self.at('none/out.c'), x)

    def test_usage(self):
        x = self.write('x.policy', GOOD)
        for argv in ((), ('-c',), ('-c', 'o'), ('-z', 'o', x), ('', 'o', x),
                     ('-a', '-l', 'o', x), ('-a', '-L', '-c', 'o', x)):
            code, said = self.run_it(*argv)
            self.assertEqual(code, 2, argv)
            self.assertIn('usage: policyc', said)


class Sets(Rig):
    def test_the_set_as_it_is(self):
        self.assertEqual(self.run_it('-l', self.dir, *self.whole()), (0, ''))

    def test_the_same_file_twice(self):
        self.refuses(r'tpm\.policy:\d+:6: .*/tpm\.policy is of role tpm too; ',
                     '-l', self.dir, *self.whole(self.at('tpm.policy')))

    def test_a_filter_that_is_no_list_of_the_set(self):
        for name in ('nix', 'verify'):
            shutil.copy(os.path.join(ROOT, 'policy/tpm.policy'), self.dir)
            self.edit('tpm.policy', 'filter outer', 'filter ' + name)
            self.refuses(r'tpm\.policy:\d+:8: no list of calls "%s"' % name,
                         '-l', self.dir, *self.whole())
        self.refuses(r'broker\.policy:\d+:8: no list of calls "outer"',
                     '-l', self.dir, self.at('broker.policy'))

    def test_what_two_processes_may_not_share(self):
        for old, new, what in (
                ('uid from uid_tpm, by default 52105',
                 'uid from uid_broker, by default 52101',
                 r':\d+:5: .*/broker\.policy:\d+ says uid from uid_broker'),
                ('program sallyport-tpm', 'program sallyport-verify',
                 r'verify\.policy:\d+:9: .*/tpm\.policy:\d+ says program'),
                ('seat tpm', 'seat tpm\nseat broker with other',
                 r'tpm\.policy:\d+:6: .*/broker\.policy:\d+ has this seat')):
            shutil.copy(os.path.join(ROOT, 'policy/tpm.policy'), self.dir)
            self.edit('tpm.policy', old, new)
            self.refuses(what, '-p', self.at('out.c'), *self.whole())

    def test_every_refusal_says_where_and_what_to_do(self):
        """Of the table: FILE:LINE:COLUMN: what is wrong; what to do."""
        with open(os.path.join(ROOT, 'tests/tables/policy_errors.tbl')) as f:
            heads = re.findall('^==== (.*)$', f.read(), re.M)
        self.assertGreater(len(heads), 140)
        for head in heads:
            self.assertRegex(head, r'^\d+:\d+: .+')
            self.assertTrue('; ' in head or ' is not a name' in head or
                            re.search(', .*write|stands already', head), head)


if __name__ == '__main__':
    unittest.main()
