# SPDX-License-Identifier: Apache-2.0
"""The emulator put together: keys, services, the way of a request through
counting, faults and the service, and the listeners."""

import concurrent.futures
import json
import os
import sys
import threading
import uuid

from . import faults as faults_module
from .akv_core import Akv
from .akv_release import Release
from .akv_store import Options, Vault
from .blob import SUFFIX as BLOB_SUFFIX, Blobs
from .control import Control, Journal
from .httpd import Listener
from .identity import SUBSCRIPTION, Directory
from .imds import Imds
from .login import ARM_HOSTS, HOSTS, Arm, Login
from .pki_web import WebPki, der, write_file
from .web import Response


def maa_operation(req):
    """The name of a call on the attestation service."""
    path = req.path.lower().rstrip("/")
    return {"/attest/azureguest": "attest", "/attest/sevsnpvm": "attest-snp",
            "/certs": "certs",
            "/.well-known/openid-configuration": "openid"}.get(path, "other")


class Absent:
    """Stands for a service that this build of the emulator lacks."""

    def __init__(self, why):
        self.why = why

    def handle(self, _req):
        return Response(501, {"error": {"code": "NotEmulated",
                                        "message": self.why}})


class Emulator:
    """Everything but the sockets.  directory: where state is kept."""

    def __init__(self, directory, vaults=("apmkv",),
                 maa_host="sharedeus.eus.attest.azure.net", cache=None,
                 default_identity="vm", attestation=True):
        self.dir = os.path.abspath(directory)
        os.makedirs(os.path.join(self.dir, "vaults"), mode=0o700,
                    exist_ok=True)
        self.maa_host = maa_host
        self.amd = self.vtpm = None
        self.vtpm_lock = threading.Lock()
        self.make_keys(cache, attestation)
        self.directory = Directory(self.pki.keys["sts"], self.pki.sts_cert,
                                   default_identity)
        self.options = Options()
        self.faults = faults_module.Faults()
        self.journal = Journal()
        self.stopping = threading.Event()
        self.vm_id = self.load_vm_id()
        self.vault_names = list(vaults)
        self.vaults = {}
        for name in vaults:
            path = os.path.join(self.dir, "vaults", name + ".json")
            vault = Vault(name, path, self.options)
            self.vaults[vault.host] = vault
        self.maa = Absent("started without attestation")
        authorities = {}
        if attestation:
            self.load_attestation()
            authorities["https://" + maa_host] = self.maa.verify_token
        self.release = Release(self.pki, authorities)
        self.services = {
            "imds": Imds(self.directory, self.amd and self.amd.thim,
                         self.vm_id, SUBSCRIPTION),
            "maa": self.maa, "login": Login(),
            "akv": Akv(self.vaults, self.directory, self.release),
            "arm": Arm(self.directory, self.vaults, maa_host),
            "blob": Blobs(self.directory),
            "control": Control(self)}

    def load_vm_id(self):
        path = os.path.join(self.dir, "vm_id")
        try:
            with open(path, encoding="ascii") as id_file:
                return id_file.read().strip()
        except FileNotFoundError:
            made = str(uuid.uuid4()).upper()
            write_file(path, made.encode() + b"\n")
            return made

    def make_keys(self, cache, attestation):
        """Both families of keys at once: generation takes seconds."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            web = pool.submit(WebPki, self.dir, self.maa_host, cache)
            if attestation:
                from .pki_amd import Pki
                self.amd = pool.submit(Pki, self.dir, cache).result()
            self.pki = web.result()

    def load_attestation(self):
        from .maa import Maa
        self.maa = Maa("https://" + self.maa_host, self.pki.keys["maa"],
                       der(self.pki.maa_cert), [self.amd.ark], {},
                       [self.amd.ak_ca_key.public_key()])

    def start_vtpm(self):
        """Provision the vTPM where it is new, and run it."""
        if self.amd is None:
            return
        from . import vtpm
        with self.vtpm_lock:
            vtpm.provision(self.dir, self.amd, self.vm_id)
            self.vtpm = vtpm.start(self.dir, self.amd)

    def reboot_vtpm(self, faults):
        """The VM's power off and on: other PCR bank contents, same keys."""
        with self.vtpm_lock:
            self.need_vtpm().reboot(**faults)

    def need_vtpm(self):
        if self.vtpm is None:
            raise ValueError("no vTPM runs here")
        return self.vtpm

    def vtpm_alive(self):
        with self.vtpm_lock:
            return self.vtpm is None or self.vtpm.poll() is None

    def stop_vtpm(self):
        with self.vtpm_lock:
            if self.vtpm is not None:
                self.vtpm.terminate()
                self.vtpm.wait()
                self.vtpm = None

    def service_of(self, req, listener):
        """(service name, its object or None) for a request."""
        if listener in ("imds", "control"):
            return listener, self.services[listener]
        if req.host in self.vaults or req.host.endswith(".vault.azure.net"):
            name = "akv"
        elif req.host == self.maa_host:
            name = "maa"
        elif req.host in HOSTS:
            name = "login"
        elif req.host in ARM_HOSTS:
            name = "arm"
        elif req.host.endswith(BLOB_SUFFIX):
            name = "blob"
        else:
            return listener, None
        if listener not in ("https", name):
            return listener, None
        return name, self.services[name]

    def dispatch(self, req, listener):
        """What a Listener calls: (Response, Wire or None)."""
        if listener == "http" or (listener == "imds" and
                                  req.host not in ("169.254.169.254",
                                                   "127.0.0.1",
                                                   "localhost")):
            return Response(404, {"error": "no such host here"}), None
        name, service = self.service_of(req, listener)
        if service is None:
            return Response(421, {"error": {
                "code": "MisdirectedRequest",
                "message": "%s is not served here" % req.host}}), None
        req.service = name
        if name == "control":
            return service.handle(req), None
        operation = maa_operation(req) if name == "maa" \
            else service.operation(req)
        self.journal.count(name, operation)
        fault = self.faults.take(name, operation, req.path)
        resp, wire = self.carry_out(req, service, fault)
        if wire is None or wire.whole():
            self.journal.count(name, operation, resp.status)
        self.journal.add(req, name, operation, resp, fault)
        return resp, wire

    def carry_out(self, req, service, fault):
        if fault is None:
            return self.run(req, service), None
        req.mutate = fault.get("mutate")
        resp = None
        if faults_module.replaces(fault):
            self.stopping.wait(fault.get("delay", 0))
        else:
            resp = self.run(req, service)
            self.stopping.wait(fault.get("delay", 0))
        return faults_module.apply(fault, resp), faults_module.Wire(fault)

    @staticmethod
    def run(req, service):
        try:
            return service.handle(req)
        except Exception as error:      # a defect of the emulator, say so
            print("emulator: %s %s: %r" % (req.method, req.path, error),
                  file=sys.stderr, flush=True)
            return Response(500, {"error": {
                "code": "InternalServerError", "message": repr(error)}})


def listeners(emulator, ports):
    """The five listeners of `serve`, bound and started, by name."""
    contexts = emulator.pki.server_contexts()
    tls = {"imds": None, "control": None, "maa": contexts["maa"],
           "akv": contexts["vault"], "blob": contexts["blob"]}
    out = {}
    for name, context in tls.items():
        out[name] = Listener(name, emulator.dispatch,
                             ("127.0.0.1", ports.get(name, 0)),
                             context).start()
    return out


def description(emulator, found):
    """The content of DIR/emulator.json."""
    base = emulator.dir
    vault = emulator.vault_names[0]
    urls = {name: "%s://%s:%d" % (
        "https" if one.tls else "http", *one.address)
        for name, one in found.items()}
    who = {one.name: one.client_id for one in emulator.directory.identities}
    return {**urls, "maa_host": emulator.maa_host,
            "akv_host": vault + ".vault.azure.net", "vault_name": vault,
            "vtpm": os.path.join(base, "vtpm.sock"),
            "eventlog": os.path.join(base, "eventlog.bin"),
            "vm_id": emulator.vm_id,
            "tls_roots": os.path.join(base, "tls-root.pem"),
            "akv_signing_root": os.path.join(base, "akv-signing-root.pem"),
            "amd_root": os.path.join(base, "ark.pem"),
            "vm_client_id": who["vm"], "deployer_client_id": who["deployer"],
            "pid": os.getpid()}


def announce(emulator, found):
    write_file(os.path.join(emulator.dir, "emulator.json"), json.dumps(
        description(emulator, found), indent=1).encode() + b"\n")
