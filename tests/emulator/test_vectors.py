# SPDX-License-Identifier: Apache-2.0
"""The verifiers of the emulator on real captures that nobody here wrote, with
AMD's real roots: the good are accepted, each bad one is refused by the rule
that it breaks."""

import base64
import hashlib
import json
import os
import unittest
from datetime import datetime

import support  # noqa: F401  puts this directory on the path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from azemu import attest, hcl, jose, snp, tcglog, tpmwire
from azemu.hcl import HclError
from azemu.maa import Maa
from azemu.snp import SnpError
from azemu.web import Request

VECTORS = os.environ.get("SALLYPORT_VECTORS") or support.VECTORS
WHEN = datetime(2025, 6, 1)
ALL = list(range(24))


def read(*path):
    with open(os.path.join(VECTORS, *path), "rb") as data:
        return data.read()


def roots(product):
    """(ASK, ARK, ASVK)"""
    return snp.split_pem(read("trustee", "amd-roots",
                              product + "_ask_ark_asvk.pem"))


def vectors_there():
    return os.path.isdir(os.path.join(VECTORS, "trustee"))


def kin_quote(raw):
    """(message, signature, {pcr: value}) of the bincode form (2.6)."""
    size = int.from_bytes(raw[:8], "little")
    signature, rest = raw[8:8 + size], raw[8 + size:]
    size = int.from_bytes(rest[:8], "little")
    message, rest = rest[8:8 + size], rest[16 + size:]
    return message, signature, dict(enumerate(
        rest[at:at + 32] for at in range(0, len(rest), 32)))


def hex_quote(value):
    return (bytes.fromhex(value["message"]), bytes.fromhex(value["signature"]),
            {n: bytes.fromhex(one) for n, one in enumerate(value["pcrs"])})


class Refuses:
    """assert_rule(): the code of what is raised."""

    def assert_rule(self, rule, function, *args, **kwargs):
        with self.assertRaises((attest.AttestError, SnpError,
                                HclError)) as caught:
            function(*args, **kwargs)
        self.assertEqual(caught.exception.code, rule, str(caught.exception))


@unittest.skipUnless(vectors_there(), "no captures at %s (SALLYPORT_VECTORS)"
                     % VECTORS)
class VectorCase(unittest.TestCase, Refuses):
    @classmethod
    def setUpClass(cls):
        cls.ask, cls.ark, cls.asvk = roots("milan")

    def quote(self, quote, modulus, nonce=b"challenge"):
        return attest.verify_quote(quote[0], quote[1], modulus, quote[2], ALL,
                                   nonce)


class Reports(VectorCase):
    def test_milan_2023(self):
        """report, chain, claims and quote of one real machine"""
        found = hcl.Hcl(read("trustee", "az-snp-vtpm", "hcl-report.bin"))
        found.check_binding()
        self.assertEqual(found.version, 1)
        report = snp.Report(found.hardware)
        chain = snp.split_pem(read("trustee", "az-snp-vtpm", "vcek.pem"))
        isolation = attest.Isolation(report, chain, found.text)
        isolation.verify([self.ark], WHEN)
        self.assertTrue(report.measurement.hex().startswith("9ac48fca"))
        self.assertEqual(report.reported_tcb, 0x7308000000000003)
        claims = hcl.Claims(found.text)
        self.quote(kin_quote(read("trustee", "az-snp-vtpm", "quote.bin")),
                   claims.ak)
        self.quote(hex_quote(json.loads(read(
            "trustee", "az-snp-vtpm", "tpm-quote-v1.json"))), claims.ak)

    def evidence_v0(self):
        value = json.loads(read("trustee", "az-snp-vtpm", "evidence-v0.json"))
        quote = value["quote"]
        return (bytes(value["report"]), x509.load_pem_x509_certificate(
            value["vcek"].encode()), (bytes(quote["message"]), bytes(
                quote["signature"]), dict(enumerate(map(
                    bytes, quote["pcrs"])))))

    def evidence_v1(self):
        value = json.loads(read("trustee", "az-snp-vtpm", "evidence-v1.json"))
        return (jose.unb64u(value["hcl_report"]),
                x509.load_der_x509_certificate(jose.unb64u(value["vcek"])),
                hex_quote(value["tpm_quote"]))

    def test_milan_2025(self):
        """report version 3, in both forms that the capture has"""
        for raw, vcek, quote in (self.evidence_v0(), self.evidence_v1()):
            found = hcl.Hcl(raw)
            report = snp.Report(found.hardware)
            attest.Isolation(report, [vcek, self.ask, self.ark],
                             found.text).verify([self.ark], WHEN)
            self.assertEqual((report.version, report.cpuid_family,
                              report.guest_svn), (3, 0x19, 10))
            self.assertEqual(report.reported_tcb, 0xDB18000000000004)
            self.quote(quote, hcl.Claims(found.text).ak)

    def test_appendix_a(self):
        """names, policy and digests of the worked example"""
        raw, _, quote = self.evidence_v1()
        modulus = hcl.Claims(hcl.Hcl(raw).text).ak
        public = tpmwire.ak_public(modulus)
        self.assertEqual(tpmwire.name_of(public).hex(), "000b0891f5583fdbde3"
                         "eeef2bf0af7892ebf7d62fc8dc355b10beae0772e4154d1cb")
        self.assertEqual(attest.ak_signer(modulus).hex(), "000bbf15d1053b33c8"
                         "1c80e3f9892b1f359474102661abfabf2889dbbca9ab2b4459")
        digest = attest.pcr_digest(quote[2], range(8))
        self.assertEqual(digest.hex(), "5343f040eb23f7ed5a2f030dc6ebccf8e1a50"
                         "b757266317eade29389665e8a24")
        self.assertEqual(tpmwire.policy_pcr(digest, range(8)).hex(),
                         "f59dec359eb0f911174f1835c273a879b4c65b83fe574dfb53f5"
                         "0fde32f93d3b")
        self.assertEqual(tpmwire.Attest(quote[0]).firmware, 0x2020031200120003)
        log = tcglog.read(tcglog.build([(2, tcglog.SEPARATOR, bytes(4),
                                         bytes(4))]))
        self.assertEqual(tcglog.replay(log)[2], quote[2][2])

    def test_container_report(self):
        where = ("confidential-sidecar-containers", "attest")
        report = snp.Report(read(*where, "snp_report.bin"))
        thim = json.loads(read(*where, "uvm_host_amd_certificate.json"))
        chain = snp.split_pem(thim["vcekCert"] + thim["certificateChain"])
        attest.Isolation(report, chain, None).verify([self.ark], WHEN)
        policy = base64.b64decode(read(*where, "uvm_security_policy.base64"))
        self.assertEqual(report.host_data, hashlib.sha256(policy).digest())
        self.assertEqual(thim["tcbm"], "%016x" % report.reported_tcb)

    def test_plain_report(self):
        report = snp.Report(read("trustee", "snp", "test-report.bin"))
        vcek = x509.load_der_x509_certificate(
            read("trustee", "snp", "test-vcek.der"))
        snp.verify_chain(vcek, self.ask, self.ark, [self.ark], WHEN)
        snp.verify_signature(report, vcek.public_key())

    def test_turin_chain(self):
        where = "virtee-sev"
        vcek = x509.load_der_x509_certificate(read(where, "vcek_turin.der"))
        ask, ark = snp.split_pem(read(where, "cert_chain_turin"))
        snp.verify_chain(vcek, ask, ark, [roots("turin")[1]], WHEN)
        facts = snp.Vcek(vcek)
        self.assertEqual(facts.hwid.hex(), "1e550a8ee5cf9f4d")
        self.assertIsNotNone(facts.fmc)

    def test_roots(self):
        for product in ("milan", "genoa", "turin"):
            ask, ark, asvk = roots(product)
            for cert in (ask, ark, asvk):
                snp.signed_by(cert, ark)


class BadReports(VectorCase):
    def test_chain_of_another_machine(self):
        """the two files of one directory that do not belong together"""
        found = hcl.Hcl(read("azure-cvm-tooling", "hcl-report-snp.bin"))
        found.check_binding()
        report = snp.Report(found.hardware)
        chain = snp.split_pem(read("azure-cvm-tooling", "certs.pem"))
        snp.verify_chain(*chain, [self.ark], WHEN)
        self.assert_rule("chip id", snp.verify, report, *chain, [self.ark],
                         WHEN)
        self.assert_rule("signature", snp.verify_signature, report,
                         chain[0].public_key())

    def test_altered_vceks(self):
        report = snp.Report(read("trustee", "snp", "test-report.bin"))
        hwid = bytes(range(64))
        names = ["test-vcek-invalid-legacy.der"]
        if os.path.exists(os.path.join(VECTORS, "trustee", "snp",
                                       "test-vcek-invalid-new.der")):
            names.append("test-vcek-invalid-new.der")
        for name in names:
            vcek = x509.load_der_x509_certificate(
                read("trustee", "snp", name))
            self.assertEqual(snp.Vcek(vcek).hwid, hwid)
            self.assert_rule("chain", snp.verify_chain, vcek, self.ask,
                             self.ark, [self.ark], WHEN)
            self.assert_rule("signature", snp.verify_signature, report,
                             vcek.public_key())

    def test_wrong_authorities(self):
        chain = snp.split_pem(read("trustee", "az-snp-vtpm", "vcek.pem"))
        genoa = roots("genoa")
        self.assert_rule("root", snp.verify_chain, *chain, [genoa[1]], WHEN)
        self.assert_rule("chain", snp.verify_chain, chain[0], genoa[0],
                         genoa[1], [genoa[1]], WHEN)
        self.assert_rule("chain", snp.verify_chain, chain[0], self.asvk,
                         self.ark, [self.ark], WHEN)
        self.assert_rule("validity", snp.verify_chain, *chain, [self.ark],
                         datetime(2040, 1, 1))

    def test_tdx(self):
        """a TDX report is refused where an SNP one is wanted, also under
        the file name of one; as TDX it is bound"""
        for path in (("cvm-attestation-tools", "snp_hcl_report.bin"),
                     ("azure-cvm-tooling", "hcl-report-tdx.bin"),
                     ("trustee", "az-tdx-vtpm", "hcl-report.bin")):
            self.assert_rule("type", hcl.Hcl, read(*path))
            found = hcl.Hcl(read(*path), hcl.TDX)
            found.check_binding()
            self.assert_rule("size", snp.Report, found.hardware[:1024])

    def test_every_byte_of_the_signed_part_counts(self):
        found = hcl.Hcl(read("trustee", "az-snp-vtpm", "hcl-report.bin"))
        chain = snp.split_pem(read("trustee", "az-snp-vtpm", "vcek.pem"))
        key = chain[0].public_key()
        for at in range(0, snp.SIGNED, 7):
            raw = bytearray(found.hardware)
            raw[at] ^= 1
            with self.assertRaises(SnpError, msg=hex(at)):
                snp.verify_signature(snp.Report(bytes(raw)), key)


class Quotes(VectorCase):
    def moduli(self):
        """All AK and EK moduli of the captures."""
        out = [load_pem_public_key(read("azure-cvm-tooling", "akpub.pem"))
               .public_numbers().n.to_bytes(256, "big")]
        texts = [read("azure-cvm-tooling", "var-data.bin")]
        for path, kind in (
                (("azure-cvm-tooling", "hcl-report-snp.bin"), hcl.SNP),
                (("azure-cvm-tooling", "hcl-report-tdx.bin"), hcl.TDX),
                (("trustee", "az-snp-vtpm", "hcl-report.bin"), hcl.SNP),
                (("trustee", "az-tdx-vtpm", "hcl-report.bin"), hcl.TDX),
                (("cvm-attestation-tools", "snp_hcl_report.bin"), hcl.TDX)):
            texts.append(hcl.Hcl(read(*path), kind).text)
        for text in texts:
            claims = hcl.Claims(text)
            out += [key for key in (claims.ak, claims.ek) if key]
        return out

    def test_other_captures(self):
        quote = kin_quote(read("azure-cvm-tooling", "quote.bin"))
        self.quote(quote, self.moduli()[0])
        tdx = hcl.Hcl(read("trustee", "az-tdx-vtpm", "hcl-report.bin"),
                      hcl.TDX)
        self.quote(kin_quote(read("trustee", "az-tdx-vtpm", "quote.bin")),
                   hcl.Claims(tdx.text).ak)

    def test_orphan(self):
        """a quote that no key of the collection made"""
        message = read("trustee", "az-snp-vtpm", "tpm-quote.msg")
        signature = read("trustee", "az-snp-vtpm", "tpm-quote.sig")
        parsed = tpmwire.Attest(message)
        self.assertEqual(parsed.selection,
                         [(tpmwire.SHA256, [*range(8), 14])])
        moduli = self.moduli()
        self.assertGreater(len(moduli), 8)
        for modulus in moduli:
            self.assert_rule("quote signature", attest.verify_quote, message,
                             signature, modulus, {}, ALL)

    def test_wrong_key_nonce_selection(self):
        quote = kin_quote(read("azure-cvm-tooling", "quote.bin"))
        first, second = self.moduli()[:2]
        self.assert_rule("quote signature", self.quote, quote, second)
        self.assert_rule("quote nonce", self.quote, quote, first, b"")
        self.assert_rule("quote selection", attest.verify_quote, quote[0],
                         quote[1], first, quote[2], range(8), b"challenge")
        changed = {**quote[2], 5: bytes(32)}
        self.assert_rule("pcr digest", self.quote, (*quote[:2], changed),
                         first)

    def test_claims_of_another(self):
        text = read("azure-cvm-tooling", "var-data.bin")
        self.assertTrue(hashlib.sha256(text).hexdigest().startswith("ac4834"))
        found = hcl.Hcl(read("trustee", "az-snp-vtpm", "hcl-report.bin"))
        chain = snp.split_pem(read("trustee", "az-snp-vtpm", "vcek.pem"))
        self.assert_rule("binding", attest.Isolation(
            snp.Report(found.hardware), chain, text).verify, [self.ark], WHEN)


class Tokens(VectorCase):
    def service(self, arks):
        key = rsa.generate_private_key(65537, 2048)
        out = Maa("https://test.example", key, b"certificate", arks)
        out.when = WHEN
        return out

    def call(self, service, body):
        return service.handle(Request(
            "POST", "/attest/SevSnpVm", [("api-version", "2022-08-01")],
            [("Content-Type", "application/json")],
            json.dumps(body).encode()))

    def test_real_request(self):
        """The recorded request is accepted, and what our token says of the
        report is what the real one says."""
        report = read("microsoft-azure-attestation-samples",
                      "sevsnp-report-field.b64url").decode().strip()
        service = self.service([self.ark])
        answer = self.call(service, {"report": report})
        self.assertEqual(answer.status, 200, answer.body)
        ours = service.verify_token(answer.json()["token"])
        real = jose.read_unverified(read(
            "microsoft-azure-attestation-samples",
            "sev-snp-jwt.txt").decode().strip())[1]
        changing = {"exp", "iat", "nbf", "jti", "iss", "x-ms-policy-hash"}
        self.assertEqual(set(real) - set(ours), set())
        self.assertEqual(set(ours) - set(real), {"x-ms-compliance-status"})
        for name in set(real) - changing:
            self.assertEqual(ours[name], real[name], name)

    def test_real_request_elsewhere(self):
        report = read("microsoft-azure-attestation-samples",
                      "sevsnp-report-field.b64url").decode().strip()
        service = self.service([roots("genoa")[1]])
        answer = self.call(service, {"report": report})
        self.assertEqual((answer.status, answer.rule), (400, "root"))
        data = jose.b64u(b'{"keys":[]}')
        answer = self.call(self.service([self.ark]), {
            "report": report, "runtimeData": {"data": data,
                                              "dataType": "JSON"}})
        self.assertEqual((answer.status, answer.rule), (400, "binding"))

    def test_real_guest_token(self):
        """the one real AzureGuest token: our reader of tokens takes it with
        the published key and no other"""
        token = read("cvm-guest-attestation",
                     "maa-azureguest-token.jwt").decode().strip()
        key = json.loads(read("cvm-guest-attestation",
                              "maa-azureguest-token.jwks.json"))["keys"][0]
        public = rsa.RSAPublicNumbers(jose.unint(key["e"]),
                                      jose.unint(key["n"])).public_key()
        claims = jose.verify_rs256(token, public)
        self.assertEqual(claims["exp"] - claims["iat"], 28800)
        with self.assertRaises(ValueError):
            jose.verify_rs256(token[:-6] + "AAAAAA", public)
        with self.assertRaises(ValueError):
            self.service([]).verify_token(token)


if __name__ == "__main__":
    unittest.main()
