#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real workers, locked by their own code, against the texts: a copy of the
worker for each call (mould.py), every number that the text does not name and,
for every line, a call that it means and calls beside it."""
import unittest

import cases
import filters
import model
import mould
import ptrace as pt
import seats
import words

SIGSYS = 31
# uretprobe and uprobe never reach a filter (Linux 6.18's own rule); without a
# probe's trampoline they end the process or fail.
UNREACHABLE = (335, 336)
X32 = (0, 1, 39, 41, 59, 101, 511, 512, 520, 545)
I386 = (1, 11, 20, 102, 120, 359)
POLL, PPOLL, RESTART = 7, 271, 219


def expected(answer):
    """What the kernel makes of a filter's answer: (outcome, number)."""
    if answer == model.KILL:
        return 'dies', SIGSYS
    if answer & 0xffff0000 == model.ERRNO:
        return 'lives', -(answer & 0xffff)
    return 'passes', None


def agrees(want, got):
    if want[0] == 'passes': # whatever the call itself does to it
        return got != ('dies', SIGSYS)
    return want == got


class Live(unittest.TestCase):
    def setUp(self):
        why = pt.unable()
        if why:
            self.skipTest(why)
        self.policies = {p.name: p for p, _ in filters.both()}

    def each(self):
        """(role, its policy, its worker), one after the other."""
        for name in seats.MAKERS:
            policy = self.policies.get(name) or self.policies['vault-' + name]
            seat = seats.seat(name)
            try:
                yield name, policy, seat.mould
            finally:
                seat.close()

    def check(self, name, policy, worker, some):
        """some: (nr, arguments); all must end as the text says."""
        tried, bad = 0, []
        for nr, args in some:
            want = expected(policy.answer(cases.NATIVE, nr, args))
            got = mould.outcome(worker, nr, args)
            tried += 1
            if not agrees(want, got):
                bad.append('%s: %s(%s): %s %s, by the text %s %s' % (
                    policy.path, words.NAMES.get(nr, nr),
                    ', '.join(map(hex, args)), *got, *want))
        print('# %-8s %5d calls' % (name, tried))
        self.assertGreater(tried, 0)
        self.assertEqual(bad, [], '\n'.join(bad))

    def test_the_copies_hold_the_filter_of_the_build(self):
        built = filters.programs()
        for name, policy, worker in self.each():
            copy = worker.copy()
            raw = pt.filters(copy.pid)
            copy.close()
            self.assertEqual(raw, [built[policy.name.replace('-', '_')]], name)

    def test_every_number_that_no_line_names(self):
        for name, policy, worker in self.each():
            some = [nr for nr in range(cases.LAST + 1)
                    if nr not in policy.by_number and nr not in UNREACHABLE]
            if policy.default == model.ALLOW:
                some = [] # what it lets pass is not harmless
            some += [words.X32_BIT | nr for nr in X32]
            self.check(name, policy, worker,
                       [(nr, cases.NOTHING) for nr in some])

    def test_calls_of_another_architecture_die(self):
        for name, _, worker in self.each():
            for nr in I386:
                got = mould.outcome(worker, nr, cases.NOTHING, int80=True)
                self.assertEqual(got, ('dies', SIGSYS), (name, nr))

    @staticmethod
    def beside(line):
        """The call of a line, and others with one argument changed."""
        right = [(c.arg, cases.right(c)) for c in line.conditions]
        free = cases.NOTHING
        if line.call == 'kill': # 0 would be the worker and its copies
            free = cases.with_args(free, (0, 0x7ffffffe))
        base = cases.with_args(free, *right)
        yield line.nr, base
        for c in line.conditions:
            v = cases.right(c)
            for other in (v ^ 1, v ^ 1 << 31, v | 1 << 32, v ^ 1 << 63):
                yield line.nr, cases.with_args(base, (c.arg, other))

    def test_every_line_and_what_is_beside_it(self):
        for name, policy, worker in self.each():
            some = [x for line in policy.lines for x in self.beside(line)]
            self.check(name, policy, worker, some)

    def test_who_is_stopped_in_a_wait_goes_on(self):
        """A stop makes the kernel go on with restart_syscall(2)."""
        seen = set()
        for name, policy, worker in self.each():
            for nr in (POLL, PPOLL):
                if nr not in policy.by_number:
                    continue
                copy = worker.copy()
                copy.aim(nr, (0, 0, 60000 if nr == POLL else 0, 0, 0, 0))
                copy.step()
                self.assertFalse(copy.step(), 'it does not wait')
                try:
                    seen.add(copy.interrupt())
                except mould.Died as e:
                    copy.pid = 0
                    self.fail('%s: killed (%s) when it went on after a stop' % (
                        name, e))
                finally:
                    copy.close()
        self.assertEqual(seen, {RESTART, PPOLL})


if __name__ == '__main__':
    unittest.main()
