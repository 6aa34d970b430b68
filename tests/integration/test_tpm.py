# SPDX-License-Identifier: Apache-2.0
"""sallyport-tpm against a software TPM furnished as Azure does it: the whole
role, in its seat, under its filter."""

import base64
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
import tpm_bench as tb  # noqa: E402
from azemu import attest  # noqa: E402
from tpm_case import (FINAL_SET, FRESH_SET, GEN, PASSWORD, SHARES,  # noqa: E402
                      STORAGE, TpmCase)


class Lives(TpmCase):
    def test_evidence_convinces_the_attestation_service(self):
        s = self.session("TLS_PASSWORD").start()
        e = s.evidence()
        modulus = int.from_bytes(e["ak_pub"][-256:], "big").to_bytes(256, "big")
        self.assertEqual(e["hcl"][:4], b"HCLA")
        attest.verify_ak(e["ak_pub"], modulus)
        attest.verify_ak_certificate(e["ak_cert"], modulus)
        attest.verify_quote(e["quote"], e["quote_sig"], modulus, e["pcrs"],
                            attest.PCRS)
        key = attest.read_transfer(e["enc_pub"], e["pcrs"])
        attest.verify_certify(e["certify"], e["certify_sig"], modulus, key)
        s.worker.broker.close()
        s.kill()

    def test_every_session_has_a_transfer_key_of_its_own(self):
        keys = set()
        for _ in range(2):
            s = self.session("TLS_PASSWORD").start()
            keys.add(s.evidence()["enc_pub"])
            s.kill()
        self.assertEqual(len(keys), 2)

    def test_rotation_serves_the_password_alone(self):
        s = self.session("TLS_CERT", "TLS_PASSWORD", store_id=None,
                         marker=None, layout=None, generation=None)
        s.released(self.master, self.stored[:1])
        sealed = s.ask("tls")
        self.assertEqual(sealed, bytes([len(PASSWORD)]) +
                         PASSWORD.encode().ljust(128, b"\0"))
        self.ends(s, "OK")

    def test_old_layout_opens_with_every_hash(self):
        shares = [("OLD_KEY", i, self.master.wrap(one.hex() if i % 2 else
                                                  base64.b64encode(one)))
                  for i, one in enumerate(SHARES)]
        for enc in (1, 2, 3):
            with self.subTest(enc=enc):
                s = self.session("TLS_PASSWORD", "STORAGE_KEY", "BUNDLE",
                                 "OLD_KEY")
                s.released(self.master, self.stored + shares, enc)
                self.assertEqual(s.ask("render"), STORAGE)
                s.ask("tls")
                threshold, got, token = sp.keyset_parse(s.ask("unseal"))
                self.assertEqual((threshold, got, token), (5, SHARES, ""))
                self.ends(s, "T_FINAL")
                self.assertEqual(s.worker.said, [])

    def test_final_bundle_is_handed_over(self):
        s = self.session("BUNDLE", "OLD_KEY", "TLS_PASSWORD", marker=2,
                         generation_known=1)
        s.released(self.master, self.stored[:1] + [
            ("BUNDLE", 0, self.master.bundle(FINAL_SET, GEN, tb.FINAL))])
        s.ask("tls")
        self.assertEqual(s.ask("unseal"), FINAL_SET)
        self.ends(s, "T_FINAL")
        self.assertEqual(s.worker.said, [])

    def test_fresh_bundle_becomes_a_final_one(self):
        s = self.session("BUNDLE", "OLD_KEY", "TLS_PASSWORD", marker=1)
        s.released(self.master, self.stored[:1] + [
            ("BUNDLE", 0, self.master.bundle(FRESH_SET, GEN, tb.FRESH))])
        s.ask("tls")
        self.assertEqual(s.ask("unseal"), FRESH_SET)
        self.ends(s, "T_FRESH")
        [raw] = s.said("BUNDLE")
        self.assertEqual(self.master.open_bundle(raw),
                         (tb.FINAL, GEN, FINAL_SET))

    def test_first_life_makes_a_fresh_bundle(self):
        s = self.session("BUNDLE", "OLD_KEY", may_init=1)
        s.released(self.master, [])
        s.give_keys(FRESH_SET)
        self.ends(s, "T_MADE")
        [raw] = s.said("BUNDLE")
        self.assertEqual(self.master.open_bundle(raw),
                         (tb.FRESH, GEN, FRESH_SET))

    def test_init_beside_render_for_a_remote_store(self):
        s = self.session("BUNDLE", "OLD_KEY", "STORAGE_KEY", may_init=1)
        s.released(self.master, self.stored[1:])
        self.assertEqual(s.ask("render"), STORAGE)
        s.give_keys(FRESH_SET)
        self.ends(s, "T_MADE")

    def test_hung_up_receivers_are_passed_over(self):
        s = self.session("BUNDLE", "TLS_PASSWORD", "STORAGE_KEY", marker=2)
        s.ends["tls_pub"].close()
        s.ends["render_pub"].close()
        s.released(self.master, self.stored + [
            ("BUNDLE", 0, self.master.bundle(FINAL_SET, GEN, tb.FINAL))])
        self.assertEqual(s.ask("unseal"), FINAL_SET)
        self.ends(s, "T_FINAL")

    def test_large_master_keys(self):
        for bits in (3072, 4096):
            with self.subTest(bits=bits):
                big = tb.Master(bits)
                s = self.session("BUNDLE", pin=big.pin, marker=2)
                s.released(big, [("BUNDLE", 0, big.bundle(FINAL_SET, GEN,
                                                          tb.FINAL))])
                self.assertEqual(s.ask("unseal"), FINAL_SET)
                self.ends(s, "T_FINAL")

    def test_what_others_left_in_the_tpm_is_flushed(self):
        left = tb.leave_objects(self.machine)
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        self.assertIn(("TPM_FLUSHED", left, 0, 0, 0), s.worker.events)
        s.kill()


if __name__ == "__main__":
    unittest.main()
