# SPDX-License-Identifier: Apache-2.0
"""Errors that are seen before anything starts: settings, TPM, server program,
port, swap, store path, uids."""
import json
import os
import shutil
import socket
import subprocess
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from boot_rig import ROOT, SERVER, lib
from mounts import propagation
from error_case import ErrorCase

# setting, variable, a value that is malformed, a piece of the message
VARIABLES = [
    ('hostname', 'APM_HOSTNAME', 'a_b', 'must be a host name'),
    ('port', 'APM_PORT', '70000', 'must be a port from 1024 to 65535'),
    ('port', 'APM_PORT', '82x0', 'must be a port from 1024 to 65535'),
    ('keyvault', 'APM_KEYVAULT_NAME', 'https://apmkv.vault.azure.net',
     "must be the key vault's name alone"),
    ('master_key', 'APM_MK_ID', 'https://evil.example/keys/apm-mk',
     'must be https://NAME.vault.azure.net/keys/KEY'),
    ('maa_endpoint', 'MAA_ENDPOINT', 'https://maa.example',
     'must be https://NAME.REGION.attest.azure.net'),
    ('pin', 'APM_MK_PIN', 'abc', 'must be 64 hex digits'),
]

KEY = 'https://apmkv.vault.azure.net/keys/apm-mk'
VERSION = '/0123456789abcdef0123456789abcdef'
GUID = '01234567-89ab-cdef-0123-456789abcdef'
HASH = '0123456789abcdef' * 4

# setting: values that are refused, values that are understood
SHAPES = {
    'hostname': (
        ['a_b', 'host.', '.host', 'a..b', '10.0.0.1', '127.1', '1', '::1',
         '[::1]', 'a b', 'host:8200', 'https://host', '-a', 'a-', '*.a.b',
         'a' * 64, 'h\u00f6', 'a;b'],
        ['host', 'HOST.Example', 'a-b.c', '1.a', 'a1.b2', 'a' * 63]),
    'port': (['0', '80', '1023', '65536', '-1', '+8200', '08200', '8200.0',
              '0x2000', 'text', '8200 # my port'], ['1024', '65535']),
    'keyvault': (['ab', 'my_vault', '1abc', '-abc', 'abc-', 'ap--mkv',
                  'a' * 25, 'https://apmkv.vault.azure.net',
                  'apmkv.vault.azure.net'], ['apmkv', 'APMkv']),
    'master_key': (
        [KEY.replace('https', 'http'), KEY.replace('https', 'HTTPS'),
         KEY + '?x=1', KEY + '#x', KEY + '/', KEY + '/1', KEY + '%2e',
         KEY + VERSION.upper(), KEY + VERSION + '/', 'apm-mk',
         KEY.replace('//', '//u@'), KEY.replace('//', '//u:p@'),
         KEY.replace('.net', '.net:443'), KEY.replace('.net', '.net.'),
         KEY.replace('//', '//evil.example/?https://'),
         KEY.replace('//', '//evil.example/#'),
         KEY.replace('//', '//evil.example\\@'),
         KEY.replace('.net', '.net.evil.example'),
         KEY.replace('apmkv.', 'apmkvX'), KEY.replace('apmkv.', ''),
         KEY.replace('apmkv', ''), KEY.replace('apmkv', 'evil.apmkv'),
         KEY.replace('apmkv', 'othervault'), KEY.replace('apmkv', 'APMKV'),
         KEY.replace('/keys', '//keys'), KEY.replace('keys', 'secrets'),
         KEY.replace('.vault.', '.managedhsm.'),
         KEY.replace('apm-mk', '..'), KEY.replace('apm-mk', '')],
        [KEY, KEY + VERSION]),
    'maa_endpoint': (
        ['http://maa.eus.attest.azure.net', 'maa.eus.attest.azure.net',
         'https://maa.attest.azure.net', 'https://attest.azure.net',
         'https://a.b.c.attest.azure.net', 'https://eus.attest.azure.net:443',
         'https://u@maa.eus.attest.azure.net',
         'https://maa.eus.attest.azure.net/x',
         'https://maa.eus.attest.azure.net?x',
         'https://evil.example/.eus.attest.azure.net',
         'https://maa.eus.attest.azure.net.evil.example'],
        ['https://maa.eus.attest.azure.net',
         'https://maa.eus.attest.azure.net/']),
    'pin': (['abc', 'g' * 64, HASH + '0'], [HASH, HASH.upper()]),
    'storage': (['s3', 'Azure'], ['raft', 'file']),
    'storage_account': (['ab', 'a-b', 'ABC', 'a' * 25], ['abc1']),
    'storage_container': (['my_vault', 'ab'], ['vault']),
    'storage_path': (['data', '/', '/a/', '/a//b', '/a/../b', '/a/./b',
                      '/a/..', '/a b'], ['/a/..b/.c']),
    'trust_first_key': (['Yes', 'true', '1'], ['yes', 'no']),
    'layout': (['old'], ['auto', 'bundle']),
    'shares': (['0', '17', '5 5', '2'], ['3', '16']),
    'threshold': (['0', '1', '6'], ['2', '5']),
    'identity': (['me', 'client_id=', 'client_id=' + '-' * 36,
                  'client_id=' + GUID + '0', 'msi_res_id=/', GUID],
                 ['client_id=' + GUID, 'object_id=' + GUID,
                  'msi_res_id=/subscriptions/x']),
    'release_algorithms': (
        ['none', 'RSA_AES_KEY_WRAP_256,RSA_AES_KEY_WRAP_384'],
        ['CKM_RSA_AES_KEY_WRAP', 'RSA_AES_KEY_WRAP_384']),
    'imds': (['https://a', 'http://a/', 'http://u@a', 'http://a:0'],
             ['http://169.254.169.254', 'http://a:1']),
    'keyvault_connect': (['1.2.3.4', 'h:0', 'h:65536', '[::1]:443', ':1'],
                         ['1.2.3.4:443']),
    'maa_connect': (['h', 'h:x'], ['h:65535']),
    'storage_connect': (['h', 'h:0'], ['h:1']),
    'lease': (['yes', 'AUTO'], ['auto', 'on', 'off']),
    'lease_time': (['14', '61', '-1', 'infinite'], ['15', '60']),
    'lease_container': (['ab', 'a' * 64, 'A-b', 'a--b', '-ab', 'ab-', 'a/b',
                         'a.b', '$root'], ['abc', 'a-1' + 'b' * 60]),
    'uid_keeper': (['0', 'root'], ['1000']),
    'log': (['loud'], ['json', 'terminal', 'auto']),
    'uid_tpm': (['0', '999', 'root', '-1', '1000000000', '4294967295'],
                ['1000', '999999999']),
    'server_connect_ports': (['80', '443 80', '080', '443,444', 'x', '0'],
                             ['443 8200']),
    'connect_timeout': (['0', '-1', '1.5', '30s', '86401'], ['1', '86400']),
    'call_timeout': (['0'], ['1']),
    'step_deadline': (['0'], ['1']),
    'server_ready': (['0'], ['1']),
    'server_stop': (['0'], ['1']),
    'retry_time': (['x'], ['0']),
    'absent_time': (['x'], ['0']),
    'restart_limit': (['x', '-1', '101'], ['0', '100']),
    'restart_window': (['0', '86401'], ['1']),
    'restart_pause': (['0'], ['1']),
    'look_interval': (['x', '-1', '86401'], ['0', '86400']),
    'certificate_interval': (['x', '86401'], ['0', '86400']),
}
PATHS = ('operator_key', 'template', 'server', 'plugin_directory', 'tpm',
         'audit_directory',
         'run_directory', 'event_log', 'tls_roots', 'tls_ca',
         'keyvault_signing_roots')

# a section, and a piece of the message
SECTIONS = [
    ('[colour a]\ntype = kv', 'unknown section [colour a]'),
    ('[mount]\ntype = kv', '[mount]: must be [plugin NAME], [mount PATH]'),
    ('[mount a]\nport = 1', 'unknown key port in [mount a]'),
    ('[mount a]\ntype = kv\ntype = kv', 'type is set twice in [mount a]'),
    ('[mount a]\ndescription = b', '[mount a]: type is not set'),
    ('[mount a]\ntype = k/v', '[mount a]: type = k/v: must be a name'),
    ('[mount ../a]\ntype = kv', '[mount ../a]: its name must be a name'),
    ('[mount /a]\ntype = kv', '[mount /a]: its name must be a name'),
    ('[mount a..b]\ntype = kv', '[mount a..b]: its name must be a name'),
    ('[mount a//b]\ntype = kv', '[mount a//b]: its name must be a name'),
    ('[mount a b]\ntype = kv', '[mount a b]: its name must be a name'),
    ('[mount a"b]\ntype = kv', 'its name must be a name'),
    ('[mount a]\ntype =', '[mount a]: type = : must be a name'),
    ('[mount a]\ntype = kv\ndescription = a\x7fb', 'holds the byte 0x7f'),
    ('[mount a]\ntype = ' + 'k' * 201, 'must be a name of letters'),
    ('[mount a]\ntype = kv\nversion = 1 2', '1 2: must be a version'),
    ('[mount a]\ntype = kv\ndescription = a\tb', 'text on one line'),
    ('[mount a]\ntype = kv\ndata = x a\tb', 'a]: data must be text on one'),
    ('[mount a]\ntype = kv\noption = x', 'option = x: must be KEY=VALUE'),
    ('[mount a]\ntype = kv\noption = =x', 'option = =x: must be KEY=VALUE'),
    ('[mount a]\ntype = kv\noption = x y=z', 'x y=z: must be KEY=VALUE'),
    ('[mount a]\ntype = kv\noption = x=y\tz', 'must be text on one line'),
    ('[auth a]\ntype = k/v', '[auth a]: type = k/v: must be a name'),
    ('[auth a]\ntype = kv\ndescription = a\tb', 'must be text on one line'),
    ('[auth a]\ntype = kv\noption = x', 'option = x: must be KEY=VALUE'),
    ('[auth a]\ntype = kv\ndata = x a\tb', 'a]: data must be text on one'),
    ('[auth a]\ndescription = b', '[auth a]: type is not set'),
    ('[auth a]\ntype = approle\ndata = role', '[auth a]: data must be PATH'),
    ('[plugin a]\ntype = secret', '[plugin a]: command is not set'),
    ('[plugin a]\ncommand = b', '[plugin a]: sha256 is not set'),
    ('[plugin a]\ncommand = b\nsha256 = 12', 'sha256 = 12: must be 64 hex'),
    ('[plugin a]\ncommand = ../b\nsha256 = ' + HASH,
     'command = ../b: must be the name of a file in plugin_directory'),
    ('[plugin a]\ncommand = a/b\nsha256 = ' + HASH, 'a/b: must be the name of'),
    ('[plugin a]\ncommand = .b\nsha256 = ' + HASH, '.b: must be the name of'),
    ('[plugin a]\ncommand = b\nversion = 1 2\nsha256 = ' + HASH,
     'version = 1 2: must be a version'),
    ('[plugin a]\ntype = kv\ncommand = b\nsha256 = ' + HASH,
     'type = kv: must be secret, auth or database'),
    ('[policy a]\nfile = relative', 'must be an absolute path'),
    ('[policy a]\nfile = /nonexistent', 'readable file'),
    ('[policy a]\nfile = /a\ntext = b', 'give either text or'),
    ('[audit a]\ntype = file"\n', 'type = file": must be a name'),
    ('[audit a]\nfile_path = here', 'file_path = here: must be an absolute'),
    ('[audit a]\noption = mode=0"6', 'must not hold any of " \\ $ %'),
    ('[audit a]\noption = mode=0\\6', 'must not hold any of " \\ $ %'),
    ('[audit a]\noption = mode=${6', 'must not hold any of " \\ $ %'),
    ('[audit a]\noption = mode=%{6', 'must not hold any of " \\ $ %'),
    ('[audit a]\noption = mode', 'option = mode: must be KEY=VALUE'),
    ('[audit a]\nfile_path = /' + 'a' * 200, 'of at most 200 bytes'),
    ('[audit a]\noption = file_path=/a', 'must be a line of its own'),
    ('[audit a]\nfile_path = /var/log/a', 'set audit_directory to its'),
]


class Settings(ErrorCase):
    LIVED = False

    def both(self, *texts, **run):
        for args in ((), ('--check-config',)):
            with self.subTest(args=args):
                self.exactly(3, *texts, args=args, **run)

    def test_missing(self):
        for key, env, _, _ in VARIABLES[:-1]:
            self.both('%s is not set' % env, 'export %s, or set %s' % (
                env, key), **{key: None})

    def test_one_run_names_all_that_is_wrong(self):
        def finds(*texts, **run):
            got = self.understood(3, **run).splitlines()
            found = [x for x in map(json.loads, got)
                     if x['event'] == 'config']
            self.assertEqual(len(found), len(texts), got)
            for line, text in zip(found, texts):
                self.assertIn(text, line['text'])
        six = {key: None for key, *_ in VARIABLES[:-1]}
        missing = [env + ' is not set' for env in dict.fromkeys(
            env for _, env, *_ in VARIABLES[:-1])]
        finds(*missing, **six)
        finds(*missing, 'APM_SA_NAME is not set (storage = azure needs it)',
              storage='azure', **six)
        finds(*missing, 'storage_path is not set (a local storage needs it)',
              storage_path=None, **six)
        finds('storage = s3: ', *missing, storage='s3', **six)
        finds('APM_PORT = 1: ', 'shares = 0: ', 'APM_HOSTNAME is not set',
              env={'APM_PORT': '1'}, port=None, shares='0', hostname=None)

    def test_malformed_in_the_file(self):
        for key, _, value, text in VARIABLES:
            self.both('%s = %s' % (key, value), text, **{key: value})

    def test_malformed_variable(self):
        for key, env, value, text in VARIABLES:
            self.both('%s = %s' % (env, value), text,
                      env={env: value}, **{key: None})

    def test_storage_account(self):
        self.both('APM_SA_NAME is not set', storage='azure')
        self.both('lease_container and storage_container are the same',
                  storage='azure', storage_account='account',
                  lease_container='vault')
        self.both('must be 3 to 24 lower-case letters and digits',
                  storage='azure', env={'APM_SA_NAME': 'Big_Name'})

    def understood(self, code, **run):
        """What --check-config says, which starts nothing."""
        boot = self.rig.run(args=('--check-config',), **run)
        self.assertEqual(boot.wait(), code, boot.text())
        return boot.text()

    def test_every_shape(self):
        for key, (wrong, right) in SHAPES.items():
            for value in wrong:
                with self.subTest(key=key, value=value):
                    text = self.understood(3, **{key: value})
                    self.assertIn('what to do: ', text)
                    self.assertNotIn('???', text)
                    self.assertRegex(text, r'\b%s\b' % key)
            for value in right:
                with self.subTest(key=key, value=value):
                    self.assertIn('%s = %s  # file' % (key, value),
                                  self.understood(0, **{key: value}))
        for key in PATHS:
            for value in ('relative', '/a/../b', '/a/', '/a b'):
                with self.subTest(key=key, value=value):
                    self.assertIn(key + ' = ' + value, self.understood(
                        3, **{key: value}))

    def test_every_section(self):
        for sections, text in SECTIONS:
            with self.subTest(sections=sections):
                self.assertIn(text, '\n'.join(json.loads(x)['text'] for x in
                    self.understood(3, sections=sections).splitlines()))

    def test_a_secret_of_others_is_not_shown(self):
        text = self.understood(0, sections='[auth a]\ntype = userpass\n'
                               'data = users/b {"password":"hidden"}\n')
        self.assertIn('data = users/b (value not shown)', text)
        self.assertNotIn('hidden', text)
        text = self.understood(3, sections='[auth a]\ntype = userpass\n'
                               'data = users/b sec\tr3t\n')
        self.assertIn('data must be text on one line', text)
        self.assertNotIn('r3t', text)

    def test_file_and_variable_differ(self):
        self.both('APM_PORT and port in', 'differ: keep one',
                  env={'APM_PORT': '8201'})

    def test_unknown_and_double_keys(self):
        self.both('unknown key colour', colour='red')
        self.both('is set twice: keep one', log='json\nport = 8300')

    def test_long_lines_are_read_whole(self):
        self.both('is set twice', log='json' + ' ' * 300 + '; long\nport = 1')
        self.both('identity = msi_res_id=', 'must be client_id=GUID',
                  identity='msi_res_id=/' + 'r' * 290 + '!')
        boot = self.rig.run(args=('--check-config',),
                            identity='msi_res_id=/' + 'r' * 270)
        self.assertEqual(boot.wait(), 0, boot.text())
        self.assertIn('identity = msi_res_id=/%s  # file' % ('r' * 270),
                      boot.text())

    def file(self, change, *texts, wrap=()):
        """The same file, changed: refused by name (and line), code 3."""
        path = self.rig.conf()
        with open(path, 'rb') as f:
            data = f.read()
        change(path, data)
        try:
            boot = self.rig.boot(path, wrap=wrap)
            self.assertEqual(boot.wait(), 3, boot.text())
            for text in (path,) + texts:
                self.assertIn(text, boot.text())
        finally:
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.exists(path):
                os.unlink(path)

    def test_files_that_are_not_taken(self):
        def put(data):
            def change(path, old):
                with open(path, 'wb') as f:
                    f.write(data(old))
            return change

        def instead(make):
            def change(path, _):
                os.unlink(path)
                make(path)
            return change
        owner = 'must belong to root and be writable by root alone'
        self.file(lambda p, _: os.chmod(p, 0o666), owner)
        self.file(lambda p, _: os.chmod(p, 0o664), owner)
        self.file(lambda p, _: os.chown(p, self.rig.base, 0), owner)
        self.file(instead(os.mkdir), 'is not a regular file')
        self.file(instead(os.mkfifo), 'is not a regular file')
        self.file(instead(lambda p: None), 'cannot be read: No such file')
        self.file(lambda p, _: os.chmod(p, 0), 'cannot be read: Permission',
                  wrap=['setpriv', '--bounding-set', '-dac_override,'
                        '-dac_read_search', '--inh-caps', '-all'])
        self.file(put(lambda d: d + b'\0'), 'line', 'the byte 0x00')
        self.file(put(lambda d: d.decode().encode('utf-16')), 'line 1: ')
        self.file(put(lambda d: d.replace(b'\n', b'\r')), 'line 1: holds the '
                  'byte 0x0d')
        self.file(put(lambda d: d + b'# ' * 140000), 'is larger than 256 KiB')
        self.file(put(lambda d: b'hostname\n' + d), 'line 1: not KEY = VALUE')
        self.file(put(lambda d: d + b'[mount x] type = kv\n'),
                  "a section's line must be [KIND NAME]")

    def test_files_that_are_taken(self):
        for data in (lambda d: d.rstrip(b'\n'),
                     lambda d: d.replace(b'\n', b'\r\n'),
                     lambda d: b'\xef\xbb\xbf' + d):
            path = self.rig.conf()
            with open(path, 'rb') as f:
                old = f.read()
            with open(path, 'wb') as f:
                f.write(data(old))
            boot = self.rig.boot(path, args=('--check-config',))
            self.assertEqual(boot.wait(), 0, boot.text())
            for k, v in self.rig.settings.items():
                self.assertIn('%s = %s  # file' % (k, v), boot.text())

    def test_key_of_another_vault(self):
        self.both('both must name the same vault', keyvault='othervault')

    def test_nothing_believed_lies_where_the_server_writes(self):
        self.rig.conf()
        store, run = self.rig.store, self.rig.run_dir
        link = os.path.join(self.rig.work, 'link')
        os.symlink(os.path.dirname(store), link)
        self.addCleanup(os.unlink, link)
        for key, path in [('run_directory', store + '/run'),
                          ('run_directory', store),
                          ('run_directory', os.path.dirname(store)),
                          ('run_directory', link + '/data/run'),
                          ('plugin_directory', store + '/plugins'),
                          ('server', store + '/bao'),
                          ('template', store + '/my.tpl'),
                          ('operator_key', store + '/operator.pem'),
                          ('plugin_directory', run),
                          ('audit_directory', store + '/audit'),
                          ('audit_directory', os.path.dirname(store)),
                          ('audit_directory', run + '/audit'),
                          ('audit_directory', os.path.dirname(SERVER)),
                          ('storage_path', run + '/store')]:
            with self.subTest(key=key, path=path):
                self.both('the server and its plugins write there',
                          'move one of them', **{key: path})

    def test_audit_files_lie_in_a_directory_of_the_servers(self):
        top = os.path.join(self.rig.work, 'logs')
        path, gid = top + '/audit', self.rig.uids['server']

        def at(file):
            return {'audit_directory': path,
                    'sections': '[audit a]\nfile_path = %s\n' % file}
        right = at(path + '/audit.log')
        self.both('audit_directory = %s: it must be' % path, 'mkdir -p',
                  'chown root:%d %s' % (gid, path), **right)
        os.makedirs(path)
        os.chown(path, 0, gid)
        for owner, mode, parent in ((0, 0o750, 0o755), (0, 0o2772, 0o755),
                                    (gid, 0o2770, 0o755), (0, 0o2770, 0o777)):
            os.chown(path, owner, gid)
            os.chmod(path, mode)
            os.chmod(top, parent)
            with self.subTest(owner=owner, mode=oct(mode)):
                self.both('audit_directory = %s: it must be' % path, **right)
        os.chown(path, 0, gid)
        os.chmod(path, 0o2770)
        os.chmod(top, 0o755)
        self.understood(0, **right)
        os.symlink('/etc', path + '/link')
        for wrong in (path, top + '/audit.log', path + 'x/audit.log',
                      path + '/link/audit.log'):
            with self.subTest(file=wrong):
                self.both('[audit a]: file_path = ' + wrong,
                          'put it below audit_directory', **at(wrong))
        for fine in ('stdout', 'discard', self.rig.store + '/audit.log'):
            self.understood(0, **at(fine))

    def test_check_config_shows_and_starts_nothing(self):
        boot = self.rig.run(args=('--check-config',))
        self.assertEqual(boot.wait(), 0)
        self.assertIn('hostname = apm-server.test', boot.text())
        self.assertEqual(self.rig.client.counts().get('akv.release', 0), 0)


class Room(ErrorCase):
    LIVED = False
    RIG = {'profile': 'container'}

    def test_a_run_directory_without_room(self):
        top = os.path.join(self.rig.work, 'small')
        os.mkdir(top)
        wrap = ['unshare', '-m', '--propagation', propagation(), 'sh', '-c',
                'mount -t tmpfs -o size=%s,mode=755 none "$0" && exec "$@"',
                top]
        for size, text in (('64k', '64 KiB are free on its tmpfs, 256 are'),
                           ('4k', '4 KiB are free on its tmpfs, 256 are')):
            with self.subTest(size=size):
                self.exactly(4, text, wrap=[x.replace('%s', size)
                                            for x in wrap],
                             run_directory=top + '/run')


    def test_a_directory_that_the_server_cannot_pass(self):
        closed = os.path.join(self.rig.work, 'closed')
        for path in (closed + '/plugins', closed + '/store'):
            os.makedirs(path)
        os.chmod(closed, 0o700)
        for key, path in (('plugin_directory', closed + '/plugins'),
                          ('storage_path', closed + '/store/data')):
            for args in ((), ('--check-config',)):
                with self.subTest(key=key, args=args):
                    self.exactly(3, "%s = %s: the server's uid cannot pass"
                                 % (key, path), 'chmod o+x ' + closed,
                                 args=args, **{key: path})


class Outside(ErrorCase):
    def test_no_tpm(self):
        self.exactly(20, 'there is no TPM', '/dev/tpmrm0',
                     tpm='/tmp/no-such-tpm')
        self.mended()

    def test_tpm_is_no_device(self):
        path = os.path.join(self.rig.work, 'file')
        with open(path, 'w') as f:
            f.write('no TPM')
        self.exactly(20, path, tpm=path)

    def test_server_missing(self):
        self.exactly(50, '/nonexistent/bao', 'set server',
                     server='/nonexistent/bao')

    def test_server_readable(self):
        path = os.path.join(self.rig.work, 'bao')
        shutil.copy(SERVER, path)
        os.chmod(path, 0o755)
        self.exactly(51, 'chown root:root %s; chmod 0711 %s' % (path, path),
                     server=path)
        os.chmod(path, 0o711)
        self.mended(server=path)

    def test_server_could_be_replaced(self):
        folder = os.path.join(self.rig.work, 'bin')
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        path = os.path.join(folder, 'bao')
        shutil.copy(SERVER, path)
        os.chmod(path, 0o711)
        self.exactly(51, 'could put another program in its place',
                     'chmod go-w ' + folder, server=path)
        os.chmod(folder, 0o755)
        self.mended(server=path)

    def test_plugins(self):
        plugins = os.path.join(self.rig.work, 'plugins')
        program = os.path.join(plugins, 'mine')
        section = '[plugin mine]\ncommand = mine\nsha256 = %s\n' % ('0' * 64)

        def stops(*texts, **run):
            self.exactly(74, *texts, plugin_directory=plugins, **run)
        stops(plugins + ': No such file', 'root alone may write it')
        os.mkdir(plugins, 0o755)
        stops('[plugin mine]: %s is not there' % program, sections=section)
        shutil.copy('/bin/true', program)
        os.chmod(program, 0o644)
        stops('[plugin mine]', 'chmod 0755', sections=section)
        for mode, path in ((0o775, program), (0o777, plugins)):
            os.chmod(path, mode)
            stops(path + ': must belong to root and be writable by root')
            os.chmod(path, 0o755)
        for path in (program, plugins):
            os.chown(path, self.rig.base, 0)
            stops(path + ': must belong to root')
            os.chown(path, 0, 0)
        self.exactly(3, '[plugin mine]: set plugin_directory',
                     sections=section)
        self.mended(plugin_directory=plugins)

    def test_server_needs_libraries(self):
        path = os.path.join(self.rig.work, 'dynamic')
        shutil.copy('/bin/false', path)
        os.chmod(path, 0o711)
        self.refused(50, 'cannot be run', 'must be a static program',
                     server=path)

    def test_server_exits(self):
        path = os.path.join(self.rig.work, 'exits')
        subprocess.run(['gcc', '-static', '-x', 'c', '-o', path, '-'],
                       input=b'int main(void) { return 3; }', check=True)
        os.chmod(path, 0o711)
        self.refused(52, 'the server exited', 'its own lines', server=path)
        self.mended()

    def test_port_taken(self):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('0.0.0.0', self.rig.port))
            s.listen(1)
            self.exactly(54, 'port %d is in use' % self.rig.port,
                         'stop whoever listens')
        self.mended()

    def test_uid_busy(self):
        uid = self.rig.base + 4
        p = subprocess.Popen(['setpriv', '--reuid', str(uid), 'sleep', '60'])
        try:
            boot = self.rig.run()
            self.assertEqual(boot.wait(), 70)
            self.assertIn('processes run as uid %d' % uid, boot.said())
        finally:
            p.kill()
            p.wait()
        self.mended()

    def test_swap(self):
        """The kernel's list with an entry, for this boot alone: swap itself
        would be in use for whoever boots beside it."""
        path = os.path.join(self.rig.work, 'swaps')
        with open(path, 'w') as f:
            f.write('Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'
                    '/var/swap-file                          file\t\t'
                    '1048572\t\t0\t\t-2\n')
        wrap = ['unshare', '-m', '--propagation', propagation(), 'sh', '-c',
                'mount --bind "$0" /proc/swaps && exec "$@"', path]
        self.exactly(6, 'swap is in use', '/var/swap-file', 'swapoff -a',
                     wrap=wrap)
        self.mended()


class Files(ErrorCase):
    """What the settings name: seen by --check-config as by a boot."""
    LIVED = False

    def both(self, code, *texts, **run):
        for args in ((), ('--check-config',)):
            with self.subTest(args=args):
                before = self.rig.client.counts()
                self.exactly(code, *texts, args=args, **run)
                if args:
                    self.assertEqual(self.rig.client.counts(), before)

    def missing(self):
        return os.path.join(self.rig.work, 'missing')

    def file(self, data):
        path = os.path.join(self.rig.work, 'file')
        with open(path, 'w') as f:
            f.write(data)
        return path

    def test_roots(self):
        for key in ('tls_roots', 'keyvault_signing_roots', 'tls_ca'):
            self.both(3, '%s %s: No such file' % (key, self.missing()),
                      **{key: self.missing()})
            self.both(3, key + ' ', ': no PEM certificate in it',
                      **{key: self.file('no certificate\n')})

    def test_what_is_no_file_holds_nobody_up(self):
        """The open of a FIFO waits, and no signal would end it."""
        fifo = os.path.join(self.rig.work, 'fifo')
        os.mkfifo(fifo, 0o644)
        for key in ('tls_roots', 'keyvault_signing_roots', 'tls_ca',
                    'template', 'operator_key'):
            for path in (fifo, '/dev/zero', self.rig.work):
                with self.subTest(key=key, path=path):
                    self.assertIn(key, self.exactly(
                        3, args=('--check-config',),
                        **{key: path}).said())
        self.both(3, '[policy p]: give either', sections='[policy p]\n'
                  'file = %s\n' % fifo)
        self.exactly(20, 'there is no TPM', tpm=fifo)
        self.exactly(50, 'not a regular file', server=fifo)

    def test_operator_key_and_policy(self):
        for key in (ec.generate_private_key(ec.SECP384R1()),
                    rsa.generate_private_key(65537, 1024)):
            self.both(3, 'must be an RSA public key of 2048 to 4096 bits',
                      operator_key=self.file(key.public_key().public_bytes(
                          serialization.Encoding.PEM, serialization
                          .PublicFormat.SubjectPublicKeyInfo).decode()))
        self.both(3, 'operator_key', operator_key=self.file('no key\n'))
        self.both(3, 'operator_key', 'No such file',
                  operator_key=self.missing())
        self.both(3, '[policy p]: give either', sections='[policy p]\n'
                  'file = %s\n' % self.missing())

    def test_server_and_plugins(self):
        self.both(50, self.missing(), server=self.missing())
        self.both(51, 'chmod 0711', server='/bin/true')
        self.both(74, 'plugin_directory', plugin_directory=self.missing())

    def test_template(self):
        self.both(3, 'template %s: No such' % self.missing(),
                  template=self.missing())

    def test_broken_templates_are_seen_without_a_boot(self):
        for text, line in [('storage "pebbledb" {\n  path = "${NAME}"\n}\n', 2),
                           ('storage "pebbledb" {\n', 1),
                           ('storage "raft" {\n  path = "%s"\n}\n'
                            % self.rig.store, 1),
                           ('ui = true\n', 1)]:
            before = self.rig.client.counts()
            boot = self.exactly(49, 'line', template=self.file(text),
                                args=('--check-config',))
            self.assertIn('template_line', boot.events())
            self.assertEqual(self.rig.client.counts(), before)

    def test_azure_is_rendered_without_its_key(self):
        with open(os.path.join(ROOT, 'vault-launcher/templates/azure.hcl.tpl'
                               )) as f:
            good = f.read()
        azure = {'storage': 'azure', 'storage_path': None,
                 'storage_account': 'account1', 'args': ('--check-config',)}
        boot = self.rig.run(template=self.file(good), **azure)
        self.assertEqual(boot.wait(), 0, boot.text())
        self.assertIn('checked', boot.events())
        self.assertNotIn('AAAA', boot.text())
        self.exactly(49, template=self.file(good.replace('${APM_SAA_KEY}',
                                                         '${APM_SAA}')),
                     **azure)

    def test_container_profile(self):
        caps = lib('container_caps').split()
        boot = self.rig.run(wrap=caps, args=('--check-config',))
        self.assertEqual(boot.wait(), 0, boot.text())
        self.assertIn('container', boot.said())
        self.assertFalse(os.path.exists(self.rig.run_dir))

    def test_output_that_cannot_be_written(self):
        boot = self.rig.run(wrap=['sh', '-c', 'exec "$@" >/dev/full', 'sh'],
                            args=('--check-config',))
        self.assertEqual(boot.wait(), 1, boot.text())
        self.assertIn('standard output cannot be written: No space',
                      boot.text())

    def test_who_is_not_root_is_told_what_was_not_checked(self):
        boot = self.rig.run(wrap=['setpriv', '--reuid', str(self.rig.base),
                                  '--clear-groups'], args=('--check-config',))
        self.assertEqual(boot.wait(), 0, boot.text())
        self.assertIn('unchecked', boot.events())

    def test_beside_a_running_server(self):
        boot = self.rig.ready()
        check = self.rig.run(args=('--check-config',))
        self.assertEqual(check.wait(), 0, check.text())
        self.assertFalse(self.rig.ask('GET', 'sys/seal-status')[1]['sealed'])
        self.rig.stop(boot)


class StorePath(ErrorCase):
    LIVED = False

    def test_mount_point(self):
        os.makedirs(self.rig.store, exist_ok=True)
        self.addCleanup(shutil.rmtree, self.rig.store)
        wrap = ['unshare', '-m', '--propagation', propagation(), 'sh', '-c',
                'mount -t tmpfs none "$0" && exec "$@"', self.rig.store]
        self.exactly(69, 'must not be a mount point',
                     'mount the volume on its parent', wrap=wrap)

    def test_wrong_owner(self):
        self.rig.conf()
        os.makedirs(self.rig.store, mode=0o755)
        self.addCleanup(shutil.rmtree, self.rig.store)
        gid = self.rig.base
        self.exactly(69, 'chown root:%d %s; chmod 2770' % (
            gid, self.rig.store))

    def test_parent_written_by_others(self):
        self.rig.conf()
        parent = os.path.dirname(self.rig.store)
        os.chmod(parent, 0o777)
        self.addCleanup(os.chmod, parent, 0o755)
        self.exactly(69, 'must belong to root and be writable by root alone')


if __name__ == '__main__':
    unittest.main()
