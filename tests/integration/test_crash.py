# SPDX-License-Identifier: Apache-2.0
"""The crash points of a first life and the rows of the recovery table, each
made in a whole boot (tests/tables/crash.tbl says which test makes which): the
boot is killed at one counted step, or the key vault lies, and what the next
boot does is seen from outside.  A store that holds data survives all of it."""
import base64
import os
import shutil
import signal
import socket
import time
import unittest

import spframe as sp
import tpm_bench as tb
from boot_rig import LIMIT_S
from error_case import BUNDLE, ErrorCase, StoreCase, WORD
from evil_case import EvilCase
from fault_case import FAULT, KILL, STOP, unable
from storm_watch import SERVER, alive, children, named

SENDMSG, SENDTO, RENAMEAT, RENAMEAT2 = '46', '44', '264', '316'
SETSID, PIVOT_ROOT, CAPSET = '112', '155', '126'
# an auth method instead of an operator's key: the root token is revoked
PEOPLE = '''
[policy reader]
text = path "anjuna/*" { capabilities = ["read"] }
[auth people]
type = userpass
'''


class Dies(ErrorCase):
    """Each begins with a deployment that never lived, kills it at one point,
    and ends with a server that serves."""
    LIVED = False

    @classmethod
    def setUpClass(cls):
        why = unable()
        if why:
            raise unittest.SkipTest(why)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.rig.forget()

    def killed(self, seat, calls, step, victim='sallyport', **run):
        """A boot in which that seat's step kills the victim."""
        rule = [FAULT, '-o', os.path.join(self.rig.work, 'fault'), seat,
                calls, str(step), str(int(KILL)), victim, '--']
        boot = self.rig.run(wrap=rule, **run)
        boot.wait()
        self.over(boot)
        return boot

    def over(self, boot):
        """Nothing of it runs any more."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if not [x for x in self.rig.left() if x.startswith('process')]:
                return
            time.sleep(0.02)
        self.fail('it goes on: %s' % self.rig.left())

    def lives(self, *events, never=(), **run):
        """The next boot says these and is READY, and the server serves."""
        boot = self.rig.ready(**run)
        said = boot.events()
        for event in events:
            self.assertIn(event, said, boot.text()[-4000:])
        for event in never:
            self.assertNotIn(event, said, boot.text()[-4000:])
        self.rig.write_word(WORD)
        self.assertEqual(self.rig.read_word(), WORD)
        self.rig.stop(boot)

    def marker(self):
        try:
            with open(self.rig.store + '.sallyport', encoding='ascii') as f:
                return f.read().split()[4]
        except FileNotFoundError:
            return None

    def versions(self):
        return len(self.client.list_versions(BUNDLE)) if BUNDLE in \
            self.client.state()[self.rig.deployment.info['vault_name']][
                'secrets'] else 0


class Crash(Dies):
    def test_c0_before_the_marker(self):
        """The probe is written; nothing else is."""
        self.killed('verify:1', SENDMSG, 2)
        self.assertIsNone(self.marker())
        self.lives('initialised', never=['moved_aside'])

    def test_c0_its_directory_is_whole_or_not_there(self):
        """Made, given to the server and opened to it: three calls, and only
        then it has its name.  (Found by the kill matrix.)"""
        top = os.path.dirname(self.rig.store)
        self.rig.conf()
        os.makedirs(top, exist_ok=True)
        os.mkdir(self.rig.store + '.sallyport.made', 0o700)
        self.killed('sallyport', RENAMEAT2, 1)
        self.assertEqual(self.store_files(), ['data'])
        self.assertEqual(os.stat(self.rig.store).st_mode & 0o7777, 0o2770)
        self.lives('initialised', never=['moved_aside'])
        self.assertEqual(self.store_files(), ['data', 'data.sallyport'])

    def late(self, appears, *said):
        """Something appears at the store while the attestation goes on, as
        where a volume is mounted late: nothing is begun on it."""
        self.client.fault(service='akv', operation='release', times=1, delay=2)
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('attested'), boot.text()[-4000:])
        os.makedirs(os.path.dirname(self.rig.store), exist_ok=True)
        appears()
        before = self.rig.store_hash()
        self.assertEqual(boot.wait(60), 56, boot.text()[-4000:])
        for words in said:
            self.assertIn(words, boot.said())
        self.assertNotIn('looked', boot.events())
        self.assertEqual((self.rig.store_hash(), self.versions()), (before, 0))

    def volume(self):
        os.mkdir(self.rig.store, 0o700)
        os.chown(self.rig.store, 0, self.rig.base)
        os.chmod(self.rig.store, 0o2770)
        with open(os.path.join(self.rig.store, 'CURRENT'), 'wb') as f:
            f.write(b'MANIFEST-000001\n')

    def test_c0_a_volume_that_is_mounted_late(self):
        self.late(self.volume, 'found: no marker; store holds files')

    def test_c0_a_marker_that_appears(self):
        def appears():
            self.volume()
            with open(self.rig.store + '.sallyport', 'w',
                      encoding='ascii') as f:
                f.write('sallyport marker 1\nstate STORED\ngeneration '
                        'unknown\ndirectory 1 1\n')
            os.chmod(self.rig.store + '.sallyport', 0o600)
        self.late(appears, 'marker changed during this boot')

    def test_c1_marked_and_not_initialised(self):
        """PREPARED, an absent or empty store: it goes on in place."""
        self.killed('sallyport', RENAMEAT, 1)
        self.assertEqual((self.marker(), self.versions()), ('PREPARED', 0))
        self.assertEqual(os.listdir(self.rig.store), [])
        self.lives('initialised', never=['moved_aside'])

    def test_c1_a_look_left_files(self):
        """PREPARED, files, UNINIT: the same."""
        self.killed('control look:1', SENDMSG, 2)
        self.assertEqual(self.marker(), 'PREPARED')
        self.assertTrue(os.listdir(self.rig.store))
        self.lives('initialised', never=['moved_aside'])

    def test_c1_a_child_that_is_stopped_before_its_exec(self):
        """It dies with its supervisor, whose lock it has: stopped in its own
        session, with its root changed, with no capability left."""
        for call in (SETSID, PIVOT_ROOT, CAPSET):
            report = os.path.join(self.rig.work, 'fault')
            boot = self.rig.run(wrap=[FAULT, '-o', report, 'clone:3', call,
                                      '1', str(int(STOP)), '--'])
            boot.comes(lambda: os.path.exists(report) and
                       'hit ' in open(report, encoding='ascii').read())
            for supervisor in children(boot.pid):
                os.kill(supervisor, KILL)
            boot.wait()
            self.over(boot)
            os.unlink(report)
        self.lives('initialised', never=['moved_aside'])

    def test_c2_the_server_dies_while_it_initialises(self):
        boot = self.killed('control init:1', SENDTO, 1, 'bao')
        self.assertIn(boot.code(), (52, 61, 63), boot.text()[-3000:])
        self.assertEqual((self.marker(), self.versions()), ('PREPARED', 0))
        self.lives('initialised')

    def test_c1_and_the_way_in_is_taken_out_of_the_configuration(self):
        """A first life that goes on is one: it needs what the first needed."""
        self.killed('sallyport', RENAMEAT, 1)
        for change, code in (({'operator_key': None}, 64), ({'pin': None}, 66)):
            boot = self.rig.run(**change)
            self.assertEqual(boot.wait(60), code, boot.text()[-3000:])
            self.assertNotIn('initialised', boot.events())
        self.lives('initialised', never=['moved_aside'])

    def test_c1_the_port_is_taken_meanwhile(self):
        self.client.fault(service='akv', operation='release', times=1, delay=2)
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('attested'), boot.text()[-4000:])
        with socket.create_server(('127.0.0.1', self.rig.port)):
            self.assertEqual(boot.wait(60), 54, boot.text()[-4000:])
            self.assertNotIn('public', boot.events())
        self.over(boot)
        self.lives(never=['initialised'])

    def test_c3_initialised_and_the_keys_lost(self):
        """Nobody has them, and nobody used it: it is moved aside."""
        self.killed('control init:1', SENDMSG, 2)
        self.assertEqual((self.marker(), self.versions()), ('PREPARED', 0))
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            before = f.read().split()[6]
        self.lives('moved_aside', 'initialised')
        self.assertEqual([x for x in self.store_files() if '.aside-' in x],
                         ['data.aside-' + before])
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            self.assertNotEqual(f.read().split()[6], before)

    def test_c3_the_server_dies_and_its_keys_are_made(self):
        """Control has its answer: nobody needs that server any more.  tpm is
        held when it has shown its key, and lets go after that."""
        report = os.path.join(self.rig.work, 'fault')
        boot = self.rig.run(wrap=[FAULT, '-o', report, 'tpm:1', SENDMSG, '8',
                                  str(int(STOP)), '--'])
        boot.comes(lambda: self.pids(boot, 'control init'))
        init, = self.pids(boot, 'control init')
        boot.comes(lambda: not alive(init))
        self.assertEqual((self.versions(), boot.code()), (0, None))
        for pid in self.pids(boot, SERVER):
            os.kill(pid, KILL)
        boot.comes(lambda: 'crash' in boot.events())
        for pid in self.pids(boot, 'tpm'):
            os.kill(pid, signal.SIGCONT)
        self.assertTrue(boot.wait_until('ready'), boot.text()[-4000:])
        said = boot.events()
        self.assertEqual((said.count('initialised'), self.versions()), (1, 2))
        self.assertNotIn('moved_aside', said)
        boot.process.terminate()
        self.assertEqual(boot.wait(60), 0)
        self.over(boot)
        self.lives(never=['initialised', 'moved_aside'])

    @staticmethod
    def pids(boot, name):
        """Of the supervisor, which runs below the fault program."""
        return [k for s in children(boot.pid) for k in named(s, name)]

    def test_c3_and_dead_again_before_the_new_marker(self):
        """Moved aside, and the marker names another directory, or none."""
        self.killed('control init:1', SENDMSG, 2)
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            before = f.read().split()[6]
        old = self.rig.store + '.aside-x'
        os.rename(self.rig.store, old)
        self.lives('initialised', never=['moved_aside'])
        self.assertTrue(os.listdir(old))
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            self.assertNotEqual(f.read().split()[6], before)

    def test_c4_stored_and_not_read_back(self):
        """The only copy of the keys is in the key vault: it is used."""
        self.client.fault(service='akv', operation='secret-get', times=1,
                          match=BUNDLE, delay=3)
        boot = self.rig.run()
        self.kill_when(boot, lambda: self.versions() == 1)
        self.assertEqual(self.marker(), 'PREPARED')
        self.client.clear_faults()
        self.lives(never=['moved_aside', 'initialised'])

    def kill_when(self, boot, what):
        end = time.monotonic() + LIMIT_S
        while not what():
            self.assertIsNone(boot.code(), boot.text()[-3000:])
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        boot.signal(KILL)
        boot.wait()
        self.over(boot)

    def test_c5_a_bundle_that_does_not_open(self):
        """PREPARED, and what is stored opens under no key of ours: nobody
        knows what it is, so nothing is started over."""
        self.killed('control init:1', SENDMSG, 2)
        self.client.set_secret(BUNDLE, base64.b64encode(
            os.urandom(780)).decode())
        boot = self.rig.run()
        self.assertEqual(boot.wait(), 41, boot.text()[-3000:])
        self.assertIn('does not open with the master key', boot.said())
        self.assertEqual(self.marker(), 'PREPARED')
        self.assertEqual([x for x in self.store_files() if 'aside' in x], [])

    def test_c6_stored_and_not_yet_public(self):
        self.killed('sallyport', RENAMEAT, 2)
        self.assertEqual((self.marker(), self.versions()), ('STORED', 1))
        self.lives('stored', never=['moved_aside', 'initialised'])
        self.final()

    def test_c6_and_the_way_in_is_taken_out_of_the_configuration(self):
        """The root token in the fresh bundle is the last one: not closed."""
        self.killed('sallyport', RENAMEAT, 2)
        boot = self.rig.run(operator_key=None)
        self.assertEqual(boot.wait(), 64, boot.text()[-3000:])
        self.assertIn('set operator_key', boot.said())
        self.assertEqual((self.marker(), self.versions()), ('STORED', 1))
        self.lives('stored', never=['moved_aside', 'initialised'])
        self.assertTrue(self.rig.token())
        self.final()

    def test_c7_while_it_is_configured(self):
        self.killed('control unseal:1', SENDTO, 14)
        self.assertEqual((self.marker(), self.versions()), ('STORED', 1))
        self.lives('stored', never=['moved_aside', 'initialised'])
        self.final()

    def test_c8_configured_and_the_operator_has_no_token_yet(self):
        self.killed('https store:2', SENDMSG, 0)
        self.assertEqual(self.versions(), 1)
        self.lives('stored', never=['moved_aside', 'initialised'])
        self.final()

    def test_c9_revoked_and_not_stored(self):
        """A dead root token inside the bundle means it was closed."""
        run = {'operator_key': None, 'sections': PEOPLE}
        self.killed('https store:2', SENDMSG, 0, **run)
        self.assertEqual((self.marker(), self.versions()), ('STORED', 1))
        boot = self.rig.ready(**run)
        self.assertIn('stored', boot.events())
        self.rig.stop(boot)
        self.final()

    def final(self):
        """The newest bundle is final, and no root token is in it."""
        master = tb.Master(key=self.rig.deployment.private_key())
        raw = base64.b64decode(self.client.get_secret(BUNDLE))
        kind, _, plain = master.open_bundle(raw, 'pebbledb:' + self.rig.store)
        self.assertEqual(kind, tb.FINAL)
        self.assertEqual(sp.keyset_parse(plain)[2], '')

    def test_an_echo_that_lies(self):
        """What is read back is not what was written: written again, until
        it is."""
        self.client.fault(service='akv', operation='secret-get', times=2,
                          match=BUNDLE, body='{"value":"%s"}' %
                          base64.b64encode(os.urandom(780)).decode())
        boot = self.rig.ready()
        self.assertGreaterEqual(self.versions(), 3)
        self.rig.stop(boot)
        self.final()
        self.lives()

    def test_a_probe_that_lies(self):
        """Before anything is initialised it shows."""
        self.client.fault(service='akv', operation='secret-get', times=0,
                          match='apm-probe', body='{"value":"bm8="}')
        self.exactly(65, 'does not keep what is written')
        self.assertEqual(self.store_files(), [])

    def test_keys_of_the_old_layout_and_no_store(self):
        """none, absent, old keys: the store is lost, or another is meant."""
        for n in range(5):
            self.client.set_secret('apm-unseal-key-%d' % n,
                                   self.rig.deployment.wrap('ab' * 33))
        self.addCleanup(self.no_old_keys)
        self.exactly(58, 'the configuration points elsewhere')
        self.assertEqual(self.store_files(), [])

    def no_old_keys(self):
        for n in range(5):
            self.client.delete_secret('apm-unseal-key-%d' % n)
            self.client.call('DELETE', '/deletedsecrets/apm-unseal-key-%d' % n)


class Raft(Dies):
    RIG = {'storage': 'raft'}
    SYNCS = 12  # of raft.db: the cluster is made, a seal is not yet

    def dies_in_init(self):
        """In the middle of the server's init: who syncs its store is held for
        a moment, and killed with all others at the counted one."""
        said = os.path.join(self.rig.work, 'synced')
        boot = self.rig.run(wrap=[
            'strace', '-f', '-qq', '-y', '-s0', '-e', 'signal=none', '-e',
            'trace=fdatasync', '-e', 'inject=fdatasync:delay_exit=200000',
            '-o', said])
        end = time.monotonic() + LIMIT_S
        while self.synced(said) < self.SYNCS:
            self.assertLess(time.monotonic(), end, boot.text()[-4000:])
            self.assertIsNone(boot.code(), boot.text()[-4000:])
            time.sleep(0.01)
        self.assertNotIn('initialised', boot.events())
        for supervisor in children(boot.pid):
            os.kill(supervisor, KILL)
        boot.wait()
        self.over(boot)

    @staticmethod
    def synced(path):
        if not os.path.exists(path):
            return 0
        with open(path, encoding='ascii') as f:
            return len([x for x in f if 'raft.db>' in x])

    def test_c2_a_server_that_died_while_it_initialised(self):
        """With such a store no server goes on; it never held data."""
        self.dies_in_init()
        self.lives('moved_aside', 'initialised', 'stored')
        aside = [x for x in self.store_files() if '.aside-' in x]
        self.assertEqual(len(aside), 1)
        self.assertTrue(os.listdir(os.path.join(
            os.path.dirname(self.rig.store), aside[0])))
        self.lives(never=('initialised', 'moved_aside'))


class Lies(StoreCase):
    """A store that holds data, and a key vault that lies."""

    def version_ids(self):
        return [v['id'].rsplit('/', 1)[1]
                for v in self.client.list_versions(BUNDLE)]

    def test_only_the_old_bundle_is_shown(self):
        """STORED and fresh: the vault was rolled back, or the final bundle
        never came to be.  It opens, and the final one is stored again."""
        master = tb.Master(key=self.rig.deployment.private_key())
        for version in self.version_ids():  # no order within one second
            raw = base64.b64decode(self.client.get_secret(BUNDLE, version))
            if master.open_bundle(raw, 'pebbledb:' +
                                  self.rig.store)[0] == tb.FINAL:
                self.client.disable_version(BUNDLE, version)
        boot = self.mended()
        self.assertIn('stored', boot.events())

    def test_nothing_is_shown(self):
        for shown in ('STORED', None):
            with self.subTest(marker=shown):
                self.put_back()
                if shown is None:
                    os.unlink(self.rig.store + '.sallyport')
                self.client.fault(
                    service='akv', operation='secret-versions', times=0,
                    match=BUNDLE, status=404, body='{"error":{"code":'
                    '"SecretNotFound","message":"A secret with (name/id) '
                    'x was not found in this key vault."}}')
                self.refused(57, 'nothing was changed')
                self.client.clear_faults()
                self.mended()

    def test_nothing_is_shown_for_a_moment(self):
        """A 404 is asked again for absent_time before it counts."""
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            generation = f.read().split()[6]
        for state in ('PREPARED', 'STORED'):
            with self.subTest(state):
                self.mark(state, generation=generation)
                self.client.fault(
                    service='akv', operation='secret-versions', times=1,
                    match=BUNDLE, body='{"value":[],"nextLink":null}')
                boot = self.rig.ready(absent_time=3)
                self.assertIn('absent', boot.events())
                self.assertNotIn('moved_aside', boot.events())
                self.assertEqual(self.rig.read_word(), WORD)
                self.rig.stop(boot)

    def moved_aside(self):
        """The one row that starts over, with a vault that says: nothing.
        The boot is killed when it has moved the store; that is all there."""
        self.client.fault(service='akv', operation='secret-versions', times=0,
                          match=BUNDLE, body='{"value":[],"nextLink":null}')
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('moved_aside'), boot.text()[-3000:])
        boot.signal(KILL)
        boot.wait()
        aside = [x for x in self.store_files() if '.aside-' in x]
        self.assertEqual(len(aside), 1)
        return os.path.join(self.top, aside[0])

    def test_nothing_is_shown_of_what_was_only_prepared(self):
        """And whoever gets it back has what he had."""
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            generation = f.read().split()[6]
        self.mark('PREPARED')
        aside = self.moved_aside()
        self.client.clear_faults()
        shutil.rmtree(self.rig.store, ignore_errors=True)
        os.rename(aside, self.rig.store)
        self.mark('STORED', generation=generation)
        self.mended()

    def test_a_prepared_store_that_does_not_start(self):
        self.mark('PREPARED')
        with open(os.path.join(self.rig.store, 'CURRENT'), 'wb') as f:
            f.write(b'MANIFEST-999999\n')
        before = set(os.listdir(self.rig.store))
        self.assertLessEqual(before, set(os.listdir(self.moved_aside())))

    def test_a_bundle_of_another_generation_under_prepared(self):
        """PREPARED takes its own bundle alone."""
        self.mark('PREPARED', generation='ab' * 16)
        self.refused(72, 'contradicts the marker')
        self.put_back()
        self.mended()

    def test_another_device_number(self):
        """The machine started again, and its disk is found in another place:
        the marker is still beside the directory that it names."""
        path = self.rig.store + '.sallyport'
        for state in ('STORED', 'PREPARED'):
            with self.subTest(state):
                self.mark(state)
                with open(path, encoding='ascii') as f:
                    text = f.read()
                dev = str(os.stat(self.rig.store).st_dev)
                self.assertIn('directory %s ' % dev, text)
                with open(path, 'w', encoding='ascii') as f:
                    f.write(text.replace('directory %s ' % dev,
                                         'directory 1%s ' % dev))
                self.mended()
                self.put_back()

    def test_the_vault_is_away(self):
        self.refused(32, 'the key vault does not answer',
                     keyvault_connect='127.0.0.1:1')
        self.mended()

    def test_a_store_that_does_not_start(self):
        """STORED: stopped, with the server's own reason; PREPARED: aside."""
        with open(os.path.join(self.rig.store, 'CURRENT'), 'wb') as f:
            f.write(b'MANIFEST-999999\n')
        before = self.rig.store_hash()
        boot = self.refused(52, 'the server exited')
        self.assertNotIn('moved_aside', boot.events())
        self.assertEqual(before, self.rig.store_hash())

    def test_another_store_in_its_place(self):
        """STORED, files, UNINIT: never initialised over."""
        for name in os.listdir(self.rig.store):
            os.unlink(os.path.join(self.rig.store, name))
        path = self.rig.store + '.sallyport'
        with open(path, encoding='ascii') as f:
            marker = f.read()
        os.unlink(path)
        # a look of a server that finds nothing leaves an empty database
        self.client.fault(service='akv', operation='secret-versions', times=0,
                          match=BUNDLE, body='{"value":[],"nextLink":null}')
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('marker'))
        boot.signal(KILL)
        boot.wait()
        self.client.clear_faults()
        with open(path, 'w', encoding='ascii') as f:
            f.write(marker)
        self.mark('STORED')
        self.refused(58, 'not initialised')


class Looks(EvilCase):
    LIVED = False

    def test_half_initialised_and_moved_aside(self):
        """PREPARED, initialised, no keys; and a look that says: half."""
        rig = self.rig
        rig.run(wrap=[FAULT, 'control init:1', SENDMSG, '2', str(int(KILL)),
                      'sallyport', '--']).wait()
        boot = rig.run(wrap=self.hostile(('look', 'other-code', '105')))
        boot.wait()
        self.assertIn('moved_aside', boot.events(), boot.text()[-3000:])
        rig.check_nothing_left()
        boot = rig.ready()
        rig.write_word(WORD)
        rig.stop(boot)
        self.mended()


if __name__ == '__main__':
    unittest.main()
