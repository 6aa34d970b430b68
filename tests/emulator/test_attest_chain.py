# SPDX-License-Identifier: Apache-2.0
"""What the attestation service refuses of report, chain and runtime claims:
each element of a good request is changed in turn, and the refusal is by the
rule that the change breaks."""

import datetime
import json
import unittest

from attest_case import AttestCase, Machine, flip

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from azemu import der, hcl, pki_amd, snp


def pem(*certs):
    return b"".join(c.public_bytes(pki_amd.PEM) for c in certs).decode()


class Hardware(AttestCase):
    """report, chain, claims"""

    def test_good(self):
        self.assert_ok(self.good)

    def test_every_field_of_the_report(self):
        other = {"chip_id": "chip id", "reported_tcb": "tcb",
                 "version": "version", "sig_algo": "algorithm",
                 "cpuid_family": "product", "key_info": "signature"}
        for name, (at, size) in {**snp.NUMBERS, **snp.FIELDS}.items():
            with self.subTest(name):
                report = flip(self.report(), at + size - 1) \
                    if name != "version" else flip(self.report(), at + 3)
                if name == "key_info":
                    report = flip(self.report(), at)
                self.assert_refused(other.get(name, "signature"),
                                    self.with_proof(report))

    def test_signature(self):
        for at in (0x2A0, 0x2A0 + 47, 0x2E8):
            self.assert_refused("signature", self.with_proof(
                flip(self.report(), at)))
        for at in (0x4F, 0x18C, 0x2A0 + 48, 0x2E8 + 71, 0x49F):
            self.assert_refused("reserved", self.with_proof(
                flip(self.report(), at)))
        zero = bytearray(self.report())
        zero[0x2A0:0x2E8] = bytes(72)
        self.assert_refused("signature", self.with_proof(bytes(zero)))
        self.assert_refused("size", self.with_proof(self.report()[:-1]))

    def test_signed_but_wrong(self):
        """what the chip signed and the service still refuses"""
        for at, value, rule in ((0x30, b"\1", "vmpl"),
                                (0x48, b"\4", "signing key"),
                                (0x50, b"\1", "binding"),
                                (0x50 + 63, b"\1", "binding")):
            report = bytearray(self.report())
            report[at:at + 1] = value
            self.assert_refused(rule, self.with_proof(snp.sign(
                self.pki.vcek_key, report)))

    def test_claims(self):
        claims = self.claims()
        for at in (0, 20, len(claims) // 2, len(claims) - 1):
            self.assert_refused("binding",
                                self.with_proof(claims=flip(claims, at)))
        self.assert_refused("binding", self.with_proof(claims=claims + b" "))
        # The same members written anew are other bytes.
        again = json.dumps(json.loads(claims)).encode()
        self.assert_refused("binding", self.with_proof(claims=again))

    def test_bound_but_malformed_claims(self):
        value = json.loads(self.claims())
        for change in (lambda v: v["keys"].pop(0),
                       lambda v: v["keys"].append(v["keys"][0]),
                       lambda v: v["keys"][0].update(n="AQAB"),
                       lambda v: v["keys"][0].update(e="Aw"),
                       lambda v: v.pop("vm-configuration"),
                       lambda v: v.update({"user-data": "00"})):
            spoilt = json.loads(json.dumps(value))
            change(spoilt)
            text = json.dumps(spoilt).encode()
            self.assert_refused("claims", self.with_proof(
                self.bind(text), claims=text))

    def bind(self, text):
        report = bytearray(self.report())
        report[0x50:0x90] = hcl.report_data(text)
        return snp.sign(self.pki.vcek_key, report)

    def test_chain_of_another_root(self):
        other = Machine()
        self.addCleanup(other.close)
        # Other AMD keys under the same names.
        keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
        ark = pki_amd.load(pki_amd.build(
            "ARK-Milan", keys[0], "ARK-Milan", keys[0], 1, 25,
            pki_amd.ca_extensions("https://example")))
        ask = pki_amd.load(pki_amd.build(
            "SEV-Milan", keys[1], "ARK-Milan", keys[0], 2, 25,
            pki_amd.ca_extensions("https://example")))
        vcek = pki_amd.build_vcek(self.pki.vcek_key, keys[1],
                                  self.pki.chip_id)
        whole = self.with_proof(chain=pem(vcek, ask, ark))
        self.assert_refused("root", whole)
        self.assert_refused("chain", self.with_proof(
            chain=pem(vcek, ask, self.pki.ark)))
        self.assert_refused("chain", self.with_proof(
            chain=pem(vcek, self.pki.ask, self.pki.ark)))
        # The same keys, but not the certificate that is trusted.
        self.assert_refused("root", self.with_proof(
            chain=other.pki.chain_pem))
        # The VCEK of another machine under the right root.
        self.assert_refused("chip id", self.with_proof(
            chain=pem(other.pki.vcek, self.pki.ask, self.pki.ark)))

    def test_chain_form(self):
        p = self.pki
        for certs in ((p.vcek, p.ask), (p.vcek,), (),
                      (p.vcek, p.ask, p.ark, p.ark)):
            self.assert_refused("chain", self.with_proof(chain=pem(*certs)))
        self.assert_refused("root", self.with_proof(
            chain=pem(p.vcek, p.ark, p.ask)))
        self.assert_refused("chain", self.with_proof(
            chain=pem(p.ask, p.vcek, p.ark)))
        self.assert_refused("chain", self.with_proof(
            chain=p.chain_pem + "more"))
        self.assert_refused("chain", self.with_proof(
            chain=p.chain_pem.replace("A", "!", 40)))

    def vcek(self, **options):
        """The good request with another VCEK of the same key."""
        cert = pki_amd.build_vcek(options.pop("key", self.pki.vcek_key),
                                  self.pki.ask_key, options.pop(
                                      "chip_id", self.pki.chip_id), **options)
        return self.with_proof(chain=pem(cert, self.pki.ask, self.pki.ark))

    def test_vcek(self):
        self.assert_ok(self.vcek())
        self.assert_ok(self.vcek(wrapped=True))
        self.assert_refused("chip id", self.vcek(chip_id=bytes(64)))
        self.assert_refused("chip id", self.vcek(
            chip_id=self.pki.chip_id[:8]))
        for part in self.pki.tcb:
            tcb = {**self.pki.tcb, part: self.pki.tcb[part] ^ 1}
            self.assert_refused("tcb", self.vcek(tcb=tcb))
        self.assert_refused("chain", self.vcek(product="Genoa"))
        self.assert_refused("product", self.vcek_named("Genoa"))
        key = ec.generate_private_key(ec.SECP384R1())
        self.assert_refused("signature", self.vcek(key=key))
        key = ec.generate_private_key(ec.SECP256R1())
        self.assert_refused("chain", self.vcek(key=key))

    def vcek_named(self, product, subject="SEV-VCEK", years=7, leave=()):
        extensions = pki_amd.vcek_extensions(product, self.pki.tcb,
                                             self.pki.chip_id)
        extensions = [e for n, e in enumerate(extensions) if n not in leave]
        cert = pki_amd.load(pki_amd.build(
            subject, self.pki.vcek_key, "SEV-Milan", self.pki.ask_key, 0,
            years, extensions))
        return self.with_proof(chain=pem(cert, self.pki.ask, self.pki.ark))

    def test_vcek_form(self):
        self.assert_ok(self.vcek_named("Milan"))
        self.assert_refused("chain", self.vcek_named("Milan", "SEV-VLEK"))
        self.assert_refused("validity", self.vcek_named("Milan", years=1))
        for missing in (1, 2, 8, 10):
            self.assert_refused("extension", self.vcek_named(
                "Milan", leave=(missing,)))

    def test_not_pss(self):
        """a VCEK that the ASK signed, but PKCS #1"""
        tbs, _, _ = der.certificate_parts(
            self.pki.vcek.public_bytes(pki_amd.DER))
        plain = der.seq(der.oid("1.2.840.113549.1.1.12"), b"\5\0")
        inner = tbs[der.read(tbs)[1]:]
        tbs = der.seq(inner.replace(der.PSS_SHA384, plain))
        # The second says PKCS #1 and is PSS: the name has to be right, too.
        for scheme in (padding.PKCS1v15(), pki_amd.PSS):
            signature = self.pki.ask_key.sign(tbs, scheme, hashes.SHA384())
            cert = pki_amd.load(der.seq(tbs, plain, der.bits(signature)))
            self.assert_refused("chain", self.with_proof(
                chain=pem(cert, self.pki.ask, self.pki.ark)))

    def test_time(self):
        late = self.machine.service()
        late.when = datetime.datetime(2031, 1, 1)
        self.assert_refused("validity", self.good, late)


if __name__ == "__main__":
    unittest.main()
