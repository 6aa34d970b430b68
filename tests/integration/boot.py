# SPDX-License-Identifier: Apache-2.0
"""A whole boot for tests: emulator, deployment, `sallyport run` with uids,
port and directories of its own, so that tests run beside each other."""
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/lib'))
from deployment import HOSTNAME, Deployment  # noqa: E402
from ports import free_port  # noqa: E402
from operator_token import open_jwe  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402

CACHE = os.environ.get('SALLYPORT_CACHE', '/var/cache/sallyport')
SERVER = os.environ.get('SALLYPORT_SERVER', CACHE + '/server/bao')
ROLES = ('server', 'broker', 'resolve', 'https', 'verify', 'tpm', 'prepare',
         'control')


def shell(words):
    return subprocess.run(
        ['bash', '-c', '. "$0"/scripts/lib.sh; ' + words, ROOT], check=True,
        capture_output=True, text=True).stdout


INST = os.environ.get('SALLYPORT_INST') or shell('printf %s "$INST"')
SALLYPORT = os.path.join(INST, 'sbin/sallyport')


SERIAL = itertools.count()


def processes(uids):
    """{pid: uid} of every process with one of these uids."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            uid = os.stat('/proc/' + pid).st_uid
            with open('/proc/%s/status' % pid, encoding='ascii',
                      errors='replace') as f:
                for line in f:
                    if line.startswith('Uid:'):
                        uid = int(line.split()[1])
        except OSError:
            continue
        if uid in uids:
            found[int(pid)] = uid
    return found


class Public(http.client.HTTPSConnection):
    """The server's public listener, verified against the deployment's CA."""

    def __init__(self, rig):
        context = ssl.create_default_context(cafile=rig.path('ca.pem'))
        super().__init__(HOSTNAME, rig.port, timeout=30, context=context)

    def connect(self):
        self.sock = self._context.wrap_socket(
            socket.create_connection(('127.0.0.1', self.port), 30),
            server_hostname=HOSTNAME)


class Rig:
    def __init__(self, profile='full', storage='pebbledb', sections='',
                 **settings):
        self.dir = tempfile.mkdtemp(prefix='sallyport-test.')
        os.chmod(self.dir, 0o755)
        self.profile, self.process, self.emulator = profile, None, None
        base = 100000 + os.getpid() % 50000 * 10 + next(SERIAL) * 600000
        self.uids = {r: base + i for i, r in enumerate(ROLES)}
        self.port = free_port()
        self.run_dir = self.dir + '/run'
        self.caps = []
        if profile == 'container':
            self.run_dir = tempfile.mkdtemp(prefix='sallyport-test.',
                                            dir='/dev/shm')
            os.chmod(self.run_dir, 0o755)
            self.caps = shell('container_caps').split()
        self.start_azure()
        self.deployment = Deployment(self.dir + '/azure', self.dir + '/dep')
        d = self.deployment.make_key().put_tls().make_operator()
        s = d.settings(self.port, SERVER, self.run_dir + '/server', storage,
                       connect_timeout=2, call_timeout=10, retry_time=5,
                       step_deadline=60, server_stop=10, absent_time=1)
        s.update({'uid_' + r: u for r, u in self.uids.items()})
        s.update(settings)
        self.settings = {k: v for k, v in s.items() if v is not None}
        self.sections = sections
        self.write_conf()

    def path(self, name):
        return os.path.join(self.dir, 'dep', name)

    def write_conf(self, **change):
        self.settings.update(change)
        s = {k: v for k, v in self.settings.items() if v is not None}
        self.conf = self.deployment.write_conf(s, self.sections)

    def start_azure(self):
        r, w = os.pipe()
        self.emulator = subprocess.Popen(
            [os.path.join(ROOT, 'tests/emulator/emulator'), 'serve', '--dir',
             self.dir + '/azure', '--cache', CACHE + '/emulator-keys',
             '--ready-fd', str(w)], pass_fds=[w],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(w)
        with os.fdopen(r, 'rb') as f:
            if f.readline() != b'ready\n':
                raise RuntimeError('the emulator did not start')

    # --- one boot

    def start(self, env=None):
        self.log = open(self.dir + '/log', 'w+b')
        self.process = subprocess.Popen(
            self.caps + [SALLYPORT, 'run', '--config', self.conf],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=dict(os.environ, **(env or {})), start_new_session=True)
        return self

    def text(self):
        with open(self.dir + '/log', encoding='utf-8', errors='replace') as f:
            return f.read()

    def events(self):
        out = []
        for line in self.text().splitlines():
            if line.startswith('{"time"'):
                try:
                    out.append(json.loads(line))
                except ValueError:
                    pass
        return out

    def names(self):
        return [e.get('event') for e in self.events()]

    def wait_ready(self, seconds=60):
        return self.wait_event('ready', seconds)

    def wait_event(self, name, seconds=60):
        """True when the event was logged, False when sallyport ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = self.process.poll() is not None
            if name in self.names():
                return True
            if done:
                return False
            time.sleep(0.02)
        raise TimeoutError(self.text()[-3000:])

    def boot(self):
        if not self.start().wait_ready():
            raise AssertionError('no READY:\n' + self.text()[-4000:])
        return self

    def end(self, sig=signal.SIGTERM, seconds=30):
        """Signals and waits; returns the exit code."""
        if sig and self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def fails(self, env=None, seconds=60):
        """Boots what must not come up; returns the exit code."""
        self.start(env)
        code = self.process.wait(seconds)
        self.process = None
        return code

    # --- what is asked from outside

    def ask(self, method, path, body=None, token=None):
        conn = Public(self)
        try:
            conn.request(method, '/v1/' + path,
                         json.dumps(body) if body is not None else None,
                         {'X-Vault-Token': token} if token else {})
            answer = conn.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None
        finally:
            conn.close()

    def root_token(self):
        with open(self.path('operator-private.pem'), 'rb') as f:
            key = serialization.load_pem_private_key(f.read(), None)
        return open_jwe(self.deployment.client.get_secret('apm-root-token'),
                        key)

    def counts(self):
        return self.deployment.client.counts()

    def releases(self):
        return self.counts().get('akv.release.ok', 0)

    def leftovers(self):
        """What a boot left behind: processes, mounts, files."""
        bad = ['process %d (uid %d)' % p for p in
               processes(set(self.uids.values())).items()]
        with open('/proc/self/mounts', encoding='utf-8') as f:
            bad += [line for line in f if self.dir in line]
        for d, _, files in os.walk(self.run_dir):
            bad += [os.path.join(d, f) for f in files]
        return bad

    def close(self):
        if self.process and self.process.poll() is None:
            self.end(signal.SIGKILL)
        if self.emulator:
            self.emulator.terminate()
            self.emulator.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.profile == 'container':
            shutil.rmtree(self.run_dir, ignore_errors=True)
