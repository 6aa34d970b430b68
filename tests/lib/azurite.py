# SPDX-License-Identifier: Apache-2.0
"""Azurite, Microsoft's emulator of Azure's storage, in a network namespace of
the test's own: over TLS, on port 443 and under the storage accounts' real
names; and a client of one container, by shared key."""
import base64
import datetime
import hashlib
import hmac
import http.client
import os
import ssl
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree

VERSION = '2021-12-02'


def host(account):
    return account + '.blob.core.windows.net'


class Azurite:
    """accounts: {name: base64 key}; cert, key, ca: PEM files."""

    def __init__(self, main, accounts, cert, key, ca, log):
        self.accounts, self.ca = accounts, ca
        self.argv = ['setpriv', '--pdeathsig', 'KILL', 'node', main,
                     '--blobHost', '127.0.0.1', '--blobPort',
                     '443', '--cert', cert, '--key', key,
                     '--inMemoryPersistence', '--skipApiVersionCheck',
                     '--disableTelemetry', '--silent', '--oauth',
                     'basic']
        self.log = log
        self.process = None

    def start(self):
        env = {'PATH': os.environ['PATH'], 'AZURITE_ACCOUNTS': ';'.join(
            '%s:%s' % one for one in self.accounts.items())}
        with open(self.log, 'ab') as out:
            self.process = subprocess.Popen(
                self.argv, env=env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out)
        probe = self.container(next(iter(self.accounts)), 'vault')
        for _ in range(600):
            try:
                probe.call('GET', {'restype': 'container', 'comp': 'list'})
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError('Azurite does not answer: see ' + self.log)

    def container(self, account, name):
        return Container(account, self.accounts[account], name, self.ca)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Container:
    def __init__(self, account, key, name, ca):
        self.account, self.name = account, name
        self.key = base64.b64decode(key)
        self.context = ssl.create_default_context(cafile=ca)

    def sign(self, method, path, query, headers, length):
        lines = [method, '', '', str(length) if length else '', '', '', '',
                 '', '', '', '', '']
        lines += ['%s:%s' % h for h in sorted(headers.items())]
        lines.append('/%s%s' % (self.account, path))
        lines += ['%s:%s' % q for q in sorted(query.items())]
        mac = hmac.new(self.key, '\n'.join(lines).encode(), hashlib.sha256)
        return 'SharedKey %s:%s' % (
            self.account, base64.b64encode(mac.digest()).decode())

    def call(self, method, query=None, blob=None, body=None):
        """(status, bytes)"""
        query = query or {}
        path = '/' + self.name
        if blob is not None:
            path += '/' + urllib.parse.quote(blob)
        headers = {
            'x-ms-date': datetime.datetime.utcnow().strftime(
                '%a, %d %b %Y %H:%M:%S GMT'),
            'x-ms-version': VERSION}
        if method == 'PUT' and blob is not None:
            headers['x-ms-blob-type'] = 'BlockBlob'
        auth = self.sign(method, path, query, headers, len(body or b''))
        conn = http.client.HTTPSConnection(
            host(self.account), 443, timeout=30, context=self.context)
        try:
            conn.request(method, path + '?' + urllib.parse.urlencode(query),
                         body, {**headers, 'Authorization': auth})
            answer = conn.getresponse()
            return answer.status, answer.read()
        finally:
            conn.close()

    def names(self):
        """The names of all blobs; None if there is no container."""
        out, marker = [], ''
        while True:
            status, data = self.call('GET', {
                'restype': 'container', 'comp': 'list',
                **({'marker': marker} if marker else {})})
            if status == 404:
                return None
            if status != 200:
                raise AssertionError('list: %d %s' % (status, data))
            root = xml.etree.ElementTree.fromstring(data.decode('utf-8-sig'))
            out += [e.text for e in root.iter('Name')]
            marker = root.findtext('NextMarker') or ''
            if not marker:
                return sorted(out)

    def get(self, name):
        status, data = self.call('GET', blob=name)
        if status != 200:
            raise AssertionError('%s: %d %s' % (name, status, data))
        return data

    def put(self, name, data):
        status, answer = self.call('PUT', blob=name, body=data)
        if status != 201:
            raise AssertionError('%s: %d %s' % (name, status, answer))

    def delete(self, name):
        status, answer = self.call('DELETE', blob=name)
        if status != 202:
            raise AssertionError('%s: %d %s' % (name, status, answer))

    def hashes(self):
        """{name: SHA-256 of the content}; {} if there is no container."""
        return {n: hashlib.sha256(self.get(n)).hexdigest()
                for n in self.names() or []}
