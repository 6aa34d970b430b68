# SPDX-License-Identifier: Apache-2.0
"""Whole boots in which a program was replaced by one that its attacker wrote
(tests/evil).  A copy of it, with the attack's name and data written into its
bytes, is bound over the installed one in a mount namespace of the boot's own:
nothing of it is left when the boot ends."""
import itertools
import os
import signal
import struct

from boot_rig import INST, ROOT, SALLYPORT  # noqa: F401
from error_case import ErrorCase
from mounts import propagation
from spframe import EXIT

PROGRAMS = os.path.join(os.environ.get('SALLYPORT_BUILD') or
                        os.path.join(ROOT, 'build', 'release'),
                        'tests', 'evil')
ROLE = {'fetch': 'https', 'store0': 'https', 'store1': 'https',
        'store2': 'https', 'store3': 'https', 'render': 'prepare',
        'tls': 'prepare', 'look': 'control', 'init': 'control',
        'unseal': 'control'}
serial = itertools.count()


def installed(role):
    return '%s/libexec/sallyport/root/%s/sallyport-%s' % (INST, role, role)


def written(program, order, data):
    """The program's bytes with an order and data in their places."""
    for mark, new in ((b'EVIL-ORDER\0', order.encode() + b'\0'),
                      (b'EVIL-DATA\0', struct.pack('=I', len(data)) + data)):
        at = program.index(mark)
        if program.count(mark) != 1:
            raise AssertionError('the mark is not there once')
        program = program[:at] + new + program[at + len(new):]
    return program


def over(pairs, *more):
    """Words before a command that bind each file over another."""
    script = ''.join('mount --bind %s %s && ' % pair for pair in pairs)
    return ['unshare', '-m', '--propagation', propagation(), 'sh', '-c',
            script + 'exec "$@"', 'sh', *more]


def boot_table():
    """(seat, the attack's words, code, words) of each line."""
    with open(os.path.join(ROOT, 'tests/tables/evil_boot.tbl')) as f:
        for line in f:
            words = line.split()
            if not words or words[0].startswith('#'):
                continue
            at = next(i for i, w in enumerate(words)
                      if w in EXIT or w == 'READY')
            yield words[0], words[1:at], words[at], ' '.join(words[at + 1:])


class Hostile:
    """What a test with a self.rig needs for hostile programs."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.end_boots)

    def end_boots(self):
        """A boot that was not refused is the test's failure, not the next's."""
        for boot in self.rig.boots:
            if boot.code() is None:
                boot.signal(signal.SIGTERM)
                boot.wait(20)

    def copy(self, name, order=None, data=b''):
        with open(os.path.join(PROGRAMS, name), 'rb') as f:
            program = f.read()
        if order is not None:
            program = written(program, order, data)
        path = os.path.join(self.rig.work, 'evil-%d' % next(serial))
        with open(path, 'wb') as f:
            f.write(program)
        os.chmod(path, 0o711)
        return path

    def hostile(self, *attacks):
        """Words for a boot with (seat, attack [, argument [, data]])s."""
        pairs = []
        for seat, attack, *rest in attacks:
            role = ROLE.get(seat, seat)
            argument = rest[0] if rest else ''
            data = rest[1] if len(rest) > 1 else b''
            order = ('%s %s %s' % (seat, attack, argument)).strip()
            pairs.append((self.copy('evil-' + role, order, data),
                          installed(role)))
        return over(pairs)


class EvilCase(Hostile, ErrorCase):
    def attack(self, code, *texts, by, **run):
        """A boot with hostile workers that must be refused with the code."""
        return self.refused(EXIT[code], *texts, wrap=self.hostile(*by), **run)
