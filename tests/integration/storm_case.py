# SPDX-License-Identifier: Apache-2.0
"""Kills at random moments.  A round is one to three lives on one store, in
each of which one to four processes (a worker, the broker, a child before its
exec, the server, the keeper, the supervisor) are killed, crashed, stopped or,
the supervisor, asked to end, at a time that has nothing to do with what they
are doing; and then one that nobody disturbs.  A round follows from its
seed."""
import collections
import os
import random
import signal
import time

from boot_rig import LIMIT_S, Rig
from fault_case import KILL, STOP
from spframe import EXIT
from storm_watch import (SERVER, STAGE, SUPERVISOR, TERM, Watch, alive,
                         allowed, children, draw, name_of, never_ran, tail,
                         text)

BUNDLE = 'apm-unseal-bundle'


class Storm:
    """A rig, what was written to its store, and rounds on it."""
    STEP_S = 5  # deadlines of a life in which somebody is stopped

    def __init__(self, rig=None, **settings):
        self.rig = rig or Rig(**settings)
        self.tables, self.word, self.inits = {}, None, set()
        self.figures = collections.Counter()

    def close(self):
        self.rig.close()

    # --- what differs where the store is not on this machine --------------

    def forget(self):
        self.rig.forget()
        self.word, self.inits = None, set()

    def place(self):
        """What a second initialisation may not meet again."""
        try:
            return os.stat(self.rig.store).st_ino
        except FileNotFoundError:
            return None

    def hopeless(self, boot):
        """Whether a first life ended in what only a human mends."""
        return False

    def also(self):
        """Exit codes beside those that the rules leave."""
        return set()

    # ----------------------------------------------------------------------

    def table(self, lived):
        """Measured in a boot that goes well."""
        if lived not in self.tables:
            if not lived:
                self.forget()
            else:
                self.live()
            watch = Watch(self.rig.run()).follow()
            if watch.ready is None:
                raise AssertionError(tail(watch.boot))
            self.tables[lived] = watch.lives()
            self.healthy(watch.boot)
        return self.tables[lived]

    def live(self):
        """A life came before."""
        if not self.word:
            self.forget()
            self.undisturbed()

    def bundles(self):
        vault = self.rig.client.state()[self.rig.deployment.info[
            'vault_name']]
        return len(self.rig.client.list_versions(BUNDLE)) \
            if BUNDLE in vault['secrets'] else 0

    def kept(self):
        """Its keys are in the key vault."""
        return bool(self.word) or self.bundles() > 0

    def healthy(self, boot):
        """READY, and nobody disturbed it since: it serves, and it ends."""
        if self.word:
            got = self.rig.read_word()
            if got != self.word:
                raise AssertionError('read %r, not %r' % (got, self.word))
        word = 'written %d' % len(self.rig.boots)
        self.rig.write_word(word)
        self.word = word
        self.rig.stop(boot)

    def undisturbed(self):
        kept = self.kept()
        boot = self.rig.run()
        ready = boot.wait_until('ready')
        self.judge_init(boot, kept)
        if ready:
            self.healthy(boot)
        elif not self.hopeless(boot):
            raise AssertionError('no recovery:\n' + tail(boot))
        return boot

    def judge_init(self, boot, kept):
        """No store is initialised twice, nor moved when its keys are kept."""
        events = boot.events()
        if kept and ('initialised' in events or
                                      'moved_aside' in events):
            raise AssertionError('initialised over what was there:\n' +
                                 tail(boot))
        if 'initialised' in events:
            if self.place() in self.inits:
                raise AssertionError('initialised twice:\n' +
                                     tail(boot))
            self.inits.add(self.place())

    def disturbed(self, hits, lived):
        """One life with these hits: it ends, as it must."""
        kept = self.kept()
        stops = any(h.signal == STOP for h in hits)
        boot = self.rig.run(**({
            'step_deadline': self.STEP_S, 'server_ready': self.STEP_S,
            'server_stop': 2} if stops else {}))
        watch = Watch(boot, hits, self.table(lived)).follow()
        self.figures['lives'] += 1
        self.figures['hits'] += len(watch.struck)
        self.figures['too late'] += len(hits) - len(watch.struck)
        for s in watch.struck:
            self.figures['of ' + s.hit.who] += 1
            self.figures[signal.Signals(s.hit.signal).name] += 1
        try:
            self.ends(boot, watch)
        except AssertionError as e:
            raise AssertionError('%s\nstruck: %s\n%s' % (e, [
                '%s, %.3f s' % (text(s.hit), s.when - boot.start)
                for s in watch.struck], tail(boot))) from None
        finally:
            self.clear(boot)
        self.judge_init(boot, kept)

    def clear(self, boot):
        """Nothing of it runs, whatever came."""
        if boot.code() is None:
            boot.process.kill()
            boot.wait()

    def ends(self, boot, watch):
        struck = watch.struck
        fatal = [s.hit.signal for s in struck if s.hit.who == SUPERVISOR and
                 s.hit.signal != TERM]
        if fatal:
            if fatal[-1] == STOP:  # it stands still; then it is ended too
                time.sleep(0.2)
                boot.process.kill()
            code = boot.wait(LIMIT_S)
            for pid in filter(never_ran, watch.stopped):
                os.kill(pid, KILL)  # who stopped it ends it
            if code in (-fatal[-1], -KILL):
                return self.rig.nobody_left()
            # it was at its end already, of what else was done
            return self.judge_end(boot, [
                s for s in struck if s.hit.signal not in fatal or
                s.hit.who != SUPERVISOR], struck[0].when, code)
        last = max((s.when for s in struck), default=boot.start)
        end = time.monotonic() + LIMIT_S
        while boot.code() is None and not self.settled(boot, last):
            if time.monotonic() > end:
                raise AssertionError('neither READY nor an end')
            time.sleep(0.01)
        asked = any(s.hit.signal == TERM for s in struck)
        if boot.code() is None and not asked:
            if any(s.hit.who in (SERVER, STAGE) and s.hit.signal == STOP
                   for s in struck):
                return self.rig.stop(boot)
            return self.healthy(boot)
        return self.judge_end(boot, struck, last, boot.wait(LIMIT_S))

    def settled(self, boot, last):
        """READY, with its server, and nothing that was done is unanswered."""
        said = [e for e in boot.events() if e in ('ready', 'restart')]
        return bool(said) and said[-1] == 'ready' and \
            time.monotonic() > last + 0.5 and \
            any(alive(pid) and name_of(pid) == SERVER
                for pid in children(boot.pid))

    def judge_end(self, boot, struck, last, code):
        took = time.monotonic() - last
        codes = allowed(struck) | self.also()
        if code not in codes or (code == 0 and 'ready' not in boot.events()):
            raise AssertionError('ended with %s, not %s' % (
                code, sorted(codes)))
        if code and ('(exit code %d)' % code not in boot.said() or
                     'what to do: ' not in boot.said()):
            raise AssertionError('says not what to do')
        stops = any(s.hit.signal == STOP for s in struck)
        if 'restart' not in boot.events() and \
                took > 15 + 2 * self.STEP_S * stops:
            raise AssertionError('took %.1f s' % took)
        self.rig.check_nothing_left()

    def round(self, seed):
        """One round; raises where a rule is broken."""
        rnd = random.Random(seed)
        lived = rnd.random() < 0.6
        self.table(lived)
        if lived:
            self.live()
        else:
            self.forget()
        for _ in range(rnd.choice((1, 1, 2, 3))):
            self.disturbed(draw(rnd, self.tables[lived]), lived)
        self.undisturbed()
        self.figures['rounds'] += 1


class Shared(Storm):
    """On a store that is not on this machine.  What a kill between the
    server's init and the stored bundle leaves there only a human may remove;
    the boot after it says so and changes nothing."""

    def place(self):
        return 'the account'  # until it is emptied

    def also(self):
        """Initialised, and the keys nowhere; or initialised by half."""
        return set() if self.kept() else {EXIT['NO_KEYS'], EXIT['STATE']}

    def hopeless(self, boot):
        if boot.wait() not in self.also() or \
                'what to do: ' not in boot.said():
            return False
        self.figures['said why'] += 1
        self.rig.check_nothing_left()
        return True
