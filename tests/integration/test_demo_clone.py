# SPDX-License-Identifier: Apache-2.0
"""scripts/demo from a clone of its own, whose path has a blank: two at once,
of which one builds, by somebody who keeps what he makes to himself (umask)."""
import os
import shutil
import subprocess
import tempfile
import unittest

from boot_rig import ROOT
from demo_case import DemoCase


class Clone(DemoCase):
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
        demos = [self.start('--profile', profile, root=clone, umask=0o077)
                 for profile in ('full', 'container')]
        for p in demos:
            text = p.communicate(timeout=900)[0]
            self.assertEqual(p.returncode, 0, text[-3000:])
            self.nothing_left(text)


if __name__ == '__main__':
    unittest.main()
