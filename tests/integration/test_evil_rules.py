#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the sealed path (P1 to P11), broken in whole boots by hostile
processes: those attacks of them that need data of their own, a first life, a
rotation, two hostile processes at once, or a TPM that lies."""
import base64
import os
import signal
import socket
import struct
import threading
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.keywrap import (
    aes_key_wrap_with_padding)

from boot_rig import SALLYPORT
from error_case import WORD
from evil_case import EvilCase, over
from spframe import EXIT, SLOT

BLOB = '16'  # messages.def


def blob(slot, age, data):
    return struct.pack('>BBH', SLOT[slot], age, len(data)) + data


def key_of_mine():
    """An AES key and, wrapped under it, an RSA key that nobody released."""
    der = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())
    aes = os.urandom(32)
    return aes + aes_key_wrap_with_padding(aes, der)


class Rules(EvilCase):
    def test_p1_the_broker_does_not_open_beside_the_network(self):
        """A supervisor that goes on early, an https that stays."""
        self.refused(EXIT['PROTOCOL'], 'opening beside the network',
                     wrap=self.hostile(('fetch', 'stay')) +
                     over([(self.copy('evil-sallyport'), SALLYPORT)]),
                     env={'EVIL_SPOIL': 'fetch early'})

    def test_p1_the_broker_alone_cannot_open_beside_the_network(self):
        """It has the key and every stored object, and hands them to tpm while
        an https that said its last word lives on: the tpm waits for nobody's
        word but the supervisor's, and takes this for an attack."""
        self.attack('PROTOCOL', 'a process broke the rules',
                    by=[('broker', 'hurry'), ('fetch', 'linger')])

    def test_p2_a_key_of_the_attackers_choice(self):
        """https and verify both hostile: the pin alone is left."""
        self.attack('PIN', 'the released key is not the pinned one',
                    by=[('fetch', 'forge', '', key_of_mine()),
                        ('verify', 'believe')])

    def test_p2_without_a_hostile_verify_it_is_not_even_looked_at(self):
        self.attack('ANSWER_CHAIN', 'not signed by a configured root',
                    by=[('fetch', 'forge', '', key_of_mine())])

    def test_p4_a_bundle_of_another_vault(self):
        """The newest that opens is taken; where none does, nothing goes on."""
        for data in (b'SPBU\0\1\2\0' + os.urandom(772), os.urandom(780), b''):
            boot = self.rig.ready(wrap=self.hostile(
                ('fetch', 'replaced', BLOB, blob('SLOT_BUNDLE', 0, data))))
            self.assertEqual(self.rig.read_word(), WORD)
            self.rig.stop(boot)
        self.keep_secret('apm-unseal-bundle')
        for _ in range(4): # as many versions as are looked at
            self.client.set_secret('apm-unseal-bundle', base64.b64encode(
                os.urandom(780)).decode())
        self.refused(EXIT['BLOB'], 'does not open with the master key')

    def test_p5_a_password_that_is_wrapped_but_none(self):
        for text in (b'', b'x' * 129, b'with a \n new line'):
            wrapped = base64.b64decode(self.rig.deployment.wrap(text or b'\0'))
            self.attack('BLOB_CONTENT', 'does not hold what it must',
                        by=[('fetch', 'replaced', BLOB,
                             blob('SLOT_TLS_PASSWORD', 0, wrapped))])

    def test_p5_a_hostile_storage_key(self):
        old = self.rig.deployment
        for key in (base64.b64encode(os.urandom(63)).decode(),
                    'A' * 86 + '"}', '"\n}\nstorage "file" {\n'):
            old.put_storage_key(key)
            self.refused(EXIT['BLOB_CONTENT'], 'does not hold what it must',
                         storage='azure', storage_path=None,
                         storage_account='account')

    def test_p10_an_object_outside_the_plan(self):
        self.attack('PROTOCOL', 'a process broke the rules',
                    by=[('fetch', 'added', BLOB,
                         blob('SLOT_STORAGE_KEY', 0, os.urandom(256)))])

    def test_p10_a_rotation_opens_no_bundle(self):
        """In the boot it is one more that does not open; in the rotation it
        is not in the plan: the server goes on with what it has."""
        boot = self.rig.ready(wrap=self.hostile(
            ('fetch', 'added', BLOB,
             blob('SLOT_BUNDLE', 3, os.urandom(780)))))
        boot.signal(signal.SIGHUP)
        self.assertTrue(boot.wait_until('not_rotated'))
        self.assertEqual(self.rig.read_word(), WORD)
        self.rig.stop(boot)

    def asked_for_the_root_token(self):
        return sum(r['method'] == 'GET' and 'apm-root-token' in r['path']
                   for r in self.client.requests())

    def test_p11_nobody_asks_for_the_root_token(self):
        before = self.asked_for_the_root_token()
        self.rig.stop(self.rig.ready())
        self.assertEqual(self.asked_for_the_root_token(), before)

    def test_zz_mended(self):
        self.mended()


class Liar(threading.Thread):
    """Between tpm and the TPM: says one answer twice."""

    def __init__(self, path, real, at):
        super().__init__(daemon=True)
        self.real, self.at, self.over = real, at, False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(4)

    def run(self):
        while not self.over:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as tpm:
                tpm.connect(self.real)
                self.pump(client, tpm)

    def pump(self, client, tpm):
        answers = 0
        while True:
            command = client.recv(65536)
            if not command:
                return
            tpm.sendall(command)
            answer = tpm.recv(65536)
            answers += 1
            try:
                client.sendall(answer * (2 if answers == self.at else 1))
            except OSError:
                return

    def stop(self):
        self.over = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(5)


class Tpm(EvilCase):
    LIVED = False

    def test_p8_an_answer_that_nobody_asked_for(self):
        path = os.path.join(self.rig.work, 'liar')
        liar = Liar(path, self.rig.settings['tpm'], 4)
        self.addCleanup(liar.stop)
        liar.start()
        self.exactly(EXIT['TPM'], 'the TPM answered with an error', tpm=path)


class FirstLife(EvilCase):
    """Attacks on a first life, one after the other: what each leaves behind
    is PREPARED at most, and at last the server lives."""
    LIVED = False

    def untouched(self, before, after):
        pass

    def another_echo(self):
        """Who gives back another bundle than was given is given it again, for
        ever, with pauses; whoever asks the boot to end is heard."""
        boot = self.rig.run(step_deadline=5, wrap=self.hostile(
            ('store0', 'replaced', '21', os.urandom(780))))
        boot.until('store_unequal', 2)
        boot.signal(signal.SIGTERM)
        self.assertEqual(boot.wait(60), 7, boot.text()[-3000:])
        self.assertIn('keys_gone', boot.events())
        self.assertNotIn('stored', boot.events())
        self.rig.check_nothing_left()

    def test_attacks_and_then_a_life(self):
        for code, text, *by in (
                ('STATE', 'do not fit together', 'look', 'other-code', '106'),
                ('PROTOCOL', 'broke the rules', 'init', 'end', '0'),
                ('PROTOCOL', 'broke the rules', 'init', 'foreign', '5'),
                ('FILTER', 'init was killed by its', 'init', 'fork'),
                ('PROTOCOL', 'broke the rules', 'init', 'after', '34 5'),
                ('PROTOCOL', 'a process broke the rules', 'tpm',
                 'other-code', '107'),
                ('PROTOCOL', 'broke the rules', 'tpm', 'after', '35 5')):
            with self.subTest(' '.join(by[:3])):
                self.attack(code, text, by=[tuple(by)])
        self.another_echo()
        boot = self.rig.ready(wrap=self.hostile(('store0', 'crash')))
        self.assertIn('store_died', boot.events())
        self.rig.write_word(WORD)
        self.rig.stop(boot)
        self.mended()


if __name__ == '__main__':
    unittest.main()
