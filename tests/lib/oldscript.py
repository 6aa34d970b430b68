# SPDX-License-Identifier: Apache-2.0
"""A deployment by the old script's steps: a real server is initialised with
five shares, threshold three; each share is wrapped by the vault's key
(RSA-OAEP-256, standard base64) and stored as apm-unseal-key-N, the root token
in clear as apm-root-token; kv at anjuna; one secret is written. The vault is
then as the old script leaves it, and the server is stopped."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Server:
    """A server on a unix socket, as the given uid, with the given storage
    block."""

    def __init__(self, binary, storage, uid):
        self.dir = tempfile.mkdtemp(prefix='sallyport-old-')
        os.chown(self.dir, uid, uid)
        self.sock = os.path.join(self.dir, 'api.sock')
        conf = os.path.join(self.dir, 'c.hcl')
        with open(conf, 'w', encoding='ascii') as f:
            f.write('listener "unix" { address = "%s" }\n%s\n'
                    'api_addr = "https://apm-server.test:8200"\n'
                    'disable_mlock = true\n'
                    'disable_clustering = true\n' % (self.sock, storage))
        os.chmod(conf, 0o640)
        os.chown(conf, 0, uid)
        self.process = subprocess.Popen(
            [binary, 'server', '-config=' + conf], user=uid, group=uid,
            extra_groups=[], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, umask=0o007)
        for _ in range(600):
            try:
                self.call('GET', 'sys/health')
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError('the server did not start')

    def call(self, method, path, body=None, token=None):
        conn = Unix(self.sock)
        try:
            conn.request(method, '/v1/' + path,
                         json.dumps(body) if body is not None else None,
                         {'X-Vault-Token': token} if token else {})
            answer = conn.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None
        finally:
            conn.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        subprocess.run(['rm', '-rf', self.dir], check=True)


def deploy(deployment, binary, store, uid, word):
    """All of it on a pebbledb directory; returns the root token."""
    os.makedirs(store, exist_ok=True)
    os.chown(store, 0, uid)
    os.chmod(store, 0o2770)
    return deploy_on(deployment, Server(
        binary, 'storage "pebbledb" { path = "%s" }' % store, uid), word)


def deploy_on(deployment, s, word):
    """All of it on a server that runs; it is stopped. Returns the token."""
    try:
        _, keys = s.call('PUT', 'sys/init',
                         {'secret_shares': 5, 'secret_threshold': 3})
        token = keys['root_token']
        deployment.client.set_secret('apm-root-token', token)
        for i, share in enumerate(keys['keys_base64']):
            deployment.client.set_secret('apm-unseal-key-%d' % i,
                                         deployment.wrap(share))
        for share in keys['keys_base64'][:3]:
            s.call('PUT', 'sys/unseal', {'key': share})
        for _ in range(100):
            if s.call('GET', 'sys/health')[0] == 200:
                break
            time.sleep(0.05)
        status, _ = s.call('POST', 'sys/mounts/anjuna', {'type': 'kv'}, token)
        assert status == 204, status
        status, _ = s.call('POST', 'anjuna/old', {'word': word}, token)
        assert status == 204, status
        return token
    finally:
        s.stop()
