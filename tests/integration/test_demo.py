#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/demo: shows the job done in both profiles, and leaves nothing
behind, also after Ctrl-C and SIGTERM at any moment."""
import glob
import os
import signal
import subprocess
import time
import unittest

from boot_rig import ROOT


def leftovers(before):
    out = [p for p in glob.glob('/tmp/sallyport-demo.*') +
           glob.glob('/dev/shm/sallyport-demo.*') if p not in before]
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                text = f.read()
        except OSError:
            continue
        if b'/sallyport-demo.' in text:
            out.append(text.replace(b'\0', b' ').decode())
    return out


class Demo(unittest.TestCase):
    def setUp(self):
        self.before = set(glob.glob('/tmp/sallyport-demo.*') +
                          glob.glob('/dev/shm/sallyport-demo.*'))

    def start(self, *words):
        # an asynchronous job of a shell ignores SIGINT: not here
        return subprocess.Popen(
            [ROOT + '/scripts/demo'] + list(words), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            start_new_session=True, restore_signals=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def whole(self, profile):
        p = self.start('--profile', profile)
        text = p.communicate(timeout=300)[0]
        self.assertEqual(p.returncode, 0, text[-3000:])
        self.assertRegex(text, r'key releases \(emulator counted\) +2 +1\n')
        self.assertIn('confinement profile: ' + profile, text)
        self.assertIn('the secret of the first life is there', text)
        self.assertIn('initialized=True sealed=False', text)
        self.assertEqual(leftovers(self.before), [])

    def test_full(self):
        self.whole('full')

    def test_container(self):
        self.whole('container')

    def test_interrupted_it_cleans_up(self):
        for i, seconds in enumerate((0.3, 1.2, 2.0, 2.6)):
            with self.subTest(seconds):
                p = self.start()
                time.sleep(seconds)
                sig = (signal.SIGINT, signal.SIGTERM)[i % 2]
                os.killpg(p.pid, sig)
                text = p.communicate(timeout=60)[0]
                self.assertIn(p.returncode, (0, 130, 143), text[-2000:])
                self.assertEqual(leftovers(self.before), [])


if __name__ == '__main__':
    unittest.main()
