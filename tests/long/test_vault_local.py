#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HashiCorp Vault 1.14 on the local storages: raft and file live, both
profiles; what it does not have is refused by its name."""
import os
import signal
import unittest

from vault_rig import get

from boot_rig import Rig # found by vault_rig's path
from storm_watch import children


class Local(unittest.TestCase):
    def lives(self, storage, profile):
        rig = Rig(profile, storage, server=get('get-vault'), server_ready=120,
                  step_deadline=120, server_stop=20)
        self.addCleanup(rig.close)
        for life in range(2):
            boot = rig.ready()
            seal = rig.ask('GET', 'sys/seal-status')[1]
            self.assertEqual((seal['sealed'], seal['storage_type']),
                             (False, storage))
            if life == 0:
                rig.write_word('kept')
            self.assertEqual(rig.read_word(), 'kept')
            rig.stop(boot, limit=40)

    def test_raft_full(self):
        self.lives('raft', 'full')

    def test_raft_container(self):
        self.lives('raft', 'container')

    def test_file_full(self):
        self.lives('file', 'full')

    def test_file_container(self):
        self.lives('file', 'container')

    def test_file_is_on_the_disk_before_its_keys_are_stored(self):
        """It syncs nothing itself."""
        rig = Rig(storage='file', server=get('get-vault'), server_ready=120,
                  step_deadline=120, server_stop=20)
        self.addCleanup(rig.close)
        said = os.path.join(rig.work, 'synced')
        boot = rig.run(wrap=['strace', '-f', '-qq', '-y', '-e', 'signal=none',
                             '-e', 'trace=syncfs', '-o', said])
        self.assertTrue(boot.wait_until('ready', 240), boot.text()[-4000:])
        with open(said, encoding='ascii') as f:
            self.assertIn('syncfs', f.read())
        supervisor, = children(boot.pid)
        os.kill(supervisor, signal.SIGTERM)
        self.assertEqual(boot.wait(60), 0)

    def test_pebbledb_is_not_known_to_it(self):
        rig = Rig(storage='pebbledb', server=get('get-vault'))
        self.addCleanup(rig.close)
        boot = rig.run()
        self.assertEqual(boot.wait(120), 52, boot.text()[-4000:])
        self.assertIn('Unknown storage type pebbledb', boot.text())
        rig.check_nothing_left()


if __name__ == '__main__':
    unittest.main()
