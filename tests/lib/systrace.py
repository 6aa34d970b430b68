# SPDX-License-Identifier: Apache-2.0
"""The system calls of a process and of all it starts, seen from outside by
the kernel's own trace points (tracefs, root).  Nothing is stopped, so timing,
signals and job control are as without it; ptrace(2) would show a stopped
plugin as traced, and a rotation waits until it is stopped.

A call that a filter answers with an errno has an exit and no entry, for the
trace point of the entry lies behind seccomp; and it dies without an exit when
the filter kills."""

import atexit
import collections
import os
import re
import select
import subprocess
import tempfile
import threading

MOUNTED = '/sys/kernel/tracing'
LINE = re.compile(r'-(\d+)\s+\[\d+\]\s\S+\s+[\d.]+: (\w+): (.*)$')
ENTER = re.compile(r'NR (-?\d+) \(([^)]*)\)')
EXIT = re.compile(r'NR (-?\d+) = (-?\d+)')
EXEC = re.compile(r'filename=(.*) pid=(\d+) old_pid=(\d+)')
FORK = re.compile(r'comm=.* pid=(\d+) child_comm=.* child_pid=(\d+)')
FIRST_PIDS = 'pid:[4026531836]' # PROC_PID_INIT_INO of the kernel
LOST = re.compile(r'LOST (\d+) EVENTS')
EVENTS = ('sched/sched_process_fork', 'sched/sched_process_exec',
          'raw_syscalls/sys_exit', 'raw_syscalls/sys_enter')


def tracefs():
    """A directory with tracefs on it, or None: no root, no such kernel, or a
    pid namespace that is not the first, whose numbers tracefs has not."""
    if os.readlink('/proc/self/ns/pid') != FIRST_PIDS:
        return None
    if os.path.isdir(MOUNTED + '/instances'):
        return MOUNTED
    place = tempfile.mkdtemp(prefix='sallyport-trace.')
    if subprocess.run(['mount', '-t', 'tracefs', 'tracefs', place],
                      capture_output=True, check=False).returncode != 0:
        os.rmdir(place)
        return None
    atexit.register(lambda: (subprocess.run(['umount', place], check=False),
                             os.rmdir(place)))
    return place


class Trace:
    """From the construction on, of pid and of every process it starts.

    entries: every call, not only those that answered one of the errnos;
    keep: {number: positions of the arguments worth keeping}.
    calls:  {(program, number): {arguments kept: times}}
    errors: {(program, number, errno, who): times}; who answered it, 'filter'
            or 'kernel', is known with entries alone (else None).
    program: what was exec'ed; lost: events that the buffer had no room for;
    steps: {thread: [number or what was exec'ed, ...]}, in order, of the calls
           whose numbers are in `order` (with entries alone).
    """

    def __init__(self, root, pid, entries, errnos=(1,), keep=None, order=(),
                 kib=16384):
        self.calls = collections.defaultdict(collections.Counter)
        self.errors, self.lost = collections.Counter(), 0
        self.keep, self.programs, self.stopping = keep or {}, {}, False
        self.entries, self.errnos, self.inside = entries, errnos, {}
        self.order, self.steps = order, collections.defaultdict(list)
        self.dir = tempfile.mkdtemp(prefix='sallyport-',
                                    dir=root + '/instances')
        self.set('buffer_size_kb', str(kib))
        self.set('options/event-fork', '1')
        self.set('set_event_pid', str(pid))
        if not entries:
            self.set('events/raw_syscalls/sys_exit/filter', ' || '.join(
                'ret == -%d' % e for e in errnos))
        self.events = EVENTS if entries else EVENTS[:3]
        for event in self.events:
            self.set('events/%s/enable' % event, '1')
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def set(self, name, value):
        with open(os.path.join(self.dir, name), 'w', encoding='ascii') as f:
            f.write(value)

    def read(self):
        fd = os.open(os.path.join(self.dir, 'trace_pipe'),
                     os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        rest = b''
        try:
            while True:
                select.select([fd], [], [], 0.1)
                try:
                    data = os.read(fd, 1 << 20)
                except BlockingIOError:
                    if self.stopping:
                        return
                    continue
                *lines, rest = (rest + data).split(b'\n')
                for line in lines:
                    self.one(line.decode('utf-8', 'replace'))
        finally:
            os.close(fd)

    def one(self, line):
        m = LINE.search(line)
        if not m:
            lost = LOST.search(line)
            self.lost += int(lost.group(1)) if lost else 0
            return
        tid, event, rest = int(m.group(1)), m.group(2), m.group(3)
        program = self.programs.get(tid, '')
        if event == 'sys_enter':
            m = ENTER.match(rest)
            nr, args = int(m.group(1)), m.group(2).split(', ')
            self.calls[program, nr][tuple(
                int(args[i], 16) for i in self.keep.get(nr, ()))] += 1
            self.inside[tid] = nr
            if nr in self.order:
                self.steps[tid].append(nr)
        elif event == 'sys_exit':
            self.exit(program, tid, EXIT.match(rest))
        elif event == 'sched_process_exec':
            m = EXEC.match(rest)
            self.programs[int(m.group(2))] = m.group(1)
            self.steps[int(m.group(2))].append(m.group(1))
        elif event == 'sched_process_fork':
            m = FORK.match(rest)
            self.programs[int(m.group(2))] = self.programs.get(
                int(m.group(1)), '')

    def exit(self, program, tid, m):
        nr, error = int(m.group(1)), -int(m.group(2))
        who = None
        if self.entries:
            inside = self.inside.pop(tid, None)
            who = 'kernel' if inside is not None else 'filter'
        # a handler returns with what the interrupted code had in its register
        if error in self.errnos and nr != -1:
            self.errors[program, nr, error, who] += 1

    def stop(self):
        """Ends it; what is still in the buffer is read.  Once is enough."""
        if self.stopping:
            return
        for event in self.events:
            self.set('events/%s/enable' % event, '0')
        self.stopping = True
        self.thread.join(60)
        os.rmdir(self.dir)
