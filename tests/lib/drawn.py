# SPDX-License-Identifier: Apache-2.0
"""Which of many cases are run, by the environment: SALLYPORT_SEED (the order,
and what is drawn; a test prints it), SALLYPORT_CASES (so many), SALLYPORT_SLICE
(I/N: the I-th of N parts, for several machines or one night after another; a
case is in the same part whatever the seed), SALLYPORT_ROUNDS, SALLYPORT_JOBS."""
import os
import queue
import random
import re
import threading
import zlib


def _number(name, otherwise):
    """Of the environment, as it must be given: a typing error is no 0."""
    said = os.environ.get(name)
    if not said:
        return otherwise
    if not re.fullmatch('[0-9]+', said):
        raise SystemExit('error: %s=%s is not a number' % (name, said))
    return int(said)


def seed(otherwise=None):
    """None: any."""
    if otherwise is None:
        otherwise = random.SystemRandom().randrange(1 << 32)
    return _number('SALLYPORT_SEED', otherwise)


def rounds(otherwise):
    return _number('SALLYPORT_ROUNDS', otherwise)


def jobs(otherwise):
    return _number('SALLYPORT_JOBS', otherwise)


def part():
    """(I, N) of SALLYPORT_SLICE."""
    said = os.environ.get('SALLYPORT_SLICE') or '1/1'
    m = re.fullmatch('([0-9]+)/([0-9]+)', said)
    if not m or not 1 <= int(m.group(1)) <= int(m.group(2)):
        raise SystemExit('error: SALLYPORT_SLICE=%s is not I/N' % said)
    return int(m.group(1)), int(m.group(2))


def cases(every, number, name=repr, most=None):
    """Of every case those of this run, in the order of the seed `number`;
    most: so many, if the environment does not say.  name: a text that is the
    same in each run."""
    i, n = part()
    out = [c for c in every if zlib.crc32(name(c).encode()) % n == i - 1]
    random.Random(number).shuffle(out)
    return out[:_number('SALLYPORT_CASES', most)]


def at_once(every, one, number):
    """Calls one(case) with each, by so many threads; returns what came of it
    that is not None, an exception in words."""
    waiting, out = queue.SimpleQueue(), []
    for case in every:
        waiting.put(case)

    def work():
        while True:
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                got = one(case)
            except Exception as e:  # pylint: disable=broad-except
                got = '%r: %r' % (case, e)
            if got is not None:
                out.append(got)
    threads = [threading.Thread(target=work) for _ in range(number)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out
