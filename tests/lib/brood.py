# SPDX-License-Identifier: Apache-2.0
"""All that a run of tests started: whoever outlives its parent becomes ours,
so that an end by Ctrl-C, a signal or a time-out leaves nobody behind."""
import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt():
    """From here on orphans among our descendants are our children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')


def parents():
    """pid -> parent of all that live; a zombie does not."""
    out = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid, encoding='utf-8',
                      errors='replace') as f:
                state, parent = f.read().rsplit(') ', 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        if state not in 'ZX':
            out[int(pid)] = int(parent)
    return out


def family(root):
    """Pids of a process and all below it that live; never our own."""
    up = parents()
    out, todo = [], [root]
    while todo:
        one = todo.pop()
        if one in up and one != os.getpid():
            out.append(one)
        todo += [pid for pid, parent in up.items() if parent == one]
    return out


def names(root, patience=5):
    """The command lines of a process's family, when it had some seconds to
    end."""
    limit = time.monotonic() + patience
    while family(root) and time.monotonic() < limit:
        time.sleep(0.05)
    out = []
    for pid in family(root):
        try:
            with open('/proc/%d/cmdline' % pid, 'rb') as f:
                out.append(f.read().replace(b'\0', b' ').decode(
                    'utf-8', 'replace'))
        except OSError:
            pass
    return out


def end(root, patience=20):
    """SIGTERM to the family of root, SIGKILL to whoever lives after so many
    seconds."""
    limit = time.monotonic() + patience
    number, told = signal.SIGTERM, set()
    while True:
        left = family(root)
        if not left:
            return
        if number != signal.SIGKILL and time.monotonic() > limit:
            number, told = signal.SIGKILL, set()
        for pid in set(left) - told:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        told.update(left)
        time.sleep(0.05)
