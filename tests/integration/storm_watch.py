# SPDX-License-Identifier: Apache-2.0
"""One boot watched, its processes as they come and go, and what is done to
them: which, and after which part of the time that this process lives in a
boot that goes well.  That has nothing to do with what they are doing."""
import collections
import os
import signal
import sys
import time

from boot_rig import LIMIT_S, ROOT
from fault_case import KILL, SEGV, STOP
from spframe import EXIT

sys.path.insert(0, os.path.join(ROOT, 'tests', 'policy'))
import ptrace  # noqa: E402

TERM = signal.SIGTERM
DETACH, INTERRUPT = 17, 0x4207
SUPERVISOR, STAGE, SERVER = 'sallyport', 'before exec', 'server'
REST_S = 0.6  # how long who is there at READY may be hit after it
STAGE_S = 0.003  # and a child before its exec
TICK_S = 0.0005
Hit = collections.namedtuple('Hit', 'who life part signal')
Struck = collections.namedtuple('Struck', 'hit when after')


def text(hit):
    return '%s:%d at %.3f %s' % (hit.who, hit.life, hit.part,
                                 signal.Signals(hit.signal).name)


def tail(boot):
    """What a failure shows of it."""
    return '\n'.join(boot.said().split('\n')[-25:] +
                     boot.text().split('\n')[-4:])


def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid),
                  encoding='ascii') as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def name_of(pid):
    """The seat, as fault.c names it; None: not exec'ed yet, or gone."""
    try:
        with open('/proc/%d/cmdline' % pid, encoding='utf-8') as f:
            words = f.read().split('\0')
    except OSError:
        return None
    base = os.path.basename(words[0])
    if not base or base == 'sallyport':
        return None
    if not base.startswith('sallyport-') or base == 'sallyport-exec':
        return SERVER  # in the end the server's own name
    return ' '.join(w for w in (base[len('sallyport-'):], *words[1:]) if w)


def named(parent, name):
    """Its children of that name."""
    return [pid for pid in children(parent) if name_of(pid) == name]


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8') as f:
            return f.read().rsplit(') ', 1)[1][0] not in 'ZX'
    except OSError:
        return False


def crash(pid):
    """A true SIGSEGV, that no mask holds off: it goes on at address 0."""
    ptrace.call(ptrace.SEIZE, pid)
    ptrace.call(INTERRUPT, pid)
    _, status = os.waitpid(pid, ptrace.WALL)
    if not os.WIFSTOPPED(status):
        return
    regs = ptrace.registers(pid)
    regs[ptrace.RIP], regs[ptrace.ORIG_RAX] = 0, (1 << 64) - 1
    ptrace.set_registers(pid, regs)
    ptrace.call(DETACH, pid)


def strike(pid, number):
    """False: it was gone."""
    try:
        if not alive(pid):
            return False
        if number == SEGV:
            crash(pid)
        else:
            os.kill(pid, number)
    except OSError:
        return False
    return True


def never_ran(pid):
    """It is stopped where clone(2) or clone3(2) returns to it: it could not
    ask yet to die with its parent."""
    try:
        with open('/proc/%d/syscall' % pid, encoding='ascii') as f:
            return f.read().split()[0] in ('56', '435')
    except (OSError, IndexError):
        return False


class Proc:
    def __init__(self, who, life, born):
        self.who, self.life, self.born, self.last = who, life, born, born


class Watch:
    """One boot, its processes as they come and go, and the hits that are due.
    struck: what was done; lives: (who, life) -> seconds."""

    def __init__(self, boot, hits=(), table=None):
        self.boot, self.pending, self.table = boot, list(hits), table or {}
        self.struck, self.count = [], collections.Counter({STAGE: 0})
        self.seen, self.ready, self.stopped = {}, None, []
        self.done = []
        self.add(boot.pid, SUPERVISOR)
        self.looked = 0

    def add(self, pid, who):
        self.count[who] += 1
        old = self.seen.get(pid)
        if old:
            self.done.append(old)
        self.seen[pid] = Proc(who, self.count[who], time.monotonic())

    def look(self):
        """Who is there now?"""
        now = time.monotonic()
        kids = children(self.boot.pid)
        for pid in kids:
            if pid not in self.seen:
                self.add(pid, STAGE)
            p = self.seen[pid]
            p.last = now
            if p.who == STAGE and (who := name_of(pid)):
                self.add(pid, who)
        for pid in [p for p in self.seen if p not in kids]:
            if pid != self.boot.pid:
                self.done.append(self.seen.pop(pid))
        self.seen[self.boot.pid].last = now
        if now - self.looked > 0.02:
            self.looked = now
            if self.ready is None and '"event":"ready"' in self.boot.text():
                self.ready = now

    def due(self, hit, p):
        return p.born + hit.part * self.table.get((p.who, p.life), 0)

    def act(self):
        """Strikes whose turn it is."""
        now = time.monotonic()
        for pid, p in list(self.seen.items()):
            for hit in [h for h in self.pending
                        if (h.who, h.life) == (p.who, p.life)]:
                if self.due(hit, p) > now:
                    continue
                self.pending.remove(hit)
                if strike(pid, hit.signal):
                    if (hit.who, hit.signal) == (STAGE, STOP):
                        self.stopped.append(pid)
                    self.struck.append(Struck(
                        hit, time.monotonic(), self.ready is not None))

    def waits(self):
        """Something is due yet, as far as is known."""
        return any((h.who, h.life) == (p.who, p.life)
                   for h in self.pending for p in self.seen.values())

    def over(self):
        if self.boot.code() is not None:
            return True
        if any(s.hit.who == SUPERVISOR and s.hit.signal != TERM
               for s in self.struck):
            return True
        return self.ready is not None and not self.waits() and \
            time.monotonic() > self.ready + REST_S

    def follow(self):
        end = time.monotonic() + LIMIT_S
        while not self.over():
            self.look()
            self.act()
            if time.monotonic() > end:
                raise AssertionError('neither READY nor an end:\n' +
                                     tail(self.boot))
            time.sleep(TICK_S)
        return self

    def lives(self):
        """(who, life) -> seconds that it lived, those at READY a bit more."""
        out = {}
        for p in self.done + list(self.seen.values()):
            at = min(p.last, self.ready + REST_S) if self.ready else p.last
            out[p.who, p.life] = STAGE_S if p.who == STAGE else max(
                at - p.born, 0.001)
        return out


def draw(rnd, table, most=4):
    """The hits of one life."""
    whom = sorted(w for w in table if w[0] != STAGE)
    stages = sorted(w for w in table if w[0] == STAGE)
    out = []
    for _ in range(rnd.choice((1, 1, 1, 2, 2, 3, 4)) if most > 1 else 1):
        dice = rnd.random()
        who, life = (SUPERVISOR, 1) if dice < 0.15 else \
            rnd.choice(stages) if dice < 0.25 else rnd.choice(whom)
        signals = (KILL, SEGV, STOP)
        if who == SUPERVISOR:
            signals = (KILL, SEGV, STOP, TERM, TERM)
        out.append(Hit(who, life, rnd.random(), rnd.choice(signals)))
    return out


def allowed(struck):
    """The exit codes that the rules leave for what was done; 0 means READY
    and then an end that was asked for."""
    codes = {0}
    for hit, _, _ in struck:
        names = set()
        deadly = hit.signal != STOP
        if hit.who == SUPERVISOR:
            codes |= {TERM: {EXIT['INTERRUPTED']}, STOP: {
                EXIT['DEADLINE'], EXIT['SERVER_SLOW']}}.get(hit.signal, set())
        elif hit.who == SERVER:
            # a PREPARED store whose bundle is there, and does not start: the
            # table has no row
            names = {'SERVER_EXIT', 'STATE'} if deadly else \
                {'DEADLINE', 'SERVER_SLOW', 'STATE'}
        elif hit.who == 'keeper':
            names = {'LEASE_LOST'}
            if hit.signal == SEGV:
                names |= {'CRASH'}
            elif not deadly:
                names |= {'DEADLINE'}
        elif hit.who == STAGE:  # of anybody
            names = {'CRASH', 'SERVER_EXIT', 'LEASE_LOST', 'STATE'} if deadly \
                else {'DEADLINE', 'SERVER_SLOW', 'LEASE_LOST', 'STATE'}
        elif not hit.who.startswith('https store'):  # the next goes on
            names = {'CRASH' if deadly else 'DEADLINE'}
        codes |= {EXIT[n] for n in names}
    return codes
