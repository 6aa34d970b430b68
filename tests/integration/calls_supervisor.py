# SPDX-License-Identifier: Apache-2.0
"""One system call of the supervisor, or of a child of it between clone and
exec, fails in a restart, by each errno of calls_case.py: the boot is READY and
ends well, or ends by an exit code with what to do, and leaves nothing; the last
boot is READY and reads what was written.  Of calls that come often, some of
each.  No child whose confinement failed is a child of a boot that is READY."""
import collections
import re
import unittest

import drawn
import calls_case as cc
import fault_case as fc

SUPERVISOR = fc.SUPERVISOR + ':1'
SIGNALFD4 = 289  # the first call of its own, but for its descriptors
SOME = 4  # of those that come often: at the begin, in the middle, at the end
# early: the loader's, which has its own words, or none (without its second
# mmap(2) it crashes).
Case = collections.namedtuple('Case', 'name at number error early')
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


def measured(faults, who):
    """{process: its calls}, of a boot that goes well, to READY."""
    boot = faults.boot([who, 'all', '0', 'list'])
    if not boot.wait_until('ready'):
        raise AssertionError(boot.text()[-3000:])
    said = faults.reported()
    faults.rig.stop(boot)
    out = collections.defaultdict(list)
    for name, number in re.findall(
            r'^call (%s:\d+) (-?\d+)$' % who.split(':', maxsplit=1)[0],
            said, re.M):
        out[name].append(int(number))
    return out


def hit(faults, name):
    """Its calls to the one that failed, or []."""
    said = faults.reported()
    return [int(x) for x in re.findall(r'^call %s (-?\d+)$' % name, said,
                                       re.M)] if '\nhit ' in said else []


def fails(faults, case):
    """How that boot ended; raises where a rule is broken."""
    who = case.name
    boot = faults.boot([who, 'all', str(case.at), 'e%d' % case.error])
    if boot.wait_until('ready'):
        faults.rig.stop(boot)
        if who != SUPERVISOR and not harmless(hit(faults, who)):
            raise AssertionError('READY:\n' + faults.reported())
        return 'READY'
    code = boot.wait()
    faults.rig.check_nothing_left()
    if case.early:
        if code == 0:
            raise AssertionError('the loader failed and all is well')
        return 'not begun'
    if '(exit code %d)' % code not in boot.text() or \
            'what to do: ' not in boot.text():
        raise AssertionError(boot.text()[-3000:])
    return 'exit code %d' % code


class SupervisorCase(unittest.TestCase):
    def sampled(self, who, many, seed, jobs=1):
        """So many of all cases, or all (None), by that seed, with so many
        rigs at once."""
        why = fc.unable()
        if why:
            self.skipTest(why)
        first = fc.Faults(True)
        try:
            calls = measured(first, who)
        except BaseException:
            first.close()
            raise
        cases = [Case(name, at, calls[name][at - 1], e, who == SUPERVISOR and
                      at <= calls[who].index(SIGNALFD4))
                 for name in sorted(calls)
                 for at in places(calls[name]) for e in cc.ERRNOS
                 if calls[name][at - 1] != cc.GETRANDOM or
                 e == cc.errno.EINTR]
        m = fc.Matrix(drawn.cases(cases, seed, most=many),
                      lambda: fc.Faults(True), jobs, first, fails,
                      fc.Faults.recovers).run()
        print('# %s, seed %d: %d of %d cases: %s' % (
            who.split(':', maxsplit=1)[0], seed, len(m.ends), len(cases),
            dict(collections.Counter(m.ends))), flush=True)
        for case, reason in m.failed:
            with self.subTest(case, seed=seed):
                self.fail(reason)
