#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole boots on real parts: first life, restart, both profiles, storages,
the old script's deployment, rotation."""
import fcntl
import hashlib
import os
import signal
import socket
import ssl
import time
import unittest

import oldscript
from boot_rig import SERVER, Rig, missing, processes
from deployment import Tls, role_uids
from ports import free_port


class LifeCase(unittest.TestCase):
    def rig(self, **more):
        why = missing()
        if why:
            self.skipTest(why)
        rig = Rig(**more)
        self.addCleanup(rig.close)
        return rig


class Lives(LifeCase):
    def tried(self, rig):
        """How often it was tried what must be refused: in a first life."""
        counts = rig.client.counts()
        return [counts.get('akv.' + x, 0) for x in
                ('decrypt', 'unwrapkey', 'key-update')]

    def first_and_second(self, **more):
        rig = self.rig(**more)
        boot = rig.ready()
        self.assertEqual(rig.releases(), 2)
        self.assertEqual(self.tried(rig), [1, 1, 1])
        status, seal = rig.ask('GET', 'sys/seal-status')
        self.assertEqual((status, seal['sealed']), (200, False))
        rig.write_word('kept')
        rig.stop(boot)
        boot = rig.ready()
        self.assertEqual(rig.releases(), 3)
        self.assertEqual(self.tried(rig), [1, 1, 1])
        self.assertEqual(rig.read_word(), 'kept')
        self.assertNotIn('stored', boot.events())
        rig.stop(boot)
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


class Layout(LifeCase):
    def test_a_first_life_names_the_line_to_add(self):
        """Once, and not where it is there."""
        rig = self.rig()
        boot = rig.ready()
        self.assertIn('add: layout = bundle', boot.text())
        rig.stop(boot)
        boot = rig.ready()
        self.assertNotIn('layout', boot.events())
        rig.stop(boot)
        rig.forget()
        boot = rig.ready(layout='bundle')
        self.assertNotIn('layout', boot.events())
        rig.stop(boot)


class TwoOnOneStore(LifeCase):
    def test_the_second_is_refused_and_the_first_goes_on(self):
        rig = self.rig()
        first = rig.ready()
        others = {'uid_' + r: u for r, u in role_uids().items()}
        second = rig.run(port=free_port(), **others)
        self.assertEqual(second.wait(), 56, second.text())
        self.assertIn('another sallyport uses', second.said())
        self.assertFalse(rig.ask('GET', 'sys/seal-status')[1]['sealed'])
        rig.stop(first)


    def test_the_same_started_twice(self):
        """The second ends; no process of the first is taken for a leftover."""
        for profile in ('full', 'container'):
            with self.subTest(profile):
                rig = self.rig(profile=profile)
                first = rig.ready()
                server = rig.server_pids()
                second = rig.run()
                self.assertIn(second.wait(), (54, 56, 70), second.text())
                self.assertEqual(rig.server_pids(), server)
                self.assertFalse(rig.ask('GET',
                                         'sys/seal-status')[1]['sealed'])
                rig.stop(first)

    def test_a_child_of_one_that_was_killed_has_the_lock_yet(self):
        """Until its exec a child has what the supervisor had open."""
        rig = self.rig()
        conf = rig.conf()
        fd = os.open(os.path.dirname(rig.store), os.O_RDONLY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX)
        boot = rig.boot(conf)
        self.assertTrue(boot.wait_until('profile'), boot.text())
        time.sleep(0.5)
        self.assertIsNone(boot.code(), boot.text())
        fcntl.flock(fd, fcntl.LOCK_UN)
        self.assertTrue(boot.wait_until('ready'), boot.text()[-3000:])
        rig.stop(boot)

    def test_two_stores_and_one_run_directory(self):
        """container: the files of a server that serves are not another's."""
        rig = self.rig(profile='container')
        first = rig.ready()
        others = {'uid_' + r: u for r, u in role_uids().items()}
        second = rig.run(port=free_port(), storage_path=os.path.join(
            rig.work, 'deployment', 'data'), **others)
        self.assertEqual(second.wait(), 56, second.text())
        self.assertIn('another sallyport uses ' + rig.run_dir, second.said())
        first.signal(signal.SIGHUP)
        self.assertTrue(first.wait_until('rotated'), first.text()[-3000:])
        rig.stop(first)


class Storing(LifeCase):
    def test_a_dead_store_process_is_followed_by_the_next(self):
        rig = self.rig()
        rig.client.fault(service='akv', operation='secret-set', times=1,
                         match='apm-unseal-bundle', delay=8)
        boot = rig.run()
        self.assertTrue(boot.wait_until('initialised'))
        pids = []
        while not pids: # the storing process, as soon as it is there
            self.assertIsNone(boot.code(), boot.text())
            pids = [pid for pid, (uid, _, _) in processes().items()
                    if uid == rig.uids['https']]
        os.kill(pids[0], signal.SIGKILL)
        self.assertTrue(boot.wait_until('ready'), boot.text())
        self.assertIn('store_died', boot.events())
        rig.stop(boot)
        rig.stop(rig.ready())


class Leftovers(LifeCase):
    """container: the server's directories outlive it, with what a plugin
    that was killed, or that wants to be in the next life's way, put there."""

    def leave(self, rig, life, outside):
        uid = rig.uids['server']

        def mine(path, mode):
            os.chown(path, uid, uid, follow_symlinks=False)
            if not os.path.islink(path):
                os.chmod(path, mode)
        for name in ('sock', 'tmp'):
            top = os.path.join(rig.run_dir, life, name)
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(os.path.join(top, 'plugin123'))
            mine(os.path.join(top, 'plugin123'), 0o755)
            os.symlink(outside, os.path.join(top, 'link'))
            mine(os.path.join(top, 'link'), 0)
            deep = top
            for _ in range(300):
                deep += '/0'
                os.mkdir(deep)
                with open(deep + '/file', 'w') as f:
                    f.write('x')
                mine(deep + '/file', 0)
                os.symlink(outside, deep + '/link')
            for folder in [deep[:len(top) + 2 * n] for n in range(300, 0, -1)]:
                mine(folder, 0)

    def empty(self, rig, life):
        for name in ('sock', 'tmp'):
            self.assertEqual(os.listdir(os.path.join(
                rig.run_dir, life, name)), [])

    def test_what_a_plugin_left_is_gone_before_and_after_a_life(self):
        rig = self.rig(profile='container')
        outside = os.path.join(rig.work, 'outside')
        os.mkdir(outside, 0o777)
        os.chmod(outside, 0o757)
        with open(outside + '/kept', 'w') as f:
            f.write('kept')
        boot = rig.ready()
        self.empty(rig, 'look')
        self.leave(rig, '', outside)
        rig.stop(boot)
        self.empty(rig, '')
        for life in ('', 'look'):
            self.leave(rig, life, outside)
            sock = os.path.join(rig.run_dir, life, 'sock')
            for name in ('api.sock', 'notify'):
                for part in (name, name + '/in the way'):
                    os.mkdir(os.path.join(sock, part))
                    os.chown(os.path.join(sock, part), rig.uids['server'], -1)
        boot = rig.ready()
        self.empty(rig, 'look')
        rig.stop(boot)
        for life in ('', 'look'):
            self.empty(rig, life)
        self.assertEqual(os.listdir(outside), ['kept'])
        self.assertEqual(os.stat(outside).st_mode & 0o7777, 0o757)

    def test_what_cannot_be_removed_is_said_and_ends_the_boot(self):
        rig = self.rig(profile='container')
        rig.stop(rig.ready())
        foreign = os.path.join(rig.run_dir, 'tmp', 'foreign')
        os.makedirs(foreign + '/of root')
        os.chmod(foreign, 0o700)
        boot = rig.run()
        self.assertEqual(boot.wait(), 4, boot.text())
        self.assertIn('what was left in sock or tmp below ' + rig.run_dir, boot.said())
        os.rmdir(foreign + '/of root')
        rig.stop(rig.ready())


class OldLayout(LifeCase):
    def test_a_vault_as_the_old_script_leaves_it_boots_unchanged(self):
        rig = self.rig(pin=None, operator_key=None)
        token = oldscript.deploy(rig.deployment, SERVER, rig.store,
                                 rig.uids['server'], 'from the old days')
        before = rig.client.state()
        for _ in range(2):
            boot = rig.ready()
            self.assertEqual(rig.ask('GET', 'anjuna/old', token)[1]['data'],
                             {'word': 'from the old days'})
            self.assertIn('old_layout', boot.events())
            self.assertIn('no_pin', boot.events())
            rig.stop(boot)
        self.assertEqual(rig.releases(), 2)
        self.assertEqual(rig.client.state(), before)
        self.assertFalse(os.path.exists(rig.store + '.sallyport'))
        # the root token in clear is never asked for (P11)
        asked = [r['path'] for r in rig.client.requests()
                 if r['method'] == 'GET' and 'apm-root-token' in r['path']]
        self.assertEqual(asked, [])


class Audit(LifeCase):
    def logs(self, profile):
        rig = self.rig(profile=profile)
        top = os.path.join(rig.run_parent, 'audit')
        file = os.path.join(top, 'audit.log')
        os.mkdir(top)
        os.chown(top, 0, rig.uids['server'])
        os.chmod(top, 0o2770)
        rig.settings['audit_directory'] = top
        rig.sections = ('[audit main]\nfile_path = %s\n'
                        '[mount anjuna]\ntype = kv\n' % file)
        boot = rig.ready()
        rig.write_word('audited')
        self.assertIn('anjuna/word', self.read(file))
        os.rename(file, file + '.1')
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('rotated'))
        self.assertEqual(rig.read_word(), 'audited')
        self.assertIn('anjuna/word', self.read(file))
        rig.stop(boot)
        old = self.read(file)
        boot = rig.ready()
        self.assertEqual(rig.read_word(), 'audited')
        self.assertTrue(self.read(file).startswith(old))
        rig.stop(boot)

    @staticmethod
    def read(file):
        with open(file) as f:
            return f.read()

    def test_a_file_in_the_audit_directory_full(self):
        self.logs('full')

    def test_a_file_in_the_audit_directory_container(self):
        self.logs('container')


class Rotation(LifeCase):
    def served(self, rig):
        pem = ssl.get_server_certificate(('127.0.0.1', rig.port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def test_a_new_certificate_is_served_and_a_bad_one_refused(self):
        rig = self.rig(tls_ca=None)
        boot = rig.ready()
        old = self.served(rig)
        rig.deployment.put_tls()
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('rotated'))
        new = self.served(rig)
        self.assertNotEqual(old, new)
        self.assertEqual(rig.releases(), 3)
        rig.deployment.put_tls(tls=Tls('somebody-else.test'))
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('not_rotated'))
        self.assertEqual(self.served(rig), new)
        rig.stop(boot)

    def stuck(self, rig):
        """A rotation whose server stands still: it takes nothing."""
        boot = rig.ready()
        server = next(pid for pid, (uid, _, _) in processes().items()
                      if uid == rig.uids['server'])
        old = self.served(rig)
        rig.deployment.put_tls()
        os.kill(server, signal.SIGSTOP)
        boot.signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while rig.releases() < 3 and time.monotonic() < end:
            time.sleep(0.02)
        return boot, server, old

    def test_a_server_that_does_not_take_it_is_booted_again(self):
        rig = self.rig(tls_ca=None)
        boot, server, old = self.stuck(rig)
        self.assertTrue(boot.wait_until('rotation_restart'))
        end = time.monotonic() + 60
        while boot.events().count('ready') < 2 and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(boot.events().count('ready'), 2, boot.text())
        self.assertFalse(rig.ask('GET', 'sys/seal-status')[1]['sealed'])
        self.assertNotEqual(self.served(rig), old)
        self.assertNotIn(server, processes())
        self.assertEqual(rig.releases(), 4)
        rig.deployment.put_tls()
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('rotated'))
        rig.stop(boot)

    def test_a_restart_that_fails_ends_with_its_code(self):
        rig = self.rig(tls_ca=None)
        boot, _, _ = self.stuck(rig)
        rig.client.fault(service='akv', operation='release', times=0,
                         mutate='wrong_root')
        self.assertEqual(boot.wait(), 36, boot.text())
        self.assertIn('rotation_restart', boot.events())
        rig.check_nothing_left()
        rig.client.clear_faults()
        rig.stop(rig.ready())


if __name__ == '__main__':
    unittest.main()
