# SPDX-License-Identifier: Apache-2.0
"""The emulated key vault's front and its secrets, against the reference and
the recorded bodies of the real one."""

import json
import threading
import time
import unittest

from support import WithBench, shape

from azemu import jose


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
        want = json.loads(self.recorded(
            "akv-set-secret-7.2.response-body.json"))
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


if __name__ == "__main__":
    unittest.main()
