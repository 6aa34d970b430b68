# SPDX-License-Identifier: Apache-2.0
"""Hostile variants of a key release, by name (the "mutate" member of a
fault).  Each breaks one thing that a client has to check."""

import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import jose
from .pki_web import build, name, new_rsa, now

SAN = ["vault.azure.net", "*.vault.azure.net", "*.vaultcore.azure.net"]

# name -> what it breaks; the README's table is this one.
VARIANTS = {
    "bad_signature": "one byte of the signature is changed",
    "alg_none": "header alg none, empty signature",
    "alg_hs256": "header alg HS256",
    "wrong_root": "a chain to a root of the same name that is not the root",
    "wrong_san": "a leaf for another host under the right root",
    "expired_leaf": "a leaf that ended yesterday",
    "future_leaf": "a leaf that begins tomorrow",
    "leaf_only": "x5c has the leaf alone",
    "swapped_chain": "x5c begins with the intermediate",
    "wrong_thumbprint": "kid, x5t and x5t#S256 of another certificate",
    "other_vault": "request.kid and the key's kid name another vault",
    "other_key": "request.kid and the key's kid name another key",
    "other_nonce": "request.nonce is another",
    "no_nonce": "request.nonce is missing",
    "other_enc": "request.enc is another, the ciphertext is not",
    "wrong_private": "another RSA key is wrapped; n and e are the key's",
    "forged_private": "n and e of the key, private half of another",
    "no_private": "n and e of the key, zero in every private member",
    "not_pkcs8": "what is wrapped is no DER",
    "ec_key": "an EC key is wrapped",
    "wrapped_damaged": "one bit of the AES-KWP part is changed",
    "oaep_damaged": "one bit of the RSA part is changed",
    "ciphertext_empty": "no ciphertext",
    "ciphertext_short": "255 bytes of ciphertext",
    "ciphertext_head": "only the RSA part",
    "ciphertext_odd": "the last byte of the ciphertext is missing",
    "ciphertext_huge": "one MiB of zeros behind the RSA part",
}


def der_number(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return der_value(0x02, data)


def der_value(tag, data):
    size = len(data)
    if size < 128:
        return bytes([tag, size]) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + data


def pkcs8(numbers):
    """PrivateKeyInfo (RFC 5208) of the nine members of RSAPrivateKey, which
    need not belong together."""
    inner = der_value(0x30, b"".join(der_number(n) for n in numbers))
    rsa_id = bytes.fromhex("300d06092a864886f70d0101010500")
    return der_value(0x30, der_number(0) + rsa_id + der_value(0x04, inner))


def private_der(key):
    return key.private_bytes(serialization.Encoding.DER,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def plaintext(mutate, plain, record):
    """What is wrapped instead of the key's PKCS#8."""
    if mutate == "not_pkcs8":
        return b"\x04" * len(plain)
    if mutate == "ec_key":
        return private_der(ec.generate_private_key(ec.SECP256R1()))
    if mutate not in ("wrong_private", "forged_private", "no_private"):
        return plain
    own = serialization.load_pem_private_key(record["pem"].encode(), None)
    other = new_rsa(own.key_size)
    if mutate == "wrong_private":
        return private_der(other)
    public = own.public_key().public_numbers()
    if mutate == "no_private":
        return pkcs8([0, public.n, public.e, 0, 0, 0, 0, 0, 0])
    n = other.private_numbers()
    return pkcs8([0, public.n, public.e, n.d, n.p, n.q, n.dmp1, n.dmq1,
                  n.iqmp])


def flip(data, at):
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def ciphertext(mutate, data):
    """The RSA part is the first 256 bytes for the 2048-bit transfer key."""
    return {"wrapped_damaged": lambda: flip(data, -1),
            "oaep_damaged": lambda: flip(data, 100),
            "ciphertext_empty": lambda: b"",
            "ciphertext_short": lambda: data[:255],
            "ciphertext_head": lambda: data[:256],
            "ciphertext_odd": lambda: data[:-1],
            "ciphertext_huge": lambda: data[:256] + bytes(1 << 20),
            }.get(mutate, lambda: data)()


def signer(mutate, pki, chain, key):
    """(chain, signing key) of the variant."""
    day = datetime.timedelta(days=1)
    if mutate == "wrong_san":
        return [pki.akv_signer(["vault.example.com"])] + chain[1:], key
    if mutate == "expired_leaf":
        leaf = pki.akv_signer(SAN, now() - 300 * day, now() - day)
        return [leaf] + chain[1:], key
    if mutate == "future_leaf":
        leaf = pki.akv_signer(SAN, now() + day, now() + 300 * day)
        return [leaf] + chain[1:], key
    if mutate == "leaf_only":
        return chain[:1], key
    if mutate == "swapped_chain":
        return [chain[1], chain[0], chain[2]], key
    if mutate == "wrong_root":
        keys = [new_rsa(2048) for _ in range(3)]
        root = build(chain[2].subject, keys[0], ca=-1)
        middle = build(chain[1].subject, keys[1], root, keys[0], ca=0)
        leaf = build(name(SAN[0]), keys[2], middle, keys[1], san=SAN)
        return [leaf, middle, root], keys[2]
    return chain, key


def members(mutate, header, payload):
    """Change header and payload in place, before they are signed."""
    request, key = payload["request"], payload["response"]["key"]["key"]
    if mutate == "alg_none":
        header["alg"] = "none"
    elif mutate == "alg_hs256":
        header["alg"] = "HS256"
    elif mutate == "wrong_thumbprint":
        header.update(kid="00" * 20, x5t=jose.b64u(bytes(20)))
        header["x5t#S256"] = jose.b64u(bytes(32))
    elif mutate in ("other_vault", "other_key"):
        host, rest = request["kid"][8:].split("/", 1)
        old = "https://" + host + "/keys/" + rest.split("/")[1]
        new = "https://evil.vault.azure.net/keys/" + rest.split("/")[1] \
            if mutate == "other_vault" else "https://" + host + "/keys/other"
        request["kid"] = request["kid"].replace(old, new, 1)
        key["kid"] = key["kid"].replace(old, new, 1)
    elif mutate == "other_nonce":
        request["nonce"] = jose.b64u(bytes(32))
    elif mutate == "no_nonce":
        request.pop("nonce", None)
    elif mutate == "other_enc":
        request["enc"] = "CKM_RSA_AES_KEY_WRAP" if request["enc"] != \
            "CKM_RSA_AES_KEY_WRAP" else "RSA_AES_KEY_WRAP_256"


def token(mutate, text):
    """Change the finished token."""
    if mutate == "alg_none":
        return text.rsplit(".", 1)[0] + "."
    if mutate == "bad_signature":
        body, sig = text.rsplit(".", 1)
        return body + "." + jose.b64u(flip(jose.unb64u(sig), 0))
    return text
