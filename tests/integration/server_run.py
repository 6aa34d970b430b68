# SPDX-License-Identifier: Apache-2.0
"""The real server in whole boots with the tests' plugin, made to do all that
it does in its life: for scripts/trace-server and the tests of its policy."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import time

import boot_rig
import systrace
from boot_rig import HOSTNAME, ROOT, processes

PLUGIN = 'sallyport-test-plugin'
SECTIONS = '''
[plugin sallyport-test-plugin]
type = secret
command = sallyport-test-plugin
sha256 = %s
[mount plugged]
type = sallyport-test-plugin
[mount anjuna]
type = kv
[mount transit]
type = transit
[mount pki]
type = pki
[auth userpass]
type = userpass
[audit main]
type = file
file_path = %s/audit.log
'''
# An honest plugin's part of the policy (tests/plugin/uses.go).
USES = ('files locks copies maps processes signals threads datagrams profile '
        'machine').split()
STOPPED = 'kill -STOP $$; exec "$@"'


def plugin_path():
    return subprocess.run([ROOT + '/scripts/get-plugin'], check=True,
                          capture_output=True, text=True).stdout.strip()


class Client(http.client.HTTPSConnection):
    """One connection to the public listener."""

    def __init__(self, rig):
        super().__init__(HOSTNAME, rig.port, timeout=120)
        self.context = ssl.create_default_context(
            cafile=rig.deployment.path('ca.pem'))

    def connect(self):
        self.sock = self.context.wrap_socket(
            socket.create_connection(('127.0.0.1', self.port), self.timeout),
            server_hostname=HOSTNAME)


class ServerRun:
    """trace: where tracefs is, or None: without; entries, watch: as
    systrace.Trace has them; say: told what came out otherwise."""

    def __init__(self, profile, storage, trace=None, entries=False,
                 say=print, **watch):
        plugin = plugin_path()
        with open(plugin, 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.say, self.storage, self.boot = say, storage, None
        self.trace, self.entries, self.watch = trace, entries, watch
        self.traces = []
        self.rig = boot_rig.Rig(profile, storage, server_stop=20,
                                plugin_directory=os.path.dirname(plugin))
        self.rig.sections = SECTIONS % (digest, self.rig.store)

    def start(self):
        """A boot, watched from its first call on: it starts stopped."""
        if not self.trace:
            self.boot = self.rig.ready()
        else:
            self.boot = self.rig.run(wrap=('sh', '-c', STOPPED, 'sh'))
            pid = self.boot.pid
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
            self.traces.append(systrace.Trace(
                self.trace, pid, self.entries, **self.watch))
            os.kill(pid, signal.SIGCONT)
            if not self.boot.wait_until('ready'):
                raise AssertionError('no READY:\n' + self.boot.text()[-4000:])
        self.token = self.rig.token()

    def stop(self):
        self.boot.signal(signal.SIGTERM)
        code = self.boot.wait(60)
        if code != 0:
            raise AssertionError('ended with %d:\n%s' % (
                code, self.boot.text()[-3000:]))
        for t in self.traces:
            t.stop()
        self.rig.check_nothing_left()

    def close(self):
        for t in self.traces:
            t.stop()
        self.rig.close()

    def ask(self, method, path, body=None, good=(200, 204)):
        for left in (2, 1, 0):
            try:
                status, answer = self.rig.ask(method, path, self.token, body)
                break
            except http.client.RemoteDisconnected:
                # a client that a loaded machine kept from asking for 10 s
                if not left:
                    raise
        if status not in good:
            self.say('%s %s: %d %s' % (method, path, status, answer))
        return answer

    def server(self, plugin=False):
        """The pids of the server, or of its plugins."""
        uid = int(self.rig.settings['uid_server'])
        return [pid for pid, (u, _, command) in processes().items()
                if u == uid and (PLUGIN in command) == plugin]

    # --- what it is made to do

    def plugin(self, calls=200):
        """Calls it, lets it crash, reloads it."""
        def call(_):
            return self.ask('GET', 'plugged/hello/you')
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(call, range(calls)))
        for pid in self.server(plugin=True):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        self.ask('GET', 'plugged/hello/you', good=(200, 400, 500))
        self.ask('GET', 'plugged/hello/again')
        self.ask('PUT', 'sys/plugins/reload/backend', {'plugin': PLUGIN},
                 (200, 202, 204))
        self.ask('GET', 'plugged/hello/reloaded')

    def uses(self):
        """{name: what the plugin said}; one of them is stopped meanwhile."""
        said = {}
        for name in USES + ['streams-%d' % self.rig.port]:
            said[name] = self.ask('GET', 'plugged/use/' + name)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            done = pool.submit(self.ask, 'GET', 'plugged/use/sleep')
            time.sleep(1)
            for sig in (signal.SIGSTOP, signal.SIGCONT):
                for pid in self.server(plugin=True):
                    os.kill(pid, sig)
                time.sleep(0.1)
            said['sleep'] = done.result()
        return {k: (v or {}).get('data', {}).get('result')
                for k, v in said.items()}

    def load(self, clients=200, rounds=5):
        """Writes, reads, deletes; every client by a connection of its own."""
        big = secrets.token_hex(200000)

        def client(n):
            conn, head = Client(self.rig), {'X-Vault-Token': self.token}
            for i in range(rounds):
                word = big if n % 16 == 0 else secrets.token_hex(50)
                path = '/v1/anjuna/%d/%d' % (n, i)
                for method, body in (('POST', {'word': word}), ('GET', None),
                                     ('DELETE', None)):
                    conn.request(method, path, json.dumps(body)
                                 if body else None, head)
                    conn.getresponse().read()
            conn.close()
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(client, n) for n in range(clients)]:
                try:
                    done.result()
                except (OSError, http.client.HTTPException) as e:
                    self.say('load: %r' % e)

    def engines(self):
        self.ask('POST', 'transit/keys/k', {})
        c = self.ask('POST', 'transit/encrypt/k', {'plaintext': 'QUJD' * 999})
        self.ask('POST', 'transit/decrypt/k', c['data'])
        self.ask('POST', 'pki/root/generate/internal',
                 {'common_name': 'x.test', 'key_type': 'rsa'})
        self.ask('POST', 'auth/userpass/users/u', {'password': 'password'})
        self.ask('POST', 'auth/userpass/login/u', {'password': 'password'})
        for _ in range(5):
            self.ask('POST', 'auth/token/create', {'ttl': '2s'})
        self.ask('GET', 'sys/host-info')
        self.ask('GET', 'sys/metrics', good=(200, 400))
        self.ask('GET', 'sys/in-flight-req')
        self.ask('LIST', 'sys/policies/acl')
        self.ask('PUT', 'sys/rotate', {})
        self.ask('PUT', 'sys/plugins/catalog/secret/absent',
                 {'sha256': '0' * 64, 'command': 'absent'}, (500,))
        self.raw('GET', 'sys/pprof/profile?seconds=1')
        if self.storage == 'raft':
            self.raw('POST', 'sys/storage/raft/snapshot',
                     self.raw('GET', 'sys/storage/raft/snapshot'))
            self.ask('GET', 'sys/storage/raft/configuration')
            self.ask('GET', 'sys/storage/raft/autopilot/state')

    def raw(self, method, path, body=None):
        conn = Client(self.rig)
        conn.request(method, '/v1/' + path, body,
                     {'X-Vault-Token': self.token})
        answer = conn.getresponse()
        data = answer.read()
        conn.close()
        if answer.status not in (200, 204):
            self.say('%s %s: %d %s' % (method, path, answer.status, data))
        return data

    def rotation(self):
        """SIGHUP to Sallyport: a new certificate, read by the server."""
        self.rig.deployment.put_tls()
        self.boot.signal(signal.SIGHUP)
        if not self.boot.wait_until('rotated'):
            self.say('no rotation: ' + self.boot.text()[-500:])

    def stacks(self):
        """SIGUSR2 to the server: all stacks to its log."""
        for pid in self.server():
            os.kill(pid, signal.SIGUSR2)
        time.sleep(0.5)

    def seal(self):
        self.ask('PUT', 'sys/step-down', good=(200, 204, 400, 500))
        time.sleep(3)
        self.ask('PUT', 'sys/seal', good=(200, 204, 500, 503))
        time.sleep(1)

    def whole(self, clients=200, calls=200):
        """Two lives; returns what the uses said."""
        self.start()
        self.plugin(calls)
        said = self.uses()
        self.load(clients)
        self.engines()
        self.rotation()
        self.stacks()
        time.sleep(4)  # timers: leases end, the heap is given back
        self.stop()
        self.start()
        self.plugin(5)
        self.load(clients // 4, 2)
        self.seal()
        self.stop()
        return said
