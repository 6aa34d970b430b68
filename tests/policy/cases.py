# SPDX-License-Identifier: Apache-2.0
"""Calls that are worth asking a filter about: (arch, number, arguments)."""
import itertools
import random

import bpf
import words

NATIVE = words.ARCH['x86-64']
ONES32, ONES64 = 0xffffffff, 0xffffffffffffffff
EDGES = (0, 1, ONES32, ONES64, 0x7fffffff, 0x80000000, 0xffffffff80000000,
         1 << 32, 1 << 63, (1 << 63) - 1, ONES32 << 32)
NOTHING, EVERYTHING = (0,) * 6, (ONES64,) * 6
LAST = 1023


def numbers():
    """Every number of the table and beyond, x32's, and those at the edges."""
    out = set(range(LAST + 1))
    out |= {words.X32_BIT | n for n in range(LAST + 1)}
    out |= {1 << b for b in range(32)} | {(1 << b) - 1 for b in range(33)}
    out |= {ONES32 - n for n in range(1024)} # negative ones, -1 too
    return sorted(out)


def sweep():
    """Every number on every architecture, with no arguments and with all."""
    for nr in numbers():
        for arch in words.ARCH.values():
            yield arch, nr, NOTHING
            yield arch, nr, EVERYTHING


def right(condition):
    """A value that the condition takes; the largest that fits a mask."""
    return condition.value


def members(condition):
    """Values that it takes: for a mask each bit of it alone, too."""
    out = {condition.value}
    if condition.op == 'in':
        out |= {0} | {1 << b for b in range(64) if condition.value >> b & 1}
    return out


def values(condition, known):
    """Every value to try in that argument."""
    v = right(condition)
    out = set(EDGES) | {v ^ 1 << b for b in range(64)} | members(condition)
    out |= {v | g << 32 for g in (1, 0xdeadbeef, 0x7fffffff, 0x80000000,
                                  ONES32)}
    for k in known: # as low half, as high half, as both
        out |= {k, k << 32, k << 32 | k, k << 32 | v & ONES32, k ^ ONES32}
    return {x & ONES64 for x in out}


def few(condition):
    """The values for combinations with other arguments."""
    v = right(condition)
    out = members(condition) | {v ^ 1, v ^ 1 << 31, v ^ 1 << 32, v ^ 1 << 63,
                                v | ONES32 << 32, 0, ONES32, ONES64, 1 << 63,
                                0x80000000}
    return sorted(x & ONES64 for x in out)


def with_args(base, *changes):
    out = list(base)
    for arg, value in changes:
        out[arg] = value
    return tuple(out)


def of_line(line, known, noise):
    """All arguments worth trying for one line of a policy."""
    base = {c.arg: right(c) for c in line.conditions}
    for free in (NOTHING, EVERYTHING, noise):
        yield with_args(free, *base.items())
    zero = with_args(NOTHING, *base.items())
    for c in line.conditions:
        for v in sorted(values(c, known)):
            yield with_args(zero, (c.arg, v))
    for c, d in itertools.combinations(line.conditions, 2):
        for v, w in itertools.product(few(c), few(d)):
            yield with_args(zero, (c.arg, v), (d.arg, w))
    for arg in range(6): # what nobody named must not matter
        for v in (*EDGES, *known):
            yield with_args(zero, (arg, v))


def of_call(policy, nr, prog):
    """All arguments worth trying for one call, of all its lines."""
    known = sorted(bpf.constants(prog))
    known = [k for k in known if k > 1023 or k in range(64)]
    noise = random.Random(nr) # the same in every run
    for line in policy.by_number.get(nr, ()):
        yield from of_line(line, known, tuple(noise.getrandbits(64)
                                              for _ in range(6)))


def of_policy(policy, prog):
    for nr in policy.by_number:
        for args in of_call(policy, nr, prog):
            yield NATIVE, nr, args
