# SPDX-License-Identifier: Apache-2.0
"""ptrace(2) for tests: system calls seen and replaced, installed filters read
back.  The tracer must be root and under no filter itself (seccomp(2))."""
import ctypes
import os
import struct

import bpf

TRACEME, POKETEXT, CONT, SYSCALL = 0, 4, 7, 24
GETREGS, SETREGS = 12, 13
SETOPTIONS, GETEVENTMSG, GETSIGINFO = 0x4200, 0x4201, 0x4202
SEIZE, LISTEN, GET_FILTER, GET_SYSCALL_INFO = 0x4206, 0x4208, 0x420c, 0x420e
O_SYSGOOD, O_FORK, O_VFORK, O_CLONE, O_EXEC, O_EXIT = 1, 2, 4, 8, 16, 0x40
O_EXITKILL = 0x100000
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC = 1, 2, 3, 4
EVENT_EXIT, EVENT_STOP = 6, 128
FOLLOW = O_SYSGOOD | O_FORK | O_VFORK | O_CLONE | O_EXEC
ENTRY, EXIT = 1, 2 # of struct ptrace_syscall_info
SIGTRAP, WALL = 5, 0x40000000
SYSCALL_STOP = SIGTRAP | 0x80
INFO = struct.Struct('=B3xIQQQ6Q')
EXIT_INFO = struct.Struct('=B3xIQQqB')
REGS = struct.Struct('=27Q') # struct user_regs_struct, x86-64
RAX, ORIG_RAX, RIP = 10, 15, 16
ARGS = (14, 13, 12, 7, 9, 8) # rdi rsi rdx r10 r8 r9

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                         ctypes.c_void_p)
_room = ctypes.create_string_buffer(65536)


def call(request, pid, addr=0, data=0):
    ctypes.set_errno(0)
    r = _libc.ptrace(request, pid, addr, data)
    if r == -1 and ctypes.get_errno():
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return r


def unable():
    """Why no filter can be read back here, or None."""
    if os.geteuid() != 0:
        return 'needs root'
    with open('/proc/self/status', encoding='ascii') as f:
        status = dict(x.split(':\t', 1) for x in f if ':\t' in x)
    if status['Seccomp'].strip() != '0':
        return 'this process is under a filter itself: none can be read back'
    return None


def filter_of(pid, index):
    """The bytes of one installed filter, 0 the oldest; None: no such."""
    try:
        n = call(GET_FILTER, pid, index, 0)
    except FileNotFoundError:
        return None
    except OSError as e:
        if e.errno == 22: # EINVAL: no filter at all
            return None
        raise
    call(GET_FILTER, pid, index, ctypes.addressof(_room))
    return _room.raw[:n * bpf.INSN.size]


def filters(pid):
    """All of them, in the order of their installation."""
    out = []
    while (raw := filter_of(pid, len(out))) is not None:
        out.append(raw)
    return out


def syscall_info(pid):
    """(ENTRY, nr, args) or (EXIT, return value, None)"""
    n = call(GET_SYSCALL_INFO, pid, len(_room), ctypes.addressof(_room))
    if _room[0] == b'\x01' and n >= INFO.size:
        f = INFO.unpack_from(_room)
        return ENTRY, f[4], f[5:]
    if _room[0] == b'\x02':
        return EXIT, EXIT_INFO.unpack_from(_room)[4], None
    return 0, 0, None


def registers(pid):
    call(GETREGS, pid, 0, ctypes.addressof(_room))
    return list(REGS.unpack_from(_room))


def set_registers(pid, regs):
    REGS.pack_into(_room, 0, *regs)
    call(SETREGS, pid, 0, ctypes.addressof(_room))


def event_message(pid):
    out = ctypes.c_ulong()
    call(GETEVENTMSG, pid, 0, ctypes.addressof(out))
    return out.value
