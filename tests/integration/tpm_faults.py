# SPDX-License-Identifier: Apache-2.0
"""A whole life of sallyport-tpm with something in front of its TPM, which does
what it is told to one answer."""
import collections
import struct

import calls_lives as cl
import spframe as sp
import tpm_bench as tb
from azemu import tpmwire

NAMES = {code: name for name, code in tpmwire.CC.items()}


def name(place):
    return '%s %d' % (NAMES.get(place[0], hex(place[0])), place[1])


def opens(place):
    """All failures of opening a token, or a key, look alike (P8)."""
    return NAMES.get(place[0]) in ('RSA_Decrypt', 'PolicyPCR')


class Code:
    """That response code; the command is not carried out."""

    def __init__(self, rc):
        self.answer = struct.pack('>HII', 0x8001, 10, rc)


class Cut(bytes):
    """Sent, and then the TPM hangs up."""


def cut(answer, at):
    return Cut(answer[:at])


def short(answer, at):
    return answer[:2] + struct.pack('>I', at) + answer[6:at]


def flip(at, mask):
    def change(answer):
        if at >= len(answer):
            return answer
        return answer[:at] + bytes([answer[at] ^ mask]) + answer[at + 1:]
    return change


class InFront(tb.Proxy):
    """change is done to the answer to a command, named by its code and which
    of that code it is (what a dead session left in the TPM is flushed first,
    so places alone would not do); ever: to all answers from there on."""

    def __init__(self, machine, place=None, change=None, ever=False):
        self.place, self.what, self.ever = place, change, ever
        self.seen, self.done = collections.Counter(), False
        self.places, self.answers = [], []
        super().__init__(machine, self.pass_on)

    def now(self, command):
        code = struct.unpack('>I', command[6:10])[0]
        self.seen[code] += 1
        self.places.append((code, self.seen[code]))
        hit = self.places[-1] == self.place or self.done and self.ever
        self.done = self.done or hit
        return hit

    def instead(self, command):
        self.hit = self.now(command)
        return self.what.answer if self.hit and isinstance(self.what, Code) \
            else None

    def pass_on(self, _code, _command, answer):
        self.answers.append(answer)
        out = self.what(answer) if self.hit else answer
        if isinstance(out, Cut):
            self.ours.sendall(out)
            return None
        return out


class Life(cl.Tpm):
    """places, answers: of a life without a fault."""

    def __init__(self):
        self.prepare()
        self.real = self.machine
        for _ in range(2):  # the second finds nothing to flush
            front = InFront(self.real)
            self.good = self.go_by(front)
        self.answers = dict(zip(front.places, front.answers))
        self.places = front.places

    def go_by(self, front):
        self.machine = Stand(front)
        try:
            return self.go()
        finally:
            front.ours.close()
            front.thread.join(30)

    def run(self, place, change, ever=False):
        """(outcome, None or what is wrong)"""
        front = InFront(self.real, place, change, ever)
        try:
            outcome, out = self.go_by(front)
        except AssertionError as e:
            return None, str(e)
        if not front.done:
            return None, 'there was no such command'
        if outcome == self.good[0]:
            wrong = None if out == self.good[1] else 'other secrets came out'
        elif outcome not in sp.EXIT or sp.EXIT[outcome] >= 100 or \
                outcome == 'OK':
            wrong = 'ended with ' + outcome
        else:
            wrong = None
        return outcome, wrong and '%s: %s' % (name(place), wrong)

    def with_other_pcrs(self):
        """PCR 7 is extended behind the last policy that tpm satisfies."""
        last = max(p for p in self.places
                   if p[0] == tpmwire.CC['PolicyPCR'])

        def extend(answer):
            with self.real.connect() as s:
                s.sendall(tpmwire.command(
                    'PCR_Extend', (7,), struct.pack('>IH', 1, 0xb) +
                    b'x' * 32, [b'']))
                s.recv(4096)
            return answer
        return self.run(last, extend)[0]


class Stand:
    """In the place of the machine: connect() gives the one connection."""

    def __init__(self, front):
        self.front = front

    def connect(self):
        return self.front.theirs
