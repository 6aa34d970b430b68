# SPDX-License-Identifier: Apache-2.0
"""The virtual TPM of a confidential VM: swtpm, furnished as Azure's paravisor
does it, on a unix socket that is used like /dev/tpm0: one user at a time,
what one leaves behind the next one finds.  azure-protocol.md 2."""

import json
import os
import secrets
import socket
import subprocess
import threading

from . import pki_amd, relay, snp, tcglog, tpmwire
from .furnish import Furnisher
from .tpmwire import CC

CONFIG, LOG, SOCKET = "vtpm.json", "eventlog.bin", "vtpm.sock"
DEADLINE = 20


def provision(state_dir, pki, vm_id, secure_boot=True, kernel="kernel",
              report=None, hcl_size=2600, hcl_version=2):
    """Make the VM's TPM state in state_dir unless it is there.  report:
    fields of snp.build that differ from the usual, for example
    {"policy": 0xb001f}; bytes are kept as hex."""
    state_dir = os.path.abspath(state_dir)
    path = os.path.join(state_dir, CONFIG)
    if os.path.exists(path):
        return
    check_report_fields(report or {})
    os.makedirs(os.path.join(state_dir, "tpm"), mode=0o700, exist_ok=True)
    engine = Engine(state_dir)
    try:
        # As on Azure: three banks, allocated from the next start on.
        banks = b"".join(
            tpmwire.selection(range(24) if alg in tcglog.BANKS else (), alg)[4:]
            for alg in (*tcglog.BANKS, tpmwire.SHA512))
        engine.call("PCR_Allocate", (tpmwire.PLATFORM,),
                    (4).to_bytes(4, "big") + banks, [b""])
    finally:
        engine.stop()
    fields = {"report_id": secrets.token_bytes(32), "chip_id": pki.chip_id,
              **(report or {})}
    pki_amd.write(path, json.dumps({
        "vm_id": vm_id.upper(), "secure_boot": secure_boot, "kernel": kernel,
        "hcl_size": hcl_size, "hcl_version": hcl_version,
        "pki": os.path.relpath(pki.dir, state_dir),
        "report": {name: one.hex() if isinstance(one, bytes) else one
                   for name, one in fields.items()}}, indent=1).encode())


def load(state_dir):
    """The content of vtpm.json, bytes as bytes."""
    with open(os.path.join(state_dir, CONFIG), encoding="ascii") as config:
        out = json.load(config)
    out["report"] = {name: bytes.fromhex(one) if isinstance(one, str) else one
                     for name, one in out["report"].items()}
    return out


def check_report_fields(fields):
    """Raises ValueError for a name that no report has."""
    unknown = set(fields) - set(snp.NUMBERS) - set(snp.FIELDS)
    if unknown:
        raise ValueError("no such report field: %s" % sorted(unknown))


class Engine:
    """A running swtpm and the only connection to it; it is started, powered
    on (Startup CLEAR) and ends when its connection is closed."""

    def __init__(self, state_dir):
        self.lock = threading.Lock()
        ours, theirs = socket.socketpair()
        self.sock = ours
        ours.settimeout(DEADLINE)
        tpm = os.path.join(state_dir, "tpm")
        with theirs, open(os.path.join(tpm, "swtpm.log"), "ab") as log:
            # A session of its own: a Ctrl-C must not end it before us.
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + tpm,
                 "--fd", str(theirs.fileno()), "--flags", "not-need-init",
                 "--terminate"], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        try:
            self.call("Startup", (), b"\0\0")
        except (OSError, ValueError, tpmwire.TpmError):
            self.kill()
            raise

    def transact(self, command):
        """One command, one response, as bytes.  Raises OSError when swtpm is
        gone."""
        with self.lock:
            self.sock.sendall(command)
            return relay.read_frame(self.sock)

    def call(self, code, handles=(), params=b"", auth=None, out=0):
        """One command by name: ([handles], Reader of the parameters)."""
        raw = self.transact(tpmwire.command(code, handles, params, auth))
        return tpmwire.parse_response(raw, out, auth is not None, code)

    def stop(self):
        """Shutdown(CLEAR), so that no orderly flag is missed at the next
        start, then the end of the process."""
        try:
            self.call("Shutdown", (), b"\0\0")
        except (OSError, ValueError, tpmwire.TpmError):
            pass
        self.sock.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.sock.close()
        self.process.kill()
        self.process.wait()


class Vtpm:
    """The running vTPM.  Behaves like a process for whoever supervises it:
    pid, poll(), terminate(), wait()."""

    def __init__(self, state_dir, pki=None, **faults):
        self.dir = os.path.abspath(state_dir)
        self.config = load(self.dir)
        self.pki = pki or pki_amd.Pki(os.path.join(self.dir,
                                                   self.config["pki"]))
        self.path = os.path.join(self.dir, SOCKET)
        self.engine = self.relay = None
        self.power_on(**faults)

    def power_on(self, without_hcl=False, without_ak_cert=False,
                 freeze_report=False, report=None):
        """Start swtpm, boot (measure, make the report), serve."""
        check_report_fields(report or {})
        boot = tcglog.events(self.config["secure_boot"],
                             self.config["kernel"].encode())
        log = tcglog.build(boot)
        pki_amd.write(os.path.join(self.dir, LOG), log)
        self.engine = Engine(self.dir)
        try:
            fields = {**self.config["report"], **(report or {})}
            room = Furnisher(self.engine, self.config, self.pki, fields)
            room.measure(tcglog.read(log))
            room.keys()
            room.platform_indices(without_hcl, without_ak_cert)
            room.close_platform()
            room.frozen = freeze_report
            self.relay = relay.Relay(self.path, self.engine.transact, room)
        except BaseException:
            self.engine.kill()
            raise

    @property
    def pid(self):
        return self.engine.process.pid

    def poll(self):
        return self.engine.process.poll()

    def wait(self, timeout=None):
        return self.engine.process.wait(timeout)

    def terminate(self):
        """Stop serving, shut the TPM down, end swtpm; the state stays."""
        self.relay.close()
        self.engine.stop()

    stop = terminate

    def reboot(self, **faults):
        """Off and on again: PCRs anew, another NULL seed, same keys."""
        check_report_fields(faults.get("report") or {})
        self.terminate()
        self.power_on(**faults)

    def fail(self, code, rc, times=1):
        """Let the next commands of this name answer rc (0: for ever)."""
        self.relay.fail(CC[code], rc, times)

    @property
    def commands(self):
        """Commands of clients seen since power-on, by number."""
        return dict(self.relay.counts)


def start(state_dir, pki=None, **faults):
    """Run what provision() made; serves state_dir/vtpm.sock when it returns.
    Faults: without_hcl, without_ak_cert (no such index), freeze_report (never
    made anew), report (fields of snp.build for this run)."""
    return Vtpm(state_dir, pki, **faults)
