#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/demo: shows the job done in both profiles, under odd circumstances
too, and leaves nothing behind, also after Ctrl-C, SIGTERM and a terminal that
is closed, at any step. Its options, and those of scripts/check."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from boot_rig import LIMIT_S, ROOT


def mentions(work):
    """Command lines of processes that name the directory."""
    out = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                text = f.read().replace(b'\0', b' ').decode()
        except OSError:
            continue
        if work in text:
            out.append(text)
    return out


class DemoCase(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('needs root')

    def start(self, *words, wrap=(), root=ROOT, **more):
        # an asynchronous job of a shell ignores SIGINT: not here
        return subprocess.Popen(
            [*wrap, root + '/scripts/demo', *words], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **{'stdin': subprocess.DEVNULL, **more})

    def nothing_left(self, text):
        """Of the demo that said this."""
        for work in re.findall(r'/(?:tmp|dev/shm)/sallyport-demo\.\w+', text):
            self.assertFalse(os.path.exists(work), work)
            self.assertEqual(mentions(work), [])

    def whole(self, *words, **more):
        p = self.start(*words, **more)
        text = p.communicate(timeout=300)[0]
        self.assertEqual(p.returncode, 0, text[-3000:])
        self.assertRegex(text, r'key releases \(emulator counted\) +2 +1\n')
        self.assertIn('the secret of the first life is there', text)
        self.assertIn('initialized=True sealed=False', text)
        self.assertNotIn('\x1b', text) # nothing for a terminal in a pipe
        self.nothing_left(text)
        return text


class Demo(DemoCase):
    def test_full(self):
        self.assertIn('confinement profile: full',
                      self.whole('--profile', 'full'))

    def test_container(self):
        self.assertIn('confinement profile: container',
                      self.whole('--profile', 'container'))

    def test_odd_circumstances(self):
        """No network, another python3 first, odd locale and environment."""
        with tempfile.TemporaryDirectory() as odd:
            other = os.path.join(odd, 'python3')
            with open(other, 'w', encoding='ascii') as f:
                f.write('#!/bin/sh\nexit 9\n')
            os.chmod(other, 0o755)
            self.whole(wrap=['unshare', '-n'], cwd='/', env=dict(
                os.environ, PATH=odd + ':' + os.environ['PATH'],
                LC_ALL='de_DE', LANG='de_DE', PYTHONPATH=odd, CDPATH='/usr',
                TMPDIR=odd, https_proxy='http://127.0.0.1:1'))
            self.assertEqual(os.listdir(odd), ['python3'])

    def test_input_and_output_are_closed(self):
        p = self.start(wrap=['sh', '-c', 'exec "$0" <&-'])
        text = p.communicate(timeout=300)[0]
        self.assertEqual(p.returncode, 0, text[-3000:])
        self.nothing_left(text)
        p = self.start()
        text = ''
        while 'READY' not in text:
            line = p.stdout.readline()
            self.assertTrue(line, text)
            text += line
        p.stdout.close()
        self.assertNotEqual(p.wait(LIMIT_S), 0)
        self.nothing_left(text)


class Interrupted(DemoCase):
    STEPS = ('== Azure', '== A deployment', 'server = ',
             'confinement profile', 'key released', 'store marked PREPARED',
             'server initialised', 'store marked STORED', 'READY',
             '== Restart', 'server unsealed')

    def interrupted(self, step, number, whole_group):
        p = self.start()
        text = ''
        for line in p.stdout:
            text += line
            if line.startswith(step) or '] ' + step in line:
                break
        else:
            self.fail('no %s in %s' % (step, text[-2000:]))
        begin = time.monotonic()
        (os.killpg if whole_group else os.kill)(p.pid, number)
        text += p.communicate(timeout=LIMIT_S)[0]
        self.assertEqual(p.returncode, 128 + number, text[-2000:])
        self.assertLess(time.monotonic() - begin, 60)
        self.nothing_left(text)

    def test_at_each_step(self):
        ways = [(signal.SIGINT, True), (signal.SIGTERM, False),
                (signal.SIGHUP, True)]
        for i, step in enumerate(self.STEPS):
            with self.subTest(step):
                self.interrupted(step, *ways[i % len(ways)])

    def test_while_it_sets_up(self):
        """Before it says anything: no temporary file stays."""
        with tempfile.TemporaryDirectory() as tmp:
            for seconds in (0.02, 0.1, 0.3, 0.6, 1):
                p = self.start(env=dict(os.environ, TMPDIR=tmp))
                time.sleep(seconds)
                os.killpg(p.pid, signal.SIGINT)
                text = p.communicate(timeout=LIMIT_S)[0]
                # before bash takes it, the signal itself ends it
                self.assertIn(p.returncode, (130, -signal.SIGINT), text)
                self.assertEqual(os.listdir(tmp), [])
                self.nothing_left(text)


class Stays(DemoCase):
    def test_what_it_prints_can_be_pasted(self):
        p = self.start('--stay')
        text = ''
        while 'Stop it:' not in text:
            line = p.stdout.readline()
            self.assertTrue(line, text)
            text += line
        commands = [x.split('#')[0].strip() for x in text.splitlines()
                    if re.match(r'  (curl|kill|/)', x)]
        self.assertEqual(len(commands), 4, text)
        word = re.search(r'the secret of the first life is there: (\S+)',
                         text).group(1)
        for command, piece in zip(commands, ('"sealed":false', word,
                                             '"akv.release.ok": 3', '')):
            r = subprocess.run(command, shell=True, capture_output=True,
                               text=True, check=False, timeout=LIMIT_S)
            self.assertEqual(r.returncode, 0, command + r.stderr)
            self.assertIn(piece, r.stdout)
        stop = re.search(r'kill -TERM \d+', text).group(0)
        subprocess.run(stop, shell=True, check=True)
        text += p.communicate(timeout=LIMIT_S)[0]
        self.assertEqual(p.returncode, 143, text[-2000:])
        self.nothing_left(text)


class Clone(DemoCase):
    """From a clone of its own, whose path has a blank; two at once."""

    def test_path_with_a_blank(self):
        top = tempfile.mkdtemp(prefix='a clone.')
        self.addCleanup(shutil.rmtree, top)
        clone = os.path.join(top, 'sallyport')
        shutil.copytree(ROOT, clone, symlinks=True,
                        ignore=shutil.ignore_patterns('.git', 'build'))
        inst = subprocess.run(
            ['bash', '-c', '. "$0/scripts/lib.sh"; echo "$INST"', clone],
            check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.addCleanup(os.unlink, inst + '.lock')
        self.addCleanup(shutil.rmtree, inst)
        demos = [self.start(root=clone) for _ in range(2)]
        for p in demos:
            text = p.communicate(timeout=900)[0]
            self.assertEqual(p.returncode, 0, text[-3000:])
            self.nothing_left(text)


class Words(unittest.TestCase):
    """What is asked for wrongly is refused before anything is done."""

    def said(self, *argv, code=1, wrap=()):
        r = subprocess.run([*wrap, ROOT + '/scripts/' + argv[0], *argv[1:]],
                           capture_output=True, text=True, timeout=60,
                           check=False)
        self.assertEqual(r.returncode, code, r.stderr)
        return r.stdout if code == 0 else r.stderr

    def test_help(self):
        self.assertIn('--profile full|container', self.said(
            'demo', '--help', code=0))
        self.assertIn('PATTERN', self.said('check', '--help', code=0))

    def test_wrong(self):
        for argv, text in (
                (('demo', '--colour'), 'unknown option --colour'),
                (('demo', 'x'), 'unknown option x'),
                (('demo', '--profile'), 'must be full or container'),
                (('demo', '--profile', 'none'), 'must be full or container'),
                (('demo', '--storage'), 'must be pebbledb or raft'),
                (('demo', '--storage', 's3'), 'must be pebbledb or raft'),
                (('check', '--colour'), 'unknown option --colour'),
                (('check', 'a', 'b'), 'one PATTERN'),
                (('check', '--jobs'), 'needs a number'),
                (('check', '--jobs', '0'), 'needs a number')):
            with self.subTest(argv):
                self.assertIn(text, self.said(*argv))

    def test_not_root(self):
        wrap = ['setpriv', '--reuid', '65534', '--clear-groups'] \
            if os.geteuid() == 0 else []
        for name in ('demo', 'check'):
            self.assertIn('must be run by root', self.said(name, wrap=wrap))


if __name__ == '__main__':
    unittest.main()
