# SPDX-License-Identifier: Apache-2.0
"""What sallyport-tpm must not do: each case breaks one rule, and names the
exit code that must come of it."""

import base64
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tpm_bench as tb  # noqa: E402
from tpm_case import (FINAL_SET, FRESH_SET, GEN, SHARES, STORAGE,  # noqa: E402
                      TpmCase)


class TheKey(TpmCase):
    """P2: the key is who it says."""

    def key_is(self, der, code, **config):
        s = self.session("TLS_PASSWORD", **config).start()
        s.evidence()
        s.token()
        s.wrapped(der)
        s.open(0)
        self.ends(s, code)

    def test_another_key_than_the_pinned(self):
        self.key_is(tb.Master().der, "PIN")

    def test_forged_private_half_under_the_pinned_public_half(self):
        self.key_is(tb.forged_key(self.master), "KEY_KIND")

    def test_forged_private_half_without_a_pin(self):
        self.key_is(tb.forged_key(self.master), "KEY_KIND", pin=None)

    def test_keys_of_another_kind(self):
        for der in (os.urandom(1200), b"\x30\x00", self.master.der[:-1],
                    self.master.der + b"\0", tb.Master(1024).der):
            self.key_is(der, "KEY_KIND")

    def test_any_key_is_taken_without_a_pin(self):
        other = tb.Master()
        s = self.session("TLS_PASSWORD", pin=None)
        s.released(other, [("TLS_PASSWORD", 0, other.wrap("pw"))])
        s.ask("tls")
        self.ends(s, "OK")


class TheWrapping(TpmCase):
    def wrapping(self, code, body=None, **how):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        if body is None:
            s.wrapped(self.master.der, **how)
        else:
            s.wrapped_raw(body)
        s.open(0)
        self.ends(s, code)

    def test_another_hash_than_the_signed_one(self):
        self.wrapping("UNWRAP", enc=1, says=2)
        self.wrapping("UNWRAP", enc=2, says=3)

    def test_a_hash_that_is_none(self):
        self.wrapping("PROTOCOL", says=4)

    def test_an_aes_key_of_another_size(self):
        self.wrapping("UNWRAP", kek_bytes=16)

    def test_bytes_that_no_key_was_wrapped_to(self):
        self.wrapping("UNWRAP", b"\2" + os.urandom(256) + b"\0\x18" +
                      os.urandom(24))

    def test_length_that_does_not_fit(self):
        self.wrapping("UNWRAP", b"\2" + os.urandom(256) + b"\0\x17" +
                      os.urandom(24))  # the OAEP part fails first

    def test_damaged_key_wrap(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        sent = []
        s.wrapped_raw, real = sent.append, s.wrapped_raw
        s.wrapped(self.master.der)
        body = bytearray(sent[0])
        body[-1] ^= 1
        real(bytes(body))
        self.ends(s, "UNWRAP")


class TheToken(TpmCase):
    """P8: one encrypted token per session; its failures look alike."""

    def token_is(self, **how):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.enc_token(b"e30." * 20, **how)
        self.ends(s, "TOKEN")
        self.assertEqual(s.worker.said, [])
        return [e[0] for e in s.worker.events if e[0] != "TPM_FLUSHED"]

    def test_all_failures_look_alike(self):
        def flip(part, at):
            def spoil(*parts):
                parts = [bytearray(p) for p in parts]
                parts[part][at] ^= 1
                return tuple(bytes(p) for p in parts)
            return spoil

        def other_inner(iv, sealed, inner):
            return iv, sealed, os.urandom(256)

        def short_inner(iv, sealed, inner):
            return iv, sealed, self.live.transfer.encrypt(
                os.urandom(31), tb.padding.PKCS1v15())
        seen = [self.token_is(aad=b"Transport key")]
        for spoil in (flip(0, 0), flip(1, 0), flip(1, -1), flip(2, 5),
                      other_inner, short_inner):
            seen.append(self.token_is(spoil=spoil))
        for one in seen:
            self.assertEqual(one, ["SECRETMEM", "EVIDENCE"])

    def test_a_second_token(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        s.enc_token(b"e30." * 20)
        self.ends(s, "PROTOCOL")

    def test_a_key_before_the_supervisors_word(self):
        """P1 does not rest on the broker: neither a pipe that says nothing
        nor one whose supervisor is gone is the word."""
        for dead in (False, True):
            s = self.session("TLS_PASSWORD").start()
            s.evidence()
            s.token()
            if dead:
                s.hush()
            s.key_alone(s.key_body(self.master.der))
            self.ends(s, "PROTOCOL")

    def test_a_token_cut_short(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.worker.broker.send("ENC_TOKEN", os.urandom(320))
        self.ends(s, "TOKEN")


class TheContent(TpmCase):
    """P5: what the deployer wrote is an attacker's text until checked."""

    def content(self, slot, text, code="BLOB_CONTENT"):
        s = self.session(slot)
        s.released(self.master, [(slot, 0, self.master.wrap(text))])
        self.ends(s, code)

    def test_passwords(self):
        for text in (b"x" * 129, b"line\n", b"tab\t", b"\x7f", b"nul\0",
                     "pass\u00e9"):
            self.content("TLS_PASSWORD", text)
        self.content("TLS_PASSWORD", b"", "BLOB")

    def test_storage_keys(self):
        good = base64.b64encode(STORAGE).decode()
        for text in (base64.b64encode(STORAGE[:63]), good + "\n",
                     base64.b64encode(STORAGE + b"x"), STORAGE,
                     good[:-3] + "h==", good.replace(good[5], "*"),
                     " " + good[1:], STORAGE.hex()):
            self.content("STORAGE_KEY", text)

    def test_shares(self):
        for text in (SHARES[0], SHARES[0].hex()[:-1], SHARES[0].hex() + "\n",
                     base64.b64encode(SHARES[0][:31]),
                     base64.b64encode(SHARES[0] + b"x"), "g" * 66, "=" * 44):
            self.shares([text])

    def shares(self, texts):
        s = self.session("BUNDLE", "OLD_KEY")
        s.released(self.master, [("OLD_KEY", i, self.master.wrap(text))
                                 for i, text in enumerate(texts)])
        self.ends(s, "BLOB_CONTENT")

    def test_shares_of_two_lengths(self):
        self.shares([SHARES[0].hex(), SHARES[1][:32].hex()])

    def test_wrapped_to_another_key(self):
        other = tb.Master()
        s = self.session("TLS_PASSWORD")
        s.released(self.master, [("TLS_PASSWORD", 0, other.wrap("pw"))])
        self.ends(s, "BLOB")

    def test_wrapped_with_another_hash(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, [("TLS_PASSWORD", 0, self.master.wrap(
            "pw", tb.hashes.SHA1))])
        self.ends(s, "BLOB")

    def test_nothing_is_handed_over_before_all_is_open(self):
        s = self.session("TLS_PASSWORD", "BUNDLE", marker=2)
        key = tb.X25519PrivateKey.generate()
        s.ends["tls_pub"].send("SEAL_PUB", tb.sp.raw_pub(key.public_key()))
        s.released(self.master, self.stored[:1] + [
            ("BUNDLE", 0, os.urandom(780))])
        self.assertEqual(s.worker.finish(), "BLOB")
        with self.assertRaises(tb.sp.Hangup):
            s.ends["tls"].recv()
        s.close()
        self.live = None


class TheTable(TpmCase):
    """DESIGN section 7, through the process (all rows: the unit test)."""

    def table(self, code, bundles=(), old=(), **config):
        s = self.session("BUNDLE", "OLD_KEY", **config)
        s.released(self.master, [
            ("BUNDLE", i, b) for i, b in enumerate(bundles)] + [
            ("OLD_KEY", i, self.master.wrap(b.hex()))
            for i, b in enumerate(old)])
        if code.startswith("T_"):
            self.handed = s.ask("unseal")
        self.ends(s, code)

    def final(self, generation=GEN, **more):
        return self.master.bundle(FINAL_SET, generation, tb.FINAL, **more)

    def fresh(self, generation=GEN, **more):
        return self.master.bundle(FRESH_SET, generation, tb.FRESH, **more)

    def test_nothing(self):
        self.table("TPM_STATE", marker=2)
        self.table("TPM_STATE", marker=2, may_init=1)
        self.table("TPM_STATE", marker=0)

    def test_prepared_takes_its_own_fresh_bundle_alone(self):
        self.table("TPM_STATE", [self.final()], marker=1)
        self.table("TPM_STATE", [self.fresh(os.urandom(16))], marker=1)
        self.table("T_FRESH", [self.final(), self.fresh()], marker=1)

    def test_known_generation(self):
        other = self.final(os.urandom(16))
        self.table("TPM_STATE", [other], marker=2, generation_known=1)
        self.table("T_FINAL", [other], marker=2, generation_known=0)

    def test_old_keys_are_refused_where_a_marker_is(self):
        self.table("TPM_STATE", old=SHARES, marker=2)
        self.table("TPM_STATE", old=SHARES, marker=1, may_init=1)
        self.table("TPM_STATE", old=SHARES, layout=1)
        self.table("T_FINAL", old=SHARES)

    def test_bundle_beside_old_keys_wins(self):
        self.table("T_FINAL", [self.final()], SHARES)
        self.assertEqual(self.handed, FINAL_SET)

    def test_bundles_that_do_not_open(self):
        good = self.final()
        for at in (0, 5, 6, 7, 8, 24, 56, 87, 88, 763, 764, 779):
            bad = bytearray(good)
            bad[at] ^= 1
            self.table("BLOB", [bytes(bad)], marker=2)
        self.table("BLOB", [self.final(store="pebbledb:/other")], marker=2)
        self.table("BLOB", [tb.Master().bundle(FINAL_SET, GEN, tb.FINAL)])
        self.table("BLOB", [good[:-1]])
        self.table("BLOB", [good + b"\0"], SHARES)

    def test_kind_and_token_belong_together(self):
        self.table("BLOB", [self.master.bundle(FRESH_SET, GEN, tb.FINAL)])
        self.table("BLOB", [self.master.bundle(FINAL_SET, GEN, tb.FRESH)])

    def test_an_older_one_is_taken_where_the_newest_does_not_open(self):
        self.table("T_FINAL", [os.urandom(780), b"junk", self.final()])

    def test_skip(self):
        first = self.final()
        self.table("T_FRESH", [first, b"junk", self.fresh()], skip=1)
        self.table("TPM_STATE", [first], skip=1)

    def test_final_beats_a_fresh_one_of_its_generation(self):
        # made within one second, their order in the key vault is chance
        self.table("T_FINAL", [self.fresh(), self.final()])
        self.table("T_FINAL", [self.fresh(), b"junk", self.final()])
        self.table("T_FRESH", [self.fresh(),
                               self.final(generation=os.urandom(16))])

    def test_init_hands_out_nonsense(self):
        for bad in (FINAL_SET, b"\0" * 676, os.urandom(676)):
            s = self.session("BUNDLE", "OLD_KEY", may_init=1)
            s.released(self.master, [])
            s.give_keys(bad)
            self.ends(s, "PROTOCOL")


class TheOrder(TpmCase):
    def test_blobs_outside_the_plan(self):
        for slot, age in (("STORAGE_KEY", 0), ("TLS_CERT", 0),
                          ("TLS_PASSWORD", 1), ("BUNDLE", 4)):
            s = self.session("TLS_PASSWORD", "TLS_CERT", "BUNDLE", marker=2)
            s.released(self.master, [(slot, age, b"x" * 256)])
            self.ends(s, "PROTOCOL")

    def test_the_same_blob_twice(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, 2 * self.stored[:1])
        self.ends(s, "PROTOCOL")

    def test_a_blob_that_is_missing(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, [])
        self.ends(s, "PROTOCOL")

    def test_another_count(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        s.wrapped(self.master.der)
        s.open(1)
        self.ends(s, "PROTOCOL")

    def test_wrapped_key_twice(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        s.wrapped(self.master.der)
        s.wrapped(self.master.der)
        self.ends(s, "PROTOCOL")

    def test_wrapped_key_instead_of_token(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.wrapped(self.master.der)
        self.ends(s, "PROTOCOL")

    def test_broker_hangs_up(self):
        for step in range(3):
            s = self.session("TLS_PASSWORD").start()
            s.evidence()
            if step:
                s.token()
            if step > 1:
                s.wrapped(self.master.der)
            s.worker.broker.sock.shutdown(tb.socket.SHUT_RDWR)
            self.assertEqual(tb.sp.EXIT_NAME[tb.sp.wait(s.worker.pid)],
                             "PROTOCOL")
            s.worker.code = 0
            s.kill()

    def test_broker_speaks_after_open(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, self.stored[:1])
        s.blob("TLS_PASSWORD", b"x" * 256, 0)
        self.ends(s, "PROTOCOL")

    def test_deadline(self):
        s = self.session("TLS_PASSWORD", deadline_ms=1500).start()
        s.evidence()
        self.ends(s, "DEADLINE")

    def test_deadline_while_serving(self):
        s = self.session("TLS_PASSWORD", deadline_ms=2500)
        s.released(self.master, self.stored[:1])
        self.ends(s, "DEADLINE")

    def test_a_useless_public_key(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, self.stored[:1])
        s.ends["tls_pub"].send("SEAL_PUB", bytes(32))
        self.ends(s, "PROTOCOL")

    def test_configuration_without_a_plan(self):
        for leave_out in ("marker", "layout", "store_id"):
            s = self.session("BUNDLE", **{leave_out: None})
            self.ends(s, "PROTOCOL")


if __name__ == "__main__":
    unittest.main()
