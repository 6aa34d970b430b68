# SPDX-License-Identifier: Apache-2.0
"""Whole boots for tests: an emulator and a deployment in a directory of their
own, `sallyport run` with uids, port and directories of its own (so that tests
run beside each other), and the proof that nothing is left behind."""
import hashlib
import http.client
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

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
from cryptography.hazmat.primitives import serialization  # noqa: E402
from deployment import ROLES, Deployment, HOSTNAME, role_uids  # noqa: E402
from ports import free_port  # noqa: E402
from operator_token import open_jwe  # noqa: E402
from azemu.client import CallError  # noqa: E402

PYTHON = '/usr/bin/python3'
CACHE = os.environ.get('SALLYPORT_CACHE', '/var/cache/sallyport')
SERVER = os.environ.get('SALLYPORT_SERVER', CACHE + '/server/bao')
SHM = os.environ.get('SALLYPORT_SHM', '/dev/shm')  # a tmpfs
# A refused boot ends in a second or two; what only a loaded machine can
# exceed is long.
SHORT = {'retry_time': 2, 'absent_time': 1, 'connect_timeout': 10,
         'call_timeout': 20, 'step_deadline': 60, 'server_ready': 60,
         'server_stop': 10}
# How long one waits for what takes a second: others may load the machine.
LIMIT_S = 120


def lib(words):
    """What scripts/lib.sh says."""
    return subprocess.run(
        ['bash', '-c', '. "$0/scripts/lib.sh"; ' + words, ROOT],
        check=True, capture_output=True, text=True).stdout.strip()


INST = os.environ.get('SALLYPORT_INST') or lib('echo "$INST"')
SALLYPORT = INST + '/sbin/sallyport'


def missing():
    """Why no boot is possible here, or None."""
    if os.geteuid() != 0:
        return 'needs root'
    for path in (SALLYPORT, SERVER):
        if not os.path.exists(path):
            return path + ' is not there (scripts/check makes it)'
    return None


def processes():
    """pid -> (real uid, session, command line) of all that live."""
    out = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/status' % pid) as f:
                status = dict(x.split(':\t', 1) for x in f if ':\t' in x)
            with open('/proc/%s/stat' % pid) as f:
                sid = int(f.read().rsplit(') ', 1)[1].split()[3])
            with open('/proc/%s/cmdline' % pid) as f:
                cmd = f.read().replace('\0', ' ')
        except (OSError, IndexError, ValueError):
            continue
        if not status['State'].startswith('Z'):
            out[int(pid)] = (int(status['Uid'].split()[0]), sid, cmd)
    return out


class Boot:
    """One `sallyport run`: its lines, its end."""

    def __init__(self, argv, env, log):
        self.log = log
        self.start = time.monotonic()
        with open(log, 'wb') as out:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True)
        self.pid, self.ended = self.process.pid, None

    def text(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def lines(self):
        """Sallyport's own JSON lines."""
        out = []
        for line in self.text().splitlines():
            try:
                one = json.loads(line)
            except ValueError:
                continue
            if isinstance(one, dict) and 'event' in one and 't' in one:
                out.append(one)
        return out

    def events(self):
        return [one['event'] for one in self.lines()]

    def said(self):
        """The words of Sallyport alone, one line each."""
        return '\n'.join(one['text'] for one in self.lines())

    def code(self):
        """Of its end; None: it lives.  From here on another may have its
        number, as a process and as a session."""
        code = self.process.poll()
        if code is not None and self.ended is None:
            self.ended = time.clock_gettime(time.CLOCK_BOOTTIME)
        return code

    def owns(self, pid, sid):
        """That process of that session is of this boot."""
        if sid != self.pid:
            return False
        if self.code() is None:
            return True
        try:
            with open('/proc/%d/stat' % pid) as f:
                ticks = int(f.read().rsplit(') ', 1)[1].split()[19])
        except (OSError, IndexError):
            return False
        return ticks / os.sysconf('SC_CLK_TCK') <= self.ended

    def wait_until(self, what, limit=LIMIT_S):
        """True when a line of that event came, False when it ended."""
        mark = '"event":"%s"' % what
        end = time.monotonic() + limit
        while time.monotonic() < end:
            over = self.code() is not None
            if mark in self.text():
                return True
            if over:
                return False
            time.sleep(0.01)
        raise AssertionError('no %s after %d s:\n%s' % (
            what, limit, self.text()[-4000:]))

    def comes(self, what):
        """Waits until what() is so."""
        end = time.monotonic() + LIMIT_S
        while not what():
            if time.monotonic() > end:
                raise AssertionError('it does not come:\n' +
                                     self.text()[-4000:])
            time.sleep(0.005)

    def until(self, event, count=1):
        """That event came that often, and the boot goes on."""
        end = time.monotonic() + LIMIT_S
        while self.events().count(event) < count:
            if self.code() is not None or time.monotonic() > end:
                raise AssertionError('no %s:\n%s' % (
                    event, self.text()[-4000:]))
            time.sleep(0.02)

    def wait(self, limit=LIMIT_S):
        """The exit code; the time is bounded."""
        try:
            self.process.wait(limit)
            return self.code()
        except subprocess.TimeoutExpired:
            raise AssertionError('does not end in %d s:\n%s' % (
                limit, self.text()[-4000:])) from None

    def signal(self, number):
        self.process.send_signal(number)


class Rig:
    """settings: of sallyport.conf; None leaves one out.  sections: its text
    after them."""

    def __init__(self, profile='full', storage='pebbledb', log='json',
                 sections='', **settings):
        self.profile, self.boots, self.emulator = profile, [], None
        self.uids = role_uids()
        self.base = self.uids[ROLES[0]]
        self.work = tempfile.mkdtemp(prefix='sallyport-boot.')
        os.chmod(self.work, 0o755)
        self.run_parent = self.work
        try:
            if profile == 'container':
                self.run_parent = tempfile.mkdtemp(
                    prefix='sallyport-boot.', dir=SHM)
                os.chmod(self.run_parent, 0o755)
            self.run_dir = os.path.join(self.run_parent, 'run')
            self.caps = (lib('container_caps').split()
                         if profile == 'container' else [])
            self.start_emulator()
            self.azure = os.path.join(self.work, 'azure')
            self.deployment = Deployment(
                self.azure, os.path.join(self.work, 'deployment'))
            self.client = self.deployment.client
            self.deployment.make_key().put_tls().make_operator()
            self.port = free_port()
            self.settings = self.deployment.settings(
                self.port, SERVER, self.run_dir, storage, log=log)
            self.settings.update({
                'uid_' + role: uid for role, uid in self.uids.items()})
            self.settings.update({**SHORT, **settings})
            self.sections = sections
            self.store = self.settings['storage_path']
        except BaseException:
            self.close()
            raise

    def start_emulator(self):
        r, w = os.pipe()
        with open(os.path.join(self.work, 'emulator.log'), 'ab') as out:
            self.emulator = subprocess.Popen(
                [os.path.join(ROOT, 'tests/emulator/emulator'), 'serve',
                 '--dir', os.path.join(self.work, 'azure'),
                 '--cache', CACHE + '/emulator-keys', '--ready-fd', str(w)],
                pass_fds=[w], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out)
        os.close(w)
        with os.fdopen(r, 'rb') as f:
            if not f.read(1):
                with open(out.name) as f:
                    raise AssertionError('no emulator:\n' + f.read())

    def provision(self, operation, **more):
        self.client.plain('control', 'POST', '/provision', json.dumps(
            {'operation': operation, **more}))

    def conf(self, sections=None, **change):
        """Writes sallyport.conf; a setting of None is left out."""
        s = {**self.settings, **change}
        return self.deployment.write_conf(
            {k: v for k, v in s.items() if v is not None},
            self.sections if sections is None else sections)

    def run(self, wrap=(), env=None, args=(), sections=None, **change):
        """Starts a boot; wrap: words before the command."""
        return self.boot(self.conf(sections, **change), wrap, env, args)

    def boot(self, conf, wrap=(), env=None, args=()):
        """The same with a file as it stands."""
        argv = [*wrap, *self.caps, SALLYPORT, 'run', '--config', conf, *args]
        log = os.path.join(self.work, 'boot-%d.log' % len(self.boots))
        boot = Boot(argv, {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
                           **(env or {})}, log)
        self.boots.append(boot)
        return boot

    def ready(self, **more):
        """A boot that must reach READY."""
        boot = self.run(**more)
        if not boot.wait_until('ready'):
            raise AssertionError('the boot failed:\n' + boot.text()[-4000:])
        return boot

    def stop(self, boot, code=0, limit=LIMIT_S):
        boot.signal(signal.SIGTERM)
        got = boot.wait(limit)
        if got != code:
            raise AssertionError('ended with %s, not %s:\n%s' % (
                got, code, boot.text()[-4000:]))
        self.check_nothing_left()

    def ask(self, method, path, token=None, body=None):
        """(status, JSON) from the public listener, verified by the CA."""
        context = ssl.create_default_context(
            cafile=self.deployment.path('ca.pem'))
        raw = socket.create_connection(('127.0.0.1', self.port), LIMIT_S)
        tls = context.wrap_socket(raw, server_hostname=HOSTNAME)
        conn = http.client.HTTPSConnection(HOSTNAME, self.port)
        conn.sock = tls
        try:
            head = {'X-Vault-Token': token} if token else {}
            conn.request(method, '/v1/' + path,
                         None if body is None else json.dumps(body), head)
            answer = conn.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None
        finally:
            conn.close()

    def token(self):
        """The root token, as the operator opens it."""
        with open(self.deployment.path('operator-private.pem'), 'rb') as f:
            key = serialization.load_pem_private_key(f.read(), None)
        return open_jwe(self.client.get_secret('apm-root-token'), key)

    def releases(self):
        """Key releases that the emulator granted so far."""
        return self.client.counts().get('akv.release.ok', 0)

    def forget(self):
        """No life was before: another store, and the key vault without what
        Sallyport wrote."""
        self.client.options(soft_delete_delay=0)
        for name in ('apm-unseal-bundle', 'apm-root-token', 'apm-probe'):
            try:
                self.client.delete_secret(name)
            except CallError as e:
                if e.status != 404:
                    raise
            else:
                self.client.call('DELETE', '/deletedsecrets/' + name)
        shutil.rmtree(os.path.dirname(self.store), ignore_errors=True)

    def write_word(self, word):
        status, body = self.ask('POST', 'anjuna/word', self.token(),
                                {'word': word})
        if status not in (200, 204):
            raise AssertionError('not written: %d %s' % (status, body))

    def read_word(self):
        status, body = self.ask('GET', 'anjuna/word', self.token())
        return body['data']['word'] if status == 200 else body

    def store_hash(self):
        """What lies beside and in the store: name -> hash or kind."""
        out, top = {}, os.path.dirname(self.store)
        for folder, dirs, files in os.walk(top):
            for name in dirs:
                out[os.path.relpath(os.path.join(folder, name), top)] = 'dir'
            for name in files:
                path = os.path.join(folder, name)
                with open(path, 'rb') as f:
                    out[os.path.relpath(path, top)] = hashlib.sha256(
                        f.read()).hexdigest()
        return out

    def left(self):
        """What a boot left behind, in words."""
        out = []
        for pid, (uid, sid, cmd) in processes().items():
            # a child until its exec is called as the supervisor, and has a
            # session of its own
            if uid in self.uids.values() or (
                    cmd.startswith(SALLYPORT) and self.work in cmd) or \
                    any(b.owns(pid, sid) for b in self.boots):
                out.append('process %d uid %d: %s' % (pid, uid, cmd))
        with open('/proc/self/mountinfo') as f:
            out += ['mount ' + x.split()[4] for x in f
                    if self.work in x or self.run_parent in x]
        for folder, _, files in os.walk(self.run_dir):
            out += ['file ' + os.path.join(folder, x) for x in files]
        return out

    def server_pids(self):
        """The server and what it started."""
        return [pid for pid, (uid, _, _) in processes().items()
                if uid == self.uids['server']]

    def check_nothing_left(self):
        left = self.left()
        if left:
            raise AssertionError('left behind: %s, after\n%s' % (
                '; '.join(left), self.boots[-1].text()[-2000:]))

    def nobody_left(self):
        """After a supervisor that was killed: processes and mounts go."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            left = [x for x in self.left() if not x.startswith('file')]
            if not left:
                return
            time.sleep(0.02)
        raise AssertionError('outlived the supervisor: ' + '; '.join(left))

    def close(self):
        for boot in self.boots:
            if boot.code() is None:
                boot.signal(signal.SIGTERM)
                try:
                    boot.process.wait(10)
                except subprocess.TimeoutExpired:
                    boot.process.kill()
                    boot.process.wait()
        if self.emulator:
            self.emulator.terminate()
            self.emulator.wait()
        if os.environ.get('SALLYPORT_KEEP'):
            print('# kept: ' + self.work)
            return
        shutil.rmtree(self.work, ignore_errors=True)
        if self.run_parent != self.work:
            shutil.rmtree(self.run_parent, ignore_errors=True)
