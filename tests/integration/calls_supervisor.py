# SPDX-License-Identifier: Apache-2.0
"""One system call of the supervisor fails in a restart, by each errno of
calls_case.py: the boot is READY and ends well, or ends by an exit code with
what to do, and leaves nothing; the last boot is READY and reads what was
written.  Of calls that come often, some of each."""
import collections
import random
import re
import unittest

import calls_case as cc
import fault_case as fc

SUPERVISOR = fc.SUPERVISOR + ':1'
SIGNALFD4 = 289  # the first call of its own, but for its descriptors
SOME = 4  # of those that come often: at the begin, in the middle, at the end


def places(calls):
    out = []
    for number in set(calls) - set(cc.IMPOSSIBLE):
        at = [i for i, n in enumerate(calls, 1) if n == number]
        half = len(at) // 2
        out += at if len(at) <= 3 * SOME else \
            at[:SOME] + at[half:half + SOME] + at[-SOME:]
    return sorted(out)


class SupervisorCase(unittest.TestCase):
    def setUp(self):
        why = fc.unable()
        if why:
            self.skipTest(why)
        self.faults = fc.Faults(True)
        self.addCleanup(self.faults.close)

    def calls(self):
        """Those of a boot that goes well, to READY."""
        boot = self.faults.boot([SUPERVISOR, 'all', '0', 'list'])
        self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        said = self.faults.reported()
        self.faults.rig.stop(boot)
        return [int(x) for x in re.findall(
            r'^call %s (-?\d+)$' % SUPERVISOR, said, re.M)]

    def fails(self, at, error, early):
        """The at-th; returns how it ended.  early: the loader's, which has
        its own words."""
        boot = self.faults.boot([SUPERVISOR, 'all', str(at), 'e%d' % error])
        if boot.wait_until('ready'):
            self.faults.rig.stop(boot)
            return 'READY'
        code = boot.wait()
        self.faults.rig.check_nothing_left()
        if early:
            self.assertGreater(code, 0)
            return 'not begun'
        self.assertIn('(exit code %d)' % code, boot.text())
        self.assertIn('what to do: ', boot.text())
        return 'exit code %d' % code

    def sampled(self, many, seed):
        """So many of all cases, or all (None), by that seed."""
        calls = self.calls()
        cases = [(at, e) for at in places(calls) for e in cc.ERRNOS
                 if calls[at - 1] != cc.GETRANDOM or e == cc.errno.EINTR]
        random.Random(seed).shuffle(cases)
        ends = collections.Counter()
        for at, error in cases[:many]:
            with self.subTest('call %d (number %d), errno %d' % (
                    at, calls[at - 1], error), seed=seed):
                ends[self.fails(at, error,
                                at <= calls.index(SIGNALFD4))] += 1
        print('# seed %d: %d of %d cases: %s' % (
            seed, sum(ends.values()), len(cases), dict(ends)), flush=True)
        self.faults.recovers()
