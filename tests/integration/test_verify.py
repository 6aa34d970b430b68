# SPDX-License-Identifier: Apache-2.0
"""sallyport-verify as a whole, under its real filter: the right answer, every
hostile variant that the emulator knows, and a broken session."""

import hashlib
import os
import struct
import sys
import types
import unittest

from cryptography.hazmat.primitives import serialization

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "emulator"))
import spframe as sp  # noqa: E402
from ports import free_uids  # noqa: E402
from azemu import akv_spoil, jose, pki_web  # noqa: E402
from azemu.akv_release import std_b64  # noqa: E402
from azemu.web import compact  # noqa: E402

BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(sp.ROOT, "build"))
VERIFY = os.path.join(BUILD, "attest-worker", "sallyport-verify")
UID = free_uids(1)
HOST = "myvault.vault.azure.net"
KEY = "https://%s/keys/master" % HOST
VERSION = "0123456789abcdef" * 2
NONCE = {2: "ab" * 32, 3: "cd" * 32}
NAME = {1: "CKM_RSA_AES_KEY_WRAP", 2: "RSA_AES_KEY_WRAP_256",
        3: "RSA_AES_KEY_WRAP_384"}

CHAIN = ("bad_signature alg_none alg_hs256 wrong_root wrong_san expired_leaf "
         "future_leaf leaf_only swapped_chain wrong_thumbprint").split()
WRONG = ("other_vault other_key other_nonce no_nonce other_enc "
         "ciphertext_empty ciphertext_short ciphertext_head "
         "ciphertext_odd").split()
# what verify cannot see: only who holds the transfer key can
UNSEEN = ("wrong_private forged_private no_private not_pkcs8 ec_key "
          "wrapped_damaged oaep_damaged").split()


def small_pki():
    """The emulator's signers with keys that are quick to make."""
    keys = [pki_web.new_rsa(2048) for _ in range(3)]
    p = types.SimpleNamespace(keys={"akv-root": keys[0],
                                    "akv-intermediate": keys[1],
                                    "akv-leaf": keys[2]})
    p.akv_root = pki_web.build(pki_web.name("Root"), keys[0], ca=-1)
    p.akv_intermediate = pki_web.build(pki_web.name("Issuing"), keys[1],
                                       p.akv_root, keys[0], ca=0)
    p.akv_signer = types.MethodType(pki_web.WebPki.akv_signer, p)
    p.akv_leaf = p.akv_signer(akv_spoil.SAN)
    return p


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = small_pki()
        cls.master = pki_web.new_rsa(2048).public_key()
        spki = cls.master.public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        cls.pin = hashlib.sha256(spki).digest()
        cls.wrapped = os.urandom(256 + 1232)

    def answer(self, mutate=None, enc=2, key=KEY, version=VERSION, **more):
        """What the emulator's key vault would sign."""
        n = self.master.public_numbers()
        hsm = {"schema_version": "1.0",
               "header": {"kid": "TpmEphemeralEncryptionKey", "alg": "dir",
                          "enc": NAME[enc]},
               "ciphertext": jose.b64u(akv_spoil.ciphertext(
                   mutate, self.wrapped))}
        jwk = {"kid": "%s/%s" % (KEY, version), "kty": "RSA-HSM",
               "key_ops": ["encrypt"], "n": jose.b64u(jose.int_bytes(n.n)),
               "e": "AAEAAQ", "key_hsm": jose.b64u(compact(hsm))}
        payload = {"request": {"api-version": "7.4", "enc": NAME[enc],
                               "kid": key, "nonce": NONCE.get(enc, "ab" * 32)},
                   "response": {"key": {"key": jwk, "attributes": {}}},
                   **more}
        chain = [self.pki.akv_leaf, self.pki.akv_intermediate,
                 self.pki.akv_root]
        chain, signer = akv_spoil.signer(mutate, self.pki, chain,
                                         self.pki.keys["akv-leaf"])
        header = {"alg": "RS256",
                  "kid": pki_web.thumbprint(chain[0]).hex().upper(),
                  "x5t": jose.b64u(pki_web.thumbprint(chain[0])),
                  "typ": "JWT", "x5t#S256": jose.b64u(
                      pki_web.thumbprint(chain[0], "sha256")),
                  "x5c": [std_b64(pki_web.der(c)) for c in chain]}
        akv_spoil.members(mutate, header, payload)
        return akv_spoil.token(mutate, jose.sign_rs256(header, payload,
                                                       signer)).encode()

    def worker(self, key=KEY, roots=None, **kw):
        config = [("TAG_KEY_URL", key), ("TAG_AKV_HOST", HOST)]
        config += [("TAG_ENC", bytes([e]) + NONCE[e].encode()) for e in (2, 3)]
        config += [("TAG_ROOT", pki_web.der(r))
                   for r in (roots or [self.pki.akv_root])]
        return sp.Worker(VERIFY, [], config, uid=UID, **kw)

    def ask(self, jws, **kw):
        w = self.worker(**kw).start()
        w.broker.send("RELEASE_JWS", jws)
        w.outcome = w.finish()
        return w

    def test_right_answer_gives_pin_and_ciphertext(self):
        for enc in (2, 3):
            w = self.ask(self.answer(enc=enc))
            self.assertEqual((w.outcome, w.notes), ("OK", []))
            self.assertEqual([name for name, _ in w.said], ["WRAPPED_KEY"])
            body = w.said[0][1]
            self.assertEqual(body, bytes([enc]) + self.wrapped[:256] +
                             struct.pack(">H", 1232) + self.wrapped[256:])
            self.assertEqual(w.events[0], ("KEY_PIN",) +
                             struct.unpack(">4Q", self.pin))
            self.assertEqual(w.events[1][0], "VERIFIED")

    def test_versioned_key_wants_its_version(self):
        key = KEY + "/" + VERSION
        w = self.ask(self.answer(key=key), key=key)
        self.assertEqual(w.outcome, "OK")
        w = self.ask(self.answer(key=key, version="f" * 32), key=key)
        self.assertEqual(w.outcome, "ANSWER_WRONG")

    def refused(self, mutate, code):
        w = self.ask(self.answer(mutate))
        self.assertEqual((mutate, w.outcome), (mutate, code))
        self.assertEqual((w.said, w.events), ([], []))
        self.assertEqual(len(w.notes), 1)
        self.assertTrue(w.notes[0].startswith("release answer: "))

    def test_chain_and_signature_variants_are_refused(self):
        for mutate in CHAIN:
            self.refused(mutate, "ANSWER_CHAIN")

    def test_answers_to_another_question_are_refused(self):
        for mutate in WRONG:
            self.refused(mutate, "ANSWER_WRONG")

    def test_variants_inside_the_ciphertext_are_not_its_business(self):
        for mutate in ("wrapped_damaged", "oaep_damaged"):
            self.assertEqual(self.ask(self.answer(mutate)).outcome, "OK")

    def test_every_variant_of_the_emulator_has_its_place(self):
        known = set(CHAIN + WRONG + UNSEEN) | {"ciphertext_huge"}
        self.assertEqual(set(akv_spoil.VARIANTS) - known, set())

    def test_algorithm_not_asked_for_is_refused(self):
        self.assertEqual(self.ask(self.answer(enc=1)).outcome, "ANSWER_WRONG")

    def test_garbage_is_refused(self):
        good = self.answer()
        for jws in (b"." * 64, b"A" * 65000, bytes(64), good[:-1], good + b"A",
                    good.replace(b".", b"..", 1), b"e30.e30." + b"A" * 64):
            self.assertEqual(self.ask(jws).outcome, "ANSWER_CHAIN")

    def test_a_signed_answer_of_very_many_pieces_is_read(self):
        """It wants more memory than was warmed: the heap grows."""
        w = self.ask(self.answer(more=[[]] * 6000))
        self.assertEqual(w.outcome, "OK")

    def test_message_out_of_bounds_or_order_ends_it(self):
        self.assertEqual(self.ask(b"A" * 63).outcome, "PROTOCOL")
        self.assertEqual(self.ask(b"A" * 65001).outcome, "PROTOCOL")
        w = self.worker().start()
        w.broker.send("START")
        self.assertEqual(w.finish(), "PROTOCOL")

    def test_hang_up_and_deadline_end_it(self):
        w = self.worker().start()
        w.broker.sock.shutdown(1)
        self.assertEqual(w.finish(), "PROTOCOL")
        w = self.worker(deadline_ms=50).start()
        self.assertEqual(w.finish(), "DEADLINE")

    def test_unusable_config_is_an_internal_error(self):
        w = self.worker(key="https://x/secrets/y")
        self.assertEqual(w.finish(), "INTERNAL")
        w = self.worker(roots=[self.pki.akv_intermediate])
        self.assertEqual(w.finish(), "INTERNAL")


if __name__ == "__main__":
    unittest.main()
