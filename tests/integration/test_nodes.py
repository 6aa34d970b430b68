# SPDX-License-Identifier: Apache-2.0
"""Nodes that share a store, as whole boots: who has the lease goes on, others
wait and say so.  Boots that become READY on a shared store: tests/long."""
import os
import signal
import time
import unittest

from nodes_case import CONTAINER, NodesCase


class Lease(NodesCase):
    def test_it_is_taken_before_anything_is_started_and_given_back(self):
        boot = self.rig.run()
        self.ends(boot, 52)
        events = boot.events()
        self.assertLess(events.index('lease'), events.index('attested'))
        self.assertEqual(self.lease(), 'available')
        self.rig.check_nothing_left()

    def test_the_second_waits_and_says_so(self):
        self.slow(times=1, delay=4)
        first = self.held()
        second = self.rig.run(**self.other())
        self.assertTrue(second.wait_until('lease_waiting'),
                        second.text()[-3000:])
        self.assertNotIn('evidence', second.events())
        self.ends(first, 52)
        self.ends(second, 52)
        self.assertEqual(self.lease(), 'available')

    def test_a_signal_ends_one_that_waits(self):
        self.slow()
        first = self.held()
        second = self.rig.run(**self.other())
        self.assertTrue(second.wait_until('lease_waiting'),
                        second.text()[-3000:])
        second.signal(signal.SIGTERM)
        self.ends(second, 7)
        self.assertEqual(self.lease(), 'leased')
        first.signal(signal.SIGTERM)
        self.ends(first, 7)
        self.assertEqual(self.lease(), 'available')
        self.rig.check_nothing_left()

    def test_lost_in_the_middle(self):
        self.slow()
        boot = self.held()
        self.rig.provision('blob', **{'break': 'vault'})
        self.ends(boot, 77, 'the lease on the shared store was lost')
        self.rig.check_nothing_left()

    def test_its_keeper_is_killed(self):
        self.slow()
        boot = self.held()
        for pid in self.keeper():
            os.kill(pid, signal.SIGKILL)
        self.ends(boot, 77, 'the keeper died by signal 9')
        self.rig.check_nothing_left()

    def test_its_keeper_is_stopped(self):
        self.slow()
        boot = self.held()
        for pid in self.keeper():
            os.kill(pid, signal.SIGSTOP)
        self.ends(boot, 77, 'or by its own timer')
        self.rig.check_nothing_left()

    def test_the_machine_dies(self):
        """All is killed; another waits no longer than the lease lives."""
        self.slow(times=1)
        boot = self.held()
        boot.process.kill()
        boot.wait()
        self.client.clear_faults()
        start = time.monotonic()
        second = self.rig.run()
        self.assertTrue(second.wait_until('lease_waiting'),
                        second.text()[-3000:])
        self.ends(second, 52)
        self.assertLess(time.monotonic() - start, 40)

    def test_without_the_right_it_is_alone_and_says_so(self):
        self.rig.provision('blob', containers=[])
        boot = self.rig.run()
        self.ends(boot, 52, 'No second node may run on this store')
        self.assertIn('no_lease', boot.events())
        self.ends(self.rig.run(lease='on'), 78, 'create that container')
        self.rig.provision('blob', **CONTAINER)
        self.permit()
        self.ends(self.rig.run(), 52, 'No second node may run on this store')

    def test_off(self):
        boot = self.rig.run(lease='off')
        self.ends(boot, 52, 'lease = off')
        self.assertEqual(self.lease(), 'absent')

    def test_the_storage_service_is_away(self):
        boot = self.rig.run(storage_connect='127.0.0.1:1')
        self.ends(boot, 79, 'nothing was started without the lease')
        self.assertNotIn('evidence', boot.events())
        boot = self.rig.run(storage_connect='nowhere.invalid:443')
        self.ends(boot, 26)

    def test_a_local_store_has_none(self):
        self.rig.store = self.rig.deployment.path('store/data')
        self.addCleanup(self.rig.forget)
        boot = self.rig.run(storage='pebbledb', storage_account=None,
                            storage_path=self.rig.store)
        self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        self.assertEqual(self.keeper(), [])
        self.rig.stop(boot)
        self.assertEqual(self.lease(), 'absent')


class Container(Lease):
    RIG = {'profile': 'container'}


# in that profile what differs from the other: who starts it, and how
for name in [n for n in dir(Container) if n.startswith('test_')]:
    if name not in ('test_the_second_waits_and_says_so',
                    'test_lost_in_the_middle'):
        setattr(Container, name, None)


if __name__ == '__main__':
    unittest.main()
