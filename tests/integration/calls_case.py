# SPDX-License-Identifier: Apache-2.0
"""Each role alone in its seat, under its real filter, through one good life
in which one thing fails: a system call (tests/fault/fault.c) or an allocation
(failalloc.c).  What may come of it: the same as without, to the last byte, or
an exit code of ipc/exit.def.  Never a signal, silence, or another answer."""
import collections
import errno
import mmap
import os
import re
import shutil
import struct
import tempfile

import drawn
import calls_lives
import calls_lives_more
import spframe as sp
from calls_hook import FAILALLOC, FAULT, LIMIT_S, hooked, read

LIVES = {**calls_lives.LIVES, **calls_lives_more.LIVES}

ERRNOS = (errno.EINTR, errno.EAGAIN, errno.ENOMEM, errno.EIO, errno.ENOSPC,
          errno.EMFILE, errno.EPERM)
# No kernel answers these so: a futex fails in no way that the C library does
# not know (it aborts), brk(2) has no errno, exit_group(2) no return; and
# getrandom(2) without flags fails by EINTR at most.
IMPOSSIBLE = (202, 12, 231)
GETRANDOM = 318
EXECVE = 59
PRCTL = 157  # the first is the first call of a worker's own (policy/worker.c)
SHORTENED = (0, 1, 44, 45, 318)  # what fault.c makes short
STRIDE = 40  # of the libraries' thousands
MANY = 50  # a loop over all descriptors: of so many of a number a few do


class Role:
    """A life that was measured: where its calls and allocations are."""

    def __init__(self, name):
        self.name, self.life = name, LIVES[name]()
        # a clone may lie where the role's uid does not come
        self.dir = tempfile.mkdtemp(prefix='sallyport-')
        os.chmod(self.dir, 0o755)
        self.preload = shutil.copy(FAILALLOC, self.dir)
        os.chmod(self.preload, 0o644)
        self.life.prepare()
        with hooked(['all', '0', 'list']) as hook:
            self.good = self.life.go()
            hook.tracer.wait(LIMIT_S)
            self.calls = [int(x) for x in re.findall(
                r'^call .+ (-?\d+)$', read(hook.report), re.M)]
            self.confined = hook.confined
        if self.life.becomes:
            del self.calls[self.calls.index(EXECVE) + 1:]
        self.main = self.calls.index(PRCTL) + 1

    def places(self):
        """The calls worth failing, by their place."""
        out = []
        for number in set(self.calls):
            at = [i for i, n in enumerate(self.calls, 1)
                  if n == number and number not in IMPOSSIBLE]
            out += at if len(at) < 2 * MANY else \
                at[:3] + at[len(at) // 2:][:3] + at[-3:]
        return sorted(out)

    def close(self):
        self.life.close()
        shutil.rmtree(self.dir)

    def check(self, outcome, out, hook, early=False):
        """None, or what is wrong.  early: its libraries were still being
        loaded or prepared; it was told nothing, and may die of it."""
        if early and hook.confined is None and outcome != 'OK' and \
                outcome != self.good[0]:
            return None
        if outcome == self.good[0]:
            if out != self.good[1]:
                return 'well, but another answer: %r' % (out,)
            if hook.confined != self.confined:
                return 'well, but confined otherwise: %r, not %r' % (
                    hook.confined, self.confined)
            return None
        if outcome == 'OK' or outcome not in sp.EXIT:
            return 'ended with ' + outcome
        if sp.EXIT[outcome] >= 100:
            return 'another outcome: ' + outcome
        return None

    def call(self, at, how):
        """The at-th call of its life fails, or is short: (outcome, what is
        wrong, the call's number or None: it did not come so far)."""
        with hooked(['all', str(at), how]) as hook:
            try:
                outcome, out = self.life.go()
            except AssertionError as e: # RESULT, and another exit
                outcome, out = str(e), None
            hook.tracer.wait(LIMIT_S)
            m = re.search(r'^hit .+ (-?\d+) [\d.]+$', read(hook.report), re.M)
        number = int(m.group(1)) if m else None
        if number is None or number in IMPOSSIBLE or \
                number == GETRANDOM and how != 'e%d' % errno.EINTR:
            return outcome, None, None
        return outcome, self.check(outcome, out, hook, at < self.main), number

    def allocation(self, at, ever=False, ours=False):
        """The at-th allocation fails (and all after it), of all or of those
        that our own code asks for; 0: how many are there?"""
        with tempfile.NamedTemporaryFile(prefix='sallyport-') as f:
            f.write(struct.pack('=5Q', at, ever, 0, 0, ours).ljust(
                4096, b'\0'))
            f.flush()
            os.chmod(f.name, 0o666)
            with hooked(None, {'LD_PRELOAD': self.preload,
                               'FAILALLOC': f.name}) as hook:
                try:
                    outcome, out = self.life.go()
                except AssertionError as e:
                    outcome, out = str(e), None
            with mmap.mmap(f.fileno(), 4096) as page:
                count, failed = struct.unpack('=16x2Q', page[:32])
        if at == 0:
            return count, self.check(outcome, out, hook)
        wrong = self.check(outcome, out, hook, True)
        if not wrong and not self.life.blames and outcome in sp.EXIT and \
                outcome not in (self.good[0], 'INTERNAL', 'LOCK'):
            wrong = 'no memory, and it blames another: ' + outcome
        return outcome, wrong


def count(role, ours):
    """How many allocations there are."""
    n, wrong = role.allocation(0, ours=ours)
    if wrong or not (n or ours): # its libraries' there are always
        raise AssertionError(wrong or 'no allocation was seen')
    return n


def cases(role):
    """All that can fail in it: ('call', place, how) and ('alloc', which,
    for ever, ours)."""
    out = [('call', at, 'e%d' % e) for at in role.places() for e in ERRNOS]
    shorts = len([n for n in role.calls if n in SHORTENED])
    out += [('call', i + 1, 'short') for i in range(shorts)]
    for ever in (False, True) if role.life.allocates else ():
        for ours in (True, False):
            n = count(role, ours)
            # a library may have been given our allocator: thousands too
            step = 1 if ours and n < 50 * STRIDE else STRIDE
            out += [('alloc', i + 1, ever, ours) for i in range(0, n, step)]
    return out


def run(role, case):
    """(what came of it, None or what is wrong); None, None: no such case."""
    if case[0] == 'call':
        outcome, wrong, number = role.call(*case[1:])
        return (outcome, wrong) if number is not None else (None, None)
    return role.allocation(*case[1:])


def sampled(name, many, seed):
    """Runs so many cases of a role by the seed (None: all).  Prints the
    figures; returns what went wrong, in words."""
    role, wrong, kinds = Role(name), [], collections.Counter()
    try:
        todo = cases(role)
        whole = len(todo)
        for case in drawn.cases(todo, '%s %s' % (seed, name), most=many):
            outcome, why = run(role, case)
            if outcome is None:
                continue
            kinds['as without it' if outcome == role.good[0] else
                  'named' if outcome in sp.EXIT else 'not begun'] += 1
            if why:
                wrong.append('seed %s: %s %r: %s' % (seed, name, case, why))
    finally:
        role.close()
    print('# %s: seed %s: %d of %d cases: %s; %d wrong' % (
        name, seed, sum(kinds.values()), whole, ', '.join(
            '%d %s' % (n, k) for k, n in sorted(kinds.items())), len(wrong)),
          flush=True)
    return wrong
