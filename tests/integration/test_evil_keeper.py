#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The keeper replaced by one that its attacker wrote, in whole boots: the
lines of tests/tables/evil_boot.tbl; what the gate sees of it; and what it can
at most cause: a boot that stops or waits, or two nodes at once."""
import signal
import time
import unittest

from evil_case import SALLYPORT, Hostile, boot_table, over
from nodes_case import NodesCase
from spframe import EXIT

BUNDLE = 'apm-unseal-bundle'
SHORT = {'step_deadline': 3, 'retry_time': 1}  # a hang must not take long
PATIENT = {'call_timeout': 60, 'retry_time': 60}


class Boots(Hostile, NodesCase):
    def untouched(self):
        """Nothing was released, made or stored, and nothing is left."""
        self.rig.check_nothing_left()
        self.assertEqual(self.rig.releases(), self.before)
        self.assertEqual(self.client.list_versions(BUNDLE), [])

    def attack(self, code, *words, by, **run):
        self.before = self.rig.releases()
        boot = self.rig.run(wrap=self.hostile(by), **run)
        self.ends(boot, EXIT[code], *words)
        if code == 'SERVER_EXIT':
            self.rig.check_nothing_left()
            return boot
        self.assertIn('what to do: ', boot.said())
        self.untouched()
        return boot

    def lines(self, some=None):
        lines = [x for x in boot_table() if x[0] == 'keeper' and
                 (some is None or ' '.join(x[1]) in some)]
        self.assertEqual(len(lines), len(some or lines))
        for seat, attack, code, words in lines:
            with self.subTest(' '.join(attack)):
                by = (seat, attack[0], ' '.join(attack[1:]))
                run = SHORT if code in ('DEADLINE', 'STORAGE_AWAY') else {}
                self.client.clear_faults()
                if attack[0] == 'held-and-end':
                    self.slow() # it takes its word back in the middle
                boot = self.attack(code, words, by=by, **run)
                if code != 'SERVER_EXIT' and attack[0] != 'held-and-end':
                    self.assertNotIn('evidence', boot.events())
        print('# keeper: %d attacks in whole boots' % len(lines))
        self.client.clear_faults()
        self.ends(self.rig.run(), EXIT['SERVER_EXIT'])
        self.assertEqual(self.lease(), 'available')


class Keeper(Boots):
    def test_lines(self):
        self.lines()

    def test_no_right_is_a_word_that_an_operator_can_refuse(self):
        self.attack('LEASE_DENIED', 'create that container',
                    by=('keeper', 'begin-and-end', '78'), lease='on')

    def test_who_says_that_others_hold_it_makes_the_boot_wait(self):
        self.before = self.rig.releases()
        boot = self.rig.run(wrap=self.hostile(('keeper', 'others')))
        self.assertTrue(boot.wait_until('lease_waiting'))
        time.sleep(1)
        self.assertNotIn('evidence', boot.events())
        boot.signal(signal.SIGTERM)
        self.ends(boot, EXIT['INTERRUPTED'])
        self.untouched()

    def test_a_limit_it_lets_two_nodes_run_and_takes_no_lease_from_another(self):
        """The one that is honest keeps its lease, and knows nothing."""
        self.slow()
        first = self.held(**PATIENT)
        liar = self.rig.run(wrap=self.hostile(('keeper', 'held')),
                            **self.other(), **PATIENT)
        # the two have one TPM here: it comes no further beside the first
        self.assertTrue(liar.wait_until('resolved'), liar.text()[-3000:])
        self.assertEqual((self.lease(), first.code()), ('leased', None))
        for boot in (liar, first):
            boot.signal(signal.SIGTERM)
            self.ends(boot, EXIT['INTERRUPTED'])

    def test_a_limit_the_metadata_service_gives_it_any_token(self):
        """For the key vault too, as to https: what is stored there is sealed
        to a key that it has not."""
        self.client.reset_counts()
        self.attack('STORAGE_AWAY', by=('keeper', 'token',
                                        'https://vault.azure.net'), **SHORT)
        asked = {r['query']['resource'] for r in
                 self.client.requests(bodies=True)
                 if r['service'] == 'imds' and r['status'] == 200}
        self.assertEqual(asked, {'https://vault.azure.net'})


class Container(Boots):
    """Without CAP_SYS_ADMIN: what filter and supervisor stop there."""
    RIG = {'profile': 'container'}

    def test_some_lines(self):
        self.lines(('fork', 'ptrace', 'byte', 'begin-and-end 77',
                    'held-and-end 77'))


class Gate(Hostile, NodesCase):
    """As test_evil_gate of the others: it is told to begin only when it is
    what it must be."""
    IS = 'keeper is not confined as it must be: '

    def refused(self, boot, code, words):
        self.ends(boot, code, words)
        self.rig.check_nothing_left()
        self.assertEqual(self.lease(), 'absent') # it did not begin

    def test_a_worker_that_lies(self):
        for attack, what in (('no-inner-filter', 'number of filters'),
                             ('two-inner-filters', 'number of filters'),
                             ('no-lock', 'number of filters'),
                             ('dumpable', 'dumpable'), ('thread', 'threads'),
                             ('extra-descriptor', 'an extra descriptor'),
                             ('high-descriptor', 'an extra descriptor'),
                             ('missing-descriptor', 'a missing descriptor')):
            with self.subTest(attack):
                boot = self.rig.run(wrap=self.hostile(('keeper', attack)))
                self.refused(boot, EXIT['GATE'], self.IS + what)

    def test_a_step_that_is_left_out(self):
        for what, named in (('uid', 'uid'), ('gid', 'gid'),
                            ('groups', 'groups'), ('bounding', 'capabilities'),
                            ('outer', 'number of filters')):
            with self.subTest(what):
                wrap = over([(self.copy('evil-sallyport'), SALLYPORT)])
                boot = self.rig.run(wrap=wrap, env={
                    'EVIL_SPOIL': 'keeper ' + what})
                self.refused(boot, EXIT['GATE'], self.IS + named)


if __name__ == '__main__':
    unittest.main()
