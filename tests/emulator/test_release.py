# SPDX-License-Identifier: Apache-2.0
"""Key release: the recorded answer of the real service and the emulator's
are read by the same reader (support.py); every hostile variant is refused by
it."""

import json
import time
import unittest
from datetime import datetime

from support import (COMPLIANT, MISSING, Refused, WithBench, key_body,
                     open_envelope, open_release, policy, shape, vector)

from cryptography.hazmat.primitives.asymmetric import rsa

from azemu import jose
from azemu.akv_spoil import VARIANTS
from azemu.web import Request, compact

URL = "https://apmkv.vault.azure.net/keys/mk"
ENC = "RSA_AES_KEY_WRAP_256"


class Recorded(unittest.TestCase):
    """The reader accepts what the real service answered."""

    def test_real_answer(self):
        data = vector("akv-release-7.4.response-body.json")
        if data is None:
            self.skipTest(MISSING)
        jws = json.loads(data)["value"]
        host = "tcac7e9c41ef52cec.vault.azure.net"
        header, payload = open_envelope(jws, None, host,
                                        datetime(2023, 3, 2))
        self.assertEqual(payload["request"]["kid"],
                         "https://%s/keys/230066978" % host)
        with self.assertRaisesRegex(Refused, "time"):
            open_envelope(jws, None, host)
        with self.assertRaisesRegex(Refused, "signature"):
            open_envelope(jws[:-4] + "AAAA", None, host, datetime(2023, 3, 2))


class Release(WithBench):
    """5.4 to 5.6."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.transfer = rsa.generate_private_key(65537, 2048)
        made = cls.bench.call("POST", "/keys/mk/create", key_body()).json()
        cls.version = made["key"]["kid"].rsplit("/", 1)[1]
        cls.pin = rsa.RSAPublicNumbers(65537, jose.unint(made["key"]["n"]))
        cls.root = cls.bench.emulator.pki.akv_root

    def ask(self, path="/keys/mk/release", token=None, mutate=None,
            identity="vm", api="7.4", **body):
        """The answer to a release request; an argument None is left out."""
        body.setdefault("target", token or self.bench.attest(self.transfer))
        req = Request(
            "POST", path, [("api-version", api)],
            [("Authorization", "Bearer " + self.bench.token(identity))],
            compact({k: v for k, v in body.items() if v is not None}), "akv",
            "apmkv.vault.azure.net")
        req.mutate = mutate
        return self.bench.akv.handle(req)

    def read(self, answer, url=URL, enc=ENC, nonce="n"):
        self.assertEqual(answer.status, 200, answer.body)
        return open_release(answer.json()["value"], self.root, self.transfer,
                            url, enc, nonce, self.pin)

    def fails(self, status, text, **named):
        answer = self.ask(**named)
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(text, answer.json()["error"]["message"])

    def test_each_enc(self):
        for enc in (None, "CKM_RSA_AES_KEY_WRAP", ENC,
                    "RSA_AES_KEY_WRAP_384"):
            answer = self.ask(enc=enc, nonce="n")
            self.read(answer, enc=enc or "CKM_RSA_AES_KEY_WRAP")
        answer = self.ask(enc=ENC)
        self.read(answer, nonce=None)

    def test_matches_recording(self):
        want = vector("akv-release-7.4.jws-payload.json")
        if want is None:
            self.skipTest(MISSING)
        jws = self.ask().json()["value"]
        header, payload, _, _ = jose.read_unverified(jws)
        self.assertEqual(shape(payload), shape(json.loads(want)))
        real = json.loads(vector("akv-release-7.4.jws-header.json"))
        self.assertEqual(shape(header), shape(real))
        hsm = jose.unb64u(payload["response"]["key"]["key"]["key_hsm"])
        self.assertEqual(shape(json.loads(hsm)), shape(json.loads(
            vector("akv-release-7.4.key_hsm.json"))))
        self.assertEqual(payload["response"]["key"]["key"]["e"], "AAEAAQ")
        self.assertEqual(json.loads(hsm)["header"]["kid"],
                         "TpmEphemeralEncryptionKey")

    def test_old_api(self):
        want = vector("akv-400-release-old-api.response-body.json")
        answer = self.ask(api="7.3-preview")
        self.assertEqual(answer.status, 400)
        if want is not None:
            self.assertEqual(answer.body, want)

    def test_paths(self):
        named = "/keys/mk/%s/release" % self.version
        answer = self.ask(path=named, enc=ENC, nonce="n")
        payload = jose.read_unverified(answer.json()["value"])[1]
        self.assertEqual(payload["request"]["kid"], URL + "/" + self.version)
        self.read(self.ask(path="/keys/mk//release", enc=ENC, nonce="n"))
        self.fails(404, "was not found", path="/keys/none/release")
        self.fails(404, "was not found",
                   path="/keys/mk/%s/release" % ("0" * 32))

    def test_sizes(self):
        for size in (3072, 4096):
            made = self.good("POST", "/keys/mk%d/create" % size,
                             key_body(size=size))
            pin = rsa.RSAPublicNumbers(65537, jose.unint(made["key"]["n"]))
            answer = self.ask(path="/keys/mk%d/release" % size, enc=ENC)
            found = open_release(answer.json()["value"], self.root,
                                 self.transfer, URL + str(size), ENC, None,
                                 pin)
            self.assertEqual(found.key_size, size)

    def test_refused_enc(self):
        self.fails(400, "enc", enc="RSA_AES_KEY_WRAP_512")
        options = self.bench.emulator.options
        options.refuse_enc = [ENC]
        try:
            self.fails(400, "enc", enc=ENC)
            self.assertEqual(self.ask(enc="RSA_AES_KEY_WRAP_384").status, 200)
        finally:
            options.refuse_enc = []

    def test_token_checks(self):
        unverified = "cannot be verified"
        good = self.bench.attest(self.transfer)
        self.fails(403, unverified, token=good[:-4] + "AAAA")
        self.fails(403, unverified, token="x.y.z")
        self.fails(403, unverified, token=self.bench.attest(
            self.transfer, exp=int(time.time()) - 1))
        self.fails(403, unverified, token=self.bench.attest(
            self.transfer, iss="https://elsewhere.example"))
        head, body, _ = good.split(".")
        none = jose.b64u(b'{"alg":"none"}') + "." + body + "."
        self.fails(403, unverified, token=none)
        self.fails(400, "target", target=3)

    def test_policy(self):
        self.fails(403, "does not meet key release policy", token=self.bench
                   .attest(self.transfer, **{"x-ms-isolation-tee": {
                       "x-ms-compliance-status": "none"}}))
        other = key_body(policy(COMPLIANT, authority="https://b.example"))
        self.good("POST", "/keys/other/create", other)
        self.fails(403, "does not meet", path="/keys/other/release")
        self.good("POST", "/keys/fixed/create", {"kty": "RSA-HSM"})
        self.fails(403, "not permitted", path="/keys/fixed/release")

    def test_transfer_key(self):
        def token(*keys):
            return self.bench.attest(self.transfer, **{
                "x-ms-runtime": {"keys": list(keys)}})

        own = jose.read_unverified(self.bench.attest(self.transfer))[1][
            "x-ms-runtime"]["keys"][0]
        sign = {**own, "kid": "sign", "key_ops": ["sign"]}
        self.read(self.ask(token=token(sign, own), enc=ENC, nonce="n"))
        use = {k: v for k, v in own.items() if k != "key_ops"}
        self.assertEqual(self.ask(token=token({**use, "use": "enc"})).status,
                         200)
        self.fails(400, "no key to wrap to", token=token(sign))
        self.fails(400, "no key to wrap to", token=token(
            {k: v for k, v in own.items() if k != "kid"}))
        self.fails(400, "no key to wrap to", token=self.bench.attest(
            self.transfer, **{"x-ms-runtime": {}}))
        inner = self.bench.attest(self.transfer, **{
            "x-ms-runtime": {}, "x-ms-isolation-tee": {
                "x-ms-compliance-status": "azure-compliant-cvm",
                "x-ms-runtime": {"keys": [own]}}})
        self.fails(400, "no key to wrap to", token=inner)

    def test_permission(self):
        vm = self.bench.emulator.directory.find("vm")
        kept = vm.actions
        vm.actions = kept - {"keys/release/action"}
        try:
            self.fails(403, "Caller is not authorized")
        finally:
            vm.actions = kept

    def test_throttle(self):
        release = self.bench.emulator.release
        self.bench.emulator.options.create_release_limit = 2
        release.create_class = []
        try:
            self.assertEqual([self.ask().status for _ in range(3)],
                             [200, 200, 429])
            answer = self.ask()
            self.assertEqual((answer.json()["error"]["code"],
                              answer.headers["Retry-After"]),
                             ("Throttled", "10"))
        finally:
            self.bench.emulator.options.create_release_limit = 0

    def test_every_variant_is_refused(self):
        self.read(self.ask(enc=ENC, nonce="n"))
        for mutate in VARIANTS:
            with self.subTest(mutate):
                answer = self.ask(mutate=mutate, enc=ENC, nonce="n")
                with self.assertRaises(Refused):
                    self.read(answer)


if __name__ == "__main__":
    unittest.main()
