# SPDX-License-Identifier: Apache-2.0
"""Runs https against one fault of net_faults at one call, for ever or once."""
import collections
import re
import time

import drawn
import https_rig
import net_faults as faults
import netfake as nf
import spframe as sp

CALL_MS, CONNECT_MS, RETRY_MS = 700, 500, 300
SLACK_S = 6  # others may load the machine
MEMORY_KIB = 28 * 1024  # 19 at most was seen
BUNDLE = bytes(range(256)) * 3 + b'x' * 12
Fault = collections.namedtuple('Fault', 'call name seen what')


def all_faults(az):
    """Every fault of every call."""
    out = []
    answers = faults.answers()
    for call, c in faults.CALLS.items():
        host = {'maa': nf.MAA_HOST, 'akv': nf.AKV_HOST}.get(c.remote)
        for name, (what, seen) in answers.items():
            out.append(Fault(call, name, seen, what))
        for name, make in faults.connections(az.pki, host or 'x').items():
            plain = name in ('refused', 'a black hole', 'taken and closed',
                             'reset at once', 'taken and silent',
                             'reset after the request', 'no TLS record')
            # a listener stands in for the remote: one call of each is enough
            if call in ('token', 'attest', 'release', 'store put') and \
                    (host or plain):
                out.append(Fault(call, name, faults.SILENCE, make))
    return out


def furnish(az, probe):
    az.secrets, az.rules, az.seen = {}, [], []
    az.set('apm-tls-cert', nf.b64(b'PFX' * 100))
    az.set('apm-tls-cert-password', nf.b64(b'w' * 256))
    if not probe:
        az.set('apm-unseal-bundle', nf.b64(b'b' * 780))


class Run:
    """One https process: outcome, seconds, KiB at most, its requests."""

    def __init__(self, az, fault, once=False):
        self.az, self.fault, self.once = az, fault, once
        self.call = faults.CALLS[fault.call]
        self.peak = 0
        furnish(az, 'PROBE' in self.call.conf)
        port, listener = dict(az.port), None
        if callable(fault.what):
            listener = fault.what()
            port[self.call.remote] = listener.port
        else:
            # a store goes on for ever: twice wrong, then right
            az.rule(self.call.remote, self.call.piece, fault.what,
                    2 if self.call.role == 'store' else int(once))
        started = time.monotonic()
        try:
            self.outcome = self.store(port, listener) \
                if self.call.role == 'store' else self.fetch(port)
        finally:
            self.took = time.monotonic() - started
            if listener:
                listener.close()

    def seat(self, args, conf, deadline_ms):
        self.worker = https_rig.Seat(args, conf, self.az.pki.pem,
                                     deadline_ms=deadline_ms)
        recv = self.worker.w.broker.recv

        def watched(timeout=20.0):
            out = recv(timeout)
            self.measure()
            return out
        self.worker.w.broker.recv = watched
        return self.worker

    def measure(self):
        try:
            with open('/proc/%d/status' % self.worker.w.pid,
                      encoding='ascii') as f:
                m = re.search(r'VmHWM:\s+(\d+)', f.read())
        except FileNotFoundError:
            return
        if m:
            self.peak = max(self.peak, int(m.group(1)))

    def fetch(self, port):
        retry = 30000 if self.once else RETRY_MS
        conf = https_rig.fetch_conf(port, CALL_MS=CALL_MS,
                                    CONNECT_MS=CONNECT_MS, RETRY_MS=retry,
                                    **self.call.conf)
        return self.seat(['fetch'], conf, 40000).fetch()

    def store(self, port, listener):
        """It outlasts what passes, and ends with the broker's deadline."""
        conf = https_rig.common(port, CALL_MS=CALL_MS, CONNECT_MS=CONNECT_MS,
                                RETRY_MS=RETRY_MS)
        seat = self.seat(['store', '0'], conf, 2500 if listener else 30000)
        w = seat.w
        w.broker.send('ADDRS', https_rig.LOCAL)
        w.broker.send('BUNDLE', BUNDLE)
        while True:
            name, body = w.recv(40)
            if name != 'ECHO':
                return seat.end(int.from_bytes(body, 'big'))
            if body == BUNDLE:
                break
            w.broker.send('BUNDLE', BUNDLE)  # the broker's answer to a lie
        w.broker.send('STORED')
        name, body = w.recv(20)
        return seat.end(int.from_bytes(body, 'big'))

    def wrong(self):
        """What is not as it must be, in words; or None."""
        if self.call.role == 'store':
            want = 'DEADLINE' if callable(self.fault.what) else 'OK'
            limit = 30
        elif self.once:
            want = faults.outcome_once(*self.fault[:3])
            limit = 30
        else:
            want = faults.verdict(self.fault.call, self.fault.seen)
            limit = (CALL_MS + CONNECT_MS + RETRY_MS) / 1000 + SLACK_S
        if self.outcome != want:
            return '%s, not %s: %r' % (self.outcome, want,
                                       self.worker.w.notes)
        if self.took > limit:
            return 'took %.1f s' % self.took
        if self.peak > MEMORY_KIB:
            return '%d KiB' % self.peak
        tokens = len([p for p in self.az.paths('imds') if 'token' in p])
        if self.fault.call not in ('token',) and tokens > (
                2 + (self.call.role == 'store') if self.fault.seen == 401 else
                4 if self.fault.seen == 403 else 1):
            return '%d tokens' % tokens
        if [r for r in self.az.seen if 'evil' in r.path]:
            return 'followed a redirect'
        for note in self.worker.w.notes:
            if nf.BEARER[:24] in note or nf.JWT[:24] in note:
                return 'a token in a note'
        if want in sp.EXIT and sp.EXIT[want] < 100 and \
                want not in ('OK', 'DEADLINE') and not self.worker.w.notes:
            return 'no word why'
        return None


def run(seed, many=None, once=False):
    """So many by the seed; prints the figures, returns what is wrong.
    once: each only once, and then all is well."""
    az, wrong, peak = nf.Azure(), [], 0
    try:
        every = [f for f in all_faults(az) if not once or
                 not callable(f.what) and not f.call.startswith('store')]
        todo = drawn.cases(every, seed, lambda f: '%s: %s' % f[:2], many)
        for fault in todo:
            one = Run(az, fault, once)
            peak = max(peak, one.peak)
            why = one.wrong()
            if why:
                wrong.append('seed %s: %s, %s: %s' % (
                    seed, fault.call, fault.name, why))
    finally:
        az.close()
    print('# seed %s: %d of %d cases (%d faults, %d calls), %d KiB at most, '
          '%d wrong' % (seed, len(todo), len(every),
                        len({f.name for f in every}), len(faults.CALLS),
                        peak, len(wrong)), flush=True)
    return wrong
