# SPDX-License-Identifier: Apache-2.0
"""The model of a boot (boot.pml, docs/MODEL.md), walked by Spin: every order
of every step, with a death of anybody at any of them.  Then rules are taken
out of it, one by one, and each must be missed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = int(os.environ.get("SALLYPORT_MODEL_FAULTS", "1"))

# what is taken out -> what must be said of it
MUTATIONS = {
    "MUT_OPEN_EARLY": "boots<=",  # the broker refuses: no boot gets through
    "MUT_OPEN_BOTH": r"!\(.*alive",  # and without its check: P1 itself
    "MUT_NO_PREPARED": r"assertion violated 0",
    "MUT_STORED_EARLY": r"marker!=2|vault",
    "MUT_NO_STORE": "sessions<=",
    "MUT_NO_READ_BACK": "sessions<=|vault|boots<=",
    "MUT_LEAVE_TPM": r"alive",
    "MUT_ASIDE_STORED": r"data|marker",
    "MUT_OTHERS_WORD": r"m\)?==|\(\(",  # the table, not a rule
    "MUT_DEAF": "invalid end state",
}


# The broker's refusal to open, the stop of the table, the fault's end; and two
# waits that Spin has merged with what is before them.
UNREACHED = {"how = 2", "assert(0)", "-end-", "((killed[1]||!(power)))",
             "(!(alive[i]))"}


class Model(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("spin"):
            raise AssertionError("no spin: scripts/check installs it")
        cls.folder = tempfile.TemporaryDirectory(prefix="sallyport-model.")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = cls.folder.name
        with open(cls.path + "/messages.pml", "wb") as out:
            subprocess.run([sys.executable, HERE + "/gen"], stdout=out,
                           check=True)
        shutil.copy(HERE + "/boot.pml", cls.path)

    def walk(self, name, *defines, faults=FAULTS):
        """What the verifier prints."""
        folder = os.path.join(self.path, name)
        os.mkdir(folder)
        for one in ("boot.pml", "messages.pml"):
            os.link(os.path.join(self.path, one), os.path.join(folder, one))

        def run(*argv):
            p = subprocess.run(argv, cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               timeout=1500, check=False)
            self.assertEqual(p.returncode, 0, p.stdout)
            return p.stdout
        run("spin", "-DFAULTS=%d" % faults, *["-D" + d for d in defines],
            "-a", "boot.pml")
        run("gcc", "-O0", "-DCOLLAPSE", "-DSAFETY", "-DNOFAIR",
            "-DMEMLIM=8000", "-w", "-o", "pan", "pan.c")
        return run("./pan", "-m1000000")

    def whole(self, said):
        self.assertNotIn("Search not completed", said)
        self.assertNotIn("max search depth too small", said)
        self.assertIn("errors: 0", said)
        return int(re.search(r"(\d+) states, stored", said)[1])

    def test_every_order_with_a_death_at_every_step(self):
        start = time.monotonic()
        said = self.walk("whole")
        states = self.whole(said)
        depth = int(re.search(r"depth reached (\d+)", said)[1])
        print("# %d faults: %d states, depth %d, %.1f s" % (
            FAULTS, states, depth, time.monotonic() - start))
        self.assertGreater(states, 500000)
        # and all of the model is walked, but what must not be
        self.assertLessEqual(set(re.findall(
            r"boot.pml:\d+, state \d+, \"(.*)\"", said)), UNREACHED)

    def test_without_a_fault_it_is_ready(self):
        self.whole(self.walk("calm", faults=0))

    def test_each_rule_is_missed_when_it_is_gone(self):
        for name, words in MUTATIONS.items():
            with self.subTest(name):
                said = self.walk(name, name)
                found = re.search(r"pan:\d+: (.*) \(at depth", said)
                self.assertTrue(found, said)
                self.assertRegex(found[1], words)
                print("# %s: %s" % (name, found[1][:100]))


if __name__ == "__main__":
    unittest.main()
