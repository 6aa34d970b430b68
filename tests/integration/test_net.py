# SPDX-License-Identifier: Apache-2.0
"""The network as it can be, the short form: some faults of net_faults.py at
some calls of https, the keeper and control, by a seed that is printed (again: SALLYPORT_SEED).  All of
them: tests/long/test_net_whole.py."""
import unittest

import drawn
import net_case
import net_lease
import server_faults

SEED = drawn.seed()


class Short(unittest.TestCase):
    def test_for_ever(self):
        self.assertEqual(net_case.run(SEED, 40), [])

    def test_once(self):
        self.assertEqual(net_case.run(SEED, 5, once=True), [])

    def test_the_lease(self):
        self.assertEqual(net_lease.run(SEED, 12, jobs=12), [])

    def test_the_server(self):
        self.assertEqual(server_faults.run(SEED, 60), [])

    def test_a_redirect_is_no_word_about_the_key(self):
        """Somebody else answers in the key vault's place."""
        az = net_case.nf.Azure()
        self.addCleanup(az.close)
        for fault in net_case.all_faults(az):
            if (fault.call, fault.name) == ('release', '302'):
                self.assertIsNone(net_case.Run(az, fault).wrong())
                return
        self.fail('no such fault')


if __name__ == '__main__':
    unittest.main()
