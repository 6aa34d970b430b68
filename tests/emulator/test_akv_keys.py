# SPDX-License-Identifier: Apache-2.0
"""Keys, release policies and certificates of the emulated key vault, against
the reference and the recorded bodies of the real one."""

import base64
import json
import unittest

from support import (MISSING, WithBench, key_body, policy, serialization,
                     shape, vector)

from cryptography.hazmat.primitives.serialization import pkcs12

from azemu import akv_policy, jose
from azemu.akv_release import transfer_key


class Policy(unittest.TestCase):
    """Grammar and evaluation of release policies."""

    CLAIMS = {"iss": "https://a.example", "b": True, "n": 3, "s": "x",
              "o": {"in": {"deep": "y"}, "list": ["z"]}}

    def allows(self, rules):
        stored = akv_policy.parse({"data": jose.b64u(json.dumps(
            rules).encode())})
        return akv_policy.allows(stored, self.CLAIMS)

    def one(self, name, value, **named):
        return self.allows(policy((name, value), authority=named.get(
            "authority", "https://a.example")))

    def test_values(self):
        self.assertTrue(self.one("b", "true"))
        self.assertTrue(self.one("b", True))
        self.assertFalse(self.one("b", "false"))
        self.assertTrue(self.one("n", 3))
        self.assertFalse(self.one("n", 4))
        self.assertTrue(self.one("s", "x"))
        self.assertFalse(self.one("s", "X"))

    def test_paths(self):
        self.assertTrue(self.one("o.in.deep", "y"))
        self.assertFalse(self.one("o.in", "y"))
        self.assertFalse(self.one("o.list", "z"))
        self.assertFalse(self.one("o.list.0", "z"))
        self.assertFalse(self.one("o.list", "['z']"))
        self.assertFalse(self.one("o.in", "{'deep': 'y'}"))
        self.assertFalse(self.one("missing", ""))

    def test_authority(self):
        self.assertTrue(self.one("s", "x", authority="https://a.example/"))
        self.assertFalse(self.one("s", "x", authority="https://a.example.b"))

    def test_groups(self):
        pair = (("s", "x"), ("n", 4))
        rules = policy(*pair, authority="https://a.example", kind="anyOf")
        self.assertTrue(self.allows(rules))
        rules = policy(*pair, authority="https://a.example")
        self.assertFalse(self.allows(rules))
        rules["anyOf"].append(policy(
            ("n", 3), authority="https://a.example")["anyOf"][0])
        self.assertTrue(self.allows(rules))
        rules["allOf"] = rules.pop("anyOf")
        self.assertFalse(self.allows(rules))

    def test_grammar(self):
        fine = policy(("s", "x"))
        for change in ({"version": None}, {"version": "2"}, {"anyOf": []},
                       {"anyOf": [{"authority": "https://a"}]},
                       {"anyOf": [{"allOf": [{"claim": "a", "equals": 1}]}]},
                       policy(("s", None)), policy(("s", ["x"])),
                       policy(("s", "x"), authority="http://a"),
                       {"extra": 1}):
            rules = {**fine, **change}
            if rules.get("version", 0) is None:
                del rules["version"]
            with self.assertRaises(akv_policy.err.AkvError, msg=str(rules)):
                akv_policy.canonical(rules)
        wrong = {"version": "1.0.0", "anyOf": [{
            "authority": "https://a", "allOf": [
                {"claim": "a", "condition": "equals", "value": "x"}]}]}
        with self.assertRaises(akv_policy.err.AkvError):
            akv_policy.canonical(wrong)

    def test_recorded_policy_and_token(self):
        created = vector("akv-create-7.4.response-body.json")
        token = vector("akv-release-7.4.target.jwt")
        if created is None:
            self.skipTest(MISSING)
        stored = json.loads(created)["release_policy"]
        claims = jose.read_unverified(token.decode().strip())[1]
        self.assertTrue(akv_policy.allows(stored, claims))
        self.assertEqual(transfer_key(claims)[0], "fake-release-key")
        claims["sdk-test"] = False
        self.assertFalse(akv_policy.allows(stored, claims))


class Keys(WithBench):
    """5.4 and 5.8."""

    def test_create_matches_recording(self):
        body = json.loads(self.recorded("akv-create-7.4.request-body.json"))
        want = json.loads(self.recorded("akv-create-7.4.response-body.json"))
        got = self.good("POST", "/keys/recorded/create", body)
        self.assertEqual(shape(got), shape(want))
        self.assertEqual(got["release_policy"], want["release_policy"])
        self.assertEqual(got["key"]["e"], "AAEAAQ")
        self.assertEqual(got["key"]["key_ops"], want["key"]["key_ops"])

    def test_skr_codes(self):
        url = "/keys/bad/create"
        answer = self.call("POST", url, key_body(release_policy=None))
        self.assertEqual(answer.body, self.recorded(
            "akv-400-skr-1004.response-body.json"))
        answer = self.call("POST", url, key_body(attributes={}))
        self.assertEqual(answer.body, self.recorded(
            "akv-400-skr-1005.response-body.json"))

        def code(body, **named):
            return self.refused(400, "BadParameter", "POST", url, body,
                                **named)["message"].split(":")[0]

        self.assertEqual(code(key_body(kty="RSA")), "AKV.SKR.1006")
        self.assertEqual(code(key_body(), api="7.2"), "AKV.SKR.1001")
        self.assertEqual(code({"kty": "oct"}),
                         "Property kty has invalid value")
        self.assertEqual(code(key_body(key_size=1024)),
                         "Invalid key size")
        self.assertEqual(self.call("GET", "/keys/bad").status, 404)

    def test_policy_change(self):
        self.good("POST", "/keys/change/create", key_body())
        new = {"release_policy": key_body(policy(("a", "b")))
               ["release_policy"]}
        got = self.good("PATCH", "/keys/change", new)
        self.assertIn(b'"claim":"a"', jose.unb64u(
            got["release_policy"]["data"]))
        version = got["key"]["kid"].rsplit("/", 1)[1]
        text = self.refused(400, "BadParameter", "PATCH",
                            "/keys/change/" + version, new)["message"]
        self.assertTrue(text.startswith("AKV.SKR.1016"))
        new["release_policy"]["immutable"] = True
        self.good("PATCH", "/keys/change", new)
        answer = self.call("PATCH", "/keys/change", new)
        self.assertEqual(answer.body, (
            b'{"error":{"code":"BadParameter","message":"AKV.SKR.1020: '
            b'Immutable Key Release Policy cannot be modified."}}'))
        text = self.refused(400, "BadParameter", "PATCH", "/keys/change", {
            "attributes": {"exportable": False}})["message"]
        self.assertTrue(text.startswith("AKV.SKR.1003"))

    def test_encrypt_and_permissions(self):
        self.good("POST", "/keys/crypt/create", key_body())
        value = jose.b64u(b"secret")
        for verb, back in (("encrypt", "decrypt"), ("wrapKey", "unwrapkey")):
            for alg in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
                out = self.good("POST", "/keys/crypt/%s" % verb,
                                {"alg": alg, "value": value})
                body = {"alg": alg, "value": out["value"]}
                version = out["kid"].rsplit("/", 1)[1]
                path = "/keys/crypt/%s/%s" % (version, back)
                self.assertEqual(self.good("POST", path, body)["value"],
                                 value)
                self.refused(403, "Forbidden", "POST", path, body,
                             identity="vm")
        body["value"] = jose.b64u(bytes(256))
        body["alg"] = "RSA-OAEP-256"
        self.refused(400, "BadParameter", "POST", "/keys/crypt/decrypt", body)
        for method, path in (("PATCH", "/keys/crypt"),
                             ("DELETE", "/keys/crypt"),
                             ("POST", "/keys/crypt/create")):
            self.refused(403, "Forbidden", method, path, key_body(),
                         identity="vm")

    def test_import_and_sign(self):
        own = self.bench.signer.private_numbers()
        jwk = {"kty": "RSA"}
        for name, value in (("n", own.public_numbers.n), ("e", 65537),
                            ("d", own.d), ("p", own.p), ("q", own.q),
                            ("dp", own.dmp1), ("dq", own.dmq1),
                            ("qi", own.iqmp)):
            jwk[name] = jose.b64u(jose.int_bytes(value))
        got = self.good("PUT", "/keys/brought", {"key": jwk})
        self.assertEqual((got["key"]["n"], got["key"]["e"]),
                         (jwk["n"], "AQAB"))
        digest = jose.b64u(bytes(32))
        for alg in ("RS256", "PS256"):
            sig = self.good("POST", "/keys/brought/sign",
                            {"alg": alg, "value": digest})["value"]
            body = {"alg": alg, "digest": digest, "value": sig}
            self.assertIs(self.good("POST", "/keys/brought/verify", body)
                          ["value"], True)
            body["digest"] = jose.b64u(b"\1" * 32)
            self.assertIs(self.good("POST", "/keys/brought/verify", body)
                          ["value"], False)
        jwk["q"] = jwk["p"]
        self.refused(400, "BadParameter", "PUT", "/keys/brought2",
                     {"key": jwk})

    def test_rotation(self):
        body = key_body()
        old = self.good("POST", "/keys/turned/create", body)
        new = self.good("POST", "/keys/turned/rotate")
        self.assertNotEqual(old["key"]["n"], new["key"]["n"])
        self.assertNotEqual(old["key"]["kid"], new["key"]["kid"])
        for part in ("release_policy", "tags"):
            self.assertEqual(old.get(part), new.get(part))
        self.assertTrue(new["attributes"]["exportable"])
        self.assertEqual(self.good("GET", "/keys/turned")["key"], new["key"])
        self.assertEqual(len(self.good(
            "GET", "/keys/turned/versions")["value"]), 2)
        self.refused(404, "KeyNotFound", "POST", "/keys/none/rotate")
        self.good("POST", "/keys/bent/create", {"kty": "EC", "crv": "P-384"})
        self.assertEqual(self.good("POST", "/keys/bent/rotate")
                         ["key"]["crv"], "P-384")

    def test_rotation_policy(self):
        self.good("POST", "/keys/timed/create", key_body())
        path = "/keys/timed/rotationpolicy"
        notify = {"trigger": {"timeBeforeExpiry": "P30D"},
                  "action": {"type": "Notify"}}
        got = self.good("GET", path)
        self.assertTrue(got["id"].endswith(path))
        self.assertEqual((got["lifetimeActions"], got["attributes"]),
                         ([notify], {}))
        mine = {"trigger": {"timeAfterCreate": "P2M"},
                "action": {"type": "Rotate"}}
        put = self.good("PUT", path, {"lifetimeActions": [mine],
                                      "attributes": {"expiryTime": "P90D"}})
        self.assertEqual(put["lifetimeActions"], [mine, notify])
        self.assertEqual(put["attributes"]["expiryTime"], "P90D")
        self.assertEqual(self.good("GET", path), put)
        for wrong in ({"trigger": {}, "action": {"type": "Rotate"}},
                      {"trigger": {"timeAfterCreate": "2 months"},
                       "action": {"type": "Rotate"}},
                      {"trigger": {"timeAfterCreate": "P2M"},
                       "action": {"type": "Burn"}}, "x"):
            self.refused(400, "BadParameter", "PUT", path,
                         {"lifetimeActions": [wrong]})
        self.refused(404, "KeyNotFound", "GET", "/keys/none/rotationpolicy")

    def test_nothing_deleted(self):
        for kind in ("secret", "key", "certificate"):
            error = self.refused(404, kind.capitalize() + "NotFound", "GET",
                                 "/deleted%ss/never" % kind)
            self.assertEqual(error["message"], "Deleted %s not found: never"
                             % kind.capitalize())

    def test_ec(self):
        got = self.good("POST", "/keys/curve/create",
                        {"kty": "EC", "crv": "P-384"})
        self.assertEqual(got["key"]["crv"], "P-384")
        digest = jose.b64u(bytes(48))
        sig = self.good("POST", "/keys/curve/sign",
                        {"alg": "ES384", "value": digest})["value"]
        self.assertEqual(len(jose.unb64u(sig)), 96)
        self.assertTrue(self.good("POST", "/keys/curve/verify", {
            "alg": "ES384", "digest": digest, "value": sig})["value"])

    def test_disabled(self):
        self.good("POST", "/keys/off/create", key_body())
        self.good("PATCH", "/keys/off", {"attributes": {"enabled": False}})
        error = self.refused(403, "Forbidden", "POST", "/keys/off/encrypt",
                             {"alg": "RSA-OAEP", "value": "AA"})
        self.assertEqual(error["innererror"]["code"], "KeyDisabled")


class Certificates(WithBench):
    """As far as clients need them."""

    def test_create(self):
        answer = self.call("POST", "/certificates/own/create", {"policy": {
            "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048},
            "x509_props": {"subject": "cn=apm.example, O=x", "sans": {
                "dns_names": ["apm.example"]}},
            "issuer": {"name": "Self"}}})
        self.assertEqual(answer.status, 202)
        self.assertEqual(self.good("GET", "/certificates/own/pending")
                         ["status"], "completed")
        bundle = self.good("GET", "/certificates/own")
        secret = self.good("GET", "/secrets/own")
        self.assertEqual(bundle["sid"], secret["id"])
        self.assertEqual((secret["contentType"], secret["managed"]),
                         ("application/x-pkcs12", True))
        key, cert, _ = pkcs12.load_key_and_certificates(
            base64.b64decode(secret["value"]), None)
        self.assertEqual(base64.b64decode(bundle["cer"]),
                         cert.public_bytes(serialization.Encoding.DER))
        jwk = self.good("GET", "/keys/own")["key"]
        self.assertEqual(jose.unint(jwk["n"]),
                         key.public_key().public_numbers().n)
        policy_got = self.good("GET", "/certificates/own/policy")
        self.assertEqual(policy_got["x509_props"]["ekus"],
                         ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"])
        self.assertEqual(policy_got["lifetime_actions"], [
            {"trigger": {"lifetime_percentage": 80},
             "action": {"action_type": "AutoRenew"}}])
        self.refused(409, "Conflict", "PUT", "/secrets/own", {"value": "x"})
        # What the secret holds can be imported again, under another name.
        self.good("POST", "/certificates/again/import",
                  {"value": secret["value"]})
        self.refused(400, "BadParameter", "POST",
                     "/certificates/again/import", {"value": "AAAA"})
        self.good("DELETE", "/certificates/own")
        self.refused(404, "SecretNotFound", "GET", "/secrets/own")
        self.wait(200, "GET", "/deletedcertificates/own")
        self.good("POST", "/deletedcertificates/own/recover")
        self.wait(200, "GET", "/secrets/own")


    def test_contacts_and_issuers(self):
        path = "/certificates/contacts"
        self.refused(404, "ContactsNotFound", "GET", path)
        mine = [{"email": "a@a.com", "name": "a"}]
        got = self.good("PUT", path, {"contacts": mine})
        self.assertEqual(got["contacts"], mine)
        self.assertTrue(got["id"].endswith(path))
        self.assertEqual(self.good("GET", path), got)
        self.assertEqual(self.good("DELETE", path), got)
        self.refused(404, "ContactsNotFound", "GET", path)
        self.refused(400, "BadParameter", "PUT", path, {"contacts": []})
        self.assertEqual(self.good("GET", "/certificates/issuers"),
                         {"value": [], "nextLink": None})


if __name__ == "__main__":
    unittest.main()
