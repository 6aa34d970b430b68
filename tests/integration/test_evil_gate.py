#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The gate: each property that it reads from /proc is taken away in turn, in
a whole boot, by a worker that lies or by a supervisor that spoils a step of a
child's confinement; the boot refuses and names the property."""
import os
import unittest

from evil_case import SALLYPORT, EvilCase, installed, over

CHILD = '%s is not confined as it must be: %s'
SERVER_IS = 'the server is not confined as it must be: '


class Gate(EvilCase):
    """One deployment for all: each case leaves it as it was."""

    # --- what a worker can spoil of itself

    def lies(self, seat, attack, what):
        self.attack('GATE', CHILD % (seat, what), by=[(seat, attack)])

    def test_no_inner_filter(self):
        for seat in ('broker', 'resolve', 'fetch', 'verify', 'tpm', 'render',
                     'look', 'tls', 'unseal'):
            with self.subTest(seat):
                self.lies(seat, 'no-inner-filter', 'number of filters')

    def test_one_filter_more(self):
        self.lies('fetch', 'two-inner-filters', 'number of filters')

    def test_dumpable(self):
        self.lies('verify', 'dumpable', 'dumpable')

    def test_a_second_thread(self):
        self.lies('resolve', 'thread', 'threads')

    def test_an_extra_descriptor(self):
        self.lies('tpm', 'extra-descriptor', 'an extra descriptor')
        self.lies('look', 'high-descriptor', 'an extra descriptor')

    def test_a_missing_descriptor(self):
        self.lies('render', 'missing-descriptor', 'a missing descriptor')

    def test_locked_is_said_and_nothing_done(self):
        self.lies('verify', 'no-lock', 'number of filters')

    # --- what the supervisor's own code does for a child

    def spoilt(self, seat, what, code, *texts, by=(), more=(), **run):
        wrap = self.hostile(*by) + over(
            [(self.copy('evil-sallyport'), SALLYPORT), *more])
        self.refused(code, *texts, wrap=wrap,
                     env={'EVIL_SPOIL': '%s %s' % (seat, what)}, **run)

    def child(self, seat, what, named, **more):
        self.spoilt(seat, what, 13, CHILD % (seat, named), **more)

    def test_uid(self):
        self.child('verify', 'uid', 'uid')

    def test_gid(self):
        self.child('fetch', 'gid', 'gid')

    def test_groups(self):
        self.child('tpm', 'groups', 'groups')

    def test_capabilities(self):
        for what in ('inheritable', 'bounding', 'ambient'):
            with self.subTest(what):
                self.child('resolve', what, 'capabilities')

    def test_no_new_privs(self):
        # The worker itself sees it first; one that lies meets the gate.
        self.spoilt('verify', 'no-new-privs', 12,
                    'a confinement step failed in a process')
        self.child('verify', 'no-new-privs', 'no_new_privs',
                   by=[('verify', 'no-privs')])

    def test_outer_filter(self):
        self.child('render', 'outer', 'number of filters')

    def test_no_filter(self):
        self.child('broker', 'all-filters', 'seccomp mode',
                   by=[('broker', 'no-inner-filter')])

    def test_descriptors(self):
        for what in ('extra', 'missing'):
            with self.subTest(what):
                self.spoilt('verify', what, 12,
                            'a confinement step failed in a process')

    # --- the server, after it became what it is

    def server(self, what, named, mode=0o711, **more):
        """The real one would not come as far as READY with another uid."""
        fake = self.copy('evil-server')
        os.chmod(fake, mode)
        self.spoilt('server', what, 13, SERVER_IS + named, server=fake, **more)

    def test_server_confined(self):
        self.refused(55, 'not answered by the process that was started',
                     server=self.copy('evil-server'))

    def test_server_uid(self):
        self.server('uid', 'uid')

    def test_server_gid(self):
        self.server('gid', 'gid')

    def test_server_groups(self):
        self.server('groups', 'groups')

    def test_server_capabilities(self):
        for what in ('inheritable', 'bounding', 'ambient'):
            with self.subTest(what):
                self.server(what, 'capabilities')

    def naked(self):
        return [(self.copy('evil-exec'), installed('exec'))]

    def test_server_no_new_privs(self):
        self.server('no-new-privs', 'no_new_privs', more=self.naked())

    def test_server_filters(self):
        self.server('outer', 'filters')
        self.server('nothing', 'filters', more=self.naked())

    def test_server_dumpable(self):
        self.server('readable', 'dumpable', mode=0o755)

    def test_zz_mended(self):
        self.mended()


if __name__ == '__main__':
    unittest.main()
