# SPDX-License-Identifier: Apache-2.0
"""Each role alone in its seat, under its real filter, through one good life
in which one thing fails: a system call (tests/fault/fault.c) or an allocation
(failalloc.c).  What may come of it: the same as without, to the last byte, or
an exit code of ipc/exit.def.  Never a signal, silence, or another answer."""
import collections
import contextlib
import errno
import mmap
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import control_rig
import https_rig
import netfake as nf
import prepare_rig
import spframe as sp
import test_prepare
import test_verify
import tpm_bench as tb
import tpm_case
from mockvault import Mock

TOOLS = os.path.join(os.environ.get('SALLYPORT_BUILD') or
                     os.path.join(sp.ROOT, 'build', 'release'),
                     'tests', 'fault')
BROKER = os.path.join(os.path.dirname(os.path.dirname(TOOLS)), 'parent',
                      'sallyport-broker')
GO_END = 0x41  # ipc/go.h
FAULT, FAILALLOC = TOOLS + '/fault', TOOLS + '/failalloc.so'
ERRNOS = (errno.EINTR, errno.EAGAIN, errno.ENOMEM, errno.EIO, errno.ENOSPC,
          errno.EMFILE, errno.EPERM)
# No kernel answers these so: a futex fails in no way that the C library does
# not know (it aborts), brk(2) has no errno, exit_group(2) no return; and
# getrandom(2) without flags fails by EINTR at most.
IMPOSSIBLE = (202, 12, 231)
GETRANDOM = 318
PRCTL = 157  # the first is the first call of a worker's own (policy/worker.c)
SHORTENED = (0, 1, 44, 45, 318)  # what fault.c makes short
STRIDE = 40  # of the libraries' thousands
MANY = 50  # a loop over all descriptors: of so many of a number a few do
DEADLINE_MS = 4000
LIMIT_S = 60  # none of them may take that long
_spawn, _execve = sp.spawn, os.execve


class Hook:
    """What is done to the next process that sp.spawn() starts."""

    def __init__(self):
        self.argv, self.env = None, None
        self.tracer, self.report, self.confined = None, None, None


HOOK = Hook()


def _held_exec(program, argv, env):
    os.kill(os.getpid(), signal.SIGSTOP)
    _execve(program, argv, env)


def _hooked_spawn(program, args, fds, uid=None, env=None):
    if HOOK.env:
        env = {'TZ': 'UTC0', **HOOK.env}
    if not HOOK.argv:
        return _spawn(program, args, fds, uid, env)
    sp.os.execve = _held_exec
    try:
        pid = _spawn(program, args, fds, uid, env)
    finally:
        sp.os.execve = _execve
    os.waitpid(pid, os.WUNTRACED)
    HOOK.tracer = subprocess.Popen(
        [FAULT, '-o', HOOK.report, '-p', str(pid), '-', *HOOK.argv])
    end = time.monotonic() + LIMIT_S
    while 'seized' not in read(HOOK.report):
        if time.monotonic() > end or HOOK.tracer.poll() is not None:
            raise OSError('not seized')
        time.sleep(0.001)
    return pid


def _hooked_start(self, timeout=20.0):
    """And what is known of its confinement when it says LOCKED."""
    self.broker.expect('LOCKED', timeout)
    sp.select.select([self.ready], [], [], timeout)
    os.read(self.ready, 1)
    HOOK.confined = confinement(self.pid)
    self.broker.send('START')
    return self


def read(path):
    try:
        with open(path, encoding='ascii') as f:
            return f.read()
    except FileNotFoundError:
        return ''


def confinement(pid):
    """What the supervisor's gate would see, and the limits."""
    path = '/proc/%d/' % pid
    owner = os.stat(path + 'status').st_uid
    status = dict(re.findall(r'^(\w+):\t(.*)$', read(path + 'status'), re.M))
    return [owner, read(path + 'limits')] + [
        status.get(x) for x in ('Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff',
                                'CapBnd', 'NoNewPrivs', 'Seccomp',
                                'Seccomp_filters', 'Threads')]


@contextlib.contextmanager
def hooked(argv=None, env=None):
    with tempfile.TemporaryDirectory(prefix='sallyport-') as tmp:
        HOOK.argv, HOOK.env, HOOK.tracer = argv, env, None
        HOOK.report, HOOK.confined = tmp + '/report', None
        sp.spawn, start = _hooked_spawn, sp.Worker.start
        sp.Worker.start = _hooked_start
        try:
            yield HOOK
        finally:
            sp.spawn, sp.Worker.start = _spawn, start
            if HOOK.tracer:
                try:
                    HOOK.tracer.wait(LIMIT_S)
                finally:
                    HOOK.tracer.kill()
                    HOOK.tracer.wait()


# --- one good life of each role -------------------------------------------

class Life:
    """prepare() once; go() returns (outcome, what came out)."""

    def prepare(self):
        pass

    def close(self):
        pass


class Verify(Life):
    def prepare(self):
        test_verify.Verify.setUpClass()
        self.case = test_verify.Verify()
        self.jws = self.case.answer()

    def go(self):
        w = self.case.worker(deadline_ms=DEADLINE_MS)
        return finish(w, [('RELEASE_JWS', self.jws)])


def finish(w, says=()):
    """Starts it, says that, reads to its end."""
    try:
        w.start()
        for name, body in says:
            w.broker.send(name, body)
    except (sp.Hangup, BrokenPipeError, AssertionError):
        pass  # it had ended, or says why
    outcome = w.finish(LIMIT_S)
    return outcome, w.said


class Resolve(Life):
    def go(self):
        return finish(sp.Worker(https_rig.RESOLVE, [],
                                [('TAG_NAME', '192.0.2.1')],
                                deadline_ms=DEADLINE_MS))


class Https(Life):
    args = ['fetch']

    def prepare(self):
        self.az = nf.Azure()
        for name, value in (('apm-tls-cert', b'PFX' * 100),
                            ('apm-tls-cert-password', b'w' * 256),
                            ('apm-unseal-bundle', b'b' * 780)):
            self.az.set(name, nf.b64(value))

    def close(self):
        self.az.close()

    def go(self):
        w = sp.Worker(https_rig.HTTPS, self.args, self.conf(),
                      {6: nf.memfd(self.az.pki.pem), 7: nf.memfd(b'LOG')},
                      deadline_ms=DEADLINE_MS)
        said, result = [], None
        try:
            w.start()
            self.talk(w, said)
        except (sp.Hangup, BrokenPipeError, AssertionError):
            pass
        outcome = w.finish(LIMIT_S)
        return outcome, sorted(said + w.said)

    def conf(self):
        return https_rig.fetch_conf(self.az.port, CALL_MS=1500, RETRY_MS=2000)

    def talk(self, w, said):
        w.broker.send('ADDRS', https_rig.LOCAL)
        w.broker.send('EVIDENCE', nf.evidence())
        while True:
            name, body = w.recv(LIMIT_S)
            if name == 'RESULT':
                return
            said.append((name, body))
            if name == 'ENC_TOKEN':
                w.broker.send('TOKEN', nf.JWT.encode())


class Store(Https):
    args = ['store', '0']
    BUNDLE = bytes(range(256)) * 3 + b'x' * 12

    def conf(self):
        return https_rig.common(self.az.port, CALL_MS=1500, RETRY_MS=2000)

    def talk(self, w, said):
        w.broker.send('ADDRS', https_rig.LOCAL)
        while True:
            w.broker.send('BUNDLE', self.BUNDLE)
            name, body = w.recv(LIMIT_S)
            if name == 'RESULT':
                return
            if (name, body) == ('ECHO', self.BUNDLE):
                break
        said.append((name, body))
        w.broker.send('STORED')


class Tpm(Life):
    def prepare(self):
        self.machine, self.master = tb.machine(), tb.Master()
        self.stored = [
            ('TLS_PASSWORD', 0, self.master.wrap(tpm_case.PASSWORD)),
            ('BUNDLE', 0, self.master.bundle(tpm_case.FINAL_SET, tpm_case.GEN,
                                             tb.FINAL))]

    def go(self):
        s = tb.Session(self.machine.connect(), tpm_case.TpmCase.program,
                       [tb.plan('BUNDLE', 'OLD_KEY', 'TLS_PASSWORD'),
                        ('TAG_PIN', self.master.pin),
                        ('TAG_STORE_ID', tb.STORE), ('TAG_MARKER', 2),
                        ('TAG_LAYOUT', 0), ('TAG_GENERATION', tpm_case.GEN),
                        ('TAG_GENERATION_KNOWN', 1)],
                       deadline_ms=3 * DEADLINE_MS)
        out = []
        try:
            s.released(self.master, self.stored)
            out = [s.ask('tls'), s.ask('unseal')]
        except (sp.Hangup, BrokenPipeError, AssertionError):
            pass
        outcome = s.worker.finish(LIMIT_S)
        s.close()
        return outcome, out


class Render(Life):
    def go(self):
        w = prepare_rig.render(test_prepare.template('azure'),
                               test_prepare.AZURE, test_prepare.KEY,
                               deadline_ms=DEADLINE_MS)
        return w.outcome, (w.public, w.private)


class Tls(Life):
    def prepare(self):
        self.identity = prepare_rig.Identity(test_prepare.HOST)
        self.pfx = self.identity.pfx(test_prepare.PASSWORD)

    def go(self):
        pub_out, pub_in = sp.oneway()
        sealed_out, sealed_in = sp.oneway()
        files = prepare_rig.Outputs()
        w = sp.Worker(prepare_rig.PREPARE, ['tls'],
                      [('TAG_HOSTNAME', test_prepare.HOST)],
                      {6: files.fds[0], 7: files.fds[1], 8: pub_out,
                       9: sealed_in}, uid=prepare_rig.UID,
                      deadline_ms=DEADLINE_MS)
        word = test_prepare.PASSWORD.encode()
        try:
            w.start()
            w.broker.send('PFX', self.pfx)
            prepare_rig.seal(w, pub_in, sealed_out, 'SEAT_TLS',
                             'SEALED_PASSWORD',
                             bytes([len(word)]) + word.ljust(128, b'\0'))
        except (sp.Hangup, BrokenPipeError, AssertionError):
            pass
        for end in (pub_in, sealed_out):
            end.close()
        outcome = w.finish(LIMIT_S)
        return outcome, files.read()


class Control(Life):
    def prepare(self):
        mock = Mock()
        w = control_rig.init(mock.socket(), 3, 2)
        self.fresh = w.raw
        self.final = sp.keyset(w.keys[0], w.keys[1])
        self.mock = mock

    def close(self):
        self.mock.close()


class Look(Control):
    def go(self):
        w = sp.Worker(control_rig.CONTROL, ['look'],
                      [('TAG_STORAGE', 'pebbledb')], {6: self.mock.socket()},
                      uid=control_rig.UID, deadline_ms=DEADLINE_MS)
        return finish(w)


class Init(Control):
    def go(self):
        mock = Mock()
        pub_out, pub_in = sp.oneway()
        sealed_out, sealed_in = sp.oneway()
        key = sp.X25519PrivateKey.generate()
        w = sp.Worker(control_rig.CONTROL, ['init'],
                      [('TAG_STORAGE', 'pebbledb'), ('TAG_SHARES', 3),
                       ('TAG_THRESHOLD', 2)],
                      {6: mock.socket(), 7: pub_in, 8: sealed_out},
                      uid=control_rig.UID, deadline_ms=DEADLINE_MS)
        try:
            w.start()
            sp.Channel(pub_out).send('TPM_PUB', sp.raw_pub(key.public_key()))
        except (sp.Hangup, BrokenPipeError, AssertionError):
            pass
        pub_out.close()
        outcome = w.finish(LIMIT_S)
        out = []
        try:
            box = sp.Channel(sealed_in).expect('SEALED_KEYS', 5)
            threshold, shares, _ = sp.keyset_parse(sp.env_open(
                key, sp.env_info(w.session, 'SEAT_INIT', 'SEAT_TPM',
                                 'SEALED_KEYS'), box))
            out = [threshold, len(shares)]
        except sp.Hangup:
            pass
        sealed_in.close()
        mock.close()
        return outcome, out


class Unseal(Control):
    def go(self):
        m = self.mock
        m.sealed, m.progress, m.nonce = True, [], ''
        m.attempt, m.tokens = None, {}
        pub_out, pub_in = sp.oneway()
        sealed_out, sealed_in = sp.oneway()
        w = sp.Worker(control_rig.CONTROL, ['unseal'],
                      [('TAG_REVOKE_ROOT', 1)],
                      {6: self.mock.socket(), 7: pub_out, 8: sealed_in},
                      uid=control_rig.UID, deadline_ms=DEADLINE_MS)
        try:
            w.start()
            pub = sp.Channel(pub_in).expect('SEAL_PUB', 10)
            sp.Channel(sealed_out).send('SEALED_SHARES', sp.env_seal(
                pub, sp.env_info(w.session, 'SEAT_TPM', 'SEAT_UNSEAL',
                                 'SEALED_SHARES'), self.final))
        except (sp.Hangup, BrokenPipeError, AssertionError):
            pass
        sealed_out.close()
        outcome = w.finish(LIMIT_S)
        pub_in.close()
        good = outcome != 'OK' or not self.mock.sealed and \
            not self.mock.tokens
        return outcome, [good]


class Broker(Life):
    """A session of resolve alone: what comes goes nowhere, then the end."""
    RESOLVE = sp.SEAT['SEAT_RESOLVE']

    def go(self):
        cfg, cfg_theirs = sp.seqpair()
        cfg.sendall(sp.frame('CONFIG', 0, sp.items(
            [('TAG_SESSION', os.urandom(32)), ('TAG_DEADLINE_MS', DEADLINE_MS),
             ('TAG_LOG_JSON', 1), ('TAG_LOG_T0', bytes(8)),
             ('TAG_JWE_MODULUS', 0)])))
        cfg.close()
        go, ready, log = os.pipe(), os.pipe(), os.pipe()
        pairs = [sp.seqpair() for _ in range(
            sp.SEAT['SEAT_UNSEAL'] - self.RESOLVE + 1)]
        fds = {2: log[1], 3: go[0], 4: cfg_theirs.fileno(), 5: ready[1]}
        fds.update({sp.FD_FIRST + i: p[1].fileno()
                    for i, p in enumerate(pairs)})
        pid = sp.spawn(BROKER, [], fds)
        for fd in (go[0], ready[1], log[1]):
            os.close(fd)
        for _, theirs in pairs:
            theirs.close()
        cfg_theirs.close()
        said = self.talk(pid, go[1], ready[0], sp.Channel(pairs[0][0]))
        try:
            code = sp.wait(pid, LIMIT_S)
        finally:
            with os.fdopen(log[0], 'rb') as f:
                lines = f.read().decode()
            for ours, _ in pairs:
                ours.close()
            for fd in (go[1], ready[0]):
                os.close(fd)
        name = signal.Signals(-code).name if code < 0 else \
            sp.EXIT_NAME.get(code, str(code))
        return name, said + re.findall(r'"event":"(\w+)"', lines)

    def talk(self, pid, go, ready, resolve):
        said = []
        try:
            sp.select.select([ready], [], [], LIMIT_S)
            os.read(ready, 1)
            os.write(go, bytes([self.RESOLVE]))
            resolve.send('LOCKED')
            said.append(resolve.expect('START', 10))
            HOOK.confined = confinement(pid)
            resolve.send('ADDRS', https_rig.LOCAL)
            resolve.send('RESULT', sp.u32(0))
            resolve.close()
            time.sleep(0.05)
            os.write(go, bytes([GO_END]))
        except (sp.Hangup, OSError, AssertionError):
            pass
        return said


LIVES = {'broker': Broker, 'resolve': Resolve, 'fetch': Https,
         'store': Store, 'verify': Verify, 'tpm': Tpm, 'render': Render,
         'tls': Tls, 'look': Look, 'init': Init, 'unseal': Unseal}


# --- what fails in it ------------------------------------------------------

class Role:
    """A life that was measured: where its calls and allocations are."""

    def __init__(self, name):
        self.name, self.life = name, LIVES[name]()
        # a clone may lie where the role's uid does not come
        self.dir = tempfile.mkdtemp(prefix='sallyport-')
        os.chmod(self.dir, 0o755)
        self.preload = shutil.copy(FAILALLOC, self.dir)
        os.chmod(self.preload, 0o644)
        self.life.prepare()
        with hooked(['all', '0', 'list']) as hook:
            self.good = self.life.go()
            hook.tracer.wait(LIMIT_S)
            self.calls = [int(x) for x in re.findall(
                r'^call .+ (-?\d+)$', read(hook.report), re.M)]
            self.confined = hook.confined
        self.main = self.calls.index(PRCTL) + 1

    def places(self):
        """The calls worth failing, by their place."""
        out = []
        for number in set(self.calls):
            at = [i for i, n in enumerate(self.calls, 1)
                  if n == number and number not in IMPOSSIBLE]
            out += at if len(at) < 2 * MANY else \
                at[:3] + at[len(at) // 2:][:3] + at[-3:]
        return sorted(out)

    def close(self):
        self.life.close()
        shutil.rmtree(self.dir)

    def check(self, outcome, out, hook, early=False):
        """None, or what is wrong.  early: its libraries were still being
        loaded or prepared; it was told nothing, and may die of it."""
        if early and hook.confined is None and outcome != 'OK' and \
                outcome != self.good[0]:
            return None
        if outcome == self.good[0]:
            if out != self.good[1]:
                return 'well, but another answer: %r' % (out,)
            if hook.confined != self.confined:
                return 'well, but confined otherwise: %r, not %r' % (
                    hook.confined, self.confined)
            return None
        if outcome == 'OK' or outcome not in sp.EXIT:
            return 'ended with ' + outcome
        if sp.EXIT[outcome] >= 100:
            return 'another outcome: ' + outcome
        return None

    def call(self, at, how):
        """The at-th call of its life fails, or is short: (outcome, what is
        wrong, the call's number or None: it did not come so far)."""
        with hooked(['all', str(at), how]) as hook:
            try:
                outcome, out = self.life.go()
            except AssertionError as e: # RESULT, and another exit
                outcome, out = str(e), None
            hook.tracer.wait(LIMIT_S)
            m = re.search(r'^hit .+ (-?\d+) [\d.]+$', read(hook.report), re.M)
        number = int(m.group(1)) if m else None
        if number is None or number in IMPOSSIBLE or \
                number == GETRANDOM and how != 'e%d' % errno.EINTR:
            return outcome, None, None
        return outcome, self.check(outcome, out, hook, at < self.main), number

    def allocation(self, at, ever=False, ours=False):
        """The at-th allocation fails (and all after it), of all or of those
        that our own code asks for; 0: how many are there?"""
        with tempfile.NamedTemporaryFile(prefix='sallyport-') as f:
            f.write(struct.pack('=5Q', at, ever, 0, 0, ours).ljust(
                4096, b'\0'))
            f.flush()
            os.chmod(f.name, 0o666)
            with hooked(None, {'LD_PRELOAD': self.preload,
                               'FAILALLOC': f.name}) as hook:
                try:
                    outcome, out = self.life.go()
                except AssertionError as e:
                    outcome, out = str(e), None
            with mmap.mmap(f.fileno(), 4096) as page:
                count, failed = struct.unpack('=16x2Q', page[:32])
        if at == 0:
            return count, self.check(outcome, out, hook)
        return outcome, self.check(outcome, out, hook, True)


def count(role, ours):
    """How many allocations there are."""
    n, wrong = role.allocation(0, ours=ours)
    if wrong or not (n or ours): # its libraries' there are always
        raise AssertionError(wrong or 'no allocation was seen')
    return n


def cases(role):
    """All that can fail in it: ('call', place, how) and ('alloc', which,
    for ever, ours)."""
    out = [('call', at, 'e%d' % e) for at in role.places() for e in ERRNOS]
    shorts = len([n for n in role.calls if n in SHORTENED])
    out += [('call', i + 1, 'short') for i in range(shorts)]
    for ever in (False, True):
        for ours in (True, False):
            n = count(role, ours)
            # a library may have been given our allocator: thousands too
            step = 1 if ours and n < 50 * STRIDE else STRIDE
            out += [('alloc', i + 1, ever, ours) for i in range(0, n, step)]
    return out


def run(role, case):
    """(what came of it, None or what is wrong); None, None: no such case."""
    if case[0] == 'call':
        outcome, wrong, number = role.call(*case[1:])
        return (outcome, wrong) if number is not None else (None, None)
    return role.allocation(*case[1:])


def sampled(name, many, seed):
    """Runs so many cases of a role by the seed (None: all).  Prints the
    figures; returns what went wrong, in words."""
    role, wrong, kinds = Role(name), [], collections.Counter()
    try:
        todo = cases(role)
        whole = len(todo)
        random.Random('%s %s' % (seed, name)).shuffle(todo)
        for case in todo[:many]:
            outcome, why = run(role, case)
            if outcome is None:
                continue
            kinds['as without it' if outcome == role.good[0] else
                  'named' if outcome in sp.EXIT else 'not begun'] += 1
            if why:
                wrong.append('seed %s: %s %r: %s' % (seed, name, case, why))
    finally:
        role.close()
    print('# %s: seed %s: %d of %d cases: %s; %d wrong' % (
        name, seed, sum(kinds.values()), whole, ', '.join(
            '%d %s' % (n, k) for k, n in sorted(kinds.items())), len(wrong)),
          flush=True)
    return wrong
