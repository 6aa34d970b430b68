# SPDX-License-Identifier: Apache-2.0
"""A fetch that only asks whether certificate or password are newer: by two
ages, the version's by the key vault's clock (created, Date), the question's by
this machine's, so that neither clock need be right; without Date by one."""
import os
import sys
import time
import unittest
from email.utils import formatdate

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
from https_rig import Case  # noqa: E402

NAMES = ('apm-tls-cert', 'apm-tls-cert-password')
HOUR = 3600


class Ages(Case):
    def asked(self, ago, cert, password, date):
        """What it says when those in use were asked for `ago` seconds ago, and
        the two were made so long ago; date: the key vault's clock against
        ours, a text, or None (no header)."""
        now = int(time.time())
        ahead = date if isinstance(date, int) else 0
        head = formatdate(now + date, usegmt=True) \
            if isinstance(date, int) else date
        for name, age in zip(NAMES, (cert, password)):
            self.az.rule('akv', 'GET /secrets/' + name + '?', nf.answer(200, {
                'value': 'secret', 'id': 'x', 'attributes': {
                    'enabled': True, 'created': now + ahead - age}},
                {'Date': head}))
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - ago * 10**9
        said = self.fetch(evidence=False, SINCE_BOOT=boot.to_bytes(8, 'big'),
                          SINCE_REAL=(now - ago).to_bytes(8, 'big'))
        self.assertEqual(self.seat.messages, [])  # it gives nothing
        self.az.rules.clear()
        return said

    def check(self, date):
        for ago, cert, password, said in (
                (60, 600, 600, 'F_SAME'), (60, 600, 30, 'F_NEWER'),
                (60, 30, 600, 'F_NEWER'), (60, 30, 30, 'F_NEWER'),
                (HOUR, 600, 2 * HOUR, 'F_NEWER'),
                (HOUR, 2 * HOUR, 2 * HOUR, 'F_SAME'), (0, 5, 5, 'F_SAME')):
            with self.subTest(ago=ago, cert=cert, password=password,
                              date=date):
                self.assertEqual(self.asked(ago, cert, password, date), said)

    def test_clocks_that_agree(self):
        self.check(0)

    def test_a_key_vault_that_is_an_hour_ahead(self):
        self.check(HOUR)

    def test_a_key_vault_that_is_an_hour_behind(self):
        self.check(-HOUR)

    def test_no_date(self):
        """Then this machine's clock counts for both."""
        self.check(None)

    def test_a_date_that_is_none(self):
        for date in ('yesterday', '', 'Fri, 27 Foo 2026 10:00:00 GMT',
                     'Thu, 01 Jan 1970 00:00:00 GMT', '99999999999999999999',
                     'Fri, 27 Nov 2026 10:00:00 GMT ' + 'x' * 2000):
            with self.subTest(date=date):
                self.assertEqual(self.asked(60, 600, 600, date), 'F_SAME')
                self.assertEqual(self.asked(60, 30, 600, date), 'F_NEWER')

    def test_a_date_that_lies(self):
        """The key vault says both times: it can cost a rotation, or hide a
        certificate, which it could as well not give."""
        ahead = formatdate(time.time() + 10**6, usegmt=True)
        self.assertEqual(self.asked(60, 30, 30, ahead), 'F_SAME')
        behind = formatdate(time.time() - 10**6, usegmt=True)
        self.assertEqual(self.asked(60, 600, 600, behind), 'F_NEWER')


if __name__ == '__main__':
    unittest.main()
