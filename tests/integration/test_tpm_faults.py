# SPDX-License-Identifier: Apache-2.0
"""sallyport-tpm through a whole life with a TPM that fails at one of its
commands: any code, any cut, any byte, silence, death, other PCRs.  What comes
of it is named, or is what would have come without.  Some of them, by a seed
that is printed; all bytes: tests/long/test_tpm_bytes.py."""
import os
import random
import unittest

import drawn
import tpm_faults as tf

SEED = drawn.seed()
OPENING = ('TOKEN', 'UNWRAP')


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest('needs root')
        cls.life = tf.Life()
        cls.some = random.Random(SEED)
        print('# seed %d: %d commands, %d bytes of answers' % (
            SEED, len(cls.life.places),
            sum(map(len, cls.life.answers.values()))))

    def ends(self, place, change, *codes, **more):
        """With that done to the answer to that command."""
        got, wrong = self.life.run(place, change, **more)
        self.assertIsNone(wrong)
        if codes:
            self.assertIn(got, codes + OPENING * tf.opens(place),
                          tf.name(place))

    def places(self, many):
        """Flushing at the end is not waited for: not those."""
        return self.some.sample([
            p for p in self.life.places
            if not tf.name(p).startswith('FlushContext')], many)

    def test_lockout_is_final_and_named(self):
        for place in self.places(2):
            self.ends(place, tf.Code(0x921), 'TPM_LOCKOUT')

    def test_a_tpm_that_is_busy_for_ever(self):
        for rc in (0x922, 0x908): # RETRY, YIELDED
            self.ends(self.places(1)[0], tf.Code(rc), 'TPM', 'DEADLINE',
                      'NO_HCL', ever=True)

    def test_a_tpm_that_is_busy_once(self):
        self.ends(self.places(1)[0], tf.Code(0x922), self.life.good[0])

    def test_any_other_code(self):
        for rc in (0x101, 0x128, 0xffffffff):
            self.ends(self.places(1)[0], tf.Code(rc))

    def test_death_in_mid_command(self):
        for place in self.places(2):
            self.ends(place, lambda a: None, 'TPM')

    def test_answers_cut_short(self):
        for place in self.places(2):
            at = self.some.randrange(len(self.life.answers[place]))
            self.ends(place, lambda a, at=at: tf.cut(a, at), 'TPM')

    def test_answers_shorter_than_they_should_be(self):
        """Whole frames, whose size says so."""
        for place in self.places(2):
            at = self.some.randrange(10, len(self.life.answers[place]) + 1)
            self.ends(place, lambda a, at=at: tf.short(a, at))

    def test_garbled_bytes(self):
        for place in self.places(3):
            at = self.some.randrange(len(self.life.answers[place]))
            self.ends(place, tf.flip(at, self.some.randrange(1, 256)))

    def test_other_pcrs_when_the_key_is_used(self):
        """Somebody extends a PCR between the policy and the decryption."""
        self.assertIn(self.life.with_other_pcrs(), ('TPM',) + OPENING)


if __name__ == '__main__':
    unittest.main()
