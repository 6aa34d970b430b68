# SPDX-License-Identifier: Apache-2.0
"""sallyport-https, fetch: what it asks, in which words, and what it hands on
when everybody answers well."""

import base64
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
from https_rig import Case, slots  # noqa: E402


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Fetch(Case):
    def test_a_restart_fetches_all_and_says_so(self):
        self.furnish()
        self.assertEqual(self.fetch(), "F_BUNDLE")
        s = self.seat
        self.assertEqual(s.body("PFX"), b"PFX" * 100)
        self.assertEqual(s.body("BLOB"), b"\1\0\1\0" + b"w" * 256)
        self.assertEqual(s.body("BLOB", 1), b"\3\0\3\x0c" + b"b" * 780)
        self.assertEqual(s.body("ENC_TOKEN"), b"i" * 12 + b"t" * 16 +
                         b"k" * 256 + b"\0\x64" + b"c" * 100)
        self.assertEqual(s.body("RELEASE_JWS"), nf.JWS.encode())
        self.assertEqual(self.events("FETCHED"), [(3, 0, 0, 0)])
        self.assertEqual(self.events("RELEASED"), [(2, 0, 0, 0)])
        self.assertEqual(s.w.notes, [])

    def test_no_call_is_made_twice(self):
        self.furnish()
        self.fetch()
        paths = [(r.service, r.method, r.path) for r in self.az.seen]
        self.assertEqual(len(paths), len(set(paths)))
        self.assertEqual(len(paths), 8)     # list and get for the bundle

    def test_headers(self):
        self.furnish()
        self.fetch()
        for r in self.az.seen:
            self.assertNotIn("expect", r.headers)
            self.assertNotIn("x-forwarded-for", r.headers)
            self.assertNotIn("accept-encoding", r.headers)
            self.assertEqual(r.headers["accept"], "application/json")
            self.assertEqual("authorization" in r.headers,
                             r.service == "akv")
            self.assertEqual("metadata" in r.headers, r.service == "imds")
            if r.method in ("POST", "PUT"):
                self.assertEqual(r.headers["content-type"],
                                 "application/json")
        host = {"imds": nf.IMDS_HOST, "maa": nf.MAA_HOST, "akv": nf.AKV_HOST}
        for r in self.az.seen:
            self.assertEqual(r.headers["host"], host[r.service])

    def test_what_is_attested(self):
        self.furnish()
        self.fetch(log=b"event log")
        body = self.request("maa", "POST").json()
        self.assertEqual(list(body), ["AttestationInfo"])
        info = json.loads(unb64u(body["AttestationInfo"]))
        self.assertEqual(base64.b64decode(info["TcgLogs"]), b"event log")
        self.assertEqual(base64.b64decode(info["ClientPayload"]["nonce"]),
                         b"ab" * 32)
        evidence = info["IsolationInfo"]["Evidence"]
        self.assertEqual(base64.b64decode(evidence["RunTimeData"]), nf.CLAIMS)
        proof = json.loads(base64.b64decode(evidence["Proof"]))
        self.assertEqual(unb64u(proof["SnpReport"]), b"R" * 1184)
        self.assertEqual(base64.b64decode(proof["VcekCertChain"]).decode(),
                         nf.PEM * 3)
        self.assertEqual(info["TpmInfo"]["PCRs"][7]["Index"], 7)

    def test_what_is_asked_of_the_release(self):
        self.furnish()
        self.fetch()
        self.assertEqual(self.request("akv", "/release").json(), {
            "target": nf.JWT, "nonce": "cd" * 32,
            "enc": "RSA_AES_KEY_WRAP_256"})

    def test_a_key_with_version(self):
        self.furnish()
        self.fetch(KEY_URL="https://%s/keys/mk/%s" % (nf.AKV_HOST, "0" * 32))
        self.request("akv", "POST /keys/mk/%s/release?api-version=7.4" %
                     ("0" * 32))

    def test_an_identity_is_named_percent_encoded(self):
        self.furnish()
        self.fetch(IDENTITY="msi_res_id=/subscriptions/a b")
        self.request("imds", "&msi_res_id=%2Fsubscriptions%2Fa%20b")

    def test_the_network_works_while_the_tpm_does(self):
        """No EVIDENCE yet: everything else is fetched all the same."""
        self.furnish()
        self.assertEqual(self.fetch(evidence=False, deadline_ms=1500),
                         "DEADLINE")
        self.assertEqual(self.seat.count("BLOB"), 2)
        self.noted("EVIDENCE")

    def test_the_next_enc_after_the_services_no(self):
        self.furnish()
        self.az.rule("akv", "/release",
                     nf.error(400, "BadParameter",
                              "Property enc has invalid value\r\n"))
        self.assertEqual(self.fetch(), "F_BUNDLE")
        asked = [r.json() for r in self.az.seen if "/release" in r.path]
        self.assertEqual([(a["enc"], a["nonce"]) for a in asked],
                         [("RSA_AES_KEY_WRAP_256", "cd" * 32),
                          ("CKM_RSA_AES_KEY_WRAP", "ef" * 32)])
        self.assertEqual(self.events("ENC_REFUSED"), [(2, 0, 0, 0)])
        self.assertEqual(self.events("RELEASED"), [(1, 0, 0, 0)])

    def test_the_newest_four_enabled_bundles_newest_first(self):
        self.furnish()
        for i in range(6):
            self.az.set("apm-unseal-bundle", nf.b64(b"%d" % i * 780),
                        enabled=i != 5, created=1800000000 - i)
        self.assertEqual(self.fetch(), "F_BUNDLE")
        blobs = [b for n, b in self.seat.messages if n == "BLOB"][1:]
        self.assertEqual([(b[0], b[1], b[4:5]) for b in blobs],
                         [(3, 0, b"0"), (3, 1, b"1"), (3, 2, b"2"),
                          (3, 3, b"3")])

    def test_pages_are_followed_on_the_same_list_alone(self):
        self.furnish()
        link = "https://%s:443/secrets/apm-unseal-bundle/versions?" \
            "api-version=7.4&$skiptoken=eyJ&maxresults=25" % nf.AKV_HOST
        self.az.rule("akv", "versions", nf.answer(
            200, {"value": [], "nextLink": link}))
        self.assertEqual(self.fetch(), "F_BUNDLE")
        self.request("akv", "versions?api-version=7.4&$skiptoken=eyJ")

    def test_a_link_to_another_host_gets_no_token(self):
        self.furnish()
        other = nf.answer(200, {"value": [], "nextLink":
                                "https://other.vault.azure.net/secrets/"
                                "apm-unseal-bundle/versions?x=y"})
        self.az.rule("akv", "versions", other, 0)
        self.assertEqual(self.fetch(RETRY_MS=500), "AKV_AWAY")
        self.assertFalse([r for r in self.az.seen if "x=y" in r.path])

    def test_old_keys_count_only_without_a_bundle(self):
        self.furnish()
        del self.az.secrets["apm-unseal-bundle"]
        for i in (0, 2):
            self.az.set("apm-unseal-key-%d" % i, nf.b64(b"k" * 256))
        self.assertEqual(self.fetch(), "F_OLD")
        self.assertEqual([b[:2] for n, b in self.seat.messages
                          if n == "BLOB"][1:], [b"\4\0", b"\4\2"])
        self.assertNotIn("apm-root-token", str(self.az.paths("akv")))

    def test_old_keys_are_not_asked_for_under_layout_bundle(self):
        self.furnish()
        del self.az.secrets["apm-unseal-bundle"]
        self.az.set("apm-unseal-key-0", nf.b64(b"k" * 256))
        self.assertEqual(self.fetch(LAYOUT=1), "F_NOTHING")
        self.assertNotIn("apm-unseal-key", str(self.az.paths("akv")))

    def test_nothing_must_stay_nothing(self):
        self.furnish()
        del self.az.secrets["apm-unseal-bundle"]
        self.assertEqual(self.fetch(ABSENT_S=1, OLD_COUNT=1), "F_NOTHING")
        self.assertEqual(len([p for p in self.az.paths("akv")
                              if "/versions" in p]), 2)
        self.assertEqual(self.events("ABSENT"), [(1, 0, 0, 0)])

    def test_a_bundle_that_comes_late_is_found(self):
        self.furnish()
        self.az.rule("akv", "versions", nf.error(404, "SecretNotFound"))
        self.assertEqual(self.fetch(ABSENT_S=2, OLD_COUNT=0), "F_BUNDLE")

    def test_a_rotation_says_nothing_of_keys(self):
        self.furnish()
        self.assertEqual(self.fetch(PLAN=slots("TLS_CERT", "TLS_PASSWORD")),
                         "OK")
        self.assertNotIn("bundle", str(self.az.paths("akv")))

    def test_the_storage_key(self):
        self.furnish()
        self.az.set("apm-saa-key", nf.b64(b"s" * 256))
        self.fetch(PLAN=slots("STORAGE_KEY"))
        self.assertEqual(self.seat.body("BLOB")[:4], b"\2\0\1\0")
        self.assertEqual(self.seat.count("PFX"), 0)

    def test_folded_base64_is_read(self):
        self.furnish()
        text = base64.encodebytes(b"PFX" * 100).decode()
        self.az.set("apm-tls-cert", text)
        self.fetch()
        self.assertEqual(self.seat.body("PFX"), b"PFX" * 100)

    def test_what_is_not_base64_is_handed_on_as_nothing(self):
        self.furnish()
        self.az.set("apm-tls-cert", "-----BEGIN CERTIFICATE-----")
        self.az.set("apm-tls-cert-password", "in clear!")
        self.assertEqual(self.fetch(), "F_BUNDLE")
        self.assertEqual(self.seat.body("PFX"), b"\0")
        self.assertEqual(self.seat.body("BLOB"), b"\1\0\0\0")
        self.noted("apm-tls-cert:", "not the base64 of a PFX")
        self.noted("apm-tls-cert-password:", "not base64")
        self.assertNotIn("in clear", str(self.seat.w.notes))

    def test_a_long_event_log(self):
        self.furnish()
        self.assertEqual(self.fetch(log=b"\xaa" * (1 << 20)), "F_BUNDLE")
        request = self.request("maa", "POST")
        self.assertNotIn("expect", request.headers)
        info = json.loads(unb64u(request.json()["AttestationInfo"]))
        self.assertEqual(len(base64.b64decode(info["TcgLogs"])), 1 << 20)


def has_ipv6():
    try:
        nf.socket.create_server(("::1", 0),
                                family=nf.socket.AF_INET6).close()
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "no ::1 here")
class Six(Case):
    azure = {"host": "::1"}

    def test_all_over_ipv6(self):
        self.furnish()
        self.assertEqual(self.fetch(addrs=nf.addrs(
            (0, "::1"), (1, "::1"), (2, "::1"))), "F_BUNDLE")

    def test_the_other_family_is_tried_in_time(self):
        """Nobody listens at the first address: happy eyeballs."""
        self.furnish()
        both = [(i, a) for i in range(3) for a in ("127.0.0.1", "::1")]
        self.assertEqual(self.fetch(addrs=nf.addrs(*both)), "F_BUNDLE")


class Probe(Case):
    def test_what_is_written_is_read_back(self):
        self.furnish()
        self.az.secrets.pop("apm-unseal-bundle", None)
        self.assertEqual(self.fetch(PROBE=1), "F_NOTHING")
        self.assertEqual(len(self.events("PROBED")), 1)
        self.assertRegex(self.az.secrets["apm-probe"][0]["value"],
                         "^[0-9a-f]{64}$")

    def test_nothing_is_written_where_keys_are(self):
        self.furnish()
        self.assertEqual(self.fetch(PROBE=1), "F_BUNDLE")
        self.assertEqual(len(self.events("PROBED")), 0)
        self.assertNotIn("apm-probe", self.az.secrets)

    def test_another_value_is_no_probe(self):
        self.furnish()
        self.az.secrets.pop("apm-unseal-bundle", None)
        self.az.rule("akv", "GET /secrets/apm-probe", nf.answer(
            200, {"value": "00" * 32}))
        self.assertEqual(self.fetch(PROBE=1), "PROBE")
        self.noted("not what was written")

    def test_a_vault_that_may_not_be_written(self):
        self.furnish()
        self.az.secrets.pop("apm-unseal-bundle", None)
        self.az.rule("akv", "PUT", nf.error(403, "Forbidden", "no set",
                                            "ForbiddenByRbac"))
        self.assertEqual(self.fetch(PROBE=1), "PROBE")
        self.noted("writing apm-probe", "403 Forbidden/ForbiddenByRbac")

    def test_a_deleted_name_is_said_at_once(self):
        self.furnish()
        self.az.secrets.pop("apm-unseal-bundle", None)
        self.az.rule("akv", "PUT", nf.error(
            409, "Conflict", "Secret apm-probe is currently in a deleted but "
            "recoverable state", "ObjectIsDeletedButRecoverable"), 0)
        self.assertEqual(self.fetch(PROBE=1, RETRY_MS=60000), "PROBE")
        self.assertEqual(len([p for p in self.az.paths("akv")
                              if p.startswith("PUT")]), 1)


class Trials(Case):
    """What a first life wants to be refused (DESIGN section 7)."""
    TRIALS = ("POST /keys/mk//decrypt?", "POST /keys/mk//unwrapkey?",
              "PATCH /keys/mk/?")

    def first(self, **change):
        self.furnish()
        self.az.secrets.pop("apm-unseal-bundle", None)
        return self.fetch(PROBE=1, **change)

    def tried(self):
        return [t for t in self.TRIALS for p in self.az.paths("akv")
                if p.startswith(t)]

    def test_each_is_tried_once_and_refused(self):
        self.assertEqual(self.first(), "F_NOTHING")
        self.assertEqual(self.tried(), list(self.TRIALS))
        self.assertEqual(len(self.events("TRIED")), 1)
        self.assertNotIn(403, [e[1] for e in self.events("HTTP")])
        for trial in self.TRIALS[:2]:
            body = self.request("akv", trial).json()
            self.assertEqual(body["alg"], "RSA-OAEP-256")
            self.assertEqual(len(unb64u(body["value"])), 256)
        self.assertEqual(self.request("akv", "PATCH").json(), {})

    def test_a_key_with_version(self):
        version = "0" * 32
        self.first(KEY_URL="https://%s/keys/mk/%s" % (nf.AKV_HOST, version))
        for trial in ("POST /keys/mk/%s/decrypt?", "PATCH /keys/mk/%s?"):
            self.request("akv", trial % version)

    def test_anything_but_403_ends_it(self):
        for trial in self.TRIALS:
            for status, code in ((200, None), (400, "BadParameter"),
                                 (404, "KeyNotFound")):
                with self.subTest(trial=trial, status=status):
                    self.setUp()
                    self.az.rule("akv", trial, nf.error(status, code) if code
                                 else nf.answer(200, {"value": "AA"}))
                    self.assertEqual(self.first(), "TOO_MUCH")
                    self.noted("master key")
                    self.assertEqual(self.events("TRIED"), [])
                    self.tearDown()

    def test_a_busy_vault_is_asked_again(self):
        self.az.rule("akv", self.TRIALS[1], nf.error(429, "Throttled"))
        self.assertEqual(self.first(RETRY_MS=20000), "F_NOTHING")
        self.assertEqual(len(self.tried()), 4)

    def test_later_lives_do_not_try(self):
        self.furnish()
        self.assertEqual(self.fetch(PROBE=1), "F_BUNDLE")
        self.az.secrets.pop("apm-unseal-bundle", None)
        self.assertEqual(self.fetch(PROBE=0), "F_NOTHING")
        self.assertEqual(self.tried(), [])


if __name__ == "__main__":
    unittest.main()
