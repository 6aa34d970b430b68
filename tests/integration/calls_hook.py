# SPDX-License-Identifier: Apache-2.0
"""What is done to the next process that a life of a role (calls_lives.py)
starts: a system call of it fails (tests/fault/fault.c), or an allocation
(failalloc.c); and what is known of its confinement."""
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

import spframe as sp

TOOLS = os.path.join(os.environ.get('SALLYPORT_BUILD') or
                     os.path.join(sp.ROOT, 'build', 'release'),
                     'tests', 'fault')
FAULT, FAILALLOC = TOOLS + '/fault', TOOLS + '/failalloc.so'
LIMIT_S = 60  # no life may take that long
_spawn, _execve = sp.spawn, os.execve


class Hook:
    """What is done to the next process that sp.spawn() starts."""

    def __init__(self):
        self.argv, self.env = None, None
        self.tracer, self.report, self.confined = None, None, None


HOOK = Hook()


def _held_exec(program, argv, env):
    os.kill(os.getpid(), signal.SIGSTOP)
    _execve(program, argv, env)


def _hooked_spawn(program, args, fds, uid=None, env=None):
    if HOOK.env:
        env = {'TZ': 'UTC0', **HOOK.env}
    if not HOOK.argv:
        return _spawn(program, args, fds, uid, env)
    sp.os.execve = _held_exec
    try:
        pid = _spawn(program, args, fds, uid, env)
    finally:
        sp.os.execve = _execve
    os.waitpid(pid, os.WUNTRACED)
    HOOK.tracer = subprocess.Popen(
        [FAULT, '-o', HOOK.report, '-p', str(pid), '-', *HOOK.argv])
    end = time.monotonic() + LIMIT_S
    while 'seized' not in read(HOOK.report):
        if time.monotonic() > end or HOOK.tracer.poll() is not None:
            raise OSError('not seized')
        time.sleep(0.001)
    return pid


def _hooked_start(self, timeout=20.0):
    """And what is known of its confinement when it says LOCKED."""
    self.broker.expect('LOCKED', timeout)
    sp.select.select([self.ready], [], [], timeout)
    os.read(self.ready, 1)
    HOOK.confined = confinement(self.pid)
    self.broker.send('START')
    return self


def read(path):
    try:
        with open(path, encoding='ascii') as f:
            return f.read()
    except FileNotFoundError:
        return ''


def confinement(pid):
    """What the supervisor's gate would see, and the limits."""
    path = '/proc/%d/' % pid
    owner = os.stat(path + 'status').st_uid
    status = dict(re.findall(r'^(\w+):\t(.*)$', read(path + 'status'), re.M))
    return [owner, read(path + 'limits')] + [
        status.get(x) for x in ('Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff',
                                'CapBnd', 'NoNewPrivs', 'Seccomp',
                                'Seccomp_filters', 'Threads')]


@contextlib.contextmanager
def hooked(argv=None, env=None):
    with tempfile.TemporaryDirectory(prefix='sallyport-') as tmp:
        HOOK.argv, HOOK.env, HOOK.tracer = argv, env, None
        HOOK.report, HOOK.confined = tmp + '/report', None
        sp.spawn, start = _hooked_spawn, sp.Worker.start
        sp.Worker.start = _hooked_start
        try:
            yield HOOK
        finally:
            sp.spawn, sp.Worker.start = _spawn, start
            if HOOK.tracer:
                try:
                    HOOK.tracer.wait(LIMIT_S)
                finally:
                    HOOK.tracer.kill()
                    HOOK.tracer.wait()
