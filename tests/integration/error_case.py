# SPDX-License-Identifier: Apache-2.0
"""What the tests of errors share: a deployment, with or without a first life
behind it, and the checks that every refused boot must pass."""
import os
import shutil
import signal
import time
import unittest

from boot_rig import Rig, missing

WORD = 'written in the first life'
BUNDLE = 'apm-unseal-bundle'


class ErrorCase(unittest.TestCase):
    LIVED = True  # a first life came before, and wrote WORD
    RIG = {}

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.rig = Rig(**cls.RIG)
        cls.addClassCleanup(cls.rig.close)
        cls.client = cls.rig.client
        if cls.LIVED:
            cls.live()

    @classmethod
    def live(cls):
        boot = cls.rig.ready()
        cls.rig.write_word(WORD)
        cls.rig.stop(boot)

    def setUp(self):
        self.addCleanup(self.client.clear_faults)
        self.addCleanup(self.end_all)

    def end_all(self):
        """What a failed test left running would stop the next one."""
        for boot in self.rig.boots:
            if boot.code() is None:
                boot.signal(signal.SIGTERM)
                boot.wait()

    def keep_secret(self, name):
        """Puts the secret's present value back when the test ends."""
        old = self.client.get_secret(name)

        def put_back():
            # the key vault has no order of what is stored in one second
            time.sleep(1 - time.time() % 1)
            self.client.set_secret(name, old)
        self.addCleanup(put_back)

    def refused(self, code, *texts, **run):
        """A boot that must end with the code, saying these words and what
        to do, with the store as it was."""
        before = self.rig.store_hash()
        boot = self.rig.run(**run)
        got = boot.wait()
        self.assertEqual(got, code, boot.text()[-4000:])
        said = boot.said() or boot.text()
        for text in texts:
            self.assertIn(text, said)
        self.assertIn('(exit code %d)' % code, said)
        self.assertIn('what to do: ', said)
        self.rig.check_nothing_left()
        self.untouched(before, self.rig.store_hash())
        return boot

    def untouched(self, before, after):
        """A server that was started for a look turns its own log files over;
        names of the marker and beside the store never change."""
        if not self.LIVED:
            self.assertEqual(before, after)
            return

        def ours(files):
            return {k: v for k, v in files.items()
                    if not k.startswith('data/')}
        self.assertEqual(ours(before), ours(after))

    def exactly(self, code, *texts, **run):
        """The same where no server was started: not one byte differs."""
        before = self.rig.store_hash()
        boot = self.refused(code, *texts, **run)
        self.assertEqual(before, self.rig.store_hash())
        self.assertNotIn('==>', boot.text())
        return boot

    def mended(self, **run):
        """All is as before: READY, and the secret is read."""
        boot = self.rig.ready(**run)
        self.assertEqual(self.rig.read_word(), WORD)
        self.rig.stop(boot)
        return boot

    def store_files(self):
        return sorted(os.listdir(os.path.dirname(self.rig.store)))


class StoreCase(ErrorCase):
    """Each test starts from the same first life: store and vault are put
    back afterwards, and the next boot reads what was written."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.top = os.path.dirname(cls.rig.store)
        cls.saved = os.path.join(cls.rig.work, 'saved')
        os.rename(cls.top, cls.saved)
        cls.put_back()

    @classmethod
    def put_back(cls):
        """The same directory, so that its inode stays the marker's."""
        shutil.rmtree(cls.top, ignore_errors=True)
        shutil.copytree(cls.saved, cls.top)
        gid = cls.rig.base
        os.chown(cls.rig.store, 0, gid)
        os.chmod(cls.rig.store, 0o2770)
        for name in os.listdir(cls.rig.store):
            os.chown(os.path.join(cls.rig.store, name), gid, gid)
        cls.mark('STORED')

    @classmethod
    def mark(cls, state, inode=None, generation=None):
        path = cls.rig.store + '.sallyport'
        st = os.stat(cls.rig.store)
        with open(path) as f:
            lines = f.read().splitlines()
        lines[1] = 'state ' + state
        if generation:
            lines[2] = 'generation ' + generation
        lines[3] = 'directory %d %d' % (st.st_dev, inode or st.st_ino)
        with open(path, 'w') as f:
            f.write('\n'.join(lines) + '\n')

    def setUp(self):
        super().setUp()
        self.addCleanup(self.put_back)

    def hide_bundle(self):
        """Every version is disabled, as by an operator's mistake."""
        self.hidden = [v['id'].rsplit('/', 1)[1] for v in
                       self.client.list_versions(BUNDLE)
                       if v['attributes']['enabled']]
        for version in self.hidden:
            self.client.disable_version(BUNDLE, version)
        self.addCleanup(self.show_bundle)

    def show_bundle(self):
        for version in self.hidden:
            self.client.call('PATCH', '/secrets/%s/%s' % (BUNDLE, version),
                             {'attributes': {'enabled': True}})
        self.hidden = []
