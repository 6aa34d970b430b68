# SPDX-License-Identifier: Apache-2.0
"""The emulated metadata service: rules, error bodies, tokens (1.1 to 1.4,
3.6)."""

import time
import unittest

from support import Bench

from azemu import jose
from azemu.identity import ISSUER, TENANT
from azemu.imds import Imds
from azemu.web import Request

TOKEN = "/metadata/identity/oauth2/token"
THIM = "/metadata/THIM/amd/certification"
VAULT = "https://vault.azure.net"
API = ("api-version", "2018-02-01")


class Metadata(unittest.TestCase):
    """Every rule of the service, each by a request that breaks it."""

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench()
        cls.thim = {"vcekCert": "a", "tcbm": "b", "certificateChain": "c",
                    "cacheControl": "86400"}
        real = cls.bench.emulator.services["imds"]
        cls.imds = Imds(real.directory, lambda: cls.thim, real.vm_id,
                        real.subscription)

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()

    def ask(self, path, *query, headers=(("Metadata", "true"),),
            method="GET"):
        return self.imds.handle(Request(method, path, query, headers,
                                        service="imds"))

    def token(self, *query):
        answer = self.ask(TOKEN, API, ("resource", VAULT), *query)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def fails(self, status, error, *args, **named):
        answer = self.ask(*args, **named)
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(error, answer.json()["error"])
        return answer.json()

    def test_token(self):
        body = self.token()
        self.assertEqual(list(body), [
            "access_token", "client_id", "expires_in", "expires_on",
            "ext_expires_in", "not_before", "resource", "token_type"])
        for value in body.values():
            self.assertIsInstance(value, str)
        public = self.bench.emulator.pki.keys["sts"].public_key()
        claims = jose.verify_rs256(body["access_token"], public)
        self.assertEqual((claims["aud"], claims["iss"], claims["tid"]),
                         (VAULT, ISSUER, TENANT))
        self.assertEqual(str(claims["exp"]), body["expires_on"])
        self.assertGreater(claims["exp"], time.time() + 80000)

    def test_token_is_cached(self):
        self.assertEqual(self.token()["access_token"],
                         self.token()["access_token"])

    def test_selectors(self):
        directory = self.bench.emulator.directory
        vm, deployer = directory.identities
        self.assertEqual(self.token()["client_id"], vm.client_id)
        for name, value in (("client_id", deployer.client_id),
                            ("object_id", deployer.object_id),
                            ("msi_res_id", deployer.resource_id),
                            ("mi_res_id", deployer.resource_id)):
            self.assertEqual(self.token((name, value))["client_id"],
                             deployer.client_id)
        body = self.fails(400, "invalid_request", TOKEN, API,
                          ("resource", VAULT), ("client_id", "0"))
        self.assertEqual(body, {"error": "invalid_request",
                                "error_description": "Identity not found"})
        self.fails(400, "invalid_request", TOKEN, API, ("resource", VAULT),
                   ("client_id", vm.client_id), ("object_id", vm.object_id))

    def test_trailing_slash_gives_another_audience(self):
        body = self.ask(TOKEN, API, ("resource", VAULT + "/")).json()
        claims = jose.read_unverified(body["access_token"])[1]
        self.assertEqual(claims["aud"], VAULT + "/")

    def test_metadata_header(self):
        for headers in ((), (("Metadata", "True"),), (("Metadata", "1"),)):
            body = self.fails(400, "bad_request_102", TOKEN, API,
                              ("resource", VAULT), headers=headers)
            self.assertEqual(body["error_description"],
                             "Required metadata header not specified")
            self.fails(400, "Required metadata", THIM, headers=headers)

    def test_forwarded(self):
        self.fails(400, "Bad request", TOKEN, API, ("resource", VAULT),
                   headers=[("Metadata", "true"),
                            ("X-Forwarded-For", "1.2.3.4")])

    def test_query(self):
        text = ("Bad request. api-version is invalid or was not specified in "
                "the request. For more information refer to "
                "aka.ms/azureimds")
        for query in ((), (("api-version", "2018-02-02"),)):
            body = self.fails(400, text, TOKEN, ("resource", VAULT), *query)
            self.assertIn("newest-versions", body)
        self.fails(400, "Duplicate", TOKEN, API, API, ("resource", VAULT))
        self.fails(400, "invalid_request", TOKEN, API)
        body = self.fails(400, "invalid_resource", TOKEN, API,
                          ("resource", "https://vault.example"))
        self.assertIn("AADSTS50001", body["error_description"])
        self.fails(400, "invalid_resource", TOKEN, API,
                   ("resource", VAULT + "//"))

    def test_paths_and_methods(self):
        self.fails(401, "unknown_source", "/metadata/identity/other", API)
        self.fails(404, "Not found", "/metadata/nothing", API)
        self.assertEqual(self.ask(TOKEN, API, ("resource", VAULT),
                                  method="POST").status, 405)

    def test_thim(self):
        answer = self.ask(THIM)
        self.assertEqual((answer.status, answer.json()), (200, self.thim))
        self.assertEqual(self.ask(THIM.lower()).status, 200)

    def test_instance(self):
        vm_id = self.bench.emulator.vm_id
        api = ("api-version", "2021-02-01")
        path = "/metadata/instance/compute/vmId"
        answer = self.ask(path, api, ("format", "text"))
        self.assertEqual((answer.status, answer.body),
                         (200, vm_id.lower().encode()))
        self.assertEqual(self.ask(path, api).status, 400)
        body = self.ask("/metadata/instance", api).json()
        self.assertEqual(body["compute"]["vmId"], vm_id.lower())
        self.assertEqual(self.ask("/metadata/instance/compute/x",
                                  api).status, 404)


if __name__ == "__main__":
    unittest.main()
