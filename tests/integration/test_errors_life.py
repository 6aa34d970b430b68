# SPDX-License-Identifier: Apache-2.0
"""Store, marker and key vault that do not fit together; first lives that must
not begin; a process that its filter kills."""
import os
import shutil
import subprocess
import unittest

from boot_rig import INST
from mounts import propagation
from error_case import BUNDLE, ErrorCase, StoreCase, WORD


class FirstLife(ErrorCase):
    LIVED = False

    def test_no_pin(self):
        boot = self.refused(66, 'add: pin = ', 'set APM_MK_PIN', pin=None)
        self.assertNotIn('add: operator_key', boot.said())
        self.assertEqual(self.store_files(), [])

    def test_no_way_in(self):
        boot = self.refused(64, 'add: operator_key = ', '[auth',
                            operator_key=None)
        self.assertNotIn('add: pin', boot.said())
        self.assertEqual(self.store_files(), [])

    def test_neither(self):
        self.refused(66, 'add: pin = ', 'add: operator_key = ',
                     self.rig.settings['pin'], pin=None, operator_key=None)
        self.assertEqual(self.store_files(), [])

    def test_first_key_trusted(self):
        """The operator decided it: the pin is printed as the line to add."""
        pin = self.rig.settings['pin']
        boot = self.rig.ready(pin=None, trust_first_key='yes')
        self.assertIn(pin, boot.said())
        self.rig.stop(boot)
        self.rig.forget()

    def test_vault_keeps_nothing(self):
        self.client.fault(
            service='akv', operation='secret-set', times=0, status=403,
            body='{"error":{"code":"Forbidden","message":"no set"}}')
        self.refused(65, 'no set')
        self.assertEqual(self.store_files(), [])

    def test_an_identity_that_may_too_much(self):
        for action, words in (('keys/decrypt/action', 'trying to decrypt'),
                              ('keys/unwrap/action', 'trying to unwrap'),
                              ('keys/update/action', 'trying to change')):
            self.client.permit(action)
            self.addCleanup(self.client.permit)
            self.exactly(75, words, 'the identity may do with the master key '
                         'what it must not', 'never decrypt, unwrap or update')
            self.assertEqual(self.store_files(), [])
            self.assertNotIn(BUNDLE, self.client.state()[
                self.rig.deployment.info['vault_name']]['secrets'])

    def test_garbage_marker(self):
        self.rig.conf()
        path = self.rig.store + '.sallyport'
        with open(path, 'w') as f:
            f.write('sallyport marker 9\n')
        os.chmod(path, 0o600)
        self.addCleanup(os.unlink, path)
        self.exactly(68, 'data.sallyport', 'not one that sallyport wrote')


class Container(ErrorCase):
    RIG = {'profile': 'container'}
    LIVED = False

    def test_a_second_session_that_cannot_begin(self):
        """What the first rendered goes, in a profile where files stay."""
        boot = self.rig.run()
        self.assertTrue(boot.wait_until('initialised'), boot.text()[-4000:])
        parent = os.path.dirname(self.rig.store)
        os.chmod(parent, 0o775)
        self.addCleanup(os.chmod, parent, 0o755)
        self.assertEqual(boot.wait(60), 69, boot.text()[-4000:])
        self.assertIn('stored', boot.events())
        self.assertIn('writable by root alone', boot.said())
        self.rig.check_nothing_left()
        os.chmod(parent, 0o755)
        self.rig.stop(self.rig.ready())


class Storage(ErrorCase):
    LIVED = False

    def test_one_that_the_server_does_not_have(self):
        """OpenBao has no storage "file" any more. It says so, nothing is
        moved aside, and the directory serves the next boot."""
        for _ in range(2):
            boot = self.rig.run(storage='file')
            self.assertEqual(boot.wait(60), 52, boot.text()[-4000:])
            self.assertIn('unknown storage type file', boot.text())
            self.assertIn('the server exited with code 1', boot.said())
            self.rig.check_nothing_left()
            self.assertEqual(self.store_files(), ['data', 'data.sallyport'])
            self.assertEqual(os.listdir(self.rig.store), [])
        self.rig.stop(self.rig.ready())


class Lived(StoreCase):
    def empty(self):
        for name in os.listdir(self.rig.store):
            os.unlink(os.path.join(self.rig.store, name))

    def test_no_keys_anywhere(self):
        self.hide_bundle()
        boot = self.refused(57, 'restore apm-unseal-bundle',
                            'nothing was changed', 'marker STORED')
        # a probe is for a first life, which this may not be
        self.assertNotIn('probed', boot.events())
        self.show_bundle()
        self.mended()

    def test_no_keys_and_no_marker(self):
        self.hide_bundle()
        os.unlink(self.rig.store + '.sallyport')
        self.refused(57, 'no marker', 'no keys in the key vault')
        self.show_bundle()
        self.mended()
        self.assertIn('data.sallyport', self.store_files())

    def test_store_emptied(self):
        before = self.asked()
        self.empty()
        self.exactly(58, 'marker STORED; store absent or empty',
                     'restore it; nothing was changed')
        self.assertEqual(self.store_files(), ['data', 'data.sallyport'])
        self.assertEqual(os.listdir(self.rig.store), [])
        self.assertEqual(self.asked(), before)

    def test_store_absent(self):
        before = self.asked()
        self.empty()
        os.rmdir(self.rig.store)
        self.exactly(58, 'store absent or empty', 'nothing was changed')
        self.assertEqual(self.store_files(), ['data.sallyport'])
        self.assertEqual(self.asked(), before)

    def asked(self):
        """Azure was asked nothing: no counter but the tests' own moves."""
        return {k: v for k, v in self.client.counts().items()
                if not k.startswith('control')}

    def test_store_emptied_and_no_marker(self):
        self.empty()
        os.unlink(self.rig.store + '.sallyport')
        self.refused(58, 'the configuration points elsewhere')
        self.assertEqual(self.store_files(), ['data'])

    def test_another_type_of_storage(self):
        """A server of that type would begin its own store among the files."""
        before = self.asked(), self.rig.store_hash()
        boot = self.rig.run(storage='raft')
        self.assertEqual(boot.wait(60), 56, boot.text()[-4000:])
        self.assertIn('was made with storage = pebbledb, the configuration '
                      'says raft: set storage = pebbledb', boot.said())
        self.assertNotIn('attested', boot.events())
        self.assertEqual((self.asked(), self.rig.store_hash()), before)
        self.mended()
        self.empty()  # then there is nothing that could be harmed
        self.assertEqual(self.rig.run(storage='raft').wait(60), 58)

    def test_a_marker_that_names_no_type(self):
        path = self.rig.store + '.sallyport'
        with open(path, encoding='ascii') as f:
            lines = f.readlines()
        self.assertEqual(lines[4:], ['storage pebbledb\n'])
        for last, code in (('', 0), ('storage pebbledb\nstorage raft\n', 68),
                           ('storage \n', 68), ('storag', 68)):
            with open(path, 'w', encoding='ascii') as f:
                f.writelines(lines[:4] + [last])
            if code:
                self.exactly(code, 'not one that sallyport wrote')
            else:
                self.mended()

    def test_a_marker_that_others_could_write(self):
        path = self.rig.store + '.sallyport'
        for uid, mode in ((self.rig.base, 0o600), (0, 0o620), (0, 0o602)):
            os.chown(path, uid, 0)
            os.chmod(path, mode)
            self.exactly(68, 'not one that sallyport wrote')
        os.chown(path, 0, 0)
        os.chmod(path, 0o600)
        self.mended()

    def test_marker_of_another_directory(self):
        self.mark('PREPARED', inode=1)
        self.exactly(56, 'marker PREPARED (of another directory)')
        self.mark('STORED')
        self.mended()

    def test_a_store_that_was_put_back_from_a_copy(self):
        """STORED licenses nothing that could destroy it: a copy serves, and
        from then on the marker names it."""
        copy = self.rig.store + '.copy'
        shutil.copytree(self.rig.store, copy)
        gid = self.rig.base
        for path in [copy] + [os.path.join(copy, x)
                              for x in os.listdir(copy)]:
            os.chown(path, 0 if path == copy else gid, gid)
        os.chmod(copy, 0o2770)
        os.rename(self.rig.store, self.rig.store + '.old')
        self.exactly(58, 'store absent or empty')
        os.rename(copy, self.rig.store)
        boot = self.mended()
        self.assertNotIn('moved_aside', boot.events())
        with open(self.rig.store + '.sallyport', encoding='ascii') as f:
            self.assertIn(' %d\n' % os.stat(self.rig.store).st_ino, f.read())
        self.mended()

    def test_zz_moved_aside_and_older_bundles(self):
        token = self.rig.token()
        jwe = self.client.get_secret('apm-root-token')
        self.hide_bundle()
        self.mark('PREPARED')
        boot = self.rig.ready()
        self.assertIn('moved_aside', boot.events())
        self.rig.stop(boot)
        aside = [x for x in self.store_files() if '.aside-' in x]
        self.assertEqual(len(aside), 1)
        self.assertTrue(os.listdir(os.path.join(self.top, aside[0])))
        # The newest bundles are now of another life: with these alone the old
        # store, put back without its marker, is not opened.
        self.put_back()
        os.unlink(self.rig.store + '.sallyport')
        boot = self.refused(73, 'restore the right bundle')
        self.assertIn('older_bundle', boot.events())
        # The third opens it.
        self.show_bundle()
        self.put_back()
        os.unlink(self.rig.store + '.sallyport')
        boot = self.rig.ready()
        self.assertEqual(boot.events().count('older_bundle'), 2)
        self.assertIn('trying the one before it', boot.said())
        status, body = self.rig.ask('GET', 'anjuna/word', token)
        self.assertEqual((status, body['data']['word']), (200, WORD))
        self.rig.stop(boot)
        self.client.set_secret('apm-root-token', jwe)


class Killed(ErrorCase):
    """A library root whose program does what its filter kills."""
    PROGRAM = b'''
#include <sys/socket.h>
#include <unistd.h>
int main(void) { socket(AF_INET, SOCK_RAW, 1); return 0; }
'''

    def test_filter(self):
        root = INST + '/libexec/sallyport/root/verify'
        fake = os.path.join(self.rig.work, 'verify')
        shutil.copytree(root, fake, symlinks=True)
        path = os.path.join(fake, 'sallyport-verify')
        self.assertTrue(os.path.exists(path))
        subprocess.run(['gcc', '-static', '-x', 'c', '-o', path, '-'],
                       input=self.PROGRAM, check=True)
        wrap = ['unshare', '-m', '--propagation', propagation(), 'sh', '-c',
                'mount --bind "$0" "$1" && shift && exec "$@"', fake, root]
        self.refused(9, 'verify was killed by its system-call filter',
                     'sallyport check', wrap=wrap)
        self.mended()


if __name__ == '__main__':
    unittest.main()
