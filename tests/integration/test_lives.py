#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole boots on real parts: first life, restart, both profiles, storages,
the old script's deployment, rotation, a real plugin."""
import hashlib
import os
import signal
import ssl
import subprocess
import unittest

import oldscript
from boot import ROOT, SALLYPORT, SERVER, Rig, free_port, processes
from deployment import Tls


class Lives(unittest.TestCase):
    def rig(self, **more):
        rig = Rig(**more)
        self.addCleanup(rig.close)
        return rig

    def first_and_second(self, **more):
        rig = self.rig(**more)
        rig.boot()
        self.assertEqual(rig.releases(), 2)
        status, seal = rig.ask('GET', 'sys/seal-status')
        self.assertEqual((status, seal['sealed'], seal['n'], seal['t']),
                         (200, False, seal['n'], seal['t']))
        token = rig.root_token()
        status, _ = rig.ask('POST', 'anjuna/x', {'word': 'kept'}, token)
        self.assertEqual(status, 204)
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])
        rig.boot()
        self.assertEqual(rig.releases(), 3)
        self.assertEqual(rig.ask('GET', 'anjuna/x', token=token)[1]['data'],
                         {'word': 'kept'})
        self.assertNotIn('stored', rig.names()[-12:])
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])
        return seal

    def test_pebbledb_full(self):
        seal = self.first_and_second()
        self.assertEqual((seal['n'], seal['t']), (5, 3))

    def test_pebbledb_container(self):
        self.first_and_second(profile='container')

    def test_one_share(self):
        seal = self.first_and_second(shares=1, threshold=1)
        self.assertEqual((seal['n'], seal['t']), (1, 1))

    def test_raft_full(self):
        self.first_and_second(storage='raft')

    def test_raft_container(self):
        self.first_and_second(storage='raft', profile='container')


class TwoOnOneStore(unittest.TestCase):
    def test_the_second_is_refused_and_the_first_goes_on(self):
        rig = Rig()
        self.addCleanup(rig.close)
        rig.boot()
        conf = rig.path('second.conf')
        second = dict(rig.settings, port=free_port(), log='terminal')
        second.update({'uid_' + r: u + 50 for r, u in rig.uids.items()})
        with open(conf, 'w', encoding='ascii') as f:
            f.writelines('%s = %s\n' % kv for kv in second.items())
        os.chmod(conf, 0o644)
        p = subprocess.run([SALLYPORT, 'run', '--config', conf],
                           capture_output=True, text=True, check=False,
                           stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(p.returncode, 56, p.stderr)
        self.assertIn('another sallyport uses', p.stderr)
        self.assertFalse(rig.ask('GET', 'sys/seal-status')[1]['sealed'])
        self.assertEqual(rig.end(), 0)


class Storing(unittest.TestCase):
    def test_a_dead_store_process_is_followed_by_the_next(self):
        rig = Rig()
        self.addCleanup(rig.close)
        rig.deployment.client.fault(
            service='akv', operation='secret-set', match='apm-unseal-bundle',
            times=1, delay=3)
        rig.start()
        self.assertTrue(rig.wait_event('initialised'))
        pids = []
        while not pids: # the storing process, as soon as it is there
            pids = list(processes({rig.uids['https']}))
        os.kill(pids[0], signal.SIGKILL)
        self.assertTrue(rig.wait_ready(), rig.text()[-2000:])
        self.assertIn('store_died', rig.names())
        self.assertEqual(rig.end(), 0)
        rig.boot()
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])


class OldLayout(unittest.TestCase):
    def test_a_vault_as_the_old_script_leaves_it_boots_unchanged(self):
        rig = Rig(pin=None, operator_key=None)
        self.addCleanup(rig.close)
        store = rig.settings['storage_path']
        token = oldscript.deploy(rig.deployment, SERVER, store,
                                 rig.uids['server'], 'from the old days')
        before = rig.deployment.client.state()
        for _ in range(2):
            rig.boot()
            self.assertEqual(
                rig.ask('GET', 'anjuna/old', token=token)[1]['data'],
                {'word': 'from the old days'})
            self.assertIn('old_layout', rig.names())
            self.assertIn('no_pin', rig.names())
            self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.releases(), 2)
        self.assertEqual(rig.deployment.client.state(), before)
        self.assertFalse(os.path.exists(store + '.sallyport'))
        # the root token in clear is never asked for (P11)
        asked = [r['path'] for r in rig.deployment.client.requests()
                 if r['method'] == 'GET' and 'apm-root-token' in r['path']]
        self.assertEqual(asked, [])


class Rotation(unittest.TestCase):
    def served(self, rig):
        pem = ssl.get_server_certificate(('127.0.0.1', rig.port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def test_a_new_certificate_is_served_and_a_bad_one_refused(self):
        rig = Rig(tls_ca=None)
        self.addCleanup(rig.close)
        rig.boot()
        old = self.served(rig)
        rig.deployment.put_tls()
        rig.process.send_signal(signal.SIGHUP)
        self.assertTrue(rig.wait_event('rotated'))
        new = self.served(rig)
        self.assertNotEqual(old, new)
        self.assertEqual(rig.releases(), 3)
        rig.deployment.put_tls(tls=Tls('somebody-else.test'))
        rig.process.send_signal(signal.SIGHUP)
        self.assertTrue(rig.wait_event('not_rotated'))
        self.assertEqual(self.served(rig), new)
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])


TRIES = ('mem maps environ cmdline fd proc config ours key passwd inherited '
         'environment port80 mptcp80 ptrace vmread').split()


class Plugin(unittest.TestCase):
    def plugin(self, profile):
        path = subprocess.run([ROOT + '/scripts/get-plugin'], check=True,
                              capture_output=True, text=True).stdout.strip()
        with open(path, 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        sections = '''
[plugin sallyport-test-plugin]
type = secret
command = sallyport-test-plugin
sha256 = %s
[mount tries]
type = sallyport-test-plugin
[mount anjuna]
type = kv
''' % digest
        rig = Rig(profile=profile, sections=sections,
                  plugin_directory=os.path.dirname(path))
        self.addCleanup(rig.close)
        rig.boot()
        token = rig.root_token()
        self.assertEqual(
            rig.ask('GET', 'tries/hello/you', token=token)[1]['data'],
            {'hello': 'you'})
        for t in TRIES:
            with self.subTest(t):
                status, answer = rig.ask('GET', 'tries/try/' + t, token=token)
                self.assertEqual(status, 200)
                self.assertRegex(answer['data']['result'], '^refused: ')
        self.assertEqual(rig.end(), 0)
        self.assertEqual(rig.leftovers(), [])

    def test_a_plugin_reaches_nothing_of_the_server_full(self):
        self.plugin('full')

    def test_a_plugin_reaches_nothing_of_the_server_container(self):
        self.plugin('container')


if __name__ == '__main__':
    unittest.main()
