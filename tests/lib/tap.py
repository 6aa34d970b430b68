#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the unittest cases of one file and prints TAP (testanything.org).
usage: tap.py FILE [PATTERN]   PATTERN: a piece of the case's name"""
import os
import sys
import traceback
import unittest


class Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.n = 0

    def line(self, word, test, directive=''):
        self.n += 1
        print('%s %d - %s%s' % (word, self.n, test.id(), directive), flush=True)

    def addSuccess(self, test):
        self.line('ok', test)

    def addSkip(self, test, reason):
        self.line('ok', test, ' # SKIP ' + reason)

    def fail(self, test, err):
        for text in traceback.format_exception(*err):
            for line in text.rstrip().split('\n'):
                print('# ' + line)
        self.line('not ok', test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fail(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.fail(subtest, err)


def cases(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from cases(t)
        else:
            yield t


def main():
    path = os.path.abspath(sys.argv[1])
    pattern = sys.argv[2] if len(sys.argv) > 2 else ''
    sys.path.insert(0, os.path.dirname(path))
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    name = os.path.basename(path)[:-3]
    loaded = unittest.defaultTestLoader.loadTestsFromName(name)
    suite = unittest.TestSuite(t for t in cases(loaded)
                               if pattern in name + '.' + t.id())
    result = Tap()
    suite.run(result)
    print('1..%d' % result.n)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == '__main__':
    main()
