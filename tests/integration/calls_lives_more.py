# SPDX-License-Identifier: Apache-2.0
"""One good life of those that are no worker of a session: the broker, the
keeper, and the program that becomes the server."""
import fcntl
import os
import re
import shutil
import signal
import tempfile
import time

import https_rig
import keeper_rig as kr
import spframe as sp
from calls_hook import HOOK, LIMIT_S, TOOLS, confinement
from calls_lives import DEADLINE_MS, Life
from ports import free_uids
from server_run import plugin_path

BUILD = os.path.dirname(os.path.dirname(TOOLS))
BROKER = os.path.join(BUILD, 'parent', 'sallyport-broker')
EXEC = os.path.join(BUILD, 'vault-launcher', 'sallyport-exec')
GO_END = sp._enum('ipc/go.h', 'go')['GO_END']


def name_of(code):
    """An exit code's name, or the signal's."""
    return signal.Signals(-code).name if code < 0 else \
        sp.EXIT_NAME.get(code, str(code))


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
        return name_of(code), said + re.findall(r'"event":"(\w+)"', lines)

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


class Keeper(Life):
    """Takes the lease of a blob that it makes, renews it, gives it back."""

    def prepare(self):
        self.em = kr.Emulator()
        self.em.provision(containers=['sallyport'])
        self.em.provision('permit', identity='vm',
                          actions=['blobs/write/action'])

    def close(self):
        self.em.close()

    def go(self):
        self.em.provision(containers=['sallyport'], forget='vault')
        k = kr.Keeper(kr.conf(self.em.ports), self.em.roots, go=False)
        try:
            k.locked(LIMIT_S)
            seen = confinement(k.pid)
            k.say(kr.GO_HOLD)
            held = k.is_held(LIMIT_S)
            if held:  # else what was seen may have been dying
                HOOK.confined = seen
            out = [held, self.em.lease()[0] if held else None]
            name = name_of(k.code) if not k.alive() else k.release(LIMIT_S)
        finally:
            k.close()
        return name, out


class Exec(Life):
    """Becomes the tests' plugin, which says how it is confined.  Its output
    has no room until what is known from outside was looked at."""
    uid = free_uids(1)
    allocates = False  # it is static, and has all it needs
    becomes = True

    def prepare(self):
        self.dir = tempfile.mkdtemp(prefix='sallyport-')
        os.chmod(self.dir, 0o755)
        self.plugin = shutil.copy(plugin_path(), self.dir)
        self.write = self.dir + '/write'
        os.mkdir(self.write)
        os.chmod(self.write, 0o777)

    def close(self):
        shutil.rmtree(self.dir)

    def conf(self):
        return [('X_PROGRAM', self.plugin), ('X_ARG', self.plugin),
                ('X_ENV', 'TMPDIR=' + self.write),
                ('X_ENV', 'SALLYPORT_TEST_TRY=try state-%s 1' % self.write),
                ('X_EXEC_PATH', self.plugin), ('X_WRITE_PATH', self.write),
                ('X_WHEN', sp.WHEN['WHEN_PUBLIC'] | sp.WHEN['WHEN_LOCAL'])]

    def go(self):
        ours, theirs = sp.seqpair()
        ours.sendall(sp.frame('CONFIG', 0, sp.items(self.conf())))
        ours.close()
        ready, says = os.pipe(), os.pipe()
        room = fcntl.fcntl(says[1], fcntl.F_SETPIPE_SZ, 4096)
        os.write(says[1], b' ' * room)
        pid = sp.spawn(EXEC, [], {1: says[1], 4: theirs.fileno(),
                                  5: ready[1]}, self.uid)
        theirs.close()
        os.close(ready[1])
        os.close(says[1])
        with os.fdopen(ready[0], 'rb') as f:
            f.read()  # it is over, or became the other
        with open('/proc/%d/comm' % pid, encoding='ascii') as f:
            if f.read().strip() == os.path.basename(self.plugin):
                HOOK.confined = confinement(pid)
        with os.fdopen(says[0], 'rb') as f:
            said = f.read()[room:]
        return name_of(sp.wait(pid, LIMIT_S)), [said]


LIVES = {'broker': Broker, 'keeper': Keeper, 'exec': Exec}
