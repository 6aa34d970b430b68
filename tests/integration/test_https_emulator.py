# SPDX-License-Identifier: Apache-2.0
"""sallyport-https against the emulator: services that verify what they are
told (quote, report, certified key, token, policy), and pages of versions.
The tpm process is played with the emulator's vTPM."""

import base64
import contextlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from https_rig import HTTPS, LOCAL, Seat, common, fetch_conf, slots  # noqa: E402,E501

EMULATOR = os.path.join(sp.ROOT, "tests", "emulator")
sys.path.insert(0, EMULATOR)
from azemu import guest  # noqa: E402
from azemu.client import Client  # noqa: E402
from azemu.ctl import default_policy, vm_policy  # noqa: E402

CACHE = os.environ.get("SALLYPORT_CACHE",
                       "/var/cache/sallyport") + "/emulator-keys"


def var(data):
    return struct.pack(">H", len(data)) + data


class Tpm:
    """What sallyport-tpm does, with the emulated VM's vTPM."""

    def __init__(self, path):
        self.tpm = guest.Tpm(path)
        self.handle, info = guest.evidence(self.tpm, "", b"",
                                           os.urandom(256))
        part = {k: base64.b64decode(v) for k, v in info["TpmInfo"].items()
                if isinstance(v, str)}
        report = self.tpm.nv_read(guest.HCL)
        size = struct.unpack("<I", report[8:12])[0]
        pcrs = b"".join(base64.b64decode(p["Digest"])
                        for p in info["TpmInfo"]["PCRs"])
        self.evidence = (
            var(report[:size]) + var(part["AikPub"]) + var(part["AikCert"]) +
            pcrs + var(part["PcrQuote"]) + var(part["PcrSignature"]) +
            var(part["EncKeyPub"]) + var(part["EncKeyCertifyInfo"]) +
            var(part["EncKeyCertifyInfoSignature"]))

    def token(self, envelope):
        iv, tag, key = envelope[:12], envelope[12:28], envelope[28:284]
        return AESGCM(self.tpm.decrypt(self.handle, key)).decrypt(
            iv, envelope[286:] + tag, b"Transport Key")

    def close(self):
        self.tpm.flush(self.handle)
        self.tpm.__exit__()


@unittest.skipUnless(os.path.exists(HTTPS), "no build: SALLYPORT_BUILD")
class Emulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        out, into = os.pipe()
        cls.process = subprocess.Popen(
            [os.path.join(EMULATOR, "emulator"), "serve", "--dir",
             cls.dir.name, "--cache", CACHE, "--ready-fd", str(into)],
            pass_fds=[into])
        os.close(into)
        with os.fdopen(out, "rb") as ready:
            if ready.read() != b"ready\n":
                raise AssertionError("the emulator did not start")
        cls.client = Client(cls.dir.name)
        cls.info = cls.client.info
        cls.port = {n: cls.client.port(n) for n in ("imds", "maa", "akv")}
        with open(cls.info["tls_roots"], "rb") as f:
            cls.roots = f.read()
        with open(cls.info["eventlog"], "rb") as f:
            cls.log = f.read()
        cls.client.create_key("mk", vm_policy(cls.info))
        for name, data in (("apm-tls-cert", b"PFX"),
                           ("apm-tls-cert-password", b"w" * 256)):
            cls.client.set_secret(name, base64.b64encode(data).decode())
        for i in range(30):     # two pages
            cls.client.set_secret("apm-unseal-bundle", base64.b64encode(
                b"%02d" % i * 390).decode())

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait(20)
        cls.dir.cleanup()

    def setUp(self):
        self.client.reset_counts()
        self.addCleanup(self.client.clear_faults)
        self.addCleanup(self.client.options, refuse_enc=[])

    def fetch(self, **change):
        """Plays broker and tpm; the outcome, and the seat."""
        conf = dict({"AKV_URL": "https://" + self.info["akv_host"],
                     "MAA_URL": "https://" + self.info["maa_host"],
                     "KEY_URL": "https://%s/keys/mk" % self.info["akv_host"],
                     "RETRY_MS": 8000, "PROBE": 1}, **change)
        seat = Seat(["fetch"], fetch_conf(self.port, **conf), self.roots,
                    self.log)
        with contextlib.closing(Tpm(self.info["vtpm"])) as tpm:
            self.play(seat, tpm)
        return seat.end(), seat

    @staticmethod
    def play(seat, tpm):
        w = seat.w
        w.broker.send("ADDRS", LOCAL)
        w.broker.send("EVIDENCE", tpm.evidence)
        try:
            while True:
                name, body = w.recv()
                seat.messages.append((name, body))
                if name == "ENC_TOKEN":
                    with contextlib.suppress(BrokenPipeError):
                        w.broker.send("TOKEN", tpm.token(body))
        except sp.Hangup:
            pass

    @staticmethod
    def payload(jws):
        part = jws.split(b".")[1]
        return json.loads(base64.urlsafe_b64decode(part + b"=" * (
            -len(part) % 4)))

    def test_the_whole_way(self):
        outcome, seat = self.fetch()
        self.assertEqual((outcome, seat.w.notes), ("F_BUNDLE", []))
        request = self.payload(seat.body("RELEASE_JWS"))["request"]
        self.assertEqual(request["nonce"], "cd" * 32)
        self.assertEqual(request["enc"], "RSA_AES_KEY_WRAP_256")
        self.assertEqual(seat.body("PFX"), b"PFX")
        counts = self.client.counts()
        self.assertEqual(counts["akv.release"], 1)
        self.assertEqual(counts["imds.token"], 1)

    def test_all_pages_are_read_and_four_versions_fetched(self):
        _, seat = self.fetch()
        blobs = [b for n, b in seat.messages
                 if n == "BLOB" and b[0] == sp.SLOT["SLOT_BUNDLE"]]
        self.assertEqual([b[1] for b in blobs], [0, 1, 2, 3])
        # made in the same seconds: their order is by id, as documented
        self.assertEqual(len({b[4:6] for b in blobs}), 4)
        listed = [r for r in self.client.requests()
                  if r["path"].endswith("/versions")]
        self.assertEqual(len(listed), 2)

    def test_the_enc_that_the_service_takes(self):
        self.client.options(refuse_enc=["RSA_AES_KEY_WRAP_256"])
        outcome, seat = self.fetch()
        self.assertEqual(outcome, "F_BUNDLE")
        request = self.payload(seat.body("RELEASE_JWS"))["request"]
        self.assertEqual((request["enc"], request["nonce"]),
                         ("CKM_RSA_AES_KEY_WRAP", "ef" * 32))

    def test_a_policy_that_names_another_vm(self):
        policy = default_policy(self.info)
        policy["anyOf"][0]["allOf"].append({
            "claim": "x-ms-azurevm-vmid", "equals": "0" * 8})
        self.client.create_key("theirs", policy)
        outcome, seat = self.fetch(KEY_URL="https://%s/keys/theirs" %
                                   self.info["akv_host"])
        self.assertEqual(outcome, "RELEASE")
        self.assertIn("does not meet key release policy", seat.w.notes[-1])

    def test_a_key_that_is_not_there_or_not_exportable(self):
        self.client.create_key("stays")
        for name in ("stays", "nothing"):
            outcome, seat = self.fetch(KEY_URL="https://%s/keys/%s" % (
                self.info["akv_host"], name))
            self.assertEqual(outcome, "RELEASE_BAD", seat.w.notes)

    def test_nothing_stored_in_another_place(self):
        outcome, seat = self.fetch(PLAN=slots("STORAGE_KEY"))
        self.assertEqual(outcome, "AKV_DENIED")
        self.assertIn("secret apm-saa-key", seat.w.notes[-1])

    def test_an_unknown_identity(self):
        outcome, seat = self.fetch(
            IDENTITY="client_id=00000000-0000-0000-0000-000000000000")
        self.assertEqual(outcome, "IDENTITY")
        self.assertIn("Identity not found", seat.w.notes[-1])

    def test_evidence_of_somebody_else(self):
        """Attestation refuses; the reason is the service's own."""
        with contextlib.closing(Tpm(self.info["vtpm"])) as tpm:
            spoilt = bytearray(tpm.evidence)
        spoilt[2 + 0x20 + 0x90] ^= 1    # MEASUREMENT
        seat = Seat(["fetch"], fetch_conf(
            self.port, AKV_URL="https://" + self.info["akv_host"],
            MAA_URL="https://" + self.info["maa_host"], KEY_URL="https://"
            "%s/keys/mk" % self.info["akv_host"]), self.roots, self.log)
        self.assertEqual(seat.fetch(bytes(spoilt)), "ATTEST")
        self.assertIn("HTTP 400", seat.w.notes[-1])

    def test_throttled_release(self):
        self.client.fault(service="akv", operation="release", status=429,
                          headers={"Retry-After": "1"})
        outcome, seat = self.fetch()
        self.assertEqual(outcome, "F_BUNDLE")
        self.assertEqual(self.client.counts()["akv.release"], 2)

    def test_storing_and_reading_back(self):
        seat = Seat(["store", "0"], common(
            self.port, AKV_URL="https://" + self.info["akv_host"]),
            self.roots)
        w = seat.w
        w.broker.send("ADDRS", LOCAL)
        bundle = os.urandom(780)
        w.broker.send("BUNDLE", bundle)
        self.assertEqual(w.recv(), ("ECHO", bundle))
        w.broker.send("STORED")
        w.recv()
        self.assertEqual(seat.end(), "OK")
        self.assertEqual(base64.b64decode(self.client.get_secret(
            "apm-unseal-bundle")), bundle)


if __name__ == "__main__":
    unittest.main()
