# SPDX-License-Identifier: Apache-2.0
"""The attestation service's answers: the token and its envelope, what other
clients' ways of writing a request are taken for, policy, keys, the hostile
variants."""

import base64
import hashlib
import json
import os
import unittest

from attest_case import (ISSUER, KEY, VM, AttestCase, b64, b64u, post, unb64)
from test_vectors import read, vectors_there

from cryptography import x509
from cryptography.exceptions import InvalidTag

from azemu import attest, guest, jose, maa_claims, maa_spoil, tpmwire
from azemu.web import Request


class Opened(AttestCase):
    """attest() and a client that checks what a client must (4.7)"""

    def attest(self, service=None, payload=None):
        """(answer, what opens its inner key, transfer modulus)"""
        with guest.Tpm(self.machine.vtpm.path) as tpm:
            handle, info = guest.evidence(
                tpm, self.pki.chain_pem, self.machine.log, os.urandom(256),
                payload=payload)
        self.addCleanup(self.on_tpm, "flush", handle)
        self.body = guest.request_body(info)
        answer = post(service or self.service, self.body)
        self.assertEqual(answer.status, 200, answer.body[:200])
        return answer, lambda cipher: self.on_tpm("decrypt", handle, cipher), \
            unb64(info["TpmInfo"]["EncKeyPub"])[-256:]

    def on_tpm(self, name, *args):
        """One call on the TPM in a use of its own: objects stay."""
        with guest.Tpm(self.machine.vtpm.path) as tpm:
            return getattr(tpm, name)(*args)

    def check(self, answer, decrypt, modulus, nonce):
        """A client with all the checks; raises on what it must refuse."""
        text = answer.json()["token"]
        if len(text) > 65536:
            raise ValueError("size")
        inner = json.loads(jose.unb64u(text))
        params = inner["EncryptionParams"]
        if len(unb64(params["Iv"])) != 12 or params["KeySizeInBits"] != 256 \
                or params["BlockMode"] != "ChainingModeGCM" or \
                len(unb64(inner["AuthenticationData"])) != 16 or \
                len(decrypt(unb64(inner["EncryptedInnerKey"]))) != 32:
            raise ValueError("envelope")
        token = guest.open_envelope(text, decrypt)
        claims = self.service.verify_token(token)
        pairs = json.loads(jose.unb64u(token.split(".")[1]),
                           object_pairs_hook=lambda p: p)
        if len(pairs) != len(claims):
            raise ValueError("duplicate member")
        tee = claims["x-ms-isolation-tee"]
        report = maa_claims.snp_claims(
            attest.snp.Report(self.tpm_report[32:1216]))
        wanted = [
            claims["x-ms-azurevm-vmid"] == VM, claims["secureboot"] is True,
            claims["x-ms-runtime"]["keys"][0]["n"] == b64u(modulus),
            claims["x-ms-runtime"]["client-payload"]["nonce"] == nonce,
            tee["x-ms-compliance-status"] == "azure-compliant-cvm",
            {k: v for k, v in tee.items() if "sevsnpvm-" in k} == report]
        if not all(wanted):
            raise ValueError("claims %s" % wanted)
        return claims

    def setUp(self):
        self.tpm_report = self.on_tpm("nv_read", guest.HCL)


class Envelope(Opened):
    def test_token(self):
        nonce = b64(os.urandom(32))
        answer, decrypt, modulus = self.attest(payload={"nonce": nonce})
        claims = self.check(answer, decrypt, modulus, nonce)
        self.assertEqual(claims["exp"] - claims["iat"], 28800)
        self.assertEqual((claims["iss"], claims["nbf"]),
                         (ISSUER, claims["iat"]))
        self.assertEqual(claims["x-ms-azurevm-attested-pcrs"], [*range(8)])
        self.assertEqual(
            [claims["x-ms-azurevm-os" + n] for n in (
                "type", "distro", "build", "version-major")],
            ["Linux", "Debian GNU/Linux", "NotApplication", 12])

    def test_ak_binding_from_the_token(self):
        """what 4.4 says of real tokens: the claims in the order of the
        report hash to its REPORT_DATA"""
        answer, decrypt, _ = self.attest()
        token = guest.open_envelope(answer.json()["token"], decrypt)
        tee = self.service.verify_token(token)["x-ms-isolation-tee"]
        runtime = tee["x-ms-runtime"]
        order = ("kid", "key_ops", "kty", "e", "n")
        text = json.dumps({
            "keys": [{n: k[n] for n in order} for k in runtime["keys"]],
            "vm-configuration": runtime["vm-configuration"],
            "user-data": runtime["user-data"]}, separators=(",", ":"))
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest() + "0" * 64,
                         tee["x-ms-sevsnpvm-reportdata"])

    @unittest.skipUnless(vectors_there(), "no captures")
    def test_members_as_in_the_real_token(self):
        real = json.loads(read("cvm-guest-attestation",
                               "maa-azureguest-token.payload.json"))
        answer, decrypt, _ = self.attest()
        text = guest.open_envelope(answer.json()["token"], decrypt)
        ours = self.service.verify_token(text)
        for one, other in ((real, ours), (real["x-ms-isolation-tee"],
                                          ours["x-ms-isolation-tee"])):
            self.assertEqual(list(one), list(other))
            self.assertEqual({n: type(v) for n, v in one.items()},
                             {n: type(v) for n, v in other.items()})
        header = jose.read_unverified(text)[0]
        self.assertEqual(list(header), ["alg", "jku", "kid", "typ"])

    def test_hostile_variants(self):
        """each one is refused by a client with all checks, and honest ones
        are not"""
        nonce = "bm9uY2U="
        payload = {"nonce": nonce}
        answer, *rest = self.attest(payload=payload)
        self.check(answer, *rest, nonce)
        for name in maa_spoil.VARIANTS:
            with self.subTest(name):
                answer = post(self.service, self.body, mutate=name)
                self.assertEqual(answer.status, 200)
                with self.assertRaises((ValueError, KeyError, TypeError,
                                        InvalidTag, tpmwire.TpmError)):
                    self.check(answer, *rest, nonce)

    def test_verify_token(self):
        """what the key vault relies on"""
        good = self.service.token({"a": 1})
        self.assertEqual(self.service.verify_token(good)["a"], 1)
        for name in ("bad_signature", "alg_none", "alg_hs256", "unknown_kid",
                     "wrong_issuer", "expired", "future"):
            with self.subTest(name), self.assertRaises(ValueError):
                self.service.verify_token(self.service.token({}, name))
        for text in ("", "a.b.c", good + ".x", good[:-10], "é.é.é"):
            with self.subTest(text[:5]), self.assertRaises(ValueError):
                self.service.verify_token(text)
        # Signed with our key under the other service's name.
        other = self.machine.service()
        other.issuer = "https://other.example"
        with self.assertRaises(ValueError):
            self.service.verify_token(other.token({}))


class Writing(AttestCase):
    """the ways in which clients write the same request"""

    def test_names_in_any_case(self):
        def lower(value):
            if isinstance(value, dict):
                return {n.lower(): lower(v) for n, v in value.items()}
            if isinstance(value, list):
                return [lower(v) for v in value]
            return value
        self.assert_ok(lower(self.good))
        body = guest.request_body(self.good)
        small = body.replace(b"AttestationInfo", b"attestationInfo", 1)
        self.assertEqual(post(self.service, small).status, 200)
        for path in ("/attest/azureguest", "/ATTEST/AzureGuest/"):
            self.assertEqual(post(self.service, body, path).status, 200)

    def test_second_client(self):
        """base64url chain and claims, versions as strings, raw payload,
        CRLF, pretty-printed JSON"""
        info = self.fresh()
        info.update(OSVersionMajor="12", OSVersionMinor="0",
                    ClientPayload={"nonce": "raw text"})
        chain = self.pki.chain_pem.replace("\n", "\r\n")
        inner = self.proof(info)
        inner["VcekCertChain"] = b64u(chain.encode())
        evidence = info["IsolationInfo"]["Evidence"]
        evidence["Proof"] = b64(json.dumps(inner, indent="\t").encode())
        evidence["RunTimeData"] = b64u(self.claims())
        self.assert_ok(info)
        text = json.dumps(info, indent="\t").encode()
        padded = base64.urlsafe_b64encode(text + b" " * (len(text) % 3 == 0))
        self.assertTrue(padded.endswith(b"="))
        answer = post(self.service, json.dumps(
            {"AttestationInfo": padded.decode()}).encode())
        self.assertEqual(answer.status, 200, answer.body)

    def test_owner_hierarchy(self):
        self.assert_ok(self.machine.evidence(hierarchy=tpmwire.OWNER))


class Http(AttestCase):
    def get(self, path, method="GET"):
        return self.service.handle(Request(method, path))

    def test_calls(self):
        body = guest.request_body(self.good)
        for version in ("", "2019-01-01"):
            self.assertEqual(post(self.service, body,
                                  version=version).status, 400)
        self.assertEqual(self.service.handle(Request(
            "POST", "/attest/AzureGuest", [("api-version", "2020-10-01")],
            [("Content-Type", "text/plain")], body)).status, 415)
        self.assertEqual(self.get("/attest/AzureGuest").status, 405)
        self.assertEqual(self.get("/certs", "POST").status, 405)
        self.assertEqual(self.get("/attest/Other").status, 404)

    def test_keys(self):
        for path in ("/certs", "/CERTS"):
            keys = self.get(path).json()["keys"]
        self.assertEqual(len(keys), 1)
        key = keys[0]
        self.assertEqual(key["kid"], self.service.kid)
        self.assertEqual(len(base64.b64decode(key["kid"], validate=True)), 32)
        for sign in "+/=":
            self.assertIn(sign, key["kid"])
        numbers = KEY.public_key().public_numbers()
        cert = x509.load_der_x509_certificate(unb64(key["x5c"][0]))
        self.assertEqual(cert.public_key().public_numbers(), numbers)
        self.assertEqual((jose.unint(key["n"]), jose.unint(key["e"])),
                         (numbers.n, numbers.e))

    def test_openid(self):
        found = self.get("/.well-known/openid-configuration").json()
        self.assertEqual(found["issuer"], ISSUER)
        self.assertEqual(found["jwks_uri"], ISSUER + "/certs")
        self.assertEqual(found["id_token_signing_alg_values_supported"],
                         ["RS256"])


class Policy(Opened):
    """a machine whose owner left secure boot off and debugging on"""

    options = {"secure_boot": False, "report": {"policy": 0xB001F}}

    def test_without_demands(self):
        answer, decrypt, _ = self.attest()
        claims = self.service.verify_token(guest.open_envelope(
            answer.json()["token"], decrypt))
        self.assertIs(claims["secureboot"], False)
        tee = claims["x-ms-isolation-tee"]
        self.assertIs(tee["x-ms-sevsnpvm-is-debuggable"], True)
        self.assertNotIn("x-ms-compliance-status", tee)

    def test_demands(self):
        for path, value in (
                ("secureboot", True),
                ("x-ms-isolation-tee.x-ms-compliance-status",
                 "azure-compliant-cvm"),
                ("x-ms-isolation-tee.x-ms-sevsnpvm-is-debuggable", False),
                ("x-ms-azurevm-vmid", ["A", "B"]), ("no.such.claim", 1)):
            service = self.machine.service({"require": {path: value}})
            answer = post(service, guest.request_body(self.good))
            self.assertEqual((answer.status, answer.rule), (400, "policy"))
            self.assertEqual(answer.json()["error"]["code"],
                             "PolicyEvaluationError")
            self.assertEqual(service.last_refusal, "policy")
        self.assert_ok(self.good, self.machine.service({"require": {
            "secureboot": False, "x-ms-azurevm-vmid": ["A", VM]}}))

    def test_policy_claims(self):
        service = self.machine.service({"issue": {"ours": True},
                                        "text": "version= 1.0;"})
        answer, decrypt, _ = self.attest(service)
        claims = self.service.verify_token(guest.open_envelope(
            answer.json()["token"], decrypt))
        self.assertEqual(claims["x-ms-policy"], {"ours": True})
        text = base64.urlsafe_b64encode(b"version= 1.0;").rstrip(b"=")
        self.assertEqual(claims["x-ms-policy-hash"],
                         b64u(hashlib.sha256(text).digest()))


class SnpVm(AttestCase):
    """attest/SevSnpVm (4.5)"""

    def body(self, claims=None, **members):
        proof = unb64(self.good["IsolationInfo"]["Evidence"]["Proof"])
        data = self.claims() if claims is None else claims
        return json.dumps({"report": b64u(proof), "runtimeData": {
            "data": b64u(data), "dataType": "JSON"}, **members}).encode()

    def call(self, body):
        return post(self.service, body, "/attest/SevSnpVM", "2022-08-01")

    def test_token(self):
        answer = self.call(self.body(nonce=77))
        self.assertEqual(answer.status, 200, answer.body)
        claims = self.service.verify_token(answer.json()["token"])
        self.assertEqual(claims["nonce"], "77")
        self.assertEqual([k["kid"] for k in claims["x-ms-runtime"]["keys"]],
                         ["HCLAkPub", "HCLEkPub"])
        self.assertEqual(claims["x-ms-attestation-type"], "sevsnpvm")

    def test_refusals(self):
        for body, rule in (
                (self.body(claims=b'{"keys":[]}'), "binding"),
                (self.body(initTimeData={"data": b64u(b"{}"),
                                         "dataType": "JSON"}),
                 "init binding"),
                (self.body(report="AAAA"), "json"),
                (self.body(runtimeData={"data": "AAAA",
                                        "dataType": "Binary"}), "member")):
            answer = self.call(body)
            self.assertEqual((answer.status, answer.rule), (400, rule))
        self.assertEqual(self.call(self.body(
            initTimeData={"data": "", "dataType": ""})).status, 200)

    def test_draft_policy(self):
        """gives an unsigned token, which nobody may take"""
        answer = self.call(self.body(draftPolicyForAttestation="version=1;"))
        token = answer.json()["token"]
        self.assertEqual(jose.read_unverified(token)[0]["alg"], "none")
        with self.assertRaises(ValueError):
            self.service.verify_token(token)


if __name__ == "__main__":
    unittest.main()
