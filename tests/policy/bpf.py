# SPDX-License-Identifier: Apache-2.0
"""Classic BPF as seccomp(2) runs it: an interpreter, and a second one that
knows number and architecture alone and says which answers are possible.
Opcodes: the kernel's bpf_common.h; what seccomp lets in: seccomp(2)."""
import struct

INSN = struct.Struct('=HBBI')
DATA_BYTES = 64 # struct seccomp_data
MEMWORDS = 16
ONES32 = 0xffffffff
LD_ABS, LD_LEN, LDX_LEN, LD_IMM, LDX_IMM = 0x20, 0x80, 0x81, 0x00, 0x01
LD_MEM, LDX_MEM, ST, STX, TAX, TXA = 0x60, 0x61, 0x02, 0x03, 0x07, 0x87
RET_K, RET_A, JA = 0x06, 0x16, 0x05
JUMPS = {0x10: lambda a, v: a == v, 0x20: lambda a, v: a > v,
         0x30: lambda a, v: a >= v, 0x40: lambda a, v: bool(a & v)}
ALU = {0x00: lambda a, v: a + v, 0x10: lambda a, v: a - v,
       0x20: lambda a, v: a * v, 0x30: lambda a, v: a // v,
       0x40: lambda a, v: a | v, 0x50: lambda a, v: a & v,
       0x60: lambda a, v: a << (v & 31), 0x70: lambda a, v: a >> (v & 31),
       0x80: lambda a, v: -a, 0xa0: lambda a, v: a ^ v}
DIVIDE = 0x30
UNKNOWN = None


def decode(raw):
    if not raw or len(raw) % INSN.size:
        raise ValueError('not a BPF program')
    return list(INSN.iter_unpack(raw))


def data(arch, nr, args, ip=0):
    """struct seccomp_data as 32-bit words, low halves first."""
    out = [nr & ONES32, arch, ip & ONES32, ip >> 32]
    for a in args:
        out += [a & ONES32, a >> 32]
    return out


def load(k, word):
    if k % 4 or k >= DATA_BYTES:
        raise ValueError('loads offset %d' % k)
    return word[k // 4]


def step(insn, a, x, mem, word):
    """One instruction that neither jumps nor returns; gives (a, x).  A value
    may be UNKNOWN."""
    code, _, _, k = insn
    if code == LD_ABS:
        return load(k, word), x
    if code in (LD_IMM, LD_LEN, LD_MEM):
        return {LD_IMM: k, LD_LEN: DATA_BYTES}.get(code, mem[k % 16]), x
    if code in (LDX_IMM, LDX_LEN, LDX_MEM):
        return a, {LDX_IMM: k, LDX_LEN: DATA_BYTES}.get(code, mem[k % 16])
    if code in (ST, STX):
        mem[k] = a if code == ST else x
        return a, x
    if code in (TAX, TXA):
        return (a, a) if code == TAX else (x, x)
    if code & 7 == 4 and code & 0xf0 in ALU:
        v = x if code & 8 else k
        if a is UNKNOWN or v is UNKNOWN:
            return UNKNOWN, x
        if code & 0xf0 == DIVIDE and v == 0:
            raise ZeroDivisionError # the kernel ends the run with 0: kill
        return ALU[code & 0xf0](a, v) & ONES32, x
    raise ValueError('instruction 0x%02x' % code)


def run(prog, word):
    """The answer for one struct seccomp_data (as words)."""
    a = x = pc = 0
    mem = [0] * MEMWORDS
    while True:
        code, jt, jf, k = insn = prog[pc]
        pc += 1
        if code == LD_ABS: # most of all that runs
            if k & 3 or k >= DATA_BYTES:
                raise ValueError('loads offset %d' % k)
            a = word[k >> 2]
        elif code & 7 == 5:
            if code == JA:
                pc += k
            else:
                taken = JUMPS[code & 0xf0](a, x if code & 8 else k)
                pc += jt if taken else jf
        elif code == RET_K:
            return k
        elif code == RET_A:
            return a
        else:
            a, x = step(insn, a, x, mem, word)


def answers(prog, arch, nr):
    """Every answer that the program can give for that number, whatever the
    arguments: both ways are gone where a jump depends on them.  A superset
    where two jumps contradict each other."""
    word = [nr & ONES32, arch] + [UNKNOWN] * (DATA_BYTES // 4 - 2)
    out, seen = set(), set()
    todo = [(0, 0, 0, (0,) * MEMWORDS)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        pc, a, x, mem = state
        code, jt, jf, k = insn = prog[pc]
        if code in (RET_K, RET_A):
            out.add(k if code == RET_K else a)
        elif code == JA:
            todo.append((pc + 1 + k, a, x, mem))
        elif code & 7 == 5:
            v = x if code & 8 else k
            ways = (True, False)
            if a is not UNKNOWN and v is not UNKNOWN:
                ways = (JUMPS[code & 0xf0](a, v),)
            todo += [(pc + 1 + (jt if w else jf), a, x, mem) for w in ways]
        else:
            mem = list(mem)
            a, x = step(insn, a, x, mem, word)
            todo.append((pc + 1, a, x, tuple(mem)))
    return out


def constants(prog):
    """Every number that the program compares with: values of interest."""
    return {k for code, _, _, k in prog if code & 7 in (4, 5) and code != JA}
