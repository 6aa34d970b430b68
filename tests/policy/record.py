#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command and records, of every Sallyport process below it and all that
comes from one, each system call, and each filter as the kernel gives it back.
usage: record.py [--odd-clock] OUT COMMAND...     the exit code is the command's
--odd-clock: as on a machine whose clock the vDSO cannot read, so that reading
it is a system call, and whose time is set back once a worker is locked, so
that OpenSSL wants a new seed"""
import os
import pickle
import signal
import sys
import time

import ptrace as pt
import vdso

SECCOMP, SET_MODE_FILTER = 317, 1


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
    """Follows everything; looks at the calls of Sallyport's own programs and of
    every process that has a filter from them."""

    def __init__(self, odd_clock=False):
        self.odd_clock, self.recording = odd_clock, Recording()
        self.task = {}   # tid -> its Process
        self.entered = {} # tid -> (nr, args) it is in
        self.early = set() # stopped before its parent's event was seen

    @staticmethod
    def looks(p):
        return p is not None and (p.stack or ours(p.program))

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
        return self.follow(self.start(argv))

    def follow(self, first):
        """Until all that it follows ended: the first one's exit code."""
        code = None
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
        p = self.task[tid] = self.process(tid, program, list(old.stack))
        if self.odd_clock and self.looks(p):
            vdso.clock_by_call(tid)

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
            if nr == SECCOMP and args[0] == SET_MODE_FILTER and value == 0:
                raw = pt.filter_of(tid, len(p.stack))
                p.stack.append(self.recording.index(raw))
                if self.odd_clock and is_worker(p.program):
                    vdso.stand_still(tid, int(time.time()) - 3)


def ours(program):
    return os.path.basename(program).startswith('sallyport')


def is_worker(program):
    return os.path.basename(program).startswith('sallyport-')


def record(argv, out, odd_clock=False):
    """Returns the exit code of the command."""
    tracer = Tracer(odd_clock)
    code = tracer.run(argv)
    tracer.recording.save(out)
    return code


def main():
    argv = sys.argv[1:]
    odd = argv[0] == '--odd-clock'
    if odd:
        argv.pop(0)
    sys.exit(record(argv[1:], argv[0], odd))


if __name__ == '__main__':
    main()
