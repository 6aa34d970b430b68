# SPDX-License-Identifier: Apache-2.0
"""One system call of the supervisor, or of a child of it between clone and
exec, fails in a restart, by each errno of calls_case.py: the boot is READY and
ends well, or ends by an exit code with what to do, and leaves nothing; the last
boot is READY and reads what was written.  Of calls that come often, some of
each.  No child whose confinement failed is a child of a boot that is READY."""
import collections
import random
import re
import unittest

import calls_case as cc
import fault_case as fc

SUPERVISOR = fc.SUPERVISOR + ':1'
SIGNALFD4 = 289  # the first call of its own, but for its descriptors
SOME = 4  # of those that come often: at the begin, in the middle, at the end
# That these fail changes nothing for a child: umask(2) cannot, a descriptor
# that would not close is closed by the range after it (or the worker's audit
# refuses it), a signal whose action is not set back had the default before.
HARMLESS = {'umask': 95, 'close': 3, 'rt_sigaction': 13}
# The second of each is the try to become root again, which must fail.
REGAIN = {'setresuid': 117, 'setresgid': 119, 'setgroups': 116, 'capset': 126}


def places(calls):
    out = []
    for number in set(calls) - set(cc.IMPOSSIBLE):
        at = [i for i, n in enumerate(calls, 1) if n == number]
        half = len(at) // 2
        out += at if len(at) <= 3 * SOME else \
            at[:SOME] + at[half:half + SOME] + at[-SOME:]
    return sorted(out)


def harmless(calls):
    """The calls of a child, to the one that failed; none: it was not reached
    (who is which child is not quite the same in each boot)."""
    return not calls or calls[-1] in HARMLESS.values() or (
        calls[-1] in REGAIN.values() and calls[-1] in calls[:-1])


class SupervisorCase(unittest.TestCase):
    def setUp(self):
        why = fc.unable()
        if why:
            self.skipTest(why)
        self.faults = fc.Faults(True)
        self.addCleanup(self.faults.close)

    def calls(self, who):
        """{process: its calls}, of a boot that goes well, to READY."""
        boot = self.faults.boot([who, 'all', '0', 'list'])
        self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        said = self.faults.reported()
        self.faults.rig.stop(boot)
        out = collections.defaultdict(list)
        for name, number in re.findall(
                r'^call (%s:\d+) (-?\d+)$' % who.split(':', maxsplit=1)[0],
                said, re.M):
            out[name].append(int(number))
        return out

    def fails(self, who, at, error, early):
        """The at-th; returns how it ended.  early: the loader's, which has
        its own words, or none (without its second mmap(2) it crashes)."""
        boot = self.faults.boot([who, 'all', str(at), 'e%d' % error])
        if boot.wait_until('ready'):
            self.faults.rig.stop(boot)
            return 'READY'
        code = boot.wait()
        self.faults.rig.check_nothing_left()
        if early:
            self.assertNotEqual(code, 0)
            return 'not begun'
        self.assertIn('(exit code %d)' % code, boot.text())
        self.assertIn('what to do: ', boot.text())
        return 'exit code %d' % code

    def sampled(self, who, many, seed):
        """So many of all cases, or all (None), by that seed."""
        calls = self.calls(who)
        cases = [(name, at, e) for name in sorted(calls)
                 for at in places(calls[name]) for e in cc.ERRNOS
                 if calls[name][at - 1] != cc.GETRANDOM or
                 e == cc.errno.EINTR]
        random.Random(seed).shuffle(cases)
        ends = collections.Counter()
        for name, at, error in cases[:many]:
            number = calls[name][at - 1]
            with self.subTest('%s, call %d (number %d), errno %d' % (
                    name, at, number, error), seed=seed):
                end = self.fails(name, at, error, who == SUPERVISOR and
                                 at <= calls[who].index(SIGNALFD4))
                ends[end] += 1
                if who != SUPERVISOR and end == 'READY':
                    self.assertTrue(harmless(self.hit(name)),
                                    self.faults.reported())
        print('# %s, seed %d: %d of %d cases: %s' % (
            who.split(':', maxsplit=1)[0], seed, sum(ends.values()),
            len(cases), dict(ends)), flush=True)
        self.faults.recovers()

    def hit(self, name):
        """Its calls to the one that failed, or []."""
        said = self.faults.reported()
        return [int(x) for x in re.findall(r'^call %s (-?\d+)$' % name, said,
                                           re.M)] if '\nhit ' in said else []
