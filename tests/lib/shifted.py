#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command as on a machine whose wall clock is stepped: each Sallyport
process of it reads a clock that is so many seconds ahead as FILE says (a
number; again whenever step() writes one).  The machine's clock is not touched.
The server, which is not ours, has the true time.
usage: shifted.py FILE COMMAND...     the exit code is the command's"""
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'policy'))
import ptrace  # noqa: E402
import record  # noqa: E402
import vdso  # noqa: E402


def read(path):
    with open(path, encoding='ascii') as f:
        return int(f.read())


class Shifter(record.Tracer):
    """Stops them at their exec alone."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    @staticmethod
    def looks(p):
        return False

    def executed(self, tid):
        super().executed(tid)
        if record.ours(self.task[tid].program):
            vdso.shift(tid, read(self.path))


def step(path, seconds, root):
    """From now on, for who lives below root and who comes."""
    with open(path + '.new', 'w', encoding='ascii') as f:
        f.write('%d' % seconds)
    os.rename(path + '.new', path)
    import brood
    for pid in brood.family(root):
        try:
            if record.ours(os.readlink('/proc/%d/exe' % pid)):
                vdso.shift(pid, seconds)
        except OSError:
            pass  # it ended


def main():
    tracer = Shifter(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: os.kill(first, n))
    first = tracer.start(sys.argv[2:])
    sys.exit(tracer.follow(first))


if __name__ == '__main__':
    main()
