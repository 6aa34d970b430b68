#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proposes policy lines from a recording (record.py) of a learning build: one
for each call that a locked process made and its policy does not let pass.
A proposal, no policy: a person narrows it, gives the reason and the test.
usage: learn.py RECORDING     exit 0: nothing is missing; 1: lines proposed"""
import collections
import os
import sys

import model
import words
from record import Recording

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
VALUES_MAX = 3 # an argument with more values than that is no condition


def policies():
    """{program: policy}; what exec becomes is the server's."""
    out = {}
    folder = os.path.join(ROOT, 'policy')
    for name in sorted(os.listdir(folder)):
        if name.endswith('.policy') and not name.startswith('outer'):
            p = model.Policy(os.path.join(folder, name))
            out['sallyport-' + p.name] = p
    return out


def policy_of(program, known):
    name = os.path.basename(program)
    if name in known:
        return known[name]
    if name == 'sallyport':
        return known['sallyport-supervisor']
    return known['sallyport-vault-server']


def refused(recording):
    """{policy: {number: [arguments]}} of calls after the lock."""
    known, out = policies(), {}
    for process in recording.processes:
        policy = policy_of(process.program, known)
        for filters, nr, args in process.calls:
            if filters != len(process.stack):
                continue # before its own filter
            answer = policy.answer(words.ARCH['x86-64'], nr, args)
            if answer != model.ALLOW and not policy.line_of(nr, args):
                calls = out.setdefault(policy, collections.defaultdict(list))
                calls[nr].append(args)
    return out


def shown(policy, name, value):
    for fd, number in policy.fds.items():
        if name == 'fd' and number == value:
            return '$' + fd
    return str(value) if value < 10 else hex(value)


def proposals(policy, nr, seen):
    """Lines for one call: conditions where an argument had few values."""
    call = words.NAMES.get(nr)
    if call is None:
        return ['# number %d has no name here' % nr]
    few = {}
    for name, (position, narrow, *_) in words.ARGUMENTS.get(call,
                                                             {}).items():
        values = {a[position] & 0xffffffff for a in seen}
        if narrow and len(values) <= VALUES_MAX:
            few[name] = position
    whens = sorted({' and '.join(
        '%s == %s' % (n, shown(policy, n, a[p] & 0xffffffff))
        for n, p in few.items()) for a in seen})
    return ['allow %s%s  # why? (seen %d times) [t:which-test]' % (
        call, ' when ' + w if w else '', len(seen)) for w in whens]


def main():
    found = refused(Recording.load(sys.argv[1]))
    for policy, calls in sorted(found.items(), key=lambda x: x[0].name):
        print('policy/%s.policy:' % policy.name)
        for nr in sorted(calls):
            for line in proposals(policy, nr, calls[nr]):
                print('    ' + line)
    if not found:
        print('every call that was made has its line')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
