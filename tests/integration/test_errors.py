#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every error of a boot: its message, its code, and the store untouched. One
deployment that has lived once; each case breaks one thing, boots, looks,
mends it. In the end the secret of the first life is still read."""
import base64
import hashlib
import json
import os
import socket
import subprocess
import unittest

from boot import INST, SERVER, Rig
from deployment import Tls, write


def fingerprint(folder):
    """Names, modes and contents of everything in the store."""
    out = []
    for d, dirs, files in os.walk(folder):
        dirs.sort()
        for f in sorted(files):
            path = os.path.join(d, f)
            with open(path, 'rb') as data:
                out.append((path, os.stat(path).st_mode,
                            hashlib.sha256(data.read()).hexdigest()))
    return out


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(retry_time=2, connect_timeout=1, call_timeout=3,
                      log='json')
        cls.rig.boot()
        cls.token = cls.rig.root_token()
        assert cls.rig.ask('POST', 'anjuna/e', {'word': 'kept'},
                           cls.token)[0] == 204
        assert cls.rig.end() == 0
        cls.good = dict(cls.rig.settings)

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def setUp(self):
        self.store = os.path.dirname(self.good['storage_path'])
        self.before = fingerprint(self.store)
        self.client = self.rig.deployment.client

    def tearDown(self):
        """Mended: it boots, and what was written is there."""
        self.rig.deployment.client.clear_faults()
        self.rig.settings = dict(self.good)
        self.rig.write_conf()
        self.rig.boot()
        try:
            self.assertEqual(
                self.rig.ask('GET', 'anjuna/e', token=self.token)[1]['data'],
                {'word': 'kept'})
        finally:
            self.assertEqual(self.rig.end(), 0)
        self.assertEqual(self.rig.leftovers(), [])

    def fails(self, code, *pieces, looked=True, **settings):
        """Boots; wants this code, these words, and advice. The store must be
        as it was unless the server looked at it (a look writes its log)."""
        self.rig.write_conf(**settings)
        got = self.rig.fails()
        text = self.rig.text()
        self.assertEqual(got, code, text[-2500:])
        for p in pieces:
            self.assertIn(p, text)
        self.assertIn('what to do: ', text)
        self.assertEqual(self.rig.leftovers(), [])
        if not looked:
            self.assertEqual(fingerprint(self.store), self.before)

    def fault(self, **entry):
        self.client.fault(**entry)

    # --- before anything starts

    def test_a_variable_missing(self):
        for key, env in (('hostname', 'APM_HOSTNAME'), ('port', 'APM_PORT'),
                         ('keyvault', 'APM_KEYVAULT_NAME'),
                         ('master_key', 'APM_MK_ID'),
                         ('maa_endpoint', 'MAA_ENDPOINT')):
            with self.subTest(key):
                self.rig.settings = dict(self.good)
                self.fails(3, env + ' is not set', looked=False, **{key: None})

    def test_a_variable_malformed(self):
        for key, bad in (('hostname', 'a_b'), ('port', '80'),
                         ('keyvault', 'https://x.vault.azure.net'),
                         ('master_key', 'https://evil.example/keys/apm-mk'),
                         ('master_key',
                          'https://x.vault.azure.net.evil.example/keys/k'),
                         ('maa_endpoint', 'http://x.eus.attest.azure.net'),
                         ('pin', 'abc'), ('storage_account', 'UPPER'),
                         ('uid_tpm', '0'), ('shares', '17'),
                         ('server_connect_ports', '443 80')):
            with self.subTest(key + '=' + bad):
                self.rig.settings = dict(self.good)
                self.fails(3, key + ' = ' + bad, looked=False, **{key: bad})

    def test_an_unknown_and_a_doubled_key(self):
        self.fails(3, 'unknown key colour', looked=False, colour='red')
        self.rig.settings = dict(self.good)
        self.rig.sections = 'port = 18000\n'
        try:
            self.fails(3, 'port is set twice', looked=False)
        finally:
            self.rig.sections = ''

    def test_no_tpm(self):
        self.fails(20, '/nowhere', looked=False, tpm='/nowhere')
        self.fails(20, 'neither a device nor a socket', looked=False,
                   tpm=self.rig.path('ca.pem'))

    def test_the_server_program(self):
        self.fails(50, '/nowhere', looked=False, server='/nowhere')
        readable = self.rig.path('bao')
        write(readable, '#!/bin/sh\n', 0o755)
        os.chmod(readable, 0o755)
        self.fails(51, 'chmod 0711 ' + readable, looked=False,
                   server=readable)
        os.chmod(readable, 0o711)

    def test_the_server_exits(self):
        bad = self.rig.path('bad-server')
        with open(SERVER, 'rb') as f:
            head = f.read(64)
        write(bad, head, 0o711)  # an ELF header and nothing behind it
        os.chmod(bad, 0o711)
        self.rig.write_conf(server=bad)
        self.assertIn(self.rig.fails(), (12, 52))
        self.assertIn('what to do: ', self.rig.text())

    def test_the_port_is_taken(self):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('0.0.0.0', self.rig.port))
            s.listen(1)
            self.fails(54, 'port %d is in use' % self.rig.port, looked=False)

    def test_the_store_belongs_to_somebody_else(self):
        path = self.good['storage_path']
        os.chmod(path, 0o2777)
        try:
            self.fails(69, 'chmod 2770', looked=False)
        finally:
            os.chmod(path, 0o2770)

    def test_a_marker_that_is_not_ours(self):
        path = self.good['storage_path'] + '.sallyport'
        with open(path, 'rb') as f:
            old = f.read()
        for bad in (b'', b'garbage\n', old + b'x', old.replace(b'1', b'2', 1)):
            with self.subTest(bad), open(path, 'wb') as f:
                f.write(bad)
                f.flush()
                self.rig.settings = dict(self.good)
                self.rig.write_conf()
                self.assertEqual(self.rig.fails(), 68)
        with open(path, 'wb') as f:
            f.write(old)

    def inside(self, setup):
        """Later boots of this case run in a mount namespace made so."""
        self.rig.caps = ['unshare', '-m', 'bash', '-c',
                         setup + '; exec "$@"', 'sh']
        self.addCleanup(setattr, self.rig, 'caps', [])

    def test_swap_is_in_use(self):
        swaps = self.rig.path('swaps')
        write(swaps, 'Filename Type Size Used Priority\n'
                     '/dev/sda2 partition 1048572 0 -2\n', 0o644)
        self.inside('mount --bind %s /proc/swaps' % swaps)
        self.fails(6, '/dev/sda2', 'swapoff', looked=False)
        self.rig.caps = []

    def test_a_child_is_killed_by_its_filter(self):
        source, evil = self.rig.path('evil.c'), self.rig.path('evil')
        write(source, '#include <sys/socket.h>\n'
                      'int main(void) { return socket(AF_UNIX, SOCK_STREAM, '
                      '0) < 0; }\n')
        subprocess.run(['gcc', '-static', '-o', evil, source], check=True)
        os.chmod(evil, 0o711)
        self.inside('mount --bind %s %s' % (evil, os.path.join(
            INST, 'libexec/sallyport/root/verify/sallyport-verify')))
        self.fails(9, 'verify was killed by its system-call filter')
        self.rig.caps = []

    def test_a_tpm_without_an_hcl_report(self):
        def reboot(**how):
            self.client.plain('control', 'POST', '/provision', json.dumps(
                dict(how, operation='vtpm-reboot')).encode())
        reboot(without_hcl=True)
        try:
            self.fails(21, 'not a confidential VM')
        finally:
            reboot()

    # --- the services

    def test_the_metadata_service_is_away(self):
        self.fails(27, 'metadata service', imds='http://127.0.0.1:9')

    def test_the_metadata_service_gives_no_token(self):
        self.fault(service='imds', operation='token', times=0, status=400,
                   body='{"error":"invalid_request","error_description":'
                        '"Identity not found"}')
        self.fails(28, 'Identity not found')

    def test_the_attestation_service_is_away(self):
        self.fails(29, 'attestation', maa_connect='127.0.0.1:9')

    def test_the_key_vault_is_away(self):
        self.fails(32, 'key vault', keyvault_connect='127.0.0.1:9')

    def test_the_evidence_is_refused(self):
        self.fault(service='maa', operation='attest', times=0, status=400,
                   body='{"error":{"code":"PolicyEvaluationError","message":'
                        '"secure boot is off"}}')
        self.fails(30, 'secure boot is off')

    def test_the_release_is_refused_by_policy(self):
        self.fault(service='akv', operation='release', times=0, status=403,
                   body='{"error":{"code":"Forbidden","message":"Target '
                        'environment attestation does not meet key release '
                        'policy requirements."}}')
        self.fails(34, 'policy requirements')

    def test_a_secret_is_denied(self):
        self.fault(service='akv', operation='secret-get', times=0, status=403,
                   body='{"error":{"code":"Forbidden","message":"Caller is '
                        'not authorized"}}')
        self.fails(33, 'apm-tls-cert', 'not authorized')

    def answers(self, variant, code):
        self.client.clear_faults()
        self.rig.settings = dict(self.good)
        self.fault(service='akv', operation='release', times=0,
                   mutate=variant)
        self.fails(code)

    def test_the_answer_is_signed_by_somebody_else(self):
        for v in ('wrong_root', 'bad_signature', 'expired_leaf', 'wrong_san'):
            with self.subTest(v):
                self.answers(v, 36)

    def test_the_answer_is_not_to_our_question(self):
        for v in ('other_vault', 'other_key', 'other_nonce', 'no_nonce'):
            with self.subTest(v):
                self.answers(v, 37)

    def test_a_forged_private_half(self):
        self.answers('forged_private', 40)

    def test_another_private_key(self):
        self.answers('wrong_private', 39)

    def test_the_wrapped_key_is_damaged(self):
        for v in ('wrapped_damaged', 'oaep_damaged'):
            with self.subTest(v):
                self.answers(v, 38)

    def test_the_pin_is_another(self):
        self.fails(39, 'pinned', pin='00' * 32)

    # --- what is stored

    def put(self, name, value):
        """A new version for one case; the old value comes back after it."""
        old = self.client.get_secret(name)
        self.client.set_secret(name, value)
        return old

    def with_secret(self, name, value, code, *pieces):
        old = self.put(name, value)
        try:
            self.rig.settings = dict(self.good)
            self.fails(code, *pieces)
        finally:
            self.client.set_secret(name, old)

    def with_tls(self, tls, code, password=None, key=None):
        d = self.rig.deployment
        old = [(n, self.client.get_secret(n))
               for n in ('apm-tls-cert', 'apm-tls-cert-password')]
        pfx = tls.pfx('a password', key) if tls else None
        try:
            if pfx:
                self.client.set_secret('apm-tls-cert',
                                       base64.b64encode(pfx).decode())
            self.client.set_secret('apm-tls-cert-password',
                                   d.wrap(password or 'a password'))
            self.rig.settings = dict(self.good)
            self.rig.settings['tls_ca'] = None
            self.fails(code)
        finally:
            for n, v in old:
                self.client.set_secret(n, v)

    def test_a_blob_that_does_not_open(self):
        self.with_secret('apm-tls-cert-password',
                         base64.b64encode(os.urandom(256)).decode(), 41)

    def test_the_pfx_password_is_wrong(self):
        self.with_tls(None, 43, password='not this one')

    def test_the_certificate_is_for_another_name(self):
        self.with_tls(Tls('another.test'), 46)

    def test_the_certificate_is_expired(self):
        self.with_tls(Tls('apm-server.test', days=-1, start=-3), 48)

    def test_keys_are_gone(self):
        versions = self.client.list_versions('apm-unseal-bundle')
        ids = [v['id'].rsplit('/', 1)[1] for v in versions]
        try:
            for i in ids:
                self.client.disable_version('apm-unseal-bundle', i)
            self.fails(57, 'no keys in the key vault')
        finally:
            for i in ids:
                self.client.call('PATCH', '/secrets/apm-unseal-bundle/' + i,
                                 {'attributes': {'enabled': True}})

    def test_the_store_is_gone(self):
        path = self.good['storage_path']
        os.rename(path, path + '.away')
        os.rename(path + '.sallyport', path + '.sallyport.away')
        try:
            self.fails(58, 'store absent or empty')
            self.assertFalse(os.path.exists(path + '.sallyport'))
        finally:
            if os.path.isdir(path):
                os.rmdir(path)
            os.rename(path + '.away', path)
            os.rename(path + '.sallyport.away', path + '.sallyport')

    def test_another_store_stands_there(self):
        path = self.good['storage_path']
        os.rename(path, path + '.away')
        try:
            self.fails(56, 'of another directory')
        finally:
            if os.path.isdir(path):
                os.rmdir(path)
            os.rename(path + '.away', path)

    # --- what is survived

    def survives(self, **fault):
        self.fault(**fault)
        self.rig.write_conf()
        self.rig.boot()
        self.assertEqual(self.rig.end(), 0)

    def test_a_refused_wrap_algorithm_is_followed_by_the_next(self):
        self.client.options(refuse_enc=['RSA_AES_KEY_WRAP_256'])
        try:
            self.rig.write_conf()
            self.rig.boot()
            self.assertIn('enc_refused', self.rig.names())
            self.assertEqual(self.rig.end(), 0)
        finally:
            self.client.options(refuse_enc=[])

    def test_throttling_is_survived(self):
        self.rig.settings['retry_time'] = 20
        self.survives(service='akv', operation='release', times=1, status=429,
                      headers={'Retry-After': '1'})


if __name__ == '__main__':
    unittest.main()
