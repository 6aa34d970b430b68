#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command and records, of every Sallyport process and the server below
it, each system call, and each filter as the kernel gives it back.
usage: record.py OUT COMMAND...      the exit code is the command's"""
import os
import pickle
import signal
import struct
import sys

import ptrace as pt

SECCOMP = 317
INSTALL = (1, ) # SECCOMP_SET_MODE_FILTER
CALL = struct.Struct('=I7Q')


class Process:
    """One process after its last exec; its threads share it."""

    def __init__(self, pid, program, stack):
        self.pid, self.program = pid, program
        self.stack = stack  # indices into Recording.programs, oldest first
        self.calls = set()  # (filters then installed, nr, args)
        self.status = None


class Recording:
    def __init__(self):
        self.programs, self.processes, self.count = [], [], 0

    def index(self, raw):
        if raw not in self.programs:
            self.programs.append(raw)
        return self.programs.index(raw)

    def save(self, path):
        with open(path, 'wb') as f:
            pickle.dump([self.programs, self.count] + [
                (p.pid, p.program, p.stack, p.calls, p.status)
                for p in self.processes], f)

    @staticmethod
    def load(path):
        out = Recording()
        with open(path, 'rb') as f:
            out.programs, out.count, *rows = pickle.load(f)
        for pid, program, stack, calls, status in rows:
            p = Process(pid, program, stack)
            p.calls, p.status = calls, status
            out.processes.append(p)
        return out


class Tracer:
    """Follows everything; looks at the calls of what `wanted` names."""

    def __init__(self, wanted):
        self.wanted, self.recording = wanted, Recording()
        self.task = {}   # tid -> its Process
        self.entered = {} # tid -> (nr, args) it is in
        self.early = set() # stopped before its parent's event was seen

    def looks(self, p):
        return p is not None and self.wanted(p.program)

    def start(self, argv):
        pid = os.fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execvp(argv[0], argv)
        os.waitpid(pid, os.WUNTRACED)
        pt.call(pt.SEIZE, pid, 0, pt.FOLLOW)
        self.task[pid] = Process(pid, '', [])
        os.kill(pid, signal.SIGCONT)
        return pid

    def run(self, argv):
        first, code = self.start(argv), None
        while self.task:
            try:
                tid, status = os.waitpid(-1, pt.WALL)
            except ChildProcessError:
                break
            if os.WIFSTOPPED(status):
                self.stopped(tid, status)
                continue
            p = self.task.pop(tid, None)
            if p and p.pid == tid:
                p.status = status
            if tid == first:
                code = os.waitstatus_to_exitcode(status)
        return code

    def resume(self, tid, sig=0):
        how = pt.SYSCALL if self.looks(self.task.get(tid)) else pt.CONT
        try:
            pt.call(how, tid, 0, sig)
        except ProcessLookupError:
            pass # killed while it was stopped

    def stopped(self, tid, status):
        sig, event = os.WSTOPSIG(status), status >> 16
        if tid not in self.task: # before its parent's event came
            self.early.add(tid)
            return
        try:
            if event == pt.EVENT_STOP:
                if sig != pt.SIGTRAP: # it is stopped by a signal: stays so
                    pt.call(pt.LISTEN, tid)
                    return
                sig = 0
            elif event:
                self.event(tid, event)
                sig = 0
            elif sig == pt.SYSCALL_STOP:
                self.syscall(tid)
                sig = 0
        except ProcessLookupError:
            pass
        self.resume(tid, sig)

    def event(self, tid, event):
        if event in (pt.EVENT_FORK, pt.EVENT_VFORK, pt.EVENT_CLONE):
            self.born(tid, pt.event_message(tid))
        elif event == pt.EVENT_EXEC:
            self.executed(tid)

    def born(self, parent, tid):
        p = self.task[parent]
        try:
            with open('/proc/%d/status' % tid, encoding='ascii',
                      errors='replace') as f:
                tgid = int(next(x for x in f if x.startswith('Tgid'))[5:])
        except (OSError, StopIteration):
            tgid = tid
        if tgid == tid: # a process: the same program, until exec
            p = self.process(tid, p.program, list(p.stack))
        self.task[tid] = p
        if tid in self.early:
            self.early.remove(tid)
            self.resume(tid)

    def executed(self, tid):
        former = pt.event_message(tid)
        old = self.task.pop(former, None) or self.task.get(tid)
        try:
            program = os.readlink('/proc/%d/exe' % tid)
        except OSError:
            program = ''
        self.entered.pop(tid, None)
        self.task[tid] = self.process(tid, program, list(old.stack))

    def process(self, pid, program, stack):
        p = Process(pid, program, stack)
        if self.looks(p):
            self.recording.processes.append(p)
        return p

    def syscall(self, tid):
        p = self.task[tid]
        kind, value, args = pt.syscall_info(tid)
        if kind == pt.ENTRY:
            self.entered[tid] = value, args
            self.recording.count += 1
            p.calls.add((len(p.stack), value & 0xffffffff, args))
        elif kind == pt.EXIT:
            nr, args = self.entered.pop(tid, (None, None))
            if nr == SECCOMP and args[0] in INSTALL and value == 0:
                raw = pt.filter_of(tid, len(p.stack))
                p.stack.append(self.recording.index(raw))


def record(argv, wanted, out):
    tracer = Tracer(wanted)
    code = tracer.run(argv)
    tracer.recording.save(out)
    return code


def ours(program):
    """Sallyport's programs and the server."""
    return os.path.basename(program).startswith('sallyport') or \
        program == os.environ.get('SALLYPORT_SERVER',
                                  '/var/cache/sallyport/server/bao')


if __name__ == '__main__':
    sys.exit(record(sys.argv[2:], ours, sys.argv[1]))
