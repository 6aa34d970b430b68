# SPDX-License-Identifier: Apache-2.0
"""control against the real server: first life, later lives, configuration."""

import os
import sys
import unittest

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from control_case import (CONFIG, KV, POLICY, REVOKE, Real,  # noqa: E402
                          jwe_open)
from control_rig import Between, init, look, unseal  # noqa: E402


class Look(Real):
    def test_says_uninitialised_then_initialised_then_unsealed(self):
        w = look(self.bao.connect())
        self.assertEqual((w.outcome, w.notes), ("L_UNINIT", []))
        self.assertEqual(w.events, [("LOOKED", 501, 0, 0, 0)])
        self.born()
        self.assertEqual(look(self.bao.connect()).outcome, "L_INIT")
        self.bao.unseal(self.shares[:3])
        self.assertEqual(look(self.bao.connect()).outcome, "L_UNSEALED")

    def test_refuses_another_storage_than_configured(self):
        w = look(self.bao.connect(), storage="raft")
        self.assertEqual(w.outcome, "SERVER_API")
        self.assertEqual(w.notes, ["the storage is pebbledb, not raft"])


class FirstLife(Real):
    def test_hands_out_a_set_that_unseals(self):
        self.born()
        self.assertEqual({len(s) for s in self.shares}, {33})
        self.bao.unseal(self.shares[1:4])
        self.assertEqual(self.bao.call("GET", "sys/health")[0], 200)
        self.assertIn("root", self.get("auth/token/lookup-self",
                                       self.token)["policies"])

    def test_one_share_of_one(self):
        self.born(1, 1)
        self.assertEqual(len(self.shares[0]), 32)
        self.assertEqual(self.unsealed(self.fresh).outcome, "OK")

    def test_sixteen_shares_of_sixteen(self):
        self.born(16, 16)
        self.assertEqual(self.unsealed(self.fresh).outcome, "OK")

    def test_initialises_nothing_twice(self):
        self.born()
        w = init(self.bao.connect())
        self.assertEqual((w.outcome, w.keys), ("SERVER_API", None))

    def test_initialises_nothing_before_tpm_showed_its_key(self):
        w = init(self.bao.connect(), pub=False)
        self.assertEqual((w.outcome, w.keys), ("PROTOCOL", None))
        self.assertEqual(look(self.bao.connect()).outcome, "L_UNINIT")

    def test_refuses_numbers_that_no_server_takes(self):
        for n, t in ((0, 0), (5, 6), (17, 3), (3, 0)):
            w = init(self.bao.connect(), n, t)
            self.assertEqual(w.outcome, "INTERNAL", (n, t))
        self.assertEqual(look(self.bao.connect()).outcome, "L_UNINIT")


class Unseal(Real):
    def test_closes_the_root_token_and_leaves_no_other(self):
        self.born()
        w = self.unsealed(self.fresh, CONFIG)
        self.assertEqual((w.outcome, w.said), ("OK", []))
        self.assertEqual(self.bao.call("GET", "auth/token/lookup-self",
                                       token=self.token)[0], 403)
        self.assertEqual(len(self.accessors(self.root())), 1)

    def test_a_later_life_says_nothing_at_all(self):
        self.born()
        self.bao.restart()
        w = self.unsealed(self.final, CONFIG)
        self.assertEqual((w.outcome, w.said, w.events, w.notes),
                         ("OK", [], [], []))

    def test_the_operator_opens_what_is_left_for_him(self):
        key = rsa.generate_private_key(65537, 2048)
        der = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.born()
        w = self.unsealed(self.fresh, [("TAG_OPERATOR_KEY", der), KV])
        self.assertEqual(w.outcome, "OK")
        self.assertEqual([n for n, _ in w.said], ["JWE"])
        self.assertEqual(jwe_open(key, w.said[0][1]), self.token)
        self.assertIn("root", self.get("auth/token/lookup-self",
                                       self.token)["policies"])
        # the store of it failed: the next boot does the same again
        self.bao.restart()
        w = self.unsealed(self.fresh, [("TAG_OPERATOR_KEY", der)])
        self.assertEqual(jwe_open(key, w.said[0][1]), self.token)
        # it is dead: it was closed, there is nothing to leave
        self.bao.call("POST", "auth/token/revoke-self", token=self.token)
        self.bao.restart()
        w = self.unsealed(self.fresh, [("TAG_OPERATOR_KEY", der)])
        self.assertEqual((w.outcome, w.said), ("OK", []))

    def test_a_fresh_set_needs_a_decision_about_its_token(self):
        self.born()
        w = self.unsealed(self.fresh, [])
        self.assertEqual(w.outcome, "NO_WAY_IN")
        self.assertEqual(look(self.bao.connect()).outcome, "L_INIT")

    def test_shares_of_another_store(self):
        self.born()
        other = [os.urandom(33) for _ in range(5)]
        self.assertEqual(self.unsealed(sp.keyset(3, other)).outcome,
                         "NOT_THESE")
        self.assertEqual(look(self.bao.connect()).outcome, "L_INIT")
        self.assertEqual(self.unsealed(self.final).outcome, "OK")

    def test_too_few_shares(self):
        self.born()
        self.assertEqual(self.unsealed(sp.keyset(2, self.shares[:2])).outcome,
                         "NOT_THESE")

    def test_a_share_that_is_there_twice(self):
        self.born()
        twice = [self.shares[0]] * 2 + self.shares[1:3]
        self.assertEqual(self.unsealed(sp.keyset(3, twice)).outcome, "OK")
        self.bao.restart()
        few = [self.shares[0]] * 4 + [self.shares[1]]
        self.assertEqual(self.unsealed(sp.keyset(3, few)).outcome,
                         "NOT_THESE")

    def test_unsealed_by_somebody_else(self):
        self.born()
        self.bao.unseal(self.shares[:3])
        self.assertEqual(self.unsealed(self.final).outcome, "PROOF")

    def test_an_uninitialised_server(self):
        self.assertEqual(self.unsealed(
            sp.keyset(1, [os.urandom(32)])).outcome, "SERVER_API")

    def test_shares_that_were_altered_on_the_way(self):
        self.born()
        w = self.unsealed(self.final, mangle=lambda m: m[:-1] +
                          bytes([m[-1] ^ 1]))
        self.assertEqual(w.outcome, "PROTOCOL")
        self.assertEqual(self.unsealed(
            self.final, mangle=lambda m: None).outcome, "PROTOCOL")
        bad = bytearray(self.final)
        bad[3] = 1
        self.assertEqual(self.unsealed(bytes(bad)).outcome, "PROTOCOL")


class Configuration(Real):
    def again(self, config):
        self.bao.restart()
        return self.unsealed(self.final, config)

    def test_is_brought_back_after_it_was_changed_by_hand(self):
        self.born()
        self.assertEqual(self.unsealed(self.fresh, CONFIG).outcome, "OK")
        t = self.root()
        policy = self.get("sys/policies/acl/enclave", t)["policy"]
        call = self.bao.call
        call("PUT", "sys/policies/acl/enclave",
             {"policy": 'path "*" { capabilities = ["sudo"] }'}, t)
        call("POST", "sys/mounts/anjuna/tune",
             {"max_lease_ttl": "9h", "description": "x"}, t)
        call("POST", "auth/up/users/bob", {"token_policies": "root-like",
                                           "password": "stolen"}, t)
        call("POST", "anjuna/motd", {"text": "defaced"}, t)
        call("DELETE", "sys/auth/up2", None, t)
        self.assertEqual(self.again(CONFIG).outcome, "OK")
        t = self.root()
        self.assertEqual(self.get("sys/policies/acl/enclave", t)["policy"],
                         policy)
        mount = self.get("sys/mounts/anjuna", t)
        self.assertEqual(mount["config"]["max_lease_ttl"], 7200)
        self.assertEqual(mount["description"], "data")
        bob = self.get("auth/up/users/bob", t)
        self.assertEqual(sorted(bob["token_policies"]),
                         ["default", "enclave"])
        self.assertEqual(bob["token_ttl"], 3600)
        self.assertEqual(self.get("anjuna/motd", t), {"text": "hello"})
        self.assertEqual(call("POST", "auth/up/login/bob",
                              {"password": "pw"})[0], 200)

    def test_is_not_written_where_it_is_right(self):
        self.born()
        self.assertEqual(self.unsealed(self.fresh, CONFIG).outcome, "OK")
        self.bao.restart()
        b = Between(self.bao.connect(), lambda *a: None)
        config = REVOKE + [KV, POLICY, ("TAG_AUDIT", [
            ("C_PATH", "main"), ("C_TYPE", "file"),
            ("C_OPTION", "file_path=%s/audit.log" % self.bao.dir)])]
        self.assertEqual(unseal(b.theirs, self.final, config).outcome, "OK")
        self.assertEqual([p for p in b.seen if p[0] != "GET" and
                          "unseal" not in p[1] and
                          "generate-root" not in p[1]],
                         [("POST", "auth/token/revoke-self")])

    def test_what_the_server_refuses_is_an_error(self):
        self.born()
        self.assertEqual(self.unsealed(self.fresh, CONFIG).outcome, "OK")
        for bad in (
                ("TAG_MOUNT", [("C_PATH", "anjuna"), ("C_TYPE", "pki")]),
                ("TAG_MOUNT", [("C_PATH", "x"), ("C_TYPE", "no-such")]),
                ("TAG_POLICY", [("C_PATH", "p"), ("C_TEXT", "path {{{")]),
                ("TAG_AUTH", [("C_PATH", "token"), ("C_TYPE", "userpass")]),
                ("TAG_AUTH", [("C_PATH", "up"), ("C_TYPE", "userpass"),
                              ("C_DATA", 'nowhere/x\t{"a":1}')]),
                ("TAG_PLUGIN", [("C_PATH", "p"), ("C_TYPE", "secret"),
                                ("C_COMMAND", "../bao"),
                                ("C_SHA256", "00" * 32)]),
                ("TAG_AUDIT", [("C_PATH", "other"), ("C_TYPE", "file"),
                               ("C_OPTION", "file_path=/tmp/x")]),
                ("TAG_AUDIT", [("C_PATH", "main"), ("C_TYPE", "file"),
                               ("C_OPTION", "file_path=/dev/null")]),
        ):
            self.assertEqual(self.again(REVOKE + [bad]).outcome, "CONFIGURE",
                             bad)
            # and no token of ours is left behind
            mine = self.root()
            self.assertEqual(len(self.accessors(mine)), 1)
            self.bao.call("POST", "auth/token/revoke-self", token=mine)

    def test_names_that_could_leave_their_place_are_not_sent(self):
        self.born()
        self.bao.restart()
        b = Between(self.bao.connect(), lambda *a: None)
        w = unseal(b.theirs, self.final, [("TAG_MOUNT", [
            ("C_PATH", "../policies/acl/x"), ("C_TYPE", "kv")])])
        self.assertEqual(w.outcome, "CONFIGURE")
        self.assertFalse([p for p in b.seen if ".." in p[1]])

    def test_a_kv_of_version_two_takes_its_data_at_once(self):
        self.born()
        w = self.unsealed(self.fresh, REVOKE + [("TAG_MOUNT", [
            ("C_PATH", "two/"), ("C_TYPE", "kv"), ("C_OPTION", "version=2"),
            ("C_DATA", 'data/x\t{"data":{"a":"b"}}')])])
        self.assertEqual(w.outcome, "OK")
        mine = self.root()
        self.assertEqual(self.get("two/data/x", mine)["data"], {"a": "b"})
        self.assertEqual(self.again(REVOKE + [("TAG_MOUNT", [
            ("C_PATH", "three"), ("C_TYPE", "kv"), ("C_VERSION", "2"),
            ("C_DATA", 'data/x\t{"data":{"a":"b"}}')])]).outcome, "OK")
        self.assertEqual(self.get("sys/mounts/three", mine)["options"],
                         {"version": "2"})


class NoGenerateRoot(Real):
    generate_root = False

    def test_the_first_life_is_configured_by_its_own_token(self):
        self.born()
        w = self.unsealed(self.fresh, [KV] + REVOKE)
        self.assertEqual((w.outcome, w.said), ("OK", []))
        self.assertEqual(self.bao.call("GET", "auth/token/lookup-self",
                                       token=self.token)[0], 403)
        self.bao.restart()
        self.assertEqual(self.unsealed(self.final, CONFIG).outcome, "OK")

    def test_its_configuration_was_written(self):
        key = rsa.generate_private_key(65537, 2048)
        der = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.born()
        w = self.unsealed(self.fresh, [KV, ("TAG_OPERATOR_KEY", der)])
        self.assertEqual(w.outcome, "OK")
        self.assertEqual(self.get("sys/mounts/anjuna", self.token)["type"],
                         "kv")


if __name__ == "__main__":
    unittest.main()
