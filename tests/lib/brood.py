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


def descendants(root):
    """Pids of all that live below a process, zombies not counted."""
    children = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid, encoding='utf-8',
                      errors='replace') as f:
                state, parent = f.read().rsplit(') ', 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        if state != 'Z':
            children.setdefault(int(parent), []).append(int(pid))
    out, todo = [], [root]
    while todo:
        more = children.get(todo.pop(), [])
        out += more
        todo += more
    return out


def names(root, patience=5):
    """The command lines of all that live below a process, when they had some
    seconds to end."""
    limit = time.monotonic() + patience
    while descendants(root) and time.monotonic() < limit:
        time.sleep(0.05)
    out = []
    for pid in descendants(root):
        try:
            with open('/proc/%d/cmdline' % pid, 'rb') as f:
                out.append(f.read().replace(b'\0', b' ').decode(
                    'utf-8', 'replace'))
        except OSError:
            pass
    return out


def end(root, patience=20):
    """SIGTERM to all below root (root too, unless it is us), and SIGKILL to
    whoever is there after so many seconds."""
    limit = time.monotonic() + patience
    number, told = signal.SIGTERM, set()
    while True:
        left = descendants(root)
        if root != os.getpid() and os.path.exists('/proc/%d' % root):
            left.append(root)
        if time.monotonic() > limit:
            number, told = signal.SIGKILL, set()
        for pid in set(left) - told:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        told.update(left)
        if not left:
            return
        time.sleep(0.05)
