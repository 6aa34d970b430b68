# SPDX-License-Identifier: Apache-2.0
"""One good life of each worker of a session, alone in its seat under its real
filter."""
import control_rig
import https_rig
import netfake as nf
import prepare_rig
import spframe as sp
import test_prepare
import test_verify
import tpm_bench as tb
import tpm_case
from calls_hook import LIMIT_S
from mockvault import Mock

DEADLINE_MS = 4000


class Life:
    """prepare() once; go() returns (outcome, what came out)."""
    allocates = True
    blames = True  # False: without memory it never says that its input is bad
    becomes = False  # another program: whose calls do not count

    def prepare(self):
        pass

    def close(self):
        pass


class Verify(Life):
    blames = False

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
    blames = False

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
    blames = False

    def go(self):
        w = prepare_rig.render(test_prepare.template('azure'),
                               test_prepare.AZURE, test_prepare.KEY,
                               deadline_ms=DEADLINE_MS)
        return w.outcome, (w.public, w.private)


class Tls(Life):
    blames = False

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


LIVES = {'resolve': Resolve, 'fetch': Https, 'store': Store, 'verify': Verify,
         'tpm': Tpm, 'render': Render, 'tls': Tls, 'look': Look, 'init': Init,
         'unseal': Unseal}
