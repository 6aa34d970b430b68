# SPDX-License-Identifier: Apache-2.0
"""What the attestation service refuses of the TPM's side: each element of a
good request is changed in turn, and the refusal is by the rule that the
change breaks.  Report and chain: test_attest_chain.py."""

import hashlib
import json
import os
import struct
import unittest

from attest_case import AttestCase, b64, b64u, flip, post, unb64

from cryptography.hazmat.primitives.asymmetric import rsa

from azemu import guest, hcl, pki_amd, snp, tcglog, tpmwire
from azemu.tpmwire import ENDORSEMENT, OWNER, sized


class Tpm(AttestCase):
    """AK, quote, log, transfer key"""

    def change(self, **members):
        info = self.fresh()
        info["TpmInfo"].update(members)
        return info

    def test_ak(self):
        key = rsa.generate_private_key(65537, 2048)
        other = key.public_key().public_numbers().n.to_bytes(256, "big")
        self.assert_refused("ak", self.change(AikPub=b64(sized(
            tpmwire.ak_public(other)))))
        good = unb64(self.good["TpmInfo"]["AikPub"])
        self.assert_refused("ak", self.change(AikPub=b64(good[2:])))
        self.assert_refused("ak", self.change(AikPub=b64(good + b"\0")))
        for at in (2 + 7, 2 + 15, 2 + 21):      # attributes, hash, exponent
            self.assert_refused("ak attributes",
                                self.spoil("AikPub", lambda d, n=at:
                                           flip(d, n)))
        cert = pki_amd.ak_certificate(self.pki.ak_ca_key, key.public_key(),
                                      "vm")
        self.assert_refused("ak certificate", self.change(AikCert=b64(cert)))
        genuine = rsa.RSAPublicNumbers(65537, int.from_bytes(
            good[-256:], "big")).public_key()
        cert = pki_amd.ak_certificate(key, genuine, "vm")
        self.assert_refused("ak certificate", self.change(AikCert=b64(cert)))
        for how in (lambda d: d + b"\0\1", lambda d: d[:-1], flip,
                    lambda d: b""):
            self.assert_refused("ak certificate", self.spoil("AikCert", how))
        self.assert_ok(self.spoil("AikCert", lambda d: d + bytes(700)))

    def test_quote_bytes(self):
        size = len(unb64(self.good["TpmInfo"]["PcrQuote"]))
        for at in range(size):
            self.assert_refused("quote signature", self.spoil(
                "PcrQuote", lambda d, n=at: flip(d, n)))
        for how in (flip, lambda d: d[:-1], lambda d: d + b"\0",
                    lambda d: b"\0" + d):
            self.assert_refused("quote signature",
                                self.spoil("PcrSignature", how))

    def quoted(self, **options):
        with self.tpm() as tpm:
            quote, signature = tpm.quote(**options)
        return self.change(PcrQuote=b64(quote), PcrSignature=b64(signature))

    def test_genuine_quotes_of_something_else(self):
        self.assert_ok(self.quoted())
        self.assert_refused("quote nonce", self.quoted(nonce=b"mine"))
        for selected in ([0, 1, 2, 3, 4, 5, 6], [*range(9)], [*range(1, 9)],
                         [7], [*range(24)]):
            self.assert_refused("quote selection",
                                self.quoted(selected=selected))
        for alg in (tpmwire.SHA1, tpmwire.SHA384):
            self.assert_refused("quote selection", self.quoted(alg=alg))
        with self.tpm() as tpm:     # two banks at once
            both = b"\0\0\0\2" + tpmwire.selection(range(8))[4:] + \
                tpmwire.selection(range(8), tpmwire.SHA1)[4:]
            quote, signature = tpm.signed(tpm.call(
                "Quote", (guest.AK,), sized() + b"\0\x10" + both, [b""])[1])
        self.assert_refused("quote selection", self.change(
            PcrQuote=b64(quote), PcrSignature=b64(signature)))

    def test_pcrs(self):
        for index in range(8):
            info = self.fresh()
            one = info["TpmInfo"]["PCRs"][index]
            one["Digest"] = b64(flip(unb64(one["Digest"])))
            self.assert_refused("pcr digest", info)
        pcrs = self.good["TpmInfo"]["PCRs"]
        swapped = [{**pcrs[1], "Index": 0}, {**pcrs[0], "Index": 1},
                   *pcrs[2:]]
        self.assert_refused("pcr digest", self.change(PCRs=swapped))
        self.assert_ok(self.change(PCRs=pcrs[::-1]))
        short = {**pcrs[7], "Digest": b64(bytes(20))}
        for wrong in (pcrs[:7], pcrs + [{**pcrs[0], "Index": 8}],
                      pcrs + [pcrs[0]], [*pcrs[:7], short], []):
            self.assert_refused("pcr set", self.change(PCRs=wrong))
        for wrong in ([*range(7)], [*range(9)], [7, 6, 5, 4, 3, 2, 1, 0],
                      [0, 1, 2, 3, 4, 5, 6, 6], [], [False, *range(1, 8)]):
            self.assert_refused("pcr set", self.change(PcrSet=wrong))

    def test_swapped_statements(self):
        tpm = self.good["TpmInfo"]
        quote = {"PcrQuote": tpm["EncKeyCertifyInfo"],
                 "PcrSignature": tpm["EncKeyCertifyInfoSignature"]}
        self.assert_refused("quote", self.change(**quote))
        certify = {"EncKeyCertifyInfo": tpm["PcrQuote"],
                   "EncKeyCertifyInfoSignature": tpm["PcrSignature"]}
        self.assert_refused("certify", self.change(**certify))

    def test_ak_in_another_hierarchy(self):
        """A key with the AK's attributes that the owner made: the report
        vouches for it (as before the fix of CVE-2025-49707), but the quote
        shows where it lives (2.1)."""
        with self.tpm() as tpm:
            handle, public = tpm.create(tpmwire.ak_public(os.urandom(256)),
                                        OWNER)
            quote, signature = tpm.signed(tpm.call(
                "Quote", (handle,), sized() + b"\0\x10" +
                tpmwire.selection(range(8)), [b""])[1])
            tpm.flush(handle)
        modulus = public[-256:]
        claims = json.loads(self.claims())
        claims["keys"][0]["n"] = b64u(modulus)
        text = json.dumps(claims).encode()
        report = bytearray(self.report())
        report[0x50:0x90] = hcl.report_data(text)
        cert = pki_amd.ak_certificate(self.pki.ak_ca_key, rsa.RSAPublicNumbers(
            65537, int.from_bytes(modulus, "big")).public_key(), "vm")
        self.assert_refused("quote signer", self.with_proof(
            snp.sign(self.pki.vcek_key, report), claims=text,
            info=self.change(AikPub=b64(public), PcrQuote=b64(quote),
                             PcrSignature=b64(signature),
                             AikCert=b64(cert))))

    def with_key(self, template, hierarchy=tpmwire.NULL, nonce=b""):
        """The request with another key that the AK truly certifies."""
        with self.tpm() as tpm:
            handle, public = tpm.create(template, hierarchy)
            info, signature = tpm.certify(handle, nonce)
            tpm.flush(handle)
        return self.change(EncKeyPub=b64(public), EncKeyCertifyInfo=b64(info),
                           EncKeyCertifyInfoSignature=b64(signature))

    def template(self, policy=None, attributes=tpmwire.TRANSFER_ATTRIBUTES):
        if policy is None:
            values = [unb64(p["Digest"])
                      for p in self.good["TpmInfo"]["PCRs"]]
            policy = tpmwire.policy_pcr(hashlib.sha256(
                b"".join(values)).digest(), range(8))
        made = tpmwire.transfer_public(policy, os.urandom(256))
        return made[:4] + struct.pack(">I", attributes) + made[8:]

    def test_certified_keys_of_another_form(self):
        self.assert_ok(self.with_key(self.template()))
        self.assert_ok(self.with_key(self.template(), OWNER))
        self.assert_refused("certify qualified name", self.with_key(
            self.template(), ENDORSEMENT))
        self.assert_refused("certify nonce", self.with_key(
            self.template(), nonce=b"n"))
        for extra in (0x40, 0x40000):   # userWithAuth, sign
            self.assert_refused("transfer key attributes", self.with_key(
                self.template(None, tpmwire.TRANSFER_ATTRIBUTES | extra)))
        for less in (0x2 | 0x10, 0x400):        # fixed*, noDA
            self.assert_refused("transfer key attributes", self.with_key(
                self.template(None, tpmwire.TRANSFER_ATTRIBUTES & ~less)))
        with self.tpm() as tpm:
            few = hashlib.sha256(b"".join(tpm.pcrs([0, 1, 2]))).digest()
        for policy in (tpmwire.policy_pcr(few, range(3)), bytes(32), b""):
            self.assert_refused("transfer key policy",
                                self.with_key(self.template(policy)))
        oaep = bytearray(self.template())
        at = 4 + 4 + 34 + 2
        oaep[at:at + 2] = b"\0\x17\0\x0b"       # scheme OAEP-SHA256
        self.assert_refused("transfer key", self.with_key(bytes(oaep)))

    def test_transfer_key_swapped(self):
        """an uncertified key in place of the certified one, and the other
        way round"""
        other = self.with_key(self.template())["TpmInfo"]
        self.assert_refused("certify name", self.change(
            EncKeyPub=other["EncKeyPub"]))
        certify = {name: other[name] for name in (
            "EncKeyCertifyInfo", "EncKeyCertifyInfoSignature")}
        self.assert_refused("certify name", self.change(**certify))
        self.assert_refused("certify signature", self.change(
            EncKeyCertifyInfo=other["EncKeyCertifyInfo"]))
        self.assert_refused("certify name", self.spoil(
            "EncKeyPub", lambda d: flip(d, 2 + 54 + 100)))
        self.assert_refused("transfer key", self.spoil(
            "EncKeyPub", lambda d: d[2:]))

    def test_certify_bytes(self):
        size = len(unb64(self.good["TpmInfo"]["EncKeyCertifyInfo"]))
        for at in range(0, size, 5):
            self.assert_refused("certify signature", self.spoil(
                "EncKeyCertifyInfo", lambda d, n=at: flip(d, n)))
        self.assert_refused("certify signature",
                            self.spoil("EncKeyCertifyInfoSignature"))

    def with_log(self, log):
        info = self.fresh()
        info["TcgLogs"] = b64(log)
        return info

    def test_log(self):
        boot = tcglog.events()
        self.assert_ok(self.with_log(tcglog.build(boot)))
        for at, (pcr, *_) in enumerate(boot):
            if pcr < 8:     # one event left out
                self.assert_refused("log replay", self.with_log(
                    tcglog.build(boot[:at] + boot[at + 1:])))
        self.assert_refused("log replay", self.with_log(tcglog.build(
            boot + [(4, tcglog.SEPARATOR, b"more", b"more")])))
        self.assert_refused("log replay", self.with_log(tcglog.build(
            tcglog.events(secure_boot=False))))
        self.assert_refused("log", self.with_log(b""))
        good = self.machine.log
        for size in (31, 40, len(good) - 1, len(good) // 2):
            self.assert_refused("log", self.with_log(good[:size]))

    def test_log_that_lies_about_secure_boot(self):
        """the digests are right, the data beside them are not"""
        good = self.machine.log
        name = "SecureBoot".encode("utf-16-le")
        at = good.index(name) + len(name)
        self.assertEqual(good[at], 1)
        self.assert_refused("log", self.with_log(flip(good, at)))


class Boots(AttestCase):
    """the request and the boot it was made in"""

    def test_changed_pcr(self):
        """A kernel measured later: the quote is true and the log is not its
        log; and the transfer key no longer decrypts."""
        self.addCleanup(self.machine.vtpm.reboot)
        with self.tpm() as tpm:
            handle, _ = tpm.create(tpmwire.transfer_public(
                tpm.policy(), bytes(256)))
            tpm.call("PCR_Extend", (7,), struct.pack(
                ">IH", 1, tpmwire.SHA256) + bytes(32), [b""])
            with self.assertRaises(tpmwire.TpmError) as caught:
                tpm.decrypt(handle, bytes(256))
            self.assertEqual(caught.exception.rc & 0xff, 0x9D)  # POLICY_FAIL
            tpm.flush(handle)
        self.assert_refused("log replay", self.machine.evidence())

    def test_two_boots(self):
        """a quote of the boot before beside a certification of this one"""
        self.machine.vtpm.reboot()
        now = self.machine.evidence()
        self.assert_ok(now)
        for name in ("PcrQuote", "PcrSignature"):
            now["TpmInfo"][name] = self.good["TpmInfo"][name]
        self.assert_refused("boot", now)
        # All of the boot before is accepted: nothing in it is fresh (4.2).
        self.assert_ok(self.good)


class Form(AttestCase):
    """the JSON around it"""

    def change(self, **members):
        return {**self.fresh(), **members}

    def test_members(self):
        for name in ("AttestationProtocolVersion", "OSType", "OSDistro",
                     "OSVersionMajor", "OSVersionMinor", "OSBuild",
                     "TcgLogs"):
            info = self.fresh()
            del info[name]
            self.assert_refused("member", info)
        for part in ("TpmInfo", "IsolationInfo"):
            self.assert_refused("json", {k: v for k, v in self.good.items()
                                         if k != part})
        for name in self.good["TpmInfo"]:
            info = self.fresh()
            del info["TpmInfo"][name]
            self.assert_refused("member", info)

    def test_values(self):
        self.assert_refused("protocol version", self.change(
            AttestationProtocolVersion="1.0"))
        self.assert_refused("base64", self.change(OSType="Linux!"))
        self.assert_refused("member", self.change(OSVersionMajor="x"))
        self.assert_refused("member", self.change(OSVersionMajor=True))
        self.assert_refused("member", self.change(ClientPayload={"a": 1}))
        self.assert_refused("json", [])
        self.assert_refused("json", b"{")
        self.assert_refused("json", b'{"a":1,"a":2}')
        self.assert_refused("json", b'{"a":1,"A":2}')
        self.assert_refused("json", b"[" * 100000)
        self.assert_refused("json", b'"\xff"')

    def test_isolation_types(self):
        """the silent downgrade of another client is refused"""
        for kind in ("TrustedLaunch", "Tdx", ""):
            self.assert_refused("isolation type", self.change(
                IsolationInfo={"Type": kind}))
        self.assert_refused("json", self.change(
            IsolationInfo={"Type": "SevSnp"}))

    def test_outer(self):
        for body, rule in ((b"{}", "member"), (b"", "json"),
                           (b'{"AttestationInfo":1}', "member"),
                           (b'{"AttestationInfo":"a+b"}', "base64"),
                           (b'{"AttestationInfo":"a b"}', "base64")):
            answer = post(self.service, body)
            self.assertEqual((answer.status, answer.rule), (400, rule))


if __name__ == "__main__":
    unittest.main()
