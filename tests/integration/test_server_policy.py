#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""policy/vault-server.policy against the real server: whole boots in both
profiles and storages with plugin, load, rotation and restart, seen from
outside.  The server is refused nothing that it misses; the policy names
nothing that nobody uses; and no moment of the start is without a filter."""
import os
import sys
import unittest

import boot_rig
import systrace
from server_run import PLUGIN, ServerRun

sys.path.insert(0, os.path.join(boot_rig.ROOT, 'tests', 'policy'))
import model  # noqa: E402
import words  # noqa: E402

POLICY = boot_rig.ROOT + '/policy/vault-server.policy'
SECCOMP, EXECVEAT, EXECVE = (words.CALLS[c] for c in (
    'seccomp', 'execveat', 'execve'))
# Refused to an honest server, and why that is well.
NAMED = {
    'socket': 'MPTCP: Go listens by it first, and falls back to TCP',
}
MAY_BE_UNUSED = {
    # the kernel's own: only a sleep that was stopped goes on by it
    'restart_syscall',
}


def kept(policy):
    """Which arguments its conditions look at."""
    out = {}
    for line in policy.lines:
        for c in line.conditions:
            out.setdefault(line.nr, set()).add(c.arg)
    return {nr: sorted(at) for nr, at in out.items()}


class Honest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        root = systrace.tracefs()
        why = boot_rig.missing() or (None if root else
                                     'no tracefs here, or another pid '
                                     'namespace than the first')
        if why:
            raise unittest.SkipTest(why)
        cls.policy = model.Policy(POLICY)
        cls.said, cls.traces, cls.complaints = [], [], []
        for profile, storage in (('full', 'pebbledb'), ('container', 'raft')):
            run = ServerRun(profile, storage, root, True,
                            cls.complaints.append, keep=kept(cls.policy),
                            order=(SECCOMP, EXECVEAT, EXECVE))
            try:
                cls.said.append(run.whole(24, 30))
            finally:
                run.close()
            cls.traces += run.traces

    def calls(self):
        """(number, arguments) of the server and its plugins, all runs."""
        keep = kept(self.policy)
        for t in self.traces:
            for (program, nr), seen in t.calls.items():
                if program != boot_rig.SERVER and PLUGIN not in program:
                    continue
                for some in seen:
                    args = [0] * 6
                    for at, value in zip(keep.get(nr, ()), some):
                        args[at] = value
                    yield nr, args

    def test_nothing_was_lost(self):
        self.assertEqual([t.lost for t in self.traces], [0] * 4)

    def test_everything_works(self):
        self.assertEqual(self.complaints, [])
        for said in self.said:
            self.assertEqual(set(said.values()), {'done'}, said)

    def test_the_filter_refuses_what_is_named_here_and_nothing_else(self):
        refused = {words.NAMES[nr] for t in self.traces
                   for (program, nr, _, who) in t.errors
                   if who == 'filter' and (program == boot_rig.SERVER or
                                           PLUGIN in program)}
        self.assertEqual(refused, set(NAMED))

    def test_every_line_is_needed(self):
        used = set()
        for nr, args in self.calls():
            line = self.policy.line_of(nr, args)
            self.assertIsNotNone(line, words.NAMES.get(nr, nr))
            used.add(line.number)
        self.assertEqual([line.text for line in self.policy.lines
                          if line.action == 'allow' and
                          line.number not in used and
                          words.NAMES[line.nr] not in MAY_BE_UNUSED], [])

    def test_no_moment_of_the_start_is_without_a_filter(self):
        """The outer filter, then at once exec; the inner, then at once the
        server.  Filters are never taken off again (seccomp(2))."""
        seen = 0
        for t in self.traces:
            for steps in t.steps.values():
                if boot_rig.SERVER not in steps:
                    continue
                seen += 1
                self.assertEqual(len(steps), 6, steps)
                self.assertEqual(steps[:2], [SECCOMP, EXECVEAT])
                self.assertIn('/dev/fd/', steps[2])
                self.assertEqual(steps[3:], [SECCOMP, EXECVE,
                                             boot_rig.SERVER])
        self.assertGreaterEqual(seen, 6)  # looks, init, public lives


if __name__ == '__main__':
    unittest.main()
