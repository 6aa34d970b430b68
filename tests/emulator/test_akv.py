# SPDX-License-Identifier: Apache-2.0
"""The emulated key vault against the reference and the recorded bodies of
the real one."""

import json
import threading
import time
import unittest

import support
from support import Bench, key_body, policy, vector

from azemu import akv_policy, jose
from azemu.akv_release import transfer_key

MISSING = "vectors are not beside the project"


def shape(value):
    """Member names in order and types, for comparing with a recording."""
    if isinstance(value, dict):
        return [(name, shape(one)) for name, one in value.items()]
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


class WithBench(unittest.TestCase):
    """One emulator per class."""

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench()

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()

    def call(self, *args, **named):
        return self.bench.call(*args, **named)

    def good(self, *args, **named):
        answer = self.call(*args, **named)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def refused(self, status, code, *args, **named):
        answer = self.call(*args, **named)
        self.assertEqual(answer.status, status, answer.body)
        error = answer.json()["error"]
        self.assertEqual(error["code"], code, answer.body)
        return error

    def recorded(self, name):
        data = vector(name)
        if data is None:
            self.skipTest(MISSING)
        return data

    def wait(self, status, *args):
        for _ in range(200):
            if self.call(*args).status == status:
                return
            time.sleep(0.01)
        self.fail("%s never answered %d" % (args, status))


class Front(WithBench):
    """Host, challenge, token, api-version."""

    def test_challenge(self):
        answer = self.bench.raw("GET", "/secrets/x?api-version=7.4")
        self.assertEqual(answer.status, 401)
        self.assertEqual(
            answer.headers["WWW-Authenticate"],
            'Bearer authorization="https://login.windows.net/5a11e000-0000-'
            '4000-8000-0000000000aa", resource="https://vault.azure.net"')
        self.assertEqual(answer.body, self.recorded(
            "akv-401-no-token.response-body.json"))

    def bearer(self, token):
        answer = self.bench.raw("GET", "/secrets/x?api-version=7.4", headers=[
            ("Authorization", "Bearer " + token)])
        return answer.status, answer.json()["error"]["message"]

    def test_token_checks(self):
        self.assertEqual(self.bearer(self.bench.token())[0], 404)
        status, text = self.bearer(self.bench.token(
            resource="https://vault.azure.net/"))
        self.assertEqual(status, 401)
        self.assertIn("AKV10022", text)
        status, text = self.bearer(self.bench.token() + "A")
        self.assertEqual(status, 401)
        self.assertEqual(self.bearer("rubbish")[0], 401)

    def test_expired_token(self):
        directory = self.bench.emulator.directory
        directory.lifetime = -1
        try:
            status, text = self.bearer(self.bench.token("vm"))
        finally:
            directory.lifetime = 86400
            directory.forget()
        self.assertEqual(status, 401)
        self.assertIn("S2S12086", text)

    def test_wrong_issuer_and_key(self):
        directory = self.bench.emulator.directory
        claims = jose.read_unverified(self.bench.token())[1]
        claims["iss"] = "https://sts.windows.net/other/"
        header = {"alg": "RS256", "kid": directory.kid}
        status, text = self.bearer(jose.sign_rs256(header, claims,
                                                   directory.key))
        self.assertEqual((status, "AKV10032" in text), (401, True))
        claims["iss"] = "https://sts.windows.net/5a11/"
        self.assertEqual(self.bearer(jose.sign_rs256(
            header, claims, self.bench.signer))[0], 401)

    def test_api_version(self):
        error = self.refused(400, "BadParameter", "GET", "/secrets/x",
                             api="6.6")
        self.assertEqual(error["innererror"]["code"], "UnsupportedApiVersion")
        token = [("Authorization", "Bearer " + self.bench.token())]
        self.assertEqual(self.bench.raw("GET", "/secrets/x",
                                        headers=token).status, 400)

    def test_other_host(self):
        self.assertEqual(self.bench.raw(
            "GET", "/secrets/x", host="other.vault.azure.net").status, 421)

    def test_headers(self):
        headers = self.call("GET", "/secrets").headers
        for name in ("x-ms-request-id", "x-ms-keyvault-region",
                     "x-ms-keyvault-network-info", "Cache-Control"):
            self.assertIn(name, headers)
        for name in ("ETag", "Last-Modified", "Retry-After"):
            self.assertNotIn(name, headers)

    def test_unknown_path(self):
        self.assertEqual(self.call("GET", "/nothing/x").status, 404)
        self.assertEqual(self.call("POST", "/secrets/x").status, 404)


class Secrets(WithBench):
    """5.7."""

    def put(self, name, value="v", **named):
        return self.good("PUT", "/secrets/" + name, {"value": value}, **named)

    def test_set_matches_recording(self):
        want = json.loads(self.recorded("akv-set-secret-7.2.response-body.json"))
        got = self.put("recorded", "CrudBasicValue1", api="7.2")
        self.assertEqual(shape(got), shape(want))
        want = json.loads(self.recorded(
            "akv-patch-secret-7.2.response-body.json"))
        got = self.good("PATCH", "/secrets/recorded",
                        {"attributes": {"enabled": False}}, api="7.2")
        self.assertEqual(shape(got), shape(want))
        answer = self.call("GET", "/secrets/recorded")
        self.assertEqual(answer.status, 403)
        self.assertEqual(answer.body, (
            b'{"error":{"code":"Forbidden","message":"Operation get is not '
            b'allowed on a disabled secret.","innererror":{"code":'
            b'"SecretDisabled"}}}'))

    def test_not_found_matches_recording(self):
        self.assertEqual(self.call("GET", "/secrets/ShouldNotExist").body,
                         self.recorded("akv-404-secret.response-body.json"))

    def test_versions(self):
        first = self.put("many", "1")["id"]
        second = self.put("MANY", "2")["id"]
        self.assertEqual(self.good("GET", "/secrets/many")["value"], "2")
        self.assertEqual(self.good("GET", "/secrets/many/")["value"], "2")
        path = first.split(".net")[1]
        self.assertEqual(self.good("GET", path)["value"], "1")
        listed = self.good("GET", "/secrets/many/versions")
        self.assertEqual({one["id"].rsplit("/", 1)[1] for one in
                          listed["value"]},
                         {i.rsplit("/", 1)[1] for i in (first, second)})
        self.assertNotIn("value", listed["value"][0])
        self.good("PATCH", path, {"attributes": {"enabled": False}})
        self.refused(403, "Forbidden", "GET", path)
        self.assertEqual(self.good("GET", "/secrets/many")["value"], "2")

    def test_paging(self):
        for i in range(5):
            self.put("page", str(i))
        seen, path = [], "/secrets/page/versions?maxresults=2&api-version=7.4"
        pages = 0
        while path:
            answer = self.bench.raw("GET", path, headers=[
                ("Authorization", "Bearer " + self.bench.token())]).json()
            self.assertLessEqual(len(answer["value"]), 2)
            seen += [one["id"] for one in answer["value"]]
            link = answer["nextLink"]
            if link:
                self.assertTrue(link.startswith(
                    "https://apmkv.vault.azure.net:443/secrets/page/versions"
                    "?api-version=7.4&$skiptoken="), link)
            path = link and "/" + link.split("/", 3)[3]
            pages += 1
        self.assertEqual((len(seen), len(set(seen)), pages), (5, 5, 3))
        for wrong in ("0", "26", "x"):
            self.refused(400, "BadParameter", "GET",
                         "/secrets?maxresults=" + wrong)

    def test_list_has_no_version(self):
        self.put("listed")
        ids = [one["id"] for one in self.good("GET", "/secrets")["value"]]
        self.assertIn("https://apmkv.vault.azure.net/secrets/listed", ids)

    def test_delete_recover_purge(self):
        self.put("gone")
        body = self.good("DELETE", "/secrets/gone", api="7.0")
        want = json.loads(self.recorded(
            "akv-delete-secret-7.0.response-body.json"))
        self.assertEqual(shape(body), shape(want))
        self.assertEqual(self.call("GET", "/deletedsecrets/gone").status, 404)
        error = self.refused(409, "Conflict", "PUT", "/secrets/gone",
                             {"value": "x"})
        self.assertEqual(error["innererror"]["code"], "ObjectIsBeingDeleted")
        self.refused(404, "SecretNotFound", "GET", "/secrets/gone")
        self.wait(200, "GET", "/deletedsecrets/gone")
        error = self.refused(409, "Conflict", "PUT", "/secrets/gone",
                             {"value": "x"})
        self.assertEqual(error["innererror"]["code"],
                         "ObjectIsDeletedButRecoverable")
        body = self.good("POST", "/deletedsecrets/gone/recover", api="7.0")
        want = json.loads(self.recorded(
            "akv-recover-secret-7.0.response-body.json"))
        self.assertEqual(shape(body), shape(want))
        self.refused(404, "SecretNotFound", "GET", "/secrets/gone")
        error = self.refused(409, "Conflict", "PUT", "/secrets/gone",
                             {"value": "x"})
        self.assertEqual(error["innererror"]["code"],
                         "ObjectIsBeingRecovered")
        self.wait(200, "GET", "/secrets/gone")
        self.good("DELETE", "/secrets/gone")
        self.wait(200, "GET", "/deletedsecrets/gone")
        self.assertEqual(self.call("DELETE", "/deletedsecrets/gone").status,
                         204)
        self.assertEqual(self.call("GET", "/deletedsecrets/gone").status, 404)
        self.put("gone", "new")

    def test_concurrent_put(self):
        self.bench.emulator.options.put_duration = 0.3
        try:
            other = threading.Thread(target=self.put, args=("race",))
            other.start()
            time.sleep(0.1)
            self.refused(409, "Conflict", "PUT", "/secrets/race",
                         {"value": "2"})
            other.join()
        finally:
            self.bench.emulator.options.put_duration = 0.0
        self.assertEqual(len(self.good("GET", "/secrets/race/versions")
                             ["value"]), 1)

    def test_limits(self):
        self.put("big", "x" * 25600)
        self.refused(400, "BadParameter", "PUT", "/secrets/big",
                     {"value": "x" * 25601})
        self.refused(400, "BadParameter", "PUT", "/secrets/big", {})
        self.refused(400, "BadParameter", "PUT", "/secrets/a_b",
                     {"value": "x"})
        self.refused(400, "BadParameter", "PUT", "/secrets/" + "a" * 128,
                     {"value": "x"})
        self.refused(400, "BadParameter", "PUT", "/secrets/big",
                     {"value": "x", "contentType": "c" * 256})
        tags = {str(i): "t" for i in range(16)}
        self.refused(400, "BadParameter", "PUT", "/secrets/big",
                     {"value": "x", "tags": tags})

    def test_vm_identity(self):
        self.put("mine", identity="vm")
        self.good("GET", "/secrets/mine", identity="vm")
        self.good("GET", "/secrets/mine/versions", identity="vm")
        error = self.refused(403, "Forbidden", "DELETE", "/secrets/mine",
                             identity="vm")
        self.assertEqual(error["innererror"]["code"], "ForbiddenByRbac")
        self.refused(403, "Forbidden", "PATCH", "/secrets/mine", {},
                     identity="vm")

    def test_backup_restore(self):
        self.put("saved", "old")
        blob = self.good("POST", "/secrets/saved/backup")
        self.refused(409, "Conflict", "POST", "/secrets/restore", blob)
        self.good("DELETE", "/secrets/saved")
        self.wait(200, "GET", "/deletedsecrets/saved")
        self.call("DELETE", "/deletedsecrets/saved")
        self.good("POST", "/secrets/restore", blob)
        self.assertEqual(self.good("GET", "/secrets/saved")["value"], "old")


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
        self.assertEqual(code({"kty": "oct"}), "Property kty has invalid value")
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
        self.assertEqual(answer.body, self.recorded(
            "akv-400-skr-1020.response-body.json"))
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
        import base64
        from cryptography.hazmat.primitives.serialization import pkcs12
        answer = self.call("POST", "/certificates/own/create", {"policy": {
            "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048},
            "x509_props": {"subject": "CN=apm.example", "sans": {
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
                         cert.public_bytes(support.serialization.Encoding.DER))
        jwk = self.good("GET", "/keys/own")["key"]
        self.assertEqual(jose.unint(jwk["n"]),
                         key.public_key().public_numbers().n)
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


if __name__ == "__main__":
    unittest.main()
