#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile plugin of the real server in a whole boot, and that its tries are
tries: each gets somewhere where nothing stops it."""
import concurrent.futures
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

import boot_rig
import plugin_tries
from server_run import ServerRun, plugin_path


class Plugin(unittest.TestCase):
    def tries(self, profile):
        why = boot_rig.missing()
        if why:
            self.skipTest(why)
        run = ServerRun(profile, 'pebbledb', say=self.fail)
        self.addCleanup(run.close)
        run.start()
        server, tries = run.server(), list(plugin_tries.expected(below=True))

        def one(t):
            return run.ask('GET', 'plugged/try/' + t)['data']['result']
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            said = dict(zip(tries, pool.map(one, tries)))
        self.assertEqual(plugin_tries.wrong(said, below=True), [])
        # the server went on as if nothing had been
        self.assertEqual(run.server(), server)
        self.assertEqual(run.ask('GET', 'plugged/hello/you')['data'],
                         {'hello': 'you'})
        self.assertFalse(run.ask('GET', 'sys/seal-status')['sealed'])
        run.stop()

    def test_a_plugin_reaches_nothing_of_the_server_full(self):
        self.tries('full')

    def test_a_plugin_reaches_nothing_of_the_server_container(self):
        self.tries('container')


class Unconfined(unittest.TestCase):
    """The same program as root, without filter, Landlock or namespace."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('needs root')
        self.dir = tempfile.mkdtemp(prefix='sp-tries-')
        for name in ('conf/server.hcl', 'conf/sallyport.hcl', 'tls/key.pem',
                     'tmp/x'):
            path = os.path.join(self.dir, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='ascii') as f:
                f.write('x')
        self.plugin = shutil.copy(plugin_path(), self.dir)
        self.other = subprocess.Popen(['sleep', '600'],
                                      stdin=subprocess.DEVNULL)

    def tearDown(self):
        self.other.kill()
        self.other.wait()
        shutil.rmtree(self.dir)

    def one(self, name):
        with open(self.plugin, 'rb') as inherited:
            p = subprocess.run(
                [self.plugin], capture_output=True, text=True, check=False,
                timeout=60, pass_fds=[inherited.fileno()], env={
                    'TMPDIR': self.dir + '/tmp', 'TOKEN': 'x',
                    'SALLYPORT_TEST_TRY': 'try %s %d' % (
                        name, self.other.pid)})
        return p.stdout

    def test_every_try_gets_somewhere_where_nothing_stops_it(self):
        names = [t for t in plugin_tries.expected(True)
                 if (t != 'bind-80' or self.free(80)) and
                 (t != 'clone_newuser' or self.user_namespaces())]
        said = {t: self.one(t) for t in names}
        self.assertEqual({t: s for t, s in said.items()
                          if not s.startswith('GOT')}, {})

    @staticmethod
    def user_namespaces():
        """A plain chroot has none for anybody."""
        return subprocess.run(['unshare', '--user', 'true'], check=False,
                              capture_output=True).returncode == 0

    @staticmethod
    def free(port):
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return True
            except OSError:
                return False


if __name__ == '__main__':
    unittest.main()
