# SPDX-License-Identifier: Apache-2.0
"""What a policy says, computed from its text: a reader and a model of its own.
It shares nothing with policyc, and knows nothing of BPF.

  allow   matches where the kernel will see the value and nothing else is in
          the register: a 32-bit argument comes zero-extended, a negative one
          may come sign-extended.  Anything else is a refusal: fails closed.
  errno,  match on what the kernel will see: of a 32-bit argument the low half
  kill    alone.  Garbage above it must not slip past.

Header lines that say something else than role, default and fd are not the
filter's business and are passed over."""
import os
import re

import words

ALLOW, ERRNO, KILL = 0x7fff0000, 0x00050000, 0x80000000
ONES32, ONES64 = 0xffffffff, 0xffffffffffffffff
RULE = re.compile(r'(allow|kill|errno) ')


class Condition:
    def __init__(self, call, name, op, value):
        self.name, self.op = name, op
        try:
            self.arg, self.narrow, signed = words.ARGUMENTS[call][name]
        except KeyError:
            raise ValueError('words.py has no argument %s of %s: write its '
                             'prototype from the manual' % (name, call))
        # narrow: the value as the kernel's int, else as its long
        self.value = value & (ONES32 if self.narrow else ONES64)
        self.negative = signed and bool(self.value >> 31)

    def exact(self, x):
        """For allow: nothing in the register but the value."""
        if self.op == 'in':
            return x & ~self.value == 0
        return x == self.value or (self.negative and
                                   x == self.value | ONES32 << 32)

    def seen(self, x):
        """For errno and kill: what the kernel reads is the value."""
        if self.narrow:
            x &= ONES32
        return x & ~self.value == 0 if self.op == 'in' else x == self.value


class Line:
    def __init__(self, number, action, error, call, conditions, text):
        self.number, self.action, self.call = number, action, call
        self.nr, self.conditions, self.text = (words.CALLS[call], conditions,
                                               text)
        self.answer = {'allow': ALLOW, 'kill': KILL}.get(action)
        if action == 'errno':
            self.answer = ERRNO | words.number(error)

    def matches(self, args):
        if self.action == 'allow':
            return all(c.exact(args[c.arg]) for c in self.conditions)
        return all(c.seen(args[c.arg]) for c in self.conditions)


class Ambiguous(Exception):
    """Two lines with different answers match the same call."""


class Policy:
    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)[:-len('.policy')]
        self.default, self.fds, self.lines = None, {}, []
        with open(path, encoding='utf-8') as f:
            for number, line in enumerate(f, 1):
                code = line.split('#')[0].strip()
                try:
                    self.read(number, code)
                except (KeyError, ValueError) as e:
                    raise ValueError('%s:%d: %s: %r' % (
                        path, number, code, e)) from e
        self.by_number = {}
        for line in self.lines:
            self.by_number.setdefault(line.nr, []).append(line)
        if self.default is None or not self.lines:
            raise ValueError(path + ': no default, or no rule')

    def read(self, number, code):
        w = code.split()
        if not w:
            return
        if w[0] == 'default':
            self.default = self.default_answer(w[1:])
        elif w[0] == 'fd':
            if w[1] != 'others': # numbers FIRST..LAST have no $NAME
                self.fds[w[1]] = words.number(w[2].split('..')[0])
        elif RULE.match(code):
            self.rule(number, w, code)

    @staticmethod
    def default_answer(w):
        if w == ['allow']:
            return ALLOW
        if w == ['kill-process']:
            return KILL
        if len(w) == 2 and w[0] == 'errno':
            return ERRNO | words.number(w[1])
        raise ValueError('unknown default')

    def rule(self, number, w, code):
        action, error = w[0], None
        at = 1
        if action == 'errno':
            error, at = w[1], 2
        call, rest = w[at], w[at + 1:]
        conditions = []
        for i in range(0, len(rest), 4):
            joint, name, op, value = rest[i:i + 4]
            if joint != ('and' if i else 'when') or op not in ('==', 'in'):
                raise ValueError('not a condition')
            conditions.append(Condition(call, name, op, self.value(value)))
        self.lines.append(Line(number, action, error, call, conditions, code))

    def value(self, text):
        if text.startswith('$'):
            return self.fds[text.split('/')[0][1:]]
        out = 0
        for word in text.split('|'):
            out |= words.number(word)
        return out

    def line_of(self, nr, args):
        """The line that decides, or None: the default does."""
        found = None
        for line in self.by_number.get(nr, ()):
            if not line.matches(args):
                continue
            if found and found.answer != line.answer:
                raise Ambiguous('%s: lines %d and %d' % (
                    self.path, found.number, line.number))
            found = found or line
        return found

    def answer(self, arch, nr, args):
        """What the kernel is told for this call (nr: 32 bits, unsigned)."""
        if arch != words.ARCH['x86-64']:
            return KILL
        if nr >= words.X32_BIT and nr != ONES32:
            return KILL # x32's table, or none; -1 is what a tracer writes
        line = self.line_of(nr, args)
        if line:
            return line.answer
        if self.default == ALLOW and any(
                x.action == 'allow' for x in self.by_number.get(nr, ())):
            return KILL # allow lines under `default allow` are a list
        return self.default


def policies(folder):
    return {p.name: p for p in
            (Policy(os.path.join(folder, f))
             for f in sorted(os.listdir(folder)) if f.endswith('.policy'))}
