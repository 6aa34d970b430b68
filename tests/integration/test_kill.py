# SPDX-License-Identifier: Apache-2.0
"""The kill matrix, its short form: of every process of a restart and of a
first life, a few steps and signals, by a seed that is printed.  The whole is
tests/long/test_kill_*.py; one case again: SALLYPORT_SEED."""
import unittest

import drawn
import fault_case as fc

SEED = drawn.seed()
RESTART, FIRST = 6, 2


class Short(unittest.TestCase):
    def some(self, lived, count):
        why = fc.unable()
        if why:
            self.skipTest(why)
        faults = fc.Faults(lived)
        self.addCleanup(faults.close)
        cases = faults.cases()
        picked = fc.sample(cases, count, SEED)
        for case in picked:
            with self.subTest(fc.text(case), seed=SEED):
                faults.run(case)
        print('# seed %d: %d of %d cases' % (
            SEED, len(picked), len(cases)))

    def test_a_restart(self):
        self.some(True, RESTART)

    def test_a_first_life(self):
        self.some(False, FIRST)


class Lingers(unittest.TestCase):
    def test_one_that_is_killed_and_not_gone(self):
        """Whoever stores the only keys stands still, is killed, and the
        kernel does not let it go: nothing goes on as if it had stored them."""
        why = fc.unable()
        if why:
            self.skipTest(why)
        faults = fc.Faults(False)
        self.addCleanup(faults.close)
        boot = faults.boot(['https store:1', fc.STEPS, '6', 'stays'],
                           step_deadline=fc.STEP_S)
        self.assertEqual(boot.wait(), 8, boot.text()[-3000:])
        self.assertIn('lingers', boot.events())
        self.assertEqual(boot.events().count('released'), 1)
        self.assertNotIn('stored', boot.events())
        faults.rig.nobody_left()
        faults.recovers()


if __name__ == '__main__':
    unittest.main()
