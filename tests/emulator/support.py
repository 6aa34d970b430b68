# SPDX-License-Identifier: Apache-2.0
"""What the tests of the web side share: an emulator without sockets, calls on
it, a test attestation authority, and a reader of release answers that is
written from the reference and not from the emulator."""

import atexit
import base64
import functools
import hashlib
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.parse
from datetime import datetime

HERE = os.path.dirname(os.path.realpath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import (  # noqa: E402
    hashes, keywrap, serialization)
from cryptography.hazmat.primitives.asymmetric import (  # noqa: E402
    padding, rsa)

from azemu import jose  # noqa: E402
from azemu.core import Emulator  # noqa: E402
from azemu.identity import VAULT  # noqa: E402
from azemu.web import Request, compact  # noqa: E402

VECTORS = os.path.join(HERE, "..", "..", "..", "shared", "vectors")
RECORDED = os.path.join(VECTORS, "azure-sdk-for-net")
AUTHORITY = "https://authority.example"
HOST = "apmkv.vault.azure.net"


@functools.lru_cache(None)
def key_cache():
    """A directory of keys: that of scripts/check where it runs us, for making
    them takes longer than most tests; else one of this process."""
    if "SALLYPORT_CACHE" in os.environ:
        return os.path.join(os.environ["SALLYPORT_CACHE"], "emulator-keys")
    made = tempfile.TemporaryDirectory(prefix="emulator-keys-")
    atexit.register(made.cleanup)
    return made.name


def vector(name):
    """A recorded file's bytes, or None where the vectors are not there."""
    path = os.path.join(RECORDED, name)
    if not os.path.exists(path):
        return None
    with open(path, "rb") as data:
        return data.read()


class Bench:
    """An emulator without sockets, and calls on its services."""

    def __init__(self, **options):
        self.tmp = tempfile.TemporaryDirectory(prefix="emulator-")
        self.emulator = Emulator(self.tmp.name, cache=key_cache(),
                                 attestation=False, **options)
        self.emulator.options.soft_delete_delay = 0.05
        self.akv = self.emulator.services["akv"]
        self.signer = rsa.generate_private_key(65537, 2048)
        self.emulator.release.authorities[AUTHORITY] = self.verify

    def close(self):
        self.tmp.cleanup()

    def verify(self, token):
        claims = jose.verify_rs256(token, self.signer.public_key())
        if claims["exp"] <= time.time():
            raise ValueError("expired")
        return claims

    def token(self, identity="deployer", resource=VAULT):
        directory = self.emulator.directory
        return directory.issue(directory.find(identity), resource)[0]

    def raw(self, method, target, body=None, headers=(), host=HOST):
        path, _, query = target.partition("?")
        data = b"" if body is None else compact(body)
        return self.akv.handle(Request(
            method, path, urllib.parse.parse_qsl(query), headers, data,
            "akv", host))

    def call(self, method, target, body=None, identity="deployer",
             api="7.4"):
        target += ("&" if "?" in target else "?") + "api-version=" + api
        return self.raw(method, target, body, [
            ("Authorization", "Bearer " + self.token(identity))])

    def attest(self, transfer, **claims):
        """A token of the test authority for this transfer key."""
        numbers = transfer.public_key().public_numbers()
        now = int(time.time())
        body = {"iss": AUTHORITY, "iat": now, "exp": now + 3600,
                "x-ms-runtime": {"keys": [{
                    "kid": "TpmEphemeralEncryptionKey", "kty": "RSA",
                    "key_ops": ["encrypt"], "e": "AQAB",
                    "n": jose.b64u(jose.int_bytes(numbers.n))}]},
                "x-ms-isolation-tee": {"x-ms-compliance-status":
                                       "azure-compliant-cvm"}}
        body.update(claims)
        return jose.sign_rs256({"alg": "RS256", "typ": "JWT"}, body,
                               self.signer)


def policy(*conditions, authority=AUTHORITY, kind="allOf"):
    """A release policy; conditions are (claim, value)."""
    return {"version": "1.0.0", "anyOf": [{"authority": authority, kind: [
        {"claim": name, "equals": value} for name, value in conditions]}]}


COMPLIANT = ("x-ms-isolation-tee.x-ms-compliance-status",
             "azure-compliant-cvm")


def key_body(rules=None, size=2048, **more):
    """The body of a create request for a releasable key."""
    rules = policy(COMPLIANT) if rules is None else rules
    body = {"kty": "RSA-HSM", "key_size": size,
            "attributes": {"exportable": True},
            "release_policy": {"data": jose.b64u(json.dumps(rules).encode())}}
    body.update(more)
    return body


class Refused(Exception):
    """A release answer that must not be accepted."""


def demand(condition, what):
    if not condition:
        raise Refused(what)


def check_chain(chain, root, host, when=None):
    """Signatures, names, times, the host, the pinned root."""
    when = when or datetime.utcnow()
    demand(2 <= len(chain) <= 5, "length of the chain")
    demand(chain[-1] == root, "root")
    for cert, issuer in zip(chain, chain[1:] + [root]):
        demand(cert.issuer == issuer.subject, "issuer name")
        try:
            issuer.public_key().verify(
                cert.signature, cert.tbs_certificate_bytes,
                padding.PKCS1v15(), cert.signature_hash_algorithm)
        except Exception as error:
            raise Refused("signature of a certificate") from error
        demand(cert.not_valid_before <= when <= cert.not_valid_after, "time")
    for cert in chain[1:]:
        demand(cert.extensions.get_extension_for_class(
            x509.BasicConstraints).value.ca, "not a CA")
    names = chain[0].extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    demand(any(n == "vault.azure.net" or n == "*." + host.split(".", 1)[1]
               for n in names), "host name")


def open_envelope(jws, root, host, when=None):
    """(header, payload) of a release JWS, all of 5.5 checked."""
    header, payload, signed, signature = jose.read_unverified(jws)
    demand(header["alg"] == "RS256", "alg")
    chain = [x509.load_der_x509_certificate(base64.b64decode(c))
             for c in header["x5c"]]
    der = chain[0].public_bytes(serialization.Encoding.DER)
    sha1 = hashlib.sha1(der).digest()
    demand(header["kid"] == sha1.hex().upper(), "kid")
    demand(header["x5t"] == jose.b64u(sha1), "x5t")
    demand(header["x5t#S256"] == jose.b64u(hashlib.sha256(der).digest()),
           "x5t#S256")
    check_chain(chain, root or chain[-1], host, when)
    try:
        chain[0].public_key().verify(signature, signed, padding.PKCS1v15(),
                                     hashes.SHA256())
    except Exception as error:
        raise Refused("signature") from error
    return header, payload


def unwrap(blob, transfer, digest):
    """5.6: OAEP, then AES-KWP."""
    demand(256 + 16 <= len(blob) <= 256 + 8192 and len(blob) % 8 == 0,
           "length of the ciphertext")
    try:
        kek = transfer.decrypt(blob[:256], padding.OAEP(
            padding.MGF1(digest()), digest(), None))
        demand(len(kek) == 32, "length of the AES key")
        return keywrap.aes_key_unwrap_with_padding(kek, blob[256:])
    except (ValueError, keywrap.InvalidUnwrap) as error:
        raise Refused("unwrap") from error


def load_consistent(plain):
    """The private key, its parts belonging together."""
    try:
        key = serialization.load_der_private_key(plain, None)
        demand(isinstance(key, rsa.RSAPrivateKey), "not RSA")
        n = key.private_numbers()
        demand(n.p * n.q == n.public_numbers.n, "p times q is not n")
        probe = b"\x17" * 32
        pad = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(),
                           None)
        demand(key.decrypt(key.public_key().encrypt(probe, pad), pad)
               == probe, "halves do not belong together")
        return key
    except (ValueError, TypeError) as error:
        raise Refused("no usable key") from error


DIGESTS = {"CKM_RSA_AES_KEY_WRAP": hashes.SHA1,
           "RSA_AES_KEY_WRAP_256": hashes.SHA256,
           "RSA_AES_KEY_WRAP_384": hashes.SHA384}


def open_release(jws, root, transfer, url, enc, nonce, pin):
    """The released key, everything that 5.5 asks for checked; raises
    Refused.  pin: the public numbers of the key that is expected."""
    _, payload = open_envelope(jws, root, urllib.parse.urlsplit(url).hostname)
    request = payload["request"]
    demand(request["kid"] == url, "request.kid")
    demand(request["enc"] == enc, "request.enc")
    demand(request.get("nonce") == nonce, "request.nonce")
    key = payload["response"]["key"]["key"]
    demand(key["kid"].rsplit("/", 1)[0] == url, "kid")
    hsm = json.loads(jose.unb64u(key["key_hsm"]))
    demand(hsm["header"]["enc"] == enc, "header.enc")
    found = load_consistent(unwrap(jose.unb64u(hsm["ciphertext"]), transfer,
                                   DIGESTS[enc]))
    public = found.public_key().public_numbers()
    demand(public.n == jose.unint(key["n"]) and public == pin, "another key")
    return found


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
