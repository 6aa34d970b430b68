#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A learning build logs and proposes; a release has no way to it."""
import glob
import os
import struct
import subprocess
import sys
import tempfile
import unittest

import bpf
import filters
import learn
import model
import words
from record import Process, Recording

LOG = 0x7ffc0000
RET_LOG = struct.pack('=HBBI', 0x06, 0, 0, LOG)
KILL = struct.pack('=HBBI', 0x06, 0, 0, model.KILL)


def installed():
    """Every program of the installed release."""
    inst = filters.installation()
    return [inst + '/sbin/sallyport'] + sorted(
        glob.glob(inst + '/libexec/sallyport/root/*/sallyport-*'))


class Learning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        os.mkdir(cls.dir.name + '/policy')
        policyc = filters.BUILD + '/policy/policyc'
        subprocess.run(
            [policyc, '-L', '-c', cls.dir.name + '/policy/filters.c'] +
            sorted(glob.glob(filters.POLICY + '/*.policy')), check=True)
        cls.both = filters.both(cls.dir.name)

    def test_what_a_policy_does_not_name_is_logged_and_passes(self):
        self.assertGreater(len(self.both), 9)
        for policy, raw in self.both:
            prog, some = bpf.decode(raw), 0
            for nr in range(512):
                data = bpf.data(words.ARCH['x86-64'], nr, [0] * 6)
                want = policy.answer(words.ARCH['x86-64'], nr, [0] * 6)
                got = bpf.run(prog, data)
                line = policy.line_of(nr, [0] * 6)
                if want == model.KILL or (want != model.ALLOW and not line):
                    self.assertEqual(got, LOG, (policy.name, nr))
                    some += 1
                else:
                    self.assertEqual(got, want, (policy.name, nr))
            self.assertGreater(some, 10, policy.name)

    def test_another_architecture_is_killed_all_the_same(self):
        for policy, raw in self.both:
            data = bpf.data(words.ARCH['i386'], 1, [0] * 6)
            self.assertEqual(bpf.run(bpf.decode(raw), data), model.KILL)


class Release(unittest.TestCase):
    def test_no_program_holds_an_answer_that_only_logs(self):
        programs = installed()
        self.assertGreater(len(programs), 8)
        killing = 0
        for path in programs:
            with open(path, 'rb') as f:
                data = f.read()
            self.assertNotIn(RET_LOG, data, path)
            self.assertNotIn(b'learning', data, path)
            killing += KILL in data
        self.assertGreater(killing, 7) # the search finds what is there

    def test_release_and_learning_exclude_each_other(self):
        with tempfile.TemporaryDirectory() as d:
            p = subprocess.run(
                ['meson', 'setup', d + '/b', filters.ROOT, '-Drelease=true',
                 '-Dlearning=true', '-Dtests=false'], capture_output=True,
                text=True)
        self.assertNotEqual(p.returncode, 0)
        self.assertIn('learning and release exclude', p.stdout)


class Proposals(unittest.TestCase):
    def recording(self, program, *calls, stack=(0, 1, 2)):
        r = Recording()
        p = Process(1, '/x/' + program, list(stack))
        p.calls = {(n, words.CALLS[c], tuple(a) + (0, ) * (6 - len(a)))
                   for n, c, a in calls}
        r.processes = [p]
        return r

    def lines(self, recording):
        return [line for policy, calls in learn.refused(recording).items()
                for nr in calls
                for line in learn.proposals(policy, nr, calls[nr])]

    def test_a_call_without_a_line_is_proposed_with_its_arguments(self):
        got = self.lines(self.recording(
            'sallyport-tpm', (3, 'madvise', (0x1000, 4096, 4)),
            (3, 'getpid', ())))
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith('allow madvise when advice == 4'))

    def test_a_descriptor_has_its_name(self):
        got = self.lines(self.recording(
            'sallyport-tpm', (3, 'lseek', (6, 0, 0))))
        self.assertIn('fd == $dev', got[0])

    def test_what_came_before_the_lock_is_not_proposed(self):
        self.assertEqual(self.lines(self.recording(
            'sallyport-tpm', (2, 'mmap', (0, 1, 1)))), [])

    def test_what_a_line_refuses_on_purpose_is_not_proposed(self):
        self.assertEqual(self.lines(self.recording(
            'bao', (3, 'ptrace', (0, 0)))), [])

    def test_the_program_says_what_is_missing(self):
        with tempfile.TemporaryDirectory() as d:
            for calls, code, text in (
                    ([(3, 'getpid', ())], 0, 'has its line'),
                    ([(3, 'uname', (1, ))], 1, 'policy/tpm.policy:')):
                self.recording('sallyport-tpm', *calls).save(d + '/r')
                p = subprocess.run([sys.executable, learn.__file__, d + '/r'],
                                   capture_output=True, text=True)
                self.assertEqual(p.returncode, code, p.stderr)
                self.assertIn(text, p.stdout)


if __name__ == '__main__':
    unittest.main()
