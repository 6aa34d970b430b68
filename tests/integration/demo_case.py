# SPDX-License-Identifier: Apache-2.0
"""What the tests of scripts/demo share: a demo, and what it left behind."""
import os
import re
import signal
import subprocess
import unittest

from boot_rig import ROOT


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
