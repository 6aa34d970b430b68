#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each role replaced in turn by one that its attacker wrote, in whole boots:
the lines of tests/tables/evil_boot.tbl, and the attacks that need data."""
import unittest

from evil_case import EvilCase, boot_table

# A hang must not take long.
DEADLINE = 3


class Line(EvilCase):
    def line(self, seat, attack, code, words):
        by = (seat, attack[0], ' '.join(attack[1:]))
        if code != 'READY':
            short = {'step_deadline': DEADLINE} if code == 'DEADLINE' else {}
            self.attack(code, words, by=[by], **short)
            return
        before = self.rig.store_hash()
        boot = self.rig.ready(wrap=self.hostile(by))
        self.assertEqual(self.rig.read_word(), 'written in the first life')
        self.rig.stop(boot)
        self.untouched(before, self.rig.store_hash())


class Lines(Line):
    def seat(self, name):
        lines = [x for x in boot_table() if x[0] == name]
        for seat, attack, code, words in lines:
            with self.subTest(' '.join([seat] + attack)):
                self.line(seat, attack, code, words)
        print('# %s: %d attacks in whole boots' % (name, len(lines)))
        self.mended()

    def test_resolve(self):
        self.seat('resolve')

    def test_fetch(self):
        self.seat('fetch')

    def test_verify(self):
        self.seat('verify')

    def test_tpm(self):
        self.seat('tpm')

    def test_render(self):
        self.seat('render')

    def test_tls(self):
        self.seat('tls')

    def test_look(self):
        self.seat('look')

    def test_unseal(self):
        self.seat('unseal')

    def test_broker(self):
        self.seat('broker')


class Container(Line):
    """Without CAP_SYS_ADMIN filters, uids, chroot and Landlock carry the
    load: one attack at least of each seat, and those that a namespace would
    have met first."""
    RIG = {'profile': 'container'}
    SOME = {'resolve': ('fork',), 'fetch': ('ptrace', 'foreign 15'),
            'verify': ('ptrace',), 'tpm': ('descriptor', 'after 32 5'),
            'render': ('fork',), 'tls': ('scribble',), 'look': ('ptrace',),
            'unseal': ('fork',), 'broker': ('fork', 'early')}

    def test_some_of_each_seat(self):
        lines = [x for x in boot_table()
                 if ' '.join(x[1]) in self.SOME.get(x[0], ())]
        self.assertEqual(len(lines), sum(map(len, self.SOME.values())))
        for seat, attack, code, words in lines:
            with self.subTest(' '.join([seat] + attack)):
                self.line(seat, attack, code, words)
        print('# container: %d attacks in whole boots' % len(lines))
        self.mended()


if __name__ == '__main__':
    unittest.main()
