# SPDX-License-Identifier: Apache-2.0
"""One process of a boot killed, crashed or stopped at one counted step of
its protocol (tests/fault/fault.c), and what must come of it by rules that are
written here a second time.  The short form takes some of all cases by a seed,
tests/long all of them."""
import collections
import os
import random
import re
import signal
import threading
import time

from boot_rig import LIMIT_S, ROOT, Rig, missing
import drawn
from error_case import WORD
from spframe import EXIT

FAULT = os.path.join(os.environ.get('SALLYPORT_BUILD') or
                     os.path.join(ROOT, 'build', 'release'),
                     'tests', 'fault', 'fault')
KILL, SEGV, STOP = signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP
# A step of a worker: a message that came or went, and of control's own
# dialogue with the server a request that went or an answer that came.
STEPS = '46,47,44,45'  # sendmsg recvmsg sendto recvfrom
# The supervisor says CONFIG and GO, starts, makes and replaces files, syncs.
SUP_STEPS = '46,1,435,56,83,258,264,316,82,74,263'
SUPERVISOR = 'sallyport'
STEP_S = 4  # step_deadline of boots in which somebody is stopped
# asked: control will still ask its victim, the server, something.
Case = collections.namedtuple('Case', 'seat life step signal victim asked',
                              defaults=[True])


def text(case):
    return '%s:%d step %d %s%s' % (
        case.seat, case.life, case.step, signal.Signals(case.signal).name,
        ' of ' + case.victim if case.victim else '')


def unable():
    return missing() or (None if os.path.exists(FAULT)
                         else FAULT + ' is not there')


class Faults:
    """A rig, with or without a life behind it, and boots of it that go wrong
    at one step each."""

    def __init__(self, lived, **rig):
        self.rig, self.lived = Rig(**rig), lived
        self.report = os.path.join(self.rig.work, 'fault')
        if lived:
            boot = self.rig.ready()
            self.rig.write_word(WORD)
            self.rig.stop(boot)

    def close(self):
        self.rig.close()

    def boot(self, rule, **settings):
        if os.path.exists(self.report):
            os.unlink(self.report)
        return self.rig.run(wrap=[FAULT, '-o', self.report, *rule, '--'],
                            **settings)

    def reported(self):
        with open(self.report, encoding='ascii') as f:
            return f.read()

    def begin(self):
        """What a case begins with: nothing, or a life that is over."""
        if not self.lived:
            self.rig.forget()

    def steps(self):
        """(seat, life, how many steps it makes), of a boot that goes well."""
        out = []
        for calls, seats in ((STEPS, None), (SUP_STEPS, SUPERVISOR)):
            self.begin()
            boot = self.boot([(seats or 'all') + ':1', calls, '0', 'list'])
            if not boot.wait_until('ready'):
                raise AssertionError(boot.text()[-4000:])
            self.end(boot)  # the steps of its stop do not count
            for seat, life, count in re.findall(
                    r'^seat (.+):(\d+) (\d+)$', self.reported(), re.M):
                if (seat == SUPERVISOR) == (seats == SUPERVISOR):
                    out.append((seat, int(life), int(count)))
        return out

    def cases(self):
        """All of them, in order."""
        out = []
        for seat, life, count in self.steps():
            if seat.startswith(('exec', 'bao', 'sh', 'setpriv')):
                continue
            for step in range(count + 1):
                out += [Case(seat, life, step, s, '')
                        for s in (KILL, SEGV, STOP)]
                # the server dies or stands still under control
                if seat.startswith('control') and step:
                    out += [Case(seat, life, step, s, 'bao',
                                 step < count - 1) for s in (KILL, STOP)]
        return out

    def run(self, case):
        """The case, and the boot after it; raises where a rule is broken.
        False: that boot had a step less (an answer came in other pieces, one
        was asked for twice), so there was no such case."""
        self.begin()
        stop = case.signal == STOP
        rule = ['%s:%d' % (case.seat, case.life),
                SUP_STEPS if case.seat == SUPERVISOR else STEPS,
                str(case.step), str(int(case.signal))]
        settings = {'step_deadline': STEP_S, 'server_ready': STEP_S,
                    'server_stop': 2} if stop else {}
        boot = self.boot(rule + ([case.victim] if case.victim else []),
                         **settings)
        try:
            hit = self.hit(boot)
            if hit is None:
                self.end(boot)
                return False
            if case.seat == SUPERVISOR:
                self.supervisor(boot, case)
            else:
                self.ends(boot, case, hit)
        except AssertionError:
            self.end(boot)
            raise
        self.recovers()
        return True

    def end(self, boot):
        """Kills it, and waits until nobody is left."""
        if boot.code() is None:
            for pid in self.supervisors(boot):
                os.kill(pid, KILL)
            boot.wait()
        self.rig.nobody_left()

    def hit(self, boot):
        """When it happened; None: it is READY without."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            over = boot.code() is not None
            m = re.search(r'^hit .* ([\d.]+)$', self.reported(), re.M) \
                if os.path.exists(self.report) else None
            if m:
                return float(m.group(1))
            if over:
                break
            if 'ready' in boot.events():
                return None
            time.sleep(0.01)
        raise AssertionError('the step was not reached:\n' +
                             boot.text()[-3000:])

    def supervisor(self, boot, case):
        """Nobody outlives it; one that stands still is not at rest either,
        and whoever ends it ends all."""
        if case.signal == STOP:
            time.sleep(0.2)
            for pid in self.supervisors(boot):
                os.kill(pid, KILL)
        boot.wait()
        self.rig.nobody_left()

    @staticmethod
    def supervisors(boot):
        with open('/proc/%d/task/%d/children' % (boot.pid, boot.pid),
                  encoding='ascii') as f:
            return [int(x) for x in f.read().split()]

    def ends(self, boot, case, hit):
        allowed = expected(case)
        # the server's init has twice as long, and who waits for it
        steps = 2 if case.seat in ('control init', 'tpm', 'broker') else 1
        limit = steps * STEP_S + 4 if case.signal == STOP else 10
        if 0 in allowed and boot.wait_until('ready'):
            if case.victim and case.signal == KILL:
                self.answers()
            return self.rig.stop(boot)  # after a whole boot's rest
        code = boot.wait()
        took = time.monotonic() - hit
        if code not in allowed:
            raise AssertionError('ended with %s, not %s:\n%s' % (
                code, sorted(allowed), boot.text()[-3000:]))
        if '(exit code %d)' % code not in boot.said() or \
                'what to do: ' not in boot.said():
            raise AssertionError('says not what to do:\n' + boot.said())
        if took > limit:
            raise AssertionError('took %.1f s, not %d:\n%s' % (
                took, limit, boot.text()[-3000:]))
        return self.rig.check_nothing_left()

    def answers(self):
        """The server died when it was asked no more: before it was to be
        stopped, or it is booted again."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            try:
                if self.rig.ask('GET', 'sys/health')[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError('READY, but nobody serves')

    def recovers(self):
        boot = self.rig.ready()
        if not self.lived:
            self.rig.write_word(WORD)
        got = self.rig.read_word()
        if got != WORD:
            raise AssertionError('read %r' % (got,))
        self.rig.stop(boot)


def expected(case):
    """The exit codes that the rules leave."""
    who = case.seat
    if case.victim and case.signal == KILL:
        # A look at a store that is PREPARED and whose bundle is there: the
        # table has no row for a server that does not start.  All else: its
        # death, whoever noticed it first.
        if who == 'control look' and case.life > 1:
            return {EXIT['STATE']} if case.asked else {0, EXIT['STATE']}
        # Keys that it handed out before are stored, and the boot goes on.
        return {0, EXIT['SERVER_EXIT']} \
            if not case.asked or who == 'control init' else \
            {EXIT['SERVER_EXIT']}
    if case.victim:  # where it stands still a deadline ends it; or nobody
        # asks it anything more, and it is killed when it is to end
        return {0, EXIT['DEADLINE'], EXIT['SERVER_SLOW']}
    if who == 'https store':
        return {0}  # the next one goes on
    if case.signal == STOP:
        return {EXIT['DEADLINE']}
    return {EXIT['CRASH']}


def sample(cases, count, seed):
    """Each (seat, life, signal) at most once, as many as count."""
    r = random.Random(seed)
    groups = collections.defaultdict(list)
    for c in cases:
        groups[c.seat, c.life, c.signal, c.victim].append(c)
    picked = [r.choice(g) for g in groups.values()]
    r.shuffle(picked)
    return picked[:count]


class Matrix:
    """Cases by several rigs at once: whoever stands still uses no processor.
    make: a Faults; jobs: so many; run(faults, case): what is put into ends;
    after(faults): of each rig, when there are no cases any more; failed:
    (case, why)."""

    def __init__(self, cases, make, jobs, first, run=Faults.run,
                 after=lambda faults: None):
        self.make, self.do, self.after = make, run, after
        self.failed, self.ends = [], []
        self.left, self.lock = list(cases), threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(f,))
                        for f in [first] + [None] * (jobs - 1)]

    def run(self):
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join()
        return self

    def next(self):
        with self.lock:
            return self.left.pop(0) if self.left else None

    def work(self, faults):
        try:
            while (case := self.next()) is not None:
                faults = faults or self.make()
                try:
                    self.ends.append(self.do(faults, case))
                except (AssertionError, OSError) as e:
                    self.failed.append((case, str(e)))
                    faults.close()
                    faults = None  # the next begins with a new one
            if faults:
                self.after(faults)
        except AssertionError as e:
            self.failed.append(('after all', str(e)))
        finally:
            if faults:
                faults.close()


def whole(test, lived, signals=(KILL, SEGV, STOP), most=None, **rig):
    """All cases of a life, or those that drawn.py says, or at most so many."""
    why = unable()
    if why:
        test.skipTest(why)
    seed = drawn.seed()
    first = Faults(lived, **rig)
    try:
        cases = [c for c in first.cases() if c.signal in signals]
    except BaseException:
        first.close()
        raise
    picked = drawn.cases(cases, seed, text, most)
    m = Matrix(picked, lambda: Faults(lived, **rig), drawn.jobs(4),
               first).run()
    print('# seed %d: %d of %d cases, %d survived, %d not reached' % (
        seed, len(picked), len(cases), m.ends.count(True),
        m.ends.count(False)), flush=True)
    for case, reason in m.failed:
        with test.subTest(case if isinstance(case, str) else text(case),
                          seed=seed):
            test.fail(reason)
