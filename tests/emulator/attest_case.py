# SPDX-License-Identifier: Apache-2.0
"""What the tests of the attestation service share: a machine with its vTPM,
the service, one good request, calls with changed ones."""

import base64
import copy
import json
import os
import shutil
import tempfile
import unittest

import support

from cryptography.hazmat.primitives.asymmetric import rsa

from azemu import guest, maa, pki_amd, vtpm
from azemu.web import Request

ISSUER = "https://sharedeus.eus.attest.azure.net"
VM = "0A1B2C3D-0000-4000-8000-00000000ABCD"
b64, b64u = guest.b64, guest.b64u


def unb64(text):
    return base64.b64decode(text)


def flip(data, at=-1):
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


class Machine:
    """A VM of its own: AMD chain, vTPM, log."""

    def __init__(self, **options):
        self.tmp = tempfile.TemporaryDirectory(prefix="emulator-maa-")
        self.pki = pki_amd.Pki(self.tmp.name, support.key_cache())
        vtpm.provision(self.tmp.name, self.pki, VM, **options)
        self.vtpm = vtpm.start(self.tmp.name)
        with open(os.path.join(self.tmp.name, vtpm.LOG), "rb") as log:
            self.log = log.read()

    def close(self):
        self.vtpm.terminate()
        self.tmp.cleanup()

    def evidence(self, **options):
        """The inner JSON of a good request; the transfer key is flushed."""
        with guest.Tpm(self.vtpm.path) as tpm:
            handle, info = guest.evidence(tpm, self.pki.chain_pem, self.log,
                                          os.urandom(256), **options)
            tpm.flush(handle)
        return info

    def service(self, policy=None):
        return maa.Maa(ISSUER, KEY, CERT,
                       [self.pki.ark], policy,
                       [self.pki.ak_ca_key.public_key()])


KEY = rsa.generate_private_key(65537, 2048)
# Any certificate of the key does; this is how the AK authority makes them.
CERT = pki_amd.ak_certificate(KEY, KEY.public_key(), ISSUER)


def post(service, body, path="/attest/AzureGuest", version="2020-10-01",
         mutate=None):
    req = Request("POST", path, [("api-version", version)],
                  [("Content-Type", "application/json")], body)
    req.mutate = mutate
    return service.handle(req)


@unittest.skipUnless(shutil.which("swtpm"), "swtpm is not installed")
class AttestCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(**cls.options)
        cls.addClassCleanup(cls.machine.close)
        cls.pki = cls.machine.pki
        cls.service = cls.machine.service()
        cls.good = cls.machine.evidence()

    def fresh(self):
        """A copy of the good request to spoil."""
        return copy.deepcopy(self.good)

    def tpm(self):
        tpm = guest.Tpm(self.machine.vtpm.path)
        self.addCleanup(tpm.sock.close)
        return tpm

    def assert_ok(self, info, service=None):
        answer = post(service or self.service, guest.request_body(info))
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def assert_refused(self, rule, info, service=None):
        """Refused by this rule, in the service's shape (4.1)."""
        answer = post(service or self.service, guest.request_body(info))
        self.assertEqual(answer.status, 400, answer.body[:200])
        self.assertEqual(answer.rule, rule, answer.body)
        error = answer.json()["error"]
        self.assertEqual(set(error), {"code", "message"})
        self.assertEqual(error["code"], "InvalidParameter")

    def spoil(self, name, change=flip, part="TpmInfo"):
        """The good request with one base64 member changed."""
        info = self.fresh()
        where = info[part] if part else info
        where[name] = b64(change(unb64(where[name])))
        return info

    def proof(self, info):
        evidence = info["IsolationInfo"]["Evidence"]
        return json.loads(unb64(evidence["Proof"]))

    def with_proof(self, report=None, chain=None, claims=None, info=None):
        """The good request with another report, chain (PEM), claims."""
        info = info or self.fresh()
        evidence = info["IsolationInfo"]["Evidence"]
        inner = self.proof(info)
        if report is not None:
            inner["SnpReport"] = b64u(report)
        if chain is not None:
            inner["VcekCertChain"] = b64(chain.encode())
        if claims is not None:
            evidence["RunTimeData"] = b64(claims)
        evidence["Proof"] = b64(json.dumps(inner).encode())
        return info

    def report(self):
        text = self.proof(self.good)["SnpReport"]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def claims(self):
        return unb64(self.good["IsolationInfo"]["Evidence"]["RunTimeData"])
