#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HashiCorp Vault 1.14 on storage "azure" (Azurite) by the old script's
template: first life, restart, kills, the old script's vault, and every remote
row of the recovery table that stops."""
import hashlib
import os
import random
import signal
import ssl
import time
import unittest

import vault_rig
from vault_rig import ACCOUNTS, VaultRig, World

import oldscript # found by vault_rig's path
import plugin_tries
from boot_rig import processes
from deployment import Tls

BUNDLE = 'apm-unseal-bundle'
AUDIT = '[audit log]\ntype = file\nfile_path = stdout\n[mount anjuna]\ntype = kv\n'
world = None


def setUpModule():
    global world
    world = World()


def tearDownModule():
    world.close()


class Case(unittest.TestCase):
    def rig(self, profile='full', **settings):
        rig = VaultRig(world, profile, **settings)
        self.addCleanup(rig.close)
        return rig

    def lived(self, word='kept', **more):
        """A store that had its first life and holds a word."""
        rig = self.rig(**more)
        boot = rig.ready()
        rig.write_word(word)
        rig.stop(boot, limit=40)
        return rig

    def nothing_local(self, rig):
        """No marker and nothing moved: all is remote."""
        self.assertEqual(rig.store_hash(), {})

    def refused(self, rig, code, *words, **more):
        """The boot ends with the code, says the words, changes nothing."""
        before = rig.blobs.hashes(), rig.secrets()
        boot = rig.run(**more)
        self.assertEqual(boot.wait(180), code, boot.text()[-4000:])
        for w in words:
            self.assertIn(w, boot.text())
        rig.check_nothing_left()
        self.nothing_local(rig)
        self.assertEqual((rig.blobs.hashes(), rig.secrets()), before)
        return boot

    def goes_on(self, rig, word='kept'):
        boot = rig.ready()
        self.assertEqual(rig.read_word(), word)
        rig.stop(boot, limit=40)


class Lives(Case):
    def both(self, profile):
        rig = self.rig(profile)
        rig.sections = AUDIT
        boot = rig.ready()
        self.assertEqual(rig.releases(), 2)
        status, seal = rig.ask('GET', 'sys/seal-status')
        self.assertEqual(
            [status] + [seal[k] for k in ('sealed', 'n', 't', 'storage_type',
                                          'version')],
            [200, False, 5, 3, 'azure', '1.14.0'])
        token = rig.token()
        audit = rig.ask('GET', 'sys/audit', token)[1]['data']
        self.assertEqual(audit['log/']['options'], {'file_path': 'stdout'})
        mounts = rig.ask('GET', 'sys/mounts', token)[1]['data']
        self.assertEqual(mounts['anjuna/']['type'], 'kv')
        rig.write_word('from the first life')
        self.assertIn('core/seal-config', rig.blobs.names())
        rig.stop(boot, limit=40)
        boot = rig.ready()
        self.assertEqual(rig.releases(), 3)
        self.assertNotIn('stored', boot.events())
        self.assertEqual(rig.read_word(), 'from the first life')
        rig.stop(boot, limit=40)
        self.nothing_local(rig)
        # the storage key is in no line of a log, whoever wrote it
        for boot in rig.boots:
            self.assertNotIn(ACCOUNTS[rig.account], boot.text())

    def test_first_and_second_life_full(self):
        self.both('full')

    def test_first_and_second_life_container(self):
        self.both('container')

    def test_the_operators_way_in_may_be_an_auth_method(self):
        rig = self.rig(operator_key=None)
        rig.sections = '''
[policy reader]
text = path "anjuna/*" { capabilities = ["read"] }
[auth people]
type = userpass
data = users/eve {"password": "in this test alone", "policies": "reader"}
'''
        boot = rig.ready()
        status, answer = rig.ask('POST', 'auth/people/login/eve',
                                 body={'password': 'in this test alone'})
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer['auth']['policies'], ['default', 'reader'])
        self.assertNotIn('apm-root-token', rig.secret_names())
        rig.stop(boot, limit=40)

    def test_a_new_certificate_is_served(self):
        rig = self.rig(tls_ca=None)
        boot = rig.ready()

        def served():
            pem = ssl.get_server_certificate(('127.0.0.1', rig.port))
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        old = served()
        rig.deployment.put_tls()
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('rotated'))
        new = served()
        self.assertNotEqual(old, new)
        rig.deployment.put_tls(tls=Tls('somebody-else.test'))
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('not_rotated'))
        self.assertEqual(served(), new)
        rig.stop(boot, limit=40)


class Kills(Case):
    def kill(self, boot, pid=None):
        os.kill(pid or boot.pid, signal.SIGKILL)
        boot.wait(60)

    def after_a_kill(self, rig):
        """READY, or one of the two stops of a first life that died while its
        keys were nowhere but in memory: then the operator's step."""
        boot = rig.run()
        if not boot.wait_until('ready', 180):
            self.assertIn(boot.wait(), (56, 57), boot.text()[-4000:])
            self.assertIn('delete every blob', boot.said())
            self.assertNotIn(BUNDLE, rig.secret_names())
            for name in rig.blobs.names():
                rig.blobs.delete(name)
            boot = rig.ready()
        rig.write_word('after the kill')
        self.kill(boot)
        self.goes_on(rig, 'after the kill')
        self.nothing_local(rig)

    def test_the_supervisor_after_each_step_of_a_first_life(self):
        for step in ('profile', 'fetched', 'initialised', 'stored', 'opened',
                     'public', 'unsealed'):
            with self.subTest(step):
                rig = self.rig()
                boot = rig.run()
                self.assertTrue(boot.wait_until(step, 180))
                self.kill(boot)
                self.after_a_kill(rig)
                rig.close()

    def test_the_supervisor_while_the_server_initialises(self):
        """Blobs come one by one: killed after the first, third, seventh."""
        for count in (1, 3, 7):
            with self.subTest(count):
                rig = self.rig()
                boot = rig.run()
                end = time.monotonic() + 180
                while len(rig.blobs.names() or []) < count:
                    self.assertLess(time.monotonic(), end)
                self.kill(boot)
                self.after_a_kill(rig)
                rig.close()

    def test_the_supervisor_at_random_moments_of_a_restart(self):
        rig = self.lived()
        seed = random.randrange(1 << 30)
        print('# seed %d' % seed)
        rnd = random.Random(seed)
        took = time.monotonic()
        self.goes_on(rig)
        took = time.monotonic() - took
        for _ in range(6):
            boot = rig.run()
            time.sleep(rnd.uniform(0, took))
            self.kill(boot)
        self.goes_on(rig)

    def test_the_server(self):
        rig = self.lived()
        boot = rig.ready(restart_limit=0)
        pids = [p for p, (uid, _, _) in processes().items()
                if uid == rig.base]
        self.kill(boot, pids[0])
        self.assertEqual(boot.wait(), 52)
        rig.check_nothing_left()
        self.goes_on(rig)


SIX = {'hostname': 'APM_HOSTNAME', 'port': 'APM_PORT',
       'storage_account': 'APM_SA_NAME', 'keyvault': 'APM_KEYVAULT_NAME',
       'master_key': 'APM_MK_ID', 'maa_endpoint': 'MAA_ENDPOINT'}
# What the old script's deployments do not have, and what is default.
NOT_SET = ('pin', 'operator_key', 'server', 'run_directory', 'tls_ca',
           'storage', 'storage_path')


class OldLayout(Case):
    def both(self, profile):
        rig = self.rig(profile)
        token = oldscript.deploy_on(
            rig.deployment, oldscript.Server(
                world.vault, rig.storage_block(), rig.base), 'from before')
        before = rig.secrets()
        env = {v: str(rig.settings[k]) for k, v in SIX.items()}
        change = dict.fromkeys((*SIX, *NOT_SET))
        for _ in range(2):
            boot = rig.ready(env=env, **change)
            self.assertIn('old_layout', boot.events())
            self.assertIn('no_pin', boot.events())
            self.assertEqual(
                rig.ask('GET', 'anjuna/old', token)[1]['data'],
                {'word': 'from before'})
            rig.stop(boot, limit=40)
        self.assertEqual(rig.releases(), 2)
        self.assertEqual(rig.secrets(), before)
        self.nothing_local(rig)
        asked = [r['path'] for r in rig.client.requests()
                 if 'apm-root-token' in r['path'] and r['method'] == 'GET']
        # by this test alone, once before and once after
        self.assertEqual(len(asked), 4, asked)

    def test_it_boots_unchanged_by_six_variables_full(self):
        self.both('full')

    def test_it_boots_unchanged_by_six_variables_container(self):
        self.both('container')

    def test_its_template_is_installed_byte_for_byte(self):
        with open(os.path.join(vault_rig.boot_rig.INST, 'share/sallyport',
                               'templates/azure.hcl.tpl'), 'rb') as f:
            self.assertEqual(
                hashlib.sha256(f.read()).hexdigest(),
                '5289dfdb9587819d1b72c72baae0fbe2'
                '110b32dca6e87393d829522c8e0f0681')


class Refused(Case):
    def test_an_empty_store_where_a_bundle_is_stored(self):
        rig = self.lived()
        saved = {n: rig.blobs.get(n) for n in rig.blobs.names()}
        for name in saved:
            rig.blobs.delete(name)
        boot = self.refused(
            rig, 58, 'store is remote; not initialised; a bundle')
        self.assertIn('the container is empty', boot.said())
        for name, data in saved.items():
            rig.blobs.put(name, data)
        self.goes_on(rig)

    def test_an_empty_store_where_old_keys_are_stored(self):
        rig = self.rig(pin=None, operator_key=None)
        oldscript.deploy_on(rig.deployment, oldscript.Server(
            world.vault, rig.storage_block(), rig.base), 'from before')
        rig.use(next(world.free))
        self.refused(rig, 58, 'not initialised; keys of the old layout')

    def test_an_initialised_store_whose_keys_are_nowhere(self):
        rig = self.lived()
        rig.client.delete_secret(BUNDLE)
        time.sleep(1)
        boot = self.refused(rig, 57, 'store is remote; initialised; no keys')
        self.assertIn(rig.account, boot.said())
        rig.client.call('POST', '/deletedsecrets/%s/recover' % BUNDLE)
        time.sleep(1)
        self.goes_on(rig)

    def test_a_half_initialised_store(self):
        rig = self.lived()
        config = rig.blobs.get('core/seal-config')
        rig.blobs.delete('core/seal-config')
        self.refused(rig, 56, 'store is remote; half-initialised; a bundle')
        rig.client.delete_secret(BUNDLE)
        time.sleep(1)
        boot = self.refused(rig, 56, 'half-initialised; no keys')
        self.assertIn('delete every blob', boot.said())
        rig.client.call('POST', '/deletedsecrets/%s/recover' % BUNDLE)
        time.sleep(1)
        rig.blobs.put('core/seal-config', config)
        self.goes_on(rig)

    def test_another_accounts_storage_key(self):
        rig = self.lived()
        other = ACCOUNTS[next(world.free)]
        right = ACCOUNTS[rig.account]
        rig.deployment.put_storage_key(other)
        boot = self.refused(rig, 52, 'InvalidAuthenticationInfo',
                            'apm-saa-key')
        self.assertNotIn(other, boot.text())
        rig.deployment.put_storage_key(right)
        self.goes_on(rig)

    def test_a_bundle_of_another_store(self):
        """Two lives on two accounts, one vault: the bundle is bound to its
        store, and opens for no other."""
        rig = self.lived()
        other = self.lived()
        first = rig.account
        rig.use(other.account)
        self.refused(rig, 41, 'for another store')
        rig.use(first)
        self.goes_on(rig)


class Plugin(Case):
    def test_a_plugin_is_called_and_reaches_nothing(self):
        path = vault_rig.get('get-plugin')
        with open(path, 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        rig = self.rig(plugin_directory=os.path.dirname(path))
        rig.sections = '''
[plugin sallyport-test-plugin]
type = secret
command = sallyport-test-plugin
sha256 = %s
[mount tries]
type = sallyport-test-plugin
''' % digest
        boot = rig.ready()
        token = rig.token()
        self.assertEqual(rig.ask('GET', 'tries/hello/you', token)[1]['data'],
                         {'hello': 'you'})
        said = {t: rig.ask('GET', 'tries/try/' + t, token)[1]['data']['result']
                for t in plugin_tries.expected(below=True)}
        self.assertEqual(plugin_tries.wrong(said, below=True), [])
        rig.stop(boot, limit=40)


if __name__ == '__main__':
    unittest.main()
