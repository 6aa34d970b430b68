# SPDX-License-Identifier: Apache-2.0
"""Every byte of every answer of the TPM in a life of sallyport-tpm garbled, the
answer cut there, and shortened to there; every command with eight codes.
Parts of it: tests/lib/drawn.py."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../integration'))
import drawn # noqa: E402
import tpm_faults as tf # noqa: E402

SEED = drawn.seed(1)
CODES = (0x100, 0x101, 0x128, 0x18b, 0x908, 0x921, 0x922, 0x9a2)


def cases(life):
    """(place, what, a change); the HCL report's own bytes are looked at one
    by one in tests/unit/attest/test_tpm_hcl.c: of those each sixteenth."""
    for place, answer in life.answers.items():
        for rc in CODES:
            yield place, 'code %x' % rc, tf.Code(rc)
        yield place, 'death', lambda a: None
        step = 16 if tf.name(place).startswith('NV_Read ') else 1
        for at in range(0, len(answer), step):
            yield place, 'flip %d' % at, tf.flip(at, 1 << at % 8)
            if at % 8 == 0:
                yield place, 'cut %d' % at, lambda a, at=at: tf.cut(a, at)
                if at >= 10:
                    yield place, 'short %d' % at, \
                        lambda a, at=at: tf.short(a, at)


class Bytes(unittest.TestCase):
    maxDiff = None  # each that went wrong

    def test_all(self):
        life, wrong = tf.Life(), []
        every = list(cases(life))
        todo = drawn.cases(every, SEED, lambda c: '%s %s' % c[:2])
        for place, what, change in todo:
            why = life.run(place, change)[1]
            if why:
                wrong.append('%s: %s' % (what, why))
        print('# seed %d: %d of %d cases, %d wrong' % (
            SEED, len(todo), len(every), len(wrong)))
        self.assertEqual(wrong, [])


if __name__ == '__main__':
    unittest.main()
