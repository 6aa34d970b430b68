# SPDX-License-Identifier: Apache-2.0
"""The attestation service: requests in, tokens out.  azure-protocol.md 4."""

import base64
import hashlib
import hmac
import secrets
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import attest, jose, maa_claims, maa_spoil
from .attest import AttestError, need, parse_json, url64
from .hcl import HclError
from .maa_claims import b64
from .snp import SnpError
from .web import Response, compact

VERSIONS = ("2020-10-01", "2022-08-01", "2023-04-01-preview", "2025-06-01")
AAD = b"Transport Key"


class Refusal(Exception):
    """An answer that is no token."""

    def __init__(self, status, code, text, rule=None):
        super().__init__(text)
        self.response = Response(status, {"error": {"code": code,
                                                    "message": text}})
        self.response.rule = rule       # which check refused; for tests


def new_kid(cert_der):
    """An opaque name with the characters + / = that real ones have."""
    count = 0
    while True:
        raw = hashlib.sha256(cert_der + b"%d" % count).digest()
        text = base64.b64encode(raw).decode()
        if "+" in text and "/" in text:
            return text
        count += 1


class Maa:
    """issuer: URL without a slash at the end; trusted_arks: x509 objects.

    policy: {"require": {claim path: value or list of values} (else the
    answer is PolicyEvaluationError), "issue": claims for x-ms-policy,
    "text": what x-ms-policy-hash is made of, "id_keys": ID_KEY_DIGESTs in hex
    that count as compliant}; all may be missing.  ak_authorities: public keys
    that may have signed the AK certificate; none: any."""

    def __init__(self, issuer, signing_key, signing_cert_der, trusted_arks,
                 policy=None, ak_authorities=()):
        self.issuer, self.key = issuer, signing_key
        self.cert = signing_cert_der
        self.trusted, self.policy = list(trusted_arks), dict(policy or {})
        self.ak_authorities = list(ak_authorities)
        self.kid = new_kid(signing_cert_der)
        self.when = None                # time to check AMD validity at: now
        self.last_refusal = None        # the rule; one answer has its own
        self.routes = {
            ("POST", "/attest/azureguest"): self.guest,
            ("POST", "/attest/sevsnpvm"): self.snp,
            ("GET", "/certs"): lambda _req: Response(200, self.jwks()),
            ("GET", "/.well-known/openid-configuration"): self.openid}

    def handle(self, req):
        path = req.path.lower().rstrip("/")
        handler = self.routes.get((req.method, path))
        try:
            if handler is None:
                known = [m for m, p in self.routes if p == path]
                if known:
                    return Response(405, b"", {"Allow": known[0]})
                raise Refusal(404, "NotFound", "No such operation")
            return handler(req)
        except Refusal as refusal:
            if refusal.response.rule is not None:
                self.last_refusal = refusal.response.rule
            return refusal.response

    def jwks(self):
        numbers = x509.load_der_x509_certificate(
            self.cert).public_key().public_numbers()
        return {"keys": [{
            "x5c": [b64(self.cert)], "kid": self.kid, "kty": "RSA",
            "n": jose.b64u(jose.int_bytes(numbers.n)),
            "e": jose.b64u(jose.int_bytes(numbers.e))}]}

    def openid(self, _req):
        return Response(200, {
            "issuer": self.issuer, "jwks_uri": self.issuer + "/certs",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token", "none"],
            "revocation_endpoint": self.issuer + "/revoke",
            "claims_supported": [
                "is-debuggable", "sgx-mrsigner", "sgx-mrenclave",
                "product-id", "svn", "tee", "device_id", "component_0_id",
                "expected_components"]})

    def check_call(self, req):
        version = [value for name, value in req.query
                   if name.lower() == "api-version"]
        if len(version) != 1 or version[0] not in VERSIONS:
            raise Refusal(400, "InvalidParameter",
                          "The api-version is missing or not supported")
        kind = (req.header("Content-Type") or "").split(";")[0].strip()
        if kind.lower() != "application/json":
            raise Refusal(415, "UnsupportedMediaType",
                          "Content-Type must be application/json")

    @staticmethod
    def verified(work):
        """work(), its refusals as the service says them."""
        try:
            return work()
        except (AttestError, SnpError, HclError) as error:
            raise Refusal(400, "InvalidParameter", "The request is not valid: "
                          "%s" % error, error.code) from None

    def permit(self, claims):
        path = maa_claims.denied(claims, self.policy)
        if path is not None:
            raise Refusal(400, "PolicyEvaluationError",
                          "Policy evaluation failed: the claim %s does not "
                          "permit this attestation" % path, "policy")

    def guest(self, req):
        """POST /attest/AzureGuest"""
        self.check_call(req)

        def work():
            body = parse_json(req.body, "body")
            info = url64(need(body, "AttestationInfo", str),
                         "AttestationInfo")
            return attest.verify_guest(attest.Guest(info), self.trusted,
                                       self.ak_authorities, self.when)
        done = self.verified(work)
        claims = maa_claims.guest_claims(done, self.policy)
        self.permit(claims)
        token = self.token(claims, req.mutate)
        public = rsa.RSAPublicNumbers(65537, int.from_bytes(
            done.transfer, "big")).public_key()
        return self.envelope(token, public, req.mutate)

    def envelope(self, token, public, mutate=None):
        """The token, encrypted to the transfer key (4.3)."""
        if mutate == "envelope_plain":
            return Response(200, {"token": token})
        key, nonce = secrets.token_bytes(32), secrets.token_bytes(12)
        key, nonce = maa_spoil.key_and_iv(mutate, key, nonce)
        sealed = AESGCM(key).encrypt(nonce, token.encode(), AAD) \
            if len(nonce) >= 8 else secrets.token_bytes(len(token) + 16)
        inner = {"Jwt": b64(sealed[:-16]),
                 "EncryptedInnerKey": b64(public.encrypt(
                     key, padding.PKCS1v15())),
                 "EncryptionParams": {
                     "BlockMode": "ChainingModeGCM", "BlockPadding": "PKCS7",
                     "Cipher": "AES", "Iv": b64(nonce), "KeySizeInBits": 256},
                 "AuthenticationData": b64(sealed[-16:])}
        inner = maa_spoil.envelope(mutate, inner)
        text = compact(inner) if isinstance(inner, dict) else inner
        return Response(200, {"token": jose.b64u(text)})

    def token(self, claims, mutate=None):
        """A signed token with these claims."""
        now = int(time.time())
        full = {**maa_claims.registered(self.issuer, now,
                                        secrets.token_hex(32)), **claims}
        header = {"alg": "RS256", "jku": self.issuer + "/certs",
                  "kid": self.kid, "typ": "JWT"}
        if mutate:
            return maa_spoil.token(mutate, header, full, self.key)
        return jose.sign_rs256(header, full, self.key)

    def snp(self, req):
        """POST /attest/SevSnpVm (4.5); the answer is a plain token."""
        self.check_call(req)
        report, runtime, initial, body = self.verified(
            lambda: self.read_snp(req))
        nonce = body.get("nonce")
        if nonce is not None:
            nonce = str(nonce)
        claims = maa_claims.snp_token_claims(report, runtime, initial, nonce,
                                             self.policy)
        self.permit(claims)
        if isinstance(body.get("draftpolicyforattestation"), str):
            now = int(time.time())
            return Response(200, {"token": maa_spoil.unsigned(
                {"alg": "none", "typ": "JWT"}, {**maa_claims.registered(
                    self.issuer, now, secrets.token_hex(32)), **claims})})
        return Response(200, {"token": self.token(claims, req.mutate)})

    def read_snp(self, req):
        body = parse_json(req.body, "body")
        report, chain = attest.parse_snp_evidence(
            url64(need(body, "report", str), "report"))
        runtime = self.claim_data(body, "runtimeData")
        initial = self.claim_data(body, "initTimeData")
        attest.Isolation(report, chain, runtime).verify(self.trusted,
                                                        self.when)
        if initial is not None and \
                hashlib.sha256(initial).digest() != report.host_data:
            raise AttestError("init binding", "HOST_DATA is not the hash of "
                              "the init-time data")
        shown = [None if one is None else attest.RUNNING.decode(one.decode())
                 for one in (runtime, initial)]
        return (report, *shown, body)

    @staticmethod
    def claim_data(body, name):
        """The bytes of runtimeData or initTimeData, None if it is empty."""
        given = body.get(name.lower())
        if given is None:
            return None
        given = attest.members(given, name)
        data = url64(need(given, "data", str), name)
        if not data:
            return None
        if str(given.get("datatype")).lower() != "json":
            raise AttestError("member", name + ".dataType")
        parse_json(data, name)
        return data

    def verify_token(self, token):
        """The claims of a token of ours that is valid now; raises
        ValueError."""
        header, claims, signed, signature = jose.read_unverified(token)
        if header.get("alg") != "RS256" or not isinstance(
                header.get("kid"), str) or not hmac.compare_digest(
                    header["kid"].encode(), self.kid.encode()):
            raise ValueError("algorithm or key")
        try:
            self.key.public_key().verify(
                signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise ValueError("bad signature") from None
        now = time.time()
        if claims.get("iss") != self.issuer:
            raise ValueError("issuer")
        if not claims["nbf"] <= now + 60 or not now < claims["exp"]:
            raise ValueError("not valid now")
        return claims
