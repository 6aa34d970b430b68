#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The emitted filters against their texts: for every call number and every
value worth trying the BPF program answers what a model of the text says, and
the model is of separate code (model.py).  No filter compiler is trusted."""
import copy
import glob
import os
import unittest

import bpf
import cases
import filters
import model
import words


def differences(policy, prog, some):
    """(cases tried, the first differences in words)"""
    tried, bad = 0, []
    for arch, nr, args in some:
        tried += 1
        want = policy.answer(arch, nr, args)
        got = bpf.run(prog, bpf.data(arch, nr, args))
        if got != want and len(bad) < 20:
            bad.append('%s: arch %#x, %s(%s): the program answers %#x, the '
                       'text %#x' % (
                           policy.path, arch, words.NAMES.get(nr, hex(nr)),
                           ', '.join(map(hex, args)), got, want))
    return tried, bad


def altered(policy, line, conditions):
    """The policy with other conditions in that line; None: without it."""
    out = copy.copy(policy)
    new = copy.copy(line)
    new.conditions = conditions
    lines = [new if x is line else x for x in policy.by_number[line.nr]
             if x is not line or conditions is not None]
    out.by_number = {**policy.by_number, line.nr: lines}
    return out


def alterations(line):
    """Other conditions that mean something else, each."""
    yield None
    for c in line.conditions:
        others = [x for x in line.conditions if x is not c]
        yield others
        for bit in (0, 4, 31):
            other = copy.copy(c)
            other.value = c.value ^ 1 << bit
            yield others + [other]


class Evaluator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = [(p, bpf.decode(raw)) for p, raw in filters.both()]

    def same(self, some):
        total = 0
        for policy, prog in self.all:
            tried, bad = differences(policy, prog, some(policy, prog))
            print('# %-14s %4d instructions, %7d cases' % (
                policy.name, len(prog), tried))
            total += tried
            self.assertEqual(bad, [], '\n'.join(bad))
        print('# %d cases' % total)

    def test_every_text_has_its_program(self):
        names = {os.path.basename(p)[:-len('.policy')]
                 for p in glob.glob(filters.POLICY + '/*.policy')}
        self.assertEqual({p.name for p, _ in self.all}, names)
        self.assertGreaterEqual(len(names), 11)

    def test_every_number_on_every_architecture(self):
        self.same(lambda policy, prog: cases.sweep())

    def test_every_condition_of_every_line(self):
        self.same(cases.of_policy)

    def test_a_text_that_says_something_else_is_seen(self):
        """The comparison is not blind: a line less, a condition less or
        another value in any line of any text is a difference."""
        tried, unseen = 0, []
        for policy, prog in self.all:
            for line in policy.lines:
                some = [(cases.NATIVE, line.nr, args) for args in
                        cases.of_line(line, (), cases.NOTHING)]
                for conditions in alterations(line):
                    tried += 1
                    other = altered(policy, line, conditions)
                    if not self.differs(other, prog, some):
                        unseen.append('%s:%d %s' % (
                            policy.path, line.number, line.text))
        print('# %d other texts' % tried)
        self.assertEqual(unseen, [], '\n'.join(unseen))

    @staticmethod
    def differs(policy, prog, some):
        for arch, nr, args in some:
            try:
                want = policy.answer(arch, nr, args)
            except model.Ambiguous:
                return True
            if bpf.run(prog, bpf.data(arch, nr, args)) != want:
                return True
        return False


class Programs(unittest.TestCase):
    def test_what_is_evaluated_is_what_is_installed(self):
        """Every installed program that holds a filter holds these bytes."""
        inst = filters.installation()
        built = glob.glob(inst + '/sbin/*') + glob.glob(
            inst + '/libexec/sallyport/**/sallyport*', recursive=True)
        built = [p for p in built if os.path.isfile(p)]
        held = {}
        for path in built:
            with open(path, 'rb') as f:
                image = f.read()
            for name, raw in filters.programs().items():
                if raw in image:
                    held.setdefault(os.path.basename(path), set()).add(name)
        print('# ' + '; '.join('%s: %s' % (p, ' '.join(sorted(n)))
                               for p, n in sorted(held.items())))
        for role in ('broker', 'resolve', 'https', 'keeper', 'verify', 'tpm',
                     'prepare', 'control'):
            self.assertIn(role, held['sallyport-' + role])
        self.assertLessEqual({'supervisor', 'outer', 'outer_net'},
                             held['sallyport'])
        self.assertTrue({n for n in held['sallyport-exec'] if 'server' in n})


if __name__ == '__main__':
    unittest.main()
