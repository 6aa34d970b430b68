# SPDX-License-Identifier: Apache-2.0
"""The little of JOSE that the web side signs and reads: base64url, RS256."""

import base64
import binascii
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .web import compact


def b64u(data):
    """Base64url without padding, as every service here writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    """The bytes of base64url with or without padding; raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("not a string")
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), "-_", True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def unint(text):
    return int.from_bytes(unb64u(text), "big")


def int_bytes(value):
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")


def sign_rs256(header, payload, key):
    """A compact JWS; header and payload are dicts in their final order."""
    body = b64u(compact(header)) + "." + b64u(compact(payload))
    sig = key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return body + "." + b64u(sig)


def read_unverified(token):
    """(header, payload, signed part, signature); raises ValueError."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    header = json.loads(unb64u(parts[0]))
    payload = json.loads(unb64u(parts[1]))
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise ValueError("header or payload is no object")
    return header, payload, token.rsplit(".", 1)[0].encode(), unb64u(parts[2])


def verify_rs256(token, public_key):
    """The payload of a token signed by this key; raises ValueError."""
    header, payload, signed, signature = read_unverified(token)
    if header.get("alg") != "RS256":
        raise ValueError("the algorithm is not RS256")
    try:
        public_key.verify(signature, signed, padding.PKCS1v15(),
                          hashes.SHA256())
    except InvalidSignature:
        raise ValueError("bad signature") from None
    return payload
