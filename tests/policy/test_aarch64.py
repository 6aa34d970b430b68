#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The policies for aarch64: the same lines under that machine's numbers, and
what needs libc alone (ipc, worker, broker) cross-built for it.  Not run there:
this is what keeps the port cheap."""
import glob
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import bpf
import filters
import model
import words

ROOT = filters.ROOT
CC = 'aarch64-linux-gnu-gcc'
UNISTD = '/usr/include/asm-generic/unistd.h'
ARM = words.ARCH['aarch64']
# x86-64's old calls that aarch64 does not have, and what its libc makes.
YOUNG = {'poll': 'ppoll', 'epoll_wait': 'epoll_pwait', 'pipe': 'pipe2',
         'dup2': 'dup3', 'readlink': 'readlinkat', 'access': 'faccessat',
         'mkdir': 'mkdirat', 'unlink': 'unlinkat', 'rename': 'renameat',
         'inotify_init': 'inotify_init1'}


def numbers():
    """{call: number} of the kernel's generic table, which aarch64 uses."""
    with open(UNISTD, encoding='ascii') as f:
        text = f.read()
    out = {m[1]: int(m[2]) for m in re.finditer(
        r'^#define __NR(?:3264)?_(\w+)\s+(\d+)$', text, re.M)}
    out['newfstatat'] = out.get('newfstatat', out['fstatat'])
    return {**out, **words.YOUNGER}


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        cls.policies = sorted(glob.glob(filters.POLICY + '/*.policy'))
        os.mkdir(cls.dir.name + '/policy')
        cls.policyc('-a', '-c', cls.dir.name + '/policy/filters.c')
        cls.calls = numbers()
        cls.x86 = {p.name: (p, bpf.decode(raw)) for p, raw in filters.both()}
        cls.arm = {p.name: bpf.decode(raw)
                   for p, raw in filters.both(cls.dir.name)}

    @classmethod
    def policyc(cls, *argv):
        subprocess.run([filters.BUILD + '/policy/policyc', *argv,
                        *cls.policies], check=True)

    def arm_number(self, call):
        return self.calls.get(call, self.calls.get(YOUNG.get(call)))

    @staticmethod
    def there(line, args):
        """The arguments with aarch64's values of two constants of open(2)
        (arch/arm64/include/uapi/asm/fcntl.h)."""
        out = list(args)
        for c in line.conditions:
            for name, here, value in (('O_DIRECTORY', os.O_DIRECTORY, 0o40000),
                                      ('O_NOFOLLOW', os.O_NOFOLLOW, 0o100000)):
                if name in line.text and c.name == 'flags' and \
                        args[c.arg] & here:
                    out[c.arg] = out[c.arg] & ~here | value
        return out

    def args(self, policy, line):
        """Matching arguments, and each condition missed in turn."""
        match = [0] * 6
        for c in line.conditions:
            match[c.arg] = c.value
        yield match
        for c, other in itertools.product(line.conditions, (1 << 40, 1 << 20)):
            yield [v ^ other if i == c.arg else v for i, v in enumerate(match)]

    def test_every_line_answers_as_on_the_other_machine(self):
        tried = 0
        for name, (policy, prog) in self.x86.items():
            for line in policy.lines:
                nr = self.arm_number(line.call)
                if nr is None or line.call in YOUNG and \
                        line.call not in self.calls and line.conditions:
                    continue
                for a in self.args(policy, line):
                    tried += 1
                    want = bpf.run(prog, bpf.data(
                        words.ARCH['x86-64'], words.CALLS[line.call], a))
                    got = bpf.run(self.arm[name], bpf.data(
                        ARM, nr, self.there(line, a)))
                    self.assertEqual(got, want, (name, line.text, a))
        print('# %d answers compared' % tried)
        self.assertGreater(tried, 500)

    def test_every_other_number_gets_the_default(self):
        for name, (policy, _) in self.x86.items():
            named = {self.arm_number(line.call) for line in policy.lines}
            for nr in set(range(1024)) - named:
                self.assertEqual(
                    bpf.run(self.arm[name], bpf.data(ARM, nr, [0] * 6)),
                    policy.default, (name, nr))

    def test_every_other_machine_is_killed(self):
        for name, prog in self.arm.items():
            for arch in words.ARCH.values():
                if arch != ARM:
                    self.assertEqual(bpf.run(prog, bpf.data(arch, 1, [0] * 6)),
                                     model.KILL, name)

    def test_what_needs_libc_alone_builds_for_it(self):
        if not shutil.which(CC):
            self.skipTest(CC + ' is not installed (scripts/check installs it)')
        d = self.dir.name
        self.policyc('-p', d + '/pages.c')
        sources = [d + '/policy/filters.c', d + '/pages.c'] + [
            p for p in glob.glob(ROOT + '/ipc/*.c')
            if os.path.basename(p) not in ('hpke.c', 'envelope.c',
                                           'secret.c', 'json_whole.c',
                                           'crypto_heap.c')] + [
            ROOT + '/policy/%s.c' % n for n in
            ('worker', 'audit', 'landlock', 'filter', 'page')] + \
            glob.glob(ROOT + '/parent/broker_*.c')
        out = d + '/sallyport-broker'
        subprocess.run(
            [CC, '-std=gnu17', '-D_GNU_SOURCE', '-O1', '-Werror', '-Wall',
             '-I' + ROOT, '-I' + ROOT + '/ipc', '-I' + ROOT + '/policy',
             '-I' + ROOT + '/parent', '-I' + filters.BUILD, '-static', '-o',
             out] + sources, check=True)
        head = subprocess.run(['readelf', '-h', out], check=True,
                              capture_output=True, text=True).stdout
        self.assertIn('AArch64', head)
        raw = dict(filters.programs(d))['broker']
        with open(out, 'rb') as f:
            self.assertIn(raw, f.read())


if __name__ == '__main__':
    unittest.main()
