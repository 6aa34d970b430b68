# SPDX-License-Identifier: Apache-2.0
"""Hostile variants of an attestation answer, by name (the "mutate" member of
a fault).  Each breaks one thing that a client has to check."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from . import jose
from .web import compact

# name -> what it breaks; the README's table is this one.
VARIANTS = {
    "bad_signature": "one byte of the token's signature is changed",
    "alg_none": "header alg none, empty signature",
    "alg_hs256": "header alg HS256, signed with the public key as secret",
    "unknown_kid": "header kid that /certs does not have",
    "wrong_issuer": "iss of another instance",
    "expired": "exp an hour ago",
    "future": "nbf in an hour",
    "duplicate_member": "the payload has secureboot twice",
    "other_transfer_key": "x-ms-runtime.keys has another key",
    "other_vm": "x-ms-azurevm-vmid of another machine",
    "other_nonce": "client-payload.nonce is another",
    "not_compliant": "no x-ms-compliance-status",
    "debuggable": "x-ms-sevsnpvm-is-debuggable is true",
    "insecure_boot": "secureboot is false",
    "other_report": "x-ms-sevsnpvm-reportdata of another report",
    "jwt_damaged": "one bit of the encrypted token is changed",
    "tag_damaged": "one bit of the GCM tag is changed",
    "tag_1": "a GCM tag of one byte",
    "iv_0": "an IV of no bytes",
    "iv_16": "an IV of 16 bytes, the encryption is right",
    "key_16": "an inner key of 16 bytes, the encryption is right",
    "inner_key_damaged": "one bit of EncryptedInnerKey is changed",
    "inner_key_short": "EncryptedInnerKey of 255 bytes",
    "key_size_128": "KeySizeInBits says 128",
    "cipher_cbc": "BlockMode says CBC",
    "envelope_no_json": "the envelope is no JSON",
    "envelope_missing": "the envelope lacks AuthenticationData",
    "envelope_huge": "an envelope above 1 MiB",
    "envelope_plain": "the token itself, not encrypted",
}


def flip(data, at=0):
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def unsigned(header, claims):
    return "%s.%s." % (jose.b64u(compact(header)), jose.b64u(compact(claims)))


def change_claims(mutate, claims):
    tee = claims.get("x-ms-isolation-tee", claims)
    if mutate == "wrong_issuer":
        claims["iss"] = "https://sharedother.eus.attest.azure.net"
    elif mutate == "expired":
        for name in ("exp", "iat", "nbf"):
            claims[name] -= 28800 + 3600
    elif mutate == "future":
        for name in ("exp", "iat", "nbf"):
            claims[name] += 3600
    elif mutate == "other_transfer_key":
        claims["x-ms-runtime"]["keys"][0]["n"] = jose.b64u(
            b"\xc0" + secrets.token_bytes(254) + b"\x01")
    elif mutate == "other_vm":
        claims["x-ms-azurevm-vmid"] = "00000000-0000-4000-8000-000000000000"
    elif mutate == "other_nonce":
        claims["x-ms-runtime"]["client-payload"]["nonce"] = "AAAA"
    elif mutate == "not_compliant":
        tee.pop("x-ms-compliance-status", None)
    elif mutate == "debuggable":
        tee["x-ms-sevsnpvm-is-debuggable"] = True
    elif mutate == "insecure_boot":
        claims["secureboot"] = False
    elif mutate == "other_report":
        tee["x-ms-sevsnpvm-reportdata"] = secrets.token_hex(64)


def token(mutate, header, claims, key):
    """The token, spoilt where the variant is one of tokens."""
    change_claims(mutate, claims)
    if mutate == "alg_none":
        return unsigned({**header, "alg": "none"}, claims)
    if mutate == "unknown_kid":
        header["kid"] = "AAAA" + header["kid"][4:]
    if mutate == "alg_hs256":
        body = unsigned({**header, "alg": "HS256"}, claims)[:-1]
        secret = key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        return body + "." + jose.b64u(hmac.digest(
            secret, body.encode(), hashlib.sha256))
    if mutate == "duplicate_member":
        head, payload = unsigned(header, claims).split(".")[:2]
        text = jose.unb64u(payload).replace(
            b'"secureboot":', b'"secureboot":true,"secureboot":', 1)
        return resign(head + "." + jose.b64u(text), key)
    made = jose.sign_rs256(header, claims, key)
    if mutate == "bad_signature":
        head, _, signature = made.rpartition(".")
        return head + "." + jose.b64u(flip(jose.unb64u(signature), 7))
    return made


def resign(signed, key):
    return signed + "." + jose.b64u(key.sign(
        signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


def key_and_iv(mutate, key, nonce):
    """The inner key and the IV that the encryption uses."""
    if mutate == "key_16":
        return key[:16], nonce
    if mutate == "iv_16":
        return key, nonce + b"\1\2\3\4"
    if mutate == "iv_0":
        return key, b""
    return key, nonce


def envelope(mutate, inner):
    """The envelope as a dict, or its bytes."""
    def change(name, how):
        inner[name] = b64encode(how(b64decode(inner[name]))).decode()

    if mutate == "jwt_damaged":
        change("Jwt", flip)
    elif mutate == "tag_damaged":
        change("AuthenticationData", flip)
    elif mutate == "tag_1":
        change("AuthenticationData", lambda tag: tag[:1])
    elif mutate == "inner_key_damaged":
        change("EncryptedInnerKey", lambda key: flip(key, 128))
    elif mutate == "inner_key_short":
        change("EncryptedInnerKey", lambda key: key[:255])
    elif mutate == "key_size_128":
        inner["EncryptionParams"]["KeySizeInBits"] = 128
    elif mutate == "cipher_cbc":
        inner["EncryptionParams"]["BlockMode"] = "ChainingModeCBC"
    elif mutate == "envelope_missing":
        del inner["AuthenticationData"]
    elif mutate == "envelope_no_json":
        return b"<html>not json</html>"
    elif mutate == "envelope_huge":
        inner["Padding"] = "A" * (1 << 20)
    return inner
