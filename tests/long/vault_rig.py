# SPDX-License-Identifier: Apache-2.0
"""Whole boots of HashiCorp Vault on storage "azure" by the old script's own
template, byte for byte.  The test's process moves to a network and a mount
namespace of its own, where the storage accounts' real names lead to Azurite,
and where the server lies where the old image had it."""
import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'tests', p)
                for p in ('integration', 'lib', 'emulator')]
import boot_rig  # noqa: E402
from azemu import netns  # noqa: E402
from azurite import Azurite, host  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from deployment import Tls, write  # noqa: E402

PROGRAM = '/opt/anjuna/bin/anjuna-policy-manager-server'
RUN_DIR = '/run/anjuna-policy-manager'
TEMPLATE = os.path.join(ROOT, 'vault-launcher/templates/azure.hcl.tpl')
CA_FILE = '/etc/ssl/certs/ca-certificates.crt'
ACCOUNTS = {'apmsa%d' % i: base64.b64encode(secrets.token_bytes(64)).decode()
            for i in range(40)}


def get(script):
    return subprocess.run([os.path.join(ROOT, 'scripts', script)], check=True,
                          capture_output=True, text=True).stdout.strip()


def mount(*words):
    subprocess.run(['mount', *words], check=True)


class World:
    """The namespaces, Azurite in them; one for all tests of a file."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='sallyport-vault.')
        os.chmod(self.dir, 0o755)
        self.vault = get('get-vault')
        self.free = iter(ACCOUNTS)
        self.azurite = None
        try:
            self.enter(get('get-azurite'))
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.dir, name)

    def enter(self, azurite):
        netns.enter(self.dir, [host(a) for a in ACCOUNTS])
        # nothing of this machine's is hidden but /run and /opt
        mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/run')
        mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/opt')
        os.makedirs(os.path.dirname(PROGRAM))
        write(PROGRAM, b'')
        mount('--bind', self.vault, PROGRAM)
        tls = Tls('*.blob.core.windows.net')
        write(self.path('blob-ca.pem'), tls.ca_pem(), 0o644)
        write(self.path('blob.pem'), tls.cert.public_bytes(
            serialization.Encoding.PEM), 0o644)
        write(self.path('blob.key'), tls.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        mount('--bind', self.path('blob-ca.pem'), CA_FILE)
        self.azurite = Azurite(
            azurite, ACCOUNTS, self.path('blob.pem'), self.path('blob.key'),
            self.path('blob-ca.pem'), self.path('azurite.log')).start()

    def close(self):
        """The namespaces go with the process."""
        if self.azurite:
            self.azurite.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class VaultRig(boot_rig.Rig):
    """A deployment whose store is a fresh storage account."""

    def __init__(self, world, profile='full', storage='azure', **settings):
        self.world = world
        super().__init__(profile, storage)
        self.settings.update({
            'server': PROGRAM, 'server_ready': 120, 'step_deadline': 120,
            'call_timeout': 30, 'connect_timeout': 10, 'retry_time': 20,
            'server_stop': 20})
        if storage == 'azure':
            self.run_dir = self.settings['run_directory'] = RUN_DIR
            self.settings['storage_path'] = None
            self.use(next(world.free))
        self.settings.update(settings)

    def use(self, account):
        """From now on the store is this account's container."""
        self.account = account
        self.settings['storage_account'] = account
        self.blobs = self.world.azurite.container(account, 'vault')
        self.deployment.put_storage_key(ACCOUNTS[account])

    def storage_block(self):
        """The template's storage block as the old script rendered it."""
        with open(TEMPLATE, encoding='ascii') as f:
            text = f.read()
        text = text[text.index('storage "azure"'):]
        return (text.replace('${APM_SA_NAME}', self.account)
                .replace('${APM_SAA_KEY}', ACCOUNTS[self.account]))

    def secrets(self):
        """All that the key vault holds, states and every value, but for the
        probe, which is written where no keys are found."""
        state = self.client.state()
        for vault in state.values():
            vault.get('secrets', {}).pop('apm-probe', None)
        names = {}
        for name in self.secret_names():
            for one in self.client.list_versions(name):
                version = one['id'].rsplit('/', 1)[1]
                names[name, version] = self.client.get_secret(name, version)
        return state, names

    def secret_names(self):
        page = self.client.call('GET', '/secrets')
        names = [one['id'].rsplit('/', 1)[1] for one in page['value']]
        return [n for n in names if n != 'apm-probe']

    def releases(self):
        return self.client.counts().get('akv.release.ok', 0)


class LeasedRig(VaultRig):
    """The same with a lease at the same service, by the identity's token."""

    def __init__(self, world, lease_time=15, **settings):
        super().__init__(world, storage_connect=None, lease='on',
                         lease_time=lease_time, **settings)
        try:
            roots = self.deployment.path('roots.pem')
            with open(roots, 'wb') as out:
                for path in (self.settings['tls_roots'],
                             world.path('blob-ca.pem')):
                    with open(path, 'rb') as f:
                        out.write(f.read())
            os.chmod(roots, 0o644)
            self.settings['tls_roots'] = roots
            status, said = world.azurite.container(
                self.account, 'sallyport').call('PUT',
                                                {'restype': 'container'})
            if status != 201:
                raise AssertionError('no container: %s' % said)
        except BaseException:
            self.close()
            raise

    def forget(self):
        """No life was before."""
        self.store = self.deployment.path('store/none')
        super().forget()
        for name in self.blobs.names() or []:
            self.blobs.delete(name)
