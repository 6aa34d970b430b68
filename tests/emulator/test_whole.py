# SPDX-License-Identifier: Apache-2.0
"""The way of a secret through the whole emulator, as a process: the vault
encrypts, the VM attests by its vTPM, MAA vouches, the vault releases, the
TPM opens, the secret comes out.  And the ways that must not lead there."""

import json
import tempfile
import unittest

from support import load_consistent, open_envelope
from test_faults import Server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding

from azemu import jose
from azemu.client import CallError, Client
from azemu.ctl import default_policy, vm_policy

ENC = "RSA_AES_KEY_WRAP_256"
URL = "https://apmkv.vault.azure.net/keys/"


class Whole(unittest.TestCase):
    """One emulator with a vTPM for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.server = Server(cls.tmp.name, attestation=True)
        cls.client = Client(cls.tmp.name)
        cls.vm = Client(cls.tmp.name, "vm")
        cls.client.create_key("mk", vm_policy(cls.client.info))
        with open(cls.client.info["akv_signing_root"], "rb") as root:
            cls.root = x509.load_pem_x509_certificate(root.read())

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.tmp.cleanup()
        if code != 0:
            raise AssertionError("the emulator ended with %d" % code)

    def test_secret(self):
        for size in (2048, 4096):
            name = "mk%d" % size
            self.client.create_key(name, vm_policy(self.client.info),
                                   size=size)
            box = self.client.encrypt(name, "RSA-OAEP-256", b"the secret")
            token, use = self.vm.attest()
            jws = self.vm.release(name, token, ENC, "fresh")
            payload = open_envelope(jws, self.root,
                                    "apmkv.vault.azure.net")[1]
            self.assertEqual(payload["request"]["nonce"], "fresh")
            key = payload["response"]["key"]["key"]
            blob = jose.unb64u(json.loads(jose.unb64u(key["key_hsm"]))
                               ["ciphertext"])
            kek = use(blob[:256])
            found = load_consistent(keywrap.aes_key_unwrap_with_padding(
                kek, blob[256:]))
            pad = padding.OAEP(padding.MGF1(hashes.SHA256()),
                               hashes.SHA256(), None)
            self.assertEqual(found.decrypt(box, pad), b"the secret")

    def refused(self, text, name, token):
        with self.assertRaises(CallError) as caught:
            self.vm.release(name, token, ENC)
        self.assertEqual(caught.exception.status, 403)
        self.assertIn(text, caught.exception.body)

    def test_another_vm(self):
        policy = vm_policy(self.client.info)
        policy["anyOf"][0]["allOf"][-1]["equals"] = "0" * 8
        self.client.create_key("theirs", policy)
        self.refused("does not meet", "theirs", self.vm.attest()[0])

    def test_spoilt_tokens(self):
        for mutate in ("bad_signature", "alg_none", "alg_hs256", "expired",
                       "wrong_issuer", "unknown_kid"):
            self.client.fault(service="maa", operation="attest",
                              mutate=mutate)
            self.refused("cannot be verified", "mk", self.vm.attest()[0])
        for mutate in ("not_compliant", "other_vm"):
            self.client.fault(service="maa", operation="attest",
                              mutate=mutate)
            self.refused("does not meet", "mk", self.vm.attest()[0])

    def test_maa_policy(self):
        self.client.plain("control", "POST", "/provision", json.dumps({
            "operation": "maa-policy",
            "policy": {"require": {"x-ms-azurevm-vmid": "nobody"}}}))
        try:
            with self.assertRaises(CallError) as caught:
                self.vm.attest()
            self.assertEqual(caught.exception.status, 400)
            self.assertIn("PolicyEvaluationError", caught.exception.body)
            self.assertEqual(self.client.plain("control", "GET", "/maa")
                             ["last_refusal"], "policy")
        finally:
            self.client.plain("control", "POST", "/provision", json.dumps({
                "operation": "maa-policy", "policy": {}}))

    def test_reboot_and_counts(self):
        use = self.vm.attest()[1]
        self.client.plain("control", "POST", "/provision", json.dumps(
            {"operation": "vtpm-reboot"}))
        with self.assertRaisesRegex(ValueError, "another transfer key"):
            use(bytes(256))
        self.client.reset_counts()
        token = self.vm.attest()[0]
        self.vm.release("mk", token, ENC)
        counts = self.client.counts()
        self.assertEqual((counts["maa.attest.ok"], counts["akv.release.ok"],
                          counts["imds.thim"]), (1, 1, 1))
        self.assertTrue(self.client.plain("control", "GET", "/vtpm"))

    def test_authority_is_pinned(self):
        policy = default_policy(self.client.info)
        policy["anyOf"][0]["authority"] = "https://other.eus.attest.azure.net"
        self.client.create_key("foreign", policy)
        self.refused("does not meet", "foreign", self.vm.attest()[0])


if __name__ == "__main__":
    unittest.main()
