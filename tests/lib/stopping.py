# SPDX-License-Identifier: Apache-2.0
"""Stops a process while it waits, and sees what it does when it goes on."""
import os
import signal
import time

POLL, RESTART = 7, 219


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError('not within %d s' % seconds)
        time.sleep(0.01)


def waits_in(pid):
    """The number of the call it waits in, or -1."""
    try:
        with open('/proc/%d/syscall' % pid, encoding='ascii') as f:
            word = f.read().split()[0]
    except (OSError, IndexError):
        return -1
    return int(word) if word.isdigit() else -1


def state(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as f:
        return f.read().rsplit(') ', 1)[1][0]


def stop_and_go_on(pid):
    """Stops it in a wait and lets it go on, until it waits once more by the
    kernel's restart."""
    until(lambda: waits_in(pid) == POLL)
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.02)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
        if waits_in(pid) == RESTART:
            return
        if state(pid) == 'Z':
            raise AssertionError('it died')
    raise AssertionError('no wait was resumed')
