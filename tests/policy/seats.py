# SPDX-License-Identifier: Apache-2.0
"""Each real worker in its seat, as its own test starts it, for moulds."""
import os
import socket
import sys

import filters

INTEGRATION = filters.ROOT + '/tests/integration'
sys.path[:0] = [INTEGRATION, filters.ROOT + '/tests/lib']
os.environ.setdefault('SALLYPORT_BUILD', filters.BUILD)
# pylint: disable=wrong-import-position
import control_rig # noqa: E402
import https_rig # noqa: E402
import keeper_rig # noqa: E402
import netfake # noqa: E402
import prepare_rig # noqa: E402
import spframe as sp # noqa: E402
import test_prepare # noqa: E402
import test_verify # noqa: E402
import tpm_bench # noqa: E402
import tpm_case # noqa: E402
from mould import Mould, held # noqa: E402

NOBODY = 65534
PORTS = {'imds': 1, 'maa': 1, 'akv': 1} # nobody is there


def stream():
    """A connected stream; nobody answers at its other end."""
    ours, theirs = socket.socketpair()
    return ours, theirs


class Seat:
    """A worker, held before exec; keep: what must stay open meanwhile."""

    def __init__(self, name, pid, keep):
        self.keep, self.mould = keep, Mould(pid)
        self.name = name

    def close(self):
        self.mould.close()
        for k in self.keep: # Worker and Session: the process is gone already
            worker = getattr(k, 'worker', k)
            if isinstance(worker, sp.Worker):
                worker.code = 0
            k.close()


def broker():
    """Its descriptors: log 2, go 3, config 4, ready 5, workers 6 to 18."""
    cfg, cfg_theirs = sp.seqpair()
    cfg.sendall(sp.frame('CONFIG', 0, sp.items(
        [('TAG_SESSION', os.urandom(32)), ('TAG_DEADLINE_MS', 20000),
         ('TAG_LOG_JSON', 1), ('TAG_LOG_T0', bytes(8)),
         ('TAG_JWE_MODULUS', 0)])))
    cfg.close()
    go, ready, log = os.pipe(), os.pipe(), os.pipe()
    pairs = [sp.seqpair() for _ in
             range(sp.SEAT['SEAT_UNSEAL'] - sp.SEAT['SEAT_RESOLVE'] + 1)]
    fds = {2: log[1], 3: go[0], 4: cfg_theirs.fileno(), 5: ready[1]}
    fds.update({sp.FD_FIRST + i: p[1].fileno() for i, p in enumerate(pairs)})
    pid = sp.spawn(filters.BUILD + '/parent/sallyport-broker', [], fds)
    keep = [cfg_theirs] + [s for p in pairs for s in p]
    keep += [os.fdopen(n, 'rb', 0) for n in (go[0], ready[0], log[0])]
    keep += [os.fdopen(n, 'wb', 0) for n in (go[1], ready[1], log[1])]
    return pid, keep


def resolve():
    w = sp.Worker(https_rig.RESOLVE, [], [('TAG_NAME', 'localhost')])
    return w.pid, [w]


def https():
    w = sp.Worker(https_rig.HTTPS, ['fetch'], https_rig.fetch_conf(PORTS),
                  {6: netfake.memfd(netfake.Pki().pem),
                   7: netfake.memfd(b'')})
    return w.pid, [w]


def keeper():
    k = keeper_rig.Keeper(keeper_rig.conf({'imds': 1, 'blob': 1}),
                          netfake.Pki().pem, go=False)
    return k.pid, [k.w, k.asked, k.held, os.fdopen(k.go, 'wb', 0)]


def verify():
    if not hasattr(test_verify.Verify, 'pki'):
        test_verify.Verify.setUpClass()
    test_verify.UID = None # its limits forbid others to fork
    w = test_verify.Verify().worker()
    return w.pid, [w]


def tpm():
    ours, theirs = stream()
    session = tpm_bench.Session(
        theirs, tpm_case.TpmCase.program,
        [tpm_bench.plan(), ('TAG_STORE_ID', tpm_bench.STORE),
         ('TAG_MARKER', 0), ('TAG_LAYOUT', 0),
         ('TAG_GENERATION', tpm_case.GEN)])
    return session.worker.pid, [session, ours]


def prepare():
    pub, sealed, files = sp.oneway(), sp.oneway(), prepare_rig.Outputs()
    w = sp.Worker(prepare_rig.PREPARE, ['render'],
                  test_prepare.AZURE + [('TAG_STORAGE_KEY', 1)],
                  {6: prepare_rig.memfd(test_prepare.template('azure').encode()),
                   7: files.fds[0], 8: files.fds[1], 9: pub[0],
                   10: sealed[1]})
    return w.pid, [w, pub[1], sealed[0]]


def control():
    ours, theirs = stream()
    w = sp.Worker(control_rig.CONTROL, ['look'],
                  [('TAG_STORAGE', 'pebbledb')], {6: theirs})
    return w.pid, [w, ours]


def server():
    cfg, cfg_theirs = sp.seqpair()
    cfg.sendall(sp.frame('CONFIG', 0, sp.items(
        [('X_PROGRAM', '/usr/bin/true'), ('X_ARG', 'true'), ('X_ENV', 'A=b'),
         ('X_WHEN', sp.WHEN['WHEN_PUBLIC'] | sp.WHEN['WHEN_LOCAL'])])))
    cfg.close()
    ready = os.pipe()
    pid = sp.spawn(filters.BUILD + '/vault-launcher/sallyport-exec', [],
                   {4: cfg_theirs.fileno(), 5: ready[1]}, NOBODY)
    cfg_theirs.close()
    return pid, [os.fdopen(ready[0], 'rb', 0), os.fdopen(ready[1], 'wb', 0)]


MAKERS = {'broker': broker, 'resolve': resolve, 'https': https,
          'keeper': keeper,
          'verify': verify, 'tpm': tpm, 'prepare': prepare,
          'control': control, 'server': server}


def seat(name):
    """The worker that runs under the filter of that name."""
    with held():
        pid, keep = MAKERS[name]()
    return Seat(name, pid, keep)
