#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A deployment against the emulator, as a deployer makes it: master key with
a release policy, its pin, a TLS identity as a password-protected PFX, the
wrapped password, an operator's key pair, and sallyport.conf."""
import argparse
import base64
import datetime
import functools
import hashlib
import ipaddress
import itertools
import json
import os
import re
import secrets
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'emulator')]
from azemu.client import Client  # noqa: E402
from ports import free_uids  # noqa: E402

HOSTNAME = 'apm-server.test'
ROLES = ('server', 'broker', 'resolve', 'https', 'verify', 'tpm', 'prepare',
         'control', 'keeper')


def role_uids():
    """role -> a uid that nobody else has."""
    return dict(zip(ROLES, itertools.count(free_uids(len(ROLES)))))


def unb64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def write(path, data, mode=0o600):
    if isinstance(data, str):
        data = data.encode()
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, mode)
    with os.fdopen(fd, 'wb') as f:
        f.write(data)


def pin_of_key(public):
    """SHA-256 of its DER SubjectPublicKeyInfo."""
    return hashlib.sha256(public.public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def pin_of(bundle):
    """The same of a key vault's key."""
    n = int.from_bytes(unb64(bundle['key']['n']), 'big')
    e = int.from_bytes(unb64(bundle['key']['e']), 'big')
    return pin_of_key(rsa.RSAPublicNumbers(e, n).public_key())


@functools.lru_cache(None)
def operator_key():
    """One for all deployments of a process: making it takes long."""
    return rsa.generate_private_key(65537, 2048)


class Tls:
    """A CA and a server certificate signed by it."""

    def __init__(self, hostname, days=30, start=-1):
        now = datetime.datetime.utcnow()
        self.ca_key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self.build('Deployment CA', self.ca_key.public_key(),
                             'Deployment CA', now, 3650, -1, None)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self.build(hostname, self.key.public_key(),
                               'Deployment CA', now, days, start, hostname)

    def build(self, subject, public, issuer, now, days, start, hostname):
        def name(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        b = (x509.CertificateBuilder().subject_name(name(subject))
             .issuer_name(name(issuer)).public_key(public)
             .serial_number(x509.random_serial_number())
             .not_valid_before(now + datetime.timedelta(days=start))
             .not_valid_after(now + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(hostname is None, None),
                            critical=True))
        if hostname:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(hostname),
                 x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]),
                critical=False)
        return b.sign(self.ca_key, hashes.SHA256())

    def pfx(self, password, key=None):
        return pkcs12.serialize_key_and_certificates(
            b'server', key or self.key, self.cert, [self.ca],
            serialization.BestAvailableEncryption(password.encode()))

    def ca_pem(self):
        return self.ca.public_bytes(serialization.Encoding.PEM)


class Deployment:
    def __init__(self, azure, out):
        self.azure = azure
        self.out = out
        with open(os.path.join(azure, 'emulator.json')) as f:
            self.info = json.load(f)
        self.client = Client(azure)
        os.makedirs(out, exist_ok=True)

    def path(self, name):
        return os.path.join(self.out, name)

    def policy(self):
        claims = [
            ('x-ms-isolation-tee.x-ms-attestation-type', 'sevsnpvm'),
            ('x-ms-isolation-tee.x-ms-compliance-status',
             'azure-compliant-cvm'),
            ('x-ms-azurevm-vmid', self.info['vm_id'])]
        return {'version': '1.0.0', 'anyOf': [{
            'authority': 'https://' + self.info['maa_host'],
            'allOf': [{'claim': c, 'equals': v} for c, v in claims]}]}

    def make_key(self, name='apm-mk', size=2048):
        bundle = self.client.create_key(name, self.policy(), size=size)
        self.key = name
        self.key_id = bundle['key']['kid'].rsplit('/', 1)[0]
        self.pin = pin_of(bundle)
        return self

    def private_key(self):
        """The master key itself, from the emulated vault's own files."""
        for folder, _, files in os.walk(self.azure):
            for path in (os.path.join(folder, name) for name in files):
                if not os.path.isfile(path):
                    continue
                with open(path, 'rb') as f:
                    text = f.read().decode('utf-8', 'replace')
                for pem in re.findall(r'-----BEGIN PRIVATE KEY-----.*?'
                                      r'-----END PRIVATE KEY-----', text,
                                      re.S):
                    key = serialization.load_pem_private_key(
                        pem.replace('\\n', '\n').encode() + b'\n', None)
                    if pin_of_key(key.public_key()) == self.pin:
                        return key
        raise LookupError('no master key')

    def wrap(self, data):
        """RSA-OAEP-256 by the vault, standard base64: as the Azure CLI."""
        if isinstance(data, str):
            data = data.encode()
        value = self.client.encrypt(self.key, 'RSA-OAEP-256', data)
        return base64.b64encode(value).decode()

    def put_tls(self, hostname=HOSTNAME, password=None, tls=None, pfx=None):
        self.tls = tls or Tls(hostname)
        self.password = password or base64.b64encode(
            secrets.token_bytes(24)).decode()
        pfx = pfx or self.tls.pfx(self.password)
        self.client.set_secret('apm-tls-cert',
                               base64.b64encode(pfx).decode())
        self.client.set_secret('apm-tls-cert-password',
                               self.wrap(self.password))
        write(self.path('ca.pem'), self.tls.ca_pem(), 0o644)
        return self

    def put_storage_key(self, key=None):
        self.storage_key = key or base64.b64encode(
            secrets.token_bytes(64)).decode()
        self.client.set_secret('apm-saa-key', self.wrap(self.storage_key))
        return self

    def make_operator(self):
        key = operator_key()
        write(self.path('operator.pem'), key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo), 0o644)
        write(self.path('operator-private.pem'), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return self

    def settings(self, port, server, run_dir, storage='pebbledb', **more):
        def connect(url):
            return url.split('//')[1]
        s = {
            'hostname': HOSTNAME, 'port': port,
            'keyvault': self.info['vault_name'], 'master_key': self.key_id,
            'maa_endpoint': 'https://' + self.info['maa_host'],
            'pin': self.pin, 'operator_key': self.path('operator.pem'),
            'storage': storage,
            'storage_path': os.path.join(self.out, 'store', 'data'),
            'server': server, 'run_directory': run_dir,
            'tpm': self.info['vtpm'], 'event_log': self.info['eventlog'],
            'imds': self.info['imds'],
            'keyvault_connect': connect(self.info['akv']),
            'maa_connect': connect(self.info['maa']),
            'storage_connect': connect(self.info['blob']),
            'tls_roots': self.info['tls_roots'],
            'keyvault_signing_roots': self.info['akv_signing_root'],
            'tls_ca': self.path('ca.pem')}
        s.update(more)
        return {k: v for k, v in s.items() if v is not None}

    def write_conf(self, settings, sections='', name='sallyport.conf'):
        text = ''.join('%s = %s\n' % kv for kv in settings.items())
        os.makedirs(self.path('store'), mode=0o755, exist_ok=True)
        write(self.path(name), text + sections, 0o644)
        return self.path(name)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--azure', required=True, help="the emulator's directory")
    p.add_argument('--out', required=True, help='where files go')
    p.add_argument('--port', required=True, type=int)
    p.add_argument('--server', required=True)
    p.add_argument('--run-directory', required=True)
    p.add_argument('--storage', default='pebbledb')
    p.add_argument('--log', default='auto')
    a = p.parse_args()
    d = Deployment(a.azure, a.out).make_key().put_tls().make_operator()
    # uids of its own, so that it runs beside tests and other demos
    uids = {'uid_' + role: uid for role, uid in role_uids().items()}
    conf = d.write_conf(d.settings(a.port, a.server, a.run_directory,
                                   a.storage, log=a.log, **uids))
    print(conf)


if __name__ == '__main__':
    main()
