# SPDX-License-Identifier: Apache-2.0
"""Runs the keeper against one fault of net_faults at one of its calls, for
ever or once; what must come of it is written here a second time.  A case may
take as long as a lease and uses no processor: many run at once."""
import collections
import re
import time

import drawn
import keeper_rig as kr
import net_faults as faults
import netfake as nf
from net_case import CALL_MS, CONNECT_MS, MEMORY_KIB, RETRY_MS, SLACK_S
from net_faults import NONSENSE, SILENCE

LEASE_S = 15    # the shortest that there is
LOST_S = 10     # two thirds of it
KILLED_S = 11.25    # three quarters: the kernel's
GIVEN_BACK_S = LEASE_S / 12
PIECES = {'token': ('imds', '/oauth2/token'),
          'acquire': ('blob', '?comp=lease acquire'),
          'create': ('blob', 'PUT /sallyport/vault '),
          'renew': ('blob', '?comp=lease renew'),
          'release': ('blob', '?comp=lease release')}
Fault = collections.namedtuple('Fault', 'call name seen what once')


def all_faults(pki):
    out = []
    for call, (remote, _) in PIECES.items():
        host = nf.BLOB_HOST if remote == 'blob' else None
        for name, (what, seen) in faults.answers().items():
            if remote == 'blob' and name == 'another content type':
                seen = NONSENSE  # nobody reads it: its status counts
            if remote == 'blob' and name == 'JSON: deep':
                seen = SILENCE  # longer than what is read of such an answer
            out += [Fault(call, name, seen, what, once)
                    for once in (False, True)]
        # a listener stands in for the remote: nothing is well there
        if call in ('token', 'acquire'):
            out += [Fault(call, name, SILENCE, make, False)
                    for name, make in faults.connections(
                        pki, host or 'x').items() if host or
                    'TLS' not in name and 'certificate' not in name and
                    name not in ('another name', 'an unknown root',
                                 'half a ServerHello')]
    return out


def verdict(f):
    """The exit code; OK: it holds the lease, and gives it back."""
    status = 200 if f.seen == NONSENSE and f.call != 'token' else f.seen
    if f.call == 'release':
        return 'OK'
    if f.call == 'renew':
        if status in (404, 409, 412):  # it is ours no longer
            return 'LEASE_LOST'
        return 'OK' if f.once or status == 200 else 'LEASE_LOST'
    once = f.once and not re.search(r'Retry-After (an hour|2\^32|a date)',
                                    f.name)
    if f.call == 'token':
        if status in range(400, 404):
            return 'IDENTITY'
        return 'OK' if once else 'IMDS'
    if status in (403, 404):
        return 'LEASE_DENIED'
    if status == 201 and f.call == 'acquire':
        return 'LEASE_LOST'  # it was not said the truth
    return 'OK' if once else 'STORAGE_AWAY'


class Run:
    """One keeper: outcome, seconds from its word (or from when it held the
    lease) to its end, KiB at most."""

    def __init__(self, fault):
        self.fault, self.peak = fault, 0
        self.az = nf.Azure()
        port, listener = dict(self.az.port), None
        remote, piece = PIECES[fault.call]
        if callable(fault.what):
            listener = fault.what()
            port[remote] = listener.port
        else:
            self.az.rule(remote, piece, fault.what, int(fault.once))
        self.az.blob_is_there = fault.call != 'create'
        self.keeper = kr.Keeper(kr.conf(
            port, LEASE_S=LEASE_S, CALL_MS=CALL_MS, CONNECT_MS=CONNECT_MS,
            RETRY_MS=30000 if fault.once else RETRY_MS), self.az.pki.pem)
        try:
            self.outcome = self.life()
        finally:
            self.keeper.close()
            self.az.close()
            if listener:
                listener.close()

    def life(self):
        """Holds until it must have renewed, if it lives so long."""
        k, self.begin = self.keeper, time.monotonic()
        held = self.until(lambda: k.is_held(0) is True, 45)
        self.begin = time.monotonic() if held else self.begin
        if held and self.fault.call in ('renew', 'acquire'):
            self.until(lambda: False, KILLED_S + 2)
        self.begin = self.begin if self.over() else time.monotonic()
        try:
            return k.release(20)
        finally:
            self.took = time.monotonic() - self.begin

    def over(self):
        """It has ended, or will in a moment: its process is a zombie."""
        try:
            with open('/proc/%d/status' % self.keeper.pid,
                      encoding='ascii') as f:
                text = f.read()
        except FileNotFoundError:
            return True
        m = re.search(r'VmHWM:\s+(\d+)', text)
        self.peak = max(self.peak, int(m.group(1)) if m else 0)
        return 'State:\tZ' in text

    def until(self, what, limit):
        end = time.monotonic() + limit
        while time.monotonic() < end and not self.over():
            if what():
                return True
            time.sleep(0.03)
        return False

    def limit(self, want):
        """Seconds in which it must have ended."""
        if want == 'LEASE_LOST':
            return LOST_S + SLACK_S
        if want == 'OK':
            return GIVEN_BACK_S + SLACK_S
        return (CALL_MS + CONNECT_MS + RETRY_MS) / 1000 + SLACK_S

    def wrong(self):
        """What is not as it must be, in words; or None."""
        f, want = self.fault, verdict(self.fault)
        if self.outcome != want:
            return '%s, not %s' % (self.outcome, want)
        if self.took > self.limit(want):
            return 'took %.1f s' % self.took
        if self.peak > MEMORY_KIB:
            return '%d KiB' % self.peak
        tokens = len([p for p in self.az.paths('imds') if 'token' in p])
        if f.call != 'token' and f.seen != 401 and tokens > 1:
            return '%d tokens' % tokens
        calls = len(self.az.seen)
        if calls > 40:  # two each LEASE_S / 32 while it might be lost
            return '%d calls' % calls
        if [r for r in self.az.seen if 'evil' in r.path]:
            return 'followed a redirect'
        if self.outcome == 'OK' and f.call != 'release' and self.az.lease:
            return 'the lease was not given back'
        return None


def run(seed, many=None, jobs=16):
    """So many by the seed, so many at once; prints the figures, returns what
    is wrong."""
    every, peaks = all_faults(nf.Pki()), [0]
    picked = drawn.cases(every, seed, lambda f: '%s: %s, %s' % (
        f.call, f.name, f.once), many)

    def one(fault):
        life = Run(fault)
        peaks.append(life.peak)
        why = life.wrong()
        return why and 'seed %s: %s, %s, %s: %s' % (
            seed, fault.call, fault.name,
            'once' if fault.once else 'for ever', why)
    wrong = drawn.at_once(picked, one, jobs)
    print('# the lease, seed %s: %d of %d cases (%d faults, %d calls), '
          '%d KiB at most, %d wrong' % (
              seed, len(picked), len(every), len({f.name for f in every}),
              len(PIECES), max(peaks), len(wrong)), flush=True)
    return wrong
