# SPDX-License-Identifier: Apache-2.0
"""sallyport-https, fetch: every wrong answer there is.  What can pass is asked
for again, the rest is named: exit code, and a NOTE with who said what."""

import os
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netfake as nf  # noqa: E402
from https_rig import Case  # noqa: E402

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def header(name, value, status=429):
    return nf.answer(status, {}, {name: value})


class Transient(Case):
    """Once wrong, then right: the boot goes on."""

    def goes_on(self, service, piece, what, times=1, **change):
        self.furnish()
        found = "F_BUNDLE"
        if change.get("PROBE"):  # only where no keys are
            self.az.secrets.pop("apm-unseal-bundle")
            found = "F_NOTHING"
        self.az.rule(service, piece, what, times)
        started = time.monotonic()
        self.assertEqual(self.fetch(**dict({"RETRY_MS": 15000}, **change)),
                         found)
        self.assertTrue(self.events("RETRY"))
        return time.monotonic() - started

    def test_imds_updating(self):
        self.goes_on("imds", "/oauth2/token", nf.answer(404, ""))

    def test_imds_500(self):
        self.goes_on("imds", "/oauth2/token", nf.answer(500, {
            "error": "unknown", "error_description": "Failed to retrieve"}))

    def test_thim_503(self):
        self.goes_on("imds", "/THIM/", nf.answer(503, ""))

    def test_a_cut_answer(self):
        self.goes_on("imds", "/oauth2/token",
                     nf.Raw(OK + b"Content-Length: 500\r\n\r\n{\"access"))

    def test_a_cut_head(self):
        self.goes_on("akv", "apm-tls-cert?", nf.Raw(OK[:20]))

    def test_no_answer_at_all(self):
        # twice: on a kept connection libcurl asks once more by itself
        self.goes_on("akv", "/release", nf.Raw(b""), times=2)

    def test_bytes_that_are_no_http(self):
        self.goes_on("akv", "/versions", nf.Raw(os.urandom(512)))

    def test_json_that_is_none(self):
        self.goes_on("akv", "apm-tls-cert?", nf.answer(200, "{\"value\":"))

    def test_another_content_type(self):
        self.goes_on("akv", "apm-tls-cert?", nf.answer(
            200, {"value": "QQ=="}, kind="text/html"))

    def test_a_token_about_to_expire(self):
        self.goes_on("imds", "/oauth2/token", nf.answer(
            200, nf.token(expires_on=str(int(time.time()) + 100))))

    def test_an_answer_too_slow(self):
        self.goes_on("akv", "apm-tls-cert?",
                     nf.Raw(b"HTTP/1.1 200 OK\r\n\r\n", delay=3),
                     CALL_MS=700)

    def test_an_answer_that_drips(self):
        self.goes_on("akv", "apm-tls-cert?", nf.Raw(
            OK + b"Content-Length: 50\r\n\r\n" + b" " * 50, drip=0.1),
            CALL_MS=700)

    def test_429_with_retry_after(self):
        took = self.goes_on("akv", "/release", header("Retry-After", "3"))
        self.assertGreaterEqual(took, 3)

    def test_429_with_a_date(self):
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                             time.gmtime(time.time() + 4))
        took = self.goes_on("akv", "/release", header("retry-after", when))
        self.assertGreaterEqual(took, 2.5)

    def test_409_of_two_writers(self):
        self.goes_on("akv", "PUT", nf.error(409, "Conflict"), PROBE=1)

    def test_401_once_brings_a_new_token(self):
        self.goes_on("akv", "apm-tls-cert?", nf.error(
            401, "Unauthorized", "[TokenExpired] Error validating token"))
        self.assertEqual(len([p for p in self.az.paths("imds")
                              if "token" in p]), 2)

    def test_one_waits_while_the_others_are_asked(self):
        """A vault that asks to wait does not hold up the attestation."""
        self.furnish()
        self.az.rule("akv", "apm-tls-cert?", header("Retry-After", "2"))
        self.assertEqual(self.fetch(RETRY_MS=9000), "F_BUNDLE")
        names = [n for n, _ in self.seat.messages]
        self.assertLess(names.index("RELEASE_JWS"), names.index("PFX"))

    def test_a_connection_closed_between_two_calls(self):
        self.furnish()
        self.az.rule("akv", "apm-tls-cert?", nf.Raw(nf.answer(
            200, {"value": nf.b64(b"PFX")})))
        self.assertEqual(self.fetch(), "F_BUNDLE")


class Final(Case):
    """For good: the exit code, the NOTE, and no second call."""

    def ends(self, code, service, piece, what, *noted, calls=1, **change):
        self.furnish()
        self.az.rule(service, piece, what, 0)
        self.assertEqual(self.fetch(**change), code)
        self.noted(*noted)
        if calls:
            self.assertEqual(len([p for p in self.az.paths(service)
                                  if piece in p]), calls)

    def test_no_identity(self):
        self.ends("IDENTITY", "imds", "/oauth2/token", nf.answer(400, {
            "error": "invalid_request",
            "error_description": "Identity not found"}),
            "access token", "169.254.169.254",
            "HTTP 400 invalid_request: Identity not found")

    def test_a_proxy_instead_of_the_metadata_service(self):
        self.ends("IMDS", "imds", "/oauth2/token", nf.answer(
            403, "connecting to 169.254.169.254:80: unreachable network",
            kind="text/plain"), "HTTP 403")

    def test_the_metadata_service_fails_on(self):
        self.ends("IMDS", "imds", "/THIM/", nf.answer(500, {}),
                  "AMD certificates", "HTTP 500", calls=0)

    def test_410_is_waited_out_only_as_long_as_retry_ms(self):
        self.ends("IMDS", "imds", "/THIM/", nf.answer(410, ""), "HTTP 410")

    def test_a_token_that_would_break_a_header(self):
        self.ends("IMDS", "imds", "/oauth2/token", nf.answer(
            200, nf.token(access_token="a\r\nX-Evil: 1")), "access token",
            calls=0)
        self.assertEqual(self.az.paths("akv"), [])

    def test_attestation_refused(self):
        self.ends("ATTEST", "maa", "POST", nf.error(
            400, "PolicyEvaluationError", "secure boot is off"),
            "attestation", nf.MAA_HOST,
            "HTTP 400 PolicyEvaluationError: secure boot is off")

    def test_no_such_attestation_service(self):
        self.ends("MAA_AWAY", "maa", "POST", nf.answer(404, ""), "HTTP 404")

    def test_an_envelope_with_a_tag_of_one_byte(self):
        env = nf.envelope(AuthenticationData="dA==")
        self.ends("MAA_AWAY", "maa", "POST", nf.answer(
            200, {"token": nf.b64u(nf.json.dumps(env).encode())}),
            "attestation", calls=0)
        self.assertEqual(self.seat.count("ENC_TOKEN"), 0)

    def test_a_secret_that_may_not_be_read(self):
        self.ends("AKV_DENIED", "akv", "apm-tls-cert-password", nf.error(
            403, "Forbidden", "Caller is not authorized",
            "ForbiddenByRbac"), "secret apm-tls-cert-password", nf.AKV_HOST,
            "HTTP 403 Forbidden/ForbiddenByRbac: Caller is not authorized")

    def test_a_secret_that_is_not_there(self):
        self.furnish()
        del self.az.secrets["apm-tls-cert-password"]
        self.assertEqual(self.fetch(), "AKV_DENIED")
        self.noted("secret apm-tls-cert-password", "none of that name")

    def test_a_404_that_is_not_the_vaults(self):
        """Else anybody's 404 would say that nothing is stored."""
        page = nf.answer(404, "<html>not found</html>", kind="text/html")
        for piece in ("versions", "apm-tls-cert-password"):
            self.az.rules, self.az.seen = [], []
            self.ends("AKV_AWAY", "akv", piece, page, "HTTP 404")

    def test_401_again(self):
        self.ends("AKV_DENIED", "akv", "apm-tls-cert?", nf.error(
            401, "Unauthorized", "AKV10032: Invalid issuer."),
            "HTTP 401 Unauthorized: AKV10032", calls=2)

    def test_release_refused_by_policy(self):
        self.ends("RELEASE", "akv", "/release", nf.error(
            403, "Forbidden", "Target environment attestation does not meet "
            "key release policy requirements."), "key release",
            "does not meet key release policy")
        self.assertEqual(self.seat.count("RELEASE_JWS"), 0)

    def test_release_without_the_right(self):
        self.ends("AKV_DENIED", "akv", "/release", nf.error(
            403, "Forbidden", "no", "ForbiddenByRbac"), "HTTP 403")

    def test_a_key_that_is_not_exportable(self):
        self.ends("RELEASE_BAD", "akv", "/release", nf.error(
            400, "BadParameter", "AKV.SKR.1004: Exportable keys must have "
            "release policy."), "AKV.SKR.1004")

    def test_no_enc_is_left(self):
        self.ends("RELEASE_BAD", "akv", "/release", nf.error(
            400, "BadParameter", "Property enc has invalid value"),
            "invalid value", calls=2)

    def test_an_answer_that_is_no_jws(self):
        self.ends("AKV_AWAY", "akv", "/release", nf.answer(
            200, {"value": "{\"ciphertext\":\"x\"}" + "a" * 64}),
            "key release", calls=0)
        self.assertEqual(self.seat.count("RELEASE_JWS"), 0)

    def test_redirects_are_not_followed(self):
        for service, piece, code in (("imds", "/oauth2/token", "IMDS"),
                                     ("maa", "POST", "MAA_AWAY"),
                                     ("akv", "apm-tls-cert?", "AKV_AWAY")):
            with self.subTest(service):
                self.az.rules = [[service, piece, 0, nf.answer(
                    302, "", {"Location": "https://%s/evil" % nf.AKV_HOST})]]
                self.furnish()
                self.assertEqual(self.fetch(), code)
                self.noted("HTTP 302")
        self.assertNotIn("evil", str([r.path for r in self.az.seen]))

    def test_bodies_over_the_cap(self):
        for service, piece, code, cap in (
                ("imds", "/oauth2/token", "IMDS", 32),
                ("imds", "/THIM/", "IMDS", 64),
                ("maa", "POST", "MAA_AWAY", 64),
                ("akv", "apm-tls-cert?", "AKV_AWAY", 64),
                ("akv", "/release", "AKV_AWAY", 64)):
            with self.subTest(piece):
                self.az.rules = [[service, piece, 0, nf.answer(
                    200, b" " * (cap * 1024 + 1))]]
                self.furnish()
                self.assertEqual(self.fetch(RETRY_MS=300), code)
                self.noted("too long")

    def test_a_body_without_end(self):
        self.ends("AKV_AWAY", "akv", "apm-tls-cert?", nf.Raw(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" +
            (b"8000\r\n" + b" " * 32768 + b"\r\n") * 3), "too long", calls=0)

    def test_headers_without_end(self):
        self.ends("AKV_AWAY", "akv", "apm-tls-cert?", nf.Raw(
            OK + b"X: y\r\n" * 9000), "too long", calls=0, RETRY_MS=300)

    def test_informational_answers_without_end(self):
        self.ends("AKV_AWAY", "akv", "apm-tls-cert?", nf.Raw(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 5000), "too long", calls=0,
            RETRY_MS=300)

    def test_a_long_error_page_is_still_its_status(self):
        self.ends("AKV_DENIED", "akv", "apm-tls-cert?", nf.answer(
            403, "x" * 300000, kind="text/html"), "HTTP 403")

    def test_json_nested_deep(self):
        self.ends("AKV_AWAY", "akv", "apm-tls-cert?", nf.answer(
            200, "{\"value\":" + "[" * 30000 + "]" * 30000 + "}"),
            "not what was asked", calls=0, RETRY_MS=300)

    def test_a_token_in_an_error_is_not_repeated(self):
        self.ends("AKV_DENIED", "akv", "apm-tls-cert?", nf.error(
            403, "Forbidden", "bad token " + nf.BEARER), "[token]")

    def test_what_the_envelope_held_is_no_token(self):
        self.furnish()
        self.assertEqual(self.fetch(
            token=b'"},"enc":"none","x":{"y":"aaaaaaaaaaaaa'), "ATTEST")
        self.assertFalse([r for r in self.az.seen if "/release" in r.path])


class Away(Case):
    def gone(self, code, remote):
        """That port is closed: it is ours, and nobody listens there."""
        self.furnish()
        with nf.socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.az.port[remote] = held.getsockname()[1]
            self.assertEqual(self.fetch(), code)
        self.noted("no answer from the")

    def test_the_metadata_service(self):
        self.gone("IMDS", "imds")

    def test_the_attestation_service(self):
        self.gone("MAA_AWAY", "maa")

    def test_the_vault(self):
        self.gone("AKV_AWAY", "akv")

    def test_a_second_address_is_tried(self):
        self.furnish()
        addrs = nf.addrs((0, "127.0.0.1"), (1, "127.0.0.1"),
                         (2, "127.0.0.9"), (2, "127.0.0.1"))
        self.assertEqual(self.fetch(addrs=addrs), "F_BUNDLE")

    def test_a_remote_without_address(self):
        self.assertEqual(self.fetch(addrs=nf.addrs((0, "127.0.0.1"))),
                         "PROTOCOL")


class Tls(Case):
    def refuses(self, *noted, **azure):
        self.az.close()
        self.az = nf.Azure(**azure)
        self.addCleanup(self.az.close)
        self.furnish()
        self.assertEqual(self.fetch(RETRY_MS=300), "AKV_AWAY")
        self.noted(*noted)
        self.assertEqual(self.az.paths("akv"), [])

    def test_another_name(self):
        self.refuses("no alternative certificate subject name", akv_names=("other.vault.azure.net",))

    def test_a_certificate_that_is_over(self):
        self.refuses("expired", days=(-30, -1))

    def test_an_old_protocol(self):
        self.refuses("no answer", most=ssl.TLSVersion.TLSv1_1)

    def unknown(self, name, **change):
        self.furnish()
        self.assertIn(self.fetch(roots=nf.Pki(name).pem, **change),
                      ("MAA_AWAY", "AKV_AWAY"))
        self.assertEqual(self.az.paths("maa") + self.az.paths("akv"), [])

    def test_an_unknown_root_is_final(self):
        self.unknown("another root", RETRY_MS=60000)
        self.noted("unable to get local issuer certificate")

    def test_a_forged_root_of_the_same_name(self):
        self.unknown("netfake root", RETRY_MS=300)
        self.noted("no answer from")

    def test_no_roots_at_all(self):
        self.furnish()
        self.assertIn(self.fetch(roots=b"\n", RETRY_MS=300),
                      ("MAA_AWAY", "LOCK"))
        self.assertEqual(self.az.paths("maa"), [])


if __name__ == "__main__":
    unittest.main()
