# SPDX-License-Identifier: Apache-2.0
"""Whole boots on a store that several nodes share: what their tests share.
OpenBao has no storage "azure": a boot that has the lease goes as far as its
server (exit code 52), which is enough to see who began and when."""
import unittest

from boot_rig import Rig, free_port, missing, processes, role_uids

AZURE = {'storage': 'azure', 'storage_path': None, 'storage_account': 'apmsa',
         'lease_time': 15, 'retry_time': 5}
CONTAINER = {'containers': ['sallyport']}


class NodesCase(unittest.TestCase):
    RIG = {}

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.rig = Rig(**AZURE, **cls.RIG)
        cls.addClassCleanup(cls.rig.close)
        cls.client = cls.rig.client
        cls.rig.deployment.put_storage_key()

    def setUp(self):
        self.rig.provision('blob', forget='vault', **CONTAINER)
        self.permit('blobs/write/action')
        self.addCleanup(self.client.clear_faults)

    def permit(self, *more):
        self.rig.provision('permit', identity='vm', actions=[
            'keys/release/action', 'secrets/getSecret/action',
            'secrets/setSecret/action', 'secrets/readMetadata/action', *more])

    def lease(self):
        one = self.client.plain('control', 'GET', '/leases')
        return next((b['state'] for b in one.values()), 'absent')

    def slow(self, times=0, delay=60):
        """Boots stay at the attestation, with the lease."""
        self.client.fault(service='maa', operation='*', times=times,
                          delay=delay)

    def held(self, **more):
        boot = self.rig.run(**more)
        self.assertTrue(boot.wait_until('lease'), boot.text()[-3000:])
        return boot

    def ends(self, boot, code, *words):
        self.assertEqual(boot.wait(), code, boot.text()[-4000:])
        for word in words:
            self.assertIn(word, boot.said())

    def keeper(self):
        return [pid for pid, (uid, _, _) in processes().items()
                if uid == self.rig.uids['keeper']]

    def other(self):
        """A second node on this machine: uids, port and run directory."""
        return {'port': free_port(), 'run_directory': self.rig.run_dir + '2',
                **{'uid_' + r: u for r, u in role_uids().items()}}
