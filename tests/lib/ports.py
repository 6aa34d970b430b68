# SPDX-License-Identifier: Apache-2.0
"""Ports and uids for a test that needs its own: nobody beside it gets the
same, in this run of the tests or in another on the machine."""
import os
import random
import socket

held = []  # sockets: a port is ours until this process ends


def free_port():
    """A port below the ephemeral range, which others' connections use. An
    abstract socket of its name keeps it ours while nothing listens."""
    while True:
        port = random.randrange(20000, 32000)
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind('\0sallyport-test-port-%d' % port)
            with socket.socket() as s:
                s.bind(('0.0.0.0', port))
        except OSError:
            mark.close()
            continue
        held.append(mark)
        return port


def uids_in_use():
    """The real uid of every process."""
    found = set()
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/status' % pid, encoding='ascii',
                      errors='replace') as f:
                found.add(int(f.read().split('\nUid:', 1)[1].split()[0]))
        except (OSError, IndexError):
            pass
    return found


def free_uids(count):
    """The first of as many uids that nobody has: one place of many millions,
    far from those of distributions and containers."""
    used = uids_in_use()
    while True:
        base = random.randrange(10 ** 7, 10 ** 9, 64)
        if used.isdisjoint(range(base, base + count)):
            return base
