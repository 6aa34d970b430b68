# SPDX-License-Identifier: Apache-2.0
"""Copies of a real, locked worker, one for each call that may kill it.

The worker is started as in its own tests and runs under ptrace(2) up to the
call that installs its inner filter.  There it is made to fork: each copy then
makes that very call, with the program that the worker itself holds, and is
stopped behind it.  So a copy has the worker's filter, Landlock domain and
limits; it shares its memory, which costs nothing, and runs none of its code but
the one instruction `syscall`.  (No outer filter: it would kill the fork.  That both are
there, in order, is read back from whole boots.)"""
import os
import signal
import sys
import time

import ptrace as pt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import spframe as sp # noqa: E402 pylint: disable=wrong-import-position

CLONE, SECCOMP, FILTER = 56, 317, 1
OURS = 0x8000 | signal.SIGCHLD # CLONE_PARENT: it is us who wait for it
CLONE_VM = 0x100
BLOCKED_S = 0.05 # a call that has not answered by then waits: it lives
_execve = os.execve


def _stop_and_exec(program, argv, env):
    os.kill(os.getpid(), signal.SIGSTOP)
    _execve(program, argv, env)


class held:
    """Inside, sp.spawn() leaves its child stopped just before exec."""

    def __enter__(self):
        sp.os.execve = _stop_and_exec

    def __exit__(self, *_):
        sp.os.execve = _execve


class Died(Exception):
    pass


class Mould:
    def __init__(self, pid, installs=1):
        """pid: a child that held stopped; installs: which filter counts."""
        self.pid, self.copies = pid, 0
        os.waitpid(pid, os.WUNTRACED)
        pt.call(pt.SEIZE, pid, 0, pt.O_SYSGOOD | pt.O_FORK | pt.O_CLONE |
                pt.O_EXEC | pt.O_EXITKILL)
        os.kill(pid, signal.SIGCONT)
        self.until_exec()
        for _ in range(installs):
            self.until_install()
        self.saved = pt.registers(pid)

    @staticmethod
    def wait(pid):
        """(signal, event) of its next stop; Died."""
        _, status = os.waitpid(pid, pt.WALL)
        if not os.WIFSTOPPED(status):
            raise Died(os.waitstatus_to_exitcode(status))
        return os.WSTOPSIG(status), status >> 16

    def until_exec(self):
        how = pt.CONT
        while True:
            sig, event = self.wait(self.pid)
            if event == pt.EVENT_EXEC:
                break
            quiet = event or sig in (signal.SIGSTOP, signal.SIGCONT)
            pt.call(how, self.pid, 0, 0 if quiet else sig)
        pt.call(pt.SYSCALL, self.pid)

    def until_install(self):
        """To the entry of the next seccomp(SET_MODE_FILTER)."""
        while True:
            sig, event = self.wait(self.pid)
            if sig == pt.SYSCALL_STOP:
                kind, nr, args = pt.syscall_info(self.pid)
                if kind == pt.ENTRY and nr == SECCOMP and args[0] == FILTER:
                    return
                sig = 0
            pt.call(pt.SYSCALL, self.pid, 0, 0 if event else sig)

    def again(self, pid):
        """Its next instruction is the install, once more."""
        regs = list(self.saved)
        regs[pt.RIP] -= 2 # the length of `syscall`
        regs[pt.RAX] = SECCOMP
        pt.set_registers(pid, regs)

    def copy(self, own_memory=False):
        """A new Copy, behind its install."""
        regs = list(self.saved)
        regs[pt.ORIG_RAX] = CLONE
        flags = OURS if own_memory else OURS | CLONE_VM
        for place, value in zip(pt.ARGS, (flags, 0, 0, 0, 0)):
            regs[place] = value
        pt.set_registers(self.pid, regs)
        pt.call(pt.SYSCALL, self.pid)
        child = None
        while True: # the fork's event, then its end
            sig, event = self.wait(self.pid)
            if event == pt.EVENT_FORK:
                child = pt.event_message(self.pid)
            elif sig == pt.SYSCALL_STOP:
                break
            pt.call(pt.SYSCALL, self.pid)
        if child is None:
            raise OSError('the worker could not be copied')
        self.again(self.pid)
        pt.call(pt.SYSCALL, self.pid)
        self.wait(self.pid) # at the entry of its own install again
        self.wait(child)
        self.again(child)
        self.copies += 1
        return Copy(child)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            try:
                while True:
                    self.wait(self.pid)
            except Died:
                pass
            self.pid = 0


def end_child(pid):
    """Of a copy that was let fork or begin a thread."""
    os.kill(pid, signal.SIGKILL)
    while os.WIFSTOPPED(os.waitpid(pid, pt.WALL)[1]):
        pass


class Copy:
    def __init__(self, pid):
        self.pid, self.threads = pid, []
        for _ in ('entry', 'exit'):
            pt.call(pt.SYSCALL, pid)
            Mould.wait(pid)
        kind, value, _ = pt.syscall_info(pid)
        if (kind, value) != (pt.EXIT, 0):
            raise OSError('the copy installed no filter: %d' % value)
        self.after = pt.registers(pid)

    def aim(self, nr, args):
        """Its next instruction is that call."""
        regs = list(self.after)
        regs[pt.RIP] -= 2
        regs[pt.RAX] = nr & 0xffffffffffffffff
        for place, value in zip(pt.ARGS, args):
            regs[place] = value
        pt.set_registers(self.pid, regs)

    def int80(self, nr):
        """Its next instruction is `int 0x80`, and that call of i386."""
        self.aim(nr, (0,) * 6)
        at = self.after[pt.RIP] - 2
        pt.call(pt.POKETEXT, self.pid, at, 0x80cd | 0x9090909090900000)

    def go(self):
        """Makes the call.  Returns ('dies', signal), ('ends', exit code),
        ('lives', its answer) or ('lives', None): it waits in the kernel."""
        try:
            self.step() # the entry: the filter comes after
            if not self.step():
                return 'lives', None
            answer = pt.syscall_info(self.pid)[1]
            self.aim(39, (0,) * 6)
            self.step() # killed, or at the entry of another call
            return 'lives', answer
        except Died as e:
            code, self.pid = e.args[0], 0
            return ('dies', -code) if code < 0 else ('ends', code)

    def step(self):
        """To its next stop; False: it waits in the kernel."""
        pt.call(pt.SYSCALL, self.pid)
        return self.stops()

    def interrupt(self):
        """It waits: a stop and going on, as by SIGSTOP and SIGCONT or a
        frozen control group, and then what the kernel makes of its call.
        Returns the number of that call, or raises Died."""
        os.kill(self.pid, signal.SIGSTOP)
        while Mould.wait(self.pid)[0] != signal.SIGSTOP: # the call's end first
            pt.call(pt.SYSCALL, self.pid)
        self.step() # the signal is not handed on
        nr = pt.syscall_info(self.pid)[1]
        if self.step(): # it does not wait: killed, which comes next
            self.step()
        return nr

    def stops(self):
        end = time.monotonic() + BLOCKED_S
        while True:
            got, status = os.waitpid(self.pid, pt.WALL | os.WNOHANG)
            if got and not os.WIFSTOPPED(status):
                raise Died(os.waitstatus_to_exitcode(status))
            if got and status >> 16 in (pt.EVENT_FORK, pt.EVENT_CLONE):
                self.begun(pt.event_message(self.pid))
                pt.call(pt.SYSCALL, self.pid)
            elif got:
                return True
            if time.monotonic() > end and self.waits():
                return False

    def begun(self, child):
        """A process of its own ends here.  A thread's end would be the end
        of all: it stays stopped where it begins, without stack or TLS."""
        if os.path.exists('/proc/%d/task/%d' % (self.pid, child)):
            self.threads.append(child)
        else:
            end_child(child)

    def waits(self):
        with open('/proc/%d/stat' % self.pid, encoding='ascii',
                  errors='replace') as f:
            return f.read().rsplit(') ', 1)[1][0] == 'S'

    def close(self):
        if self.pid:
            for thread in self.threads:
                end_child(thread)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, pt.WALL)
            self.pid = 0


def outcome(mould, nr, args, int80=False):
    """What becomes of a copy that makes that call."""
    c = mould.copy(own_memory=int80)
    try:
        if int80:
            c.int80(nr)
        else:
            c.aim(nr, args)
        return c.go()
    finally:
        c.close()
