# SPDX-License-Identifier: Apache-2.0
"""Encrypt, decrypt, wrap, unwrap, sign, verify with a key of the vault
(azure-protocol.md 5.8)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from . import akv_errors as err
from . import keyfile
from .jose import b64u, unb64u
from .web import Response

ACTIONS = {"encrypt": "encrypt", "decrypt": "decrypt", "wrapkey": "wrap",
           "unwrapkey": "unwrap", "sign": "sign", "verify": "verify"}
OPS = {"wrapkey": "wrapKey", "unwrapkey": "unwrapKey"}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def oaep(digest):
    return padding.OAEP(padding.MGF1(digest()), digest(), None)


def encryption(alg):
    table = {"RSA-OAEP": lambda: oaep(hashes.SHA1),
             "RSA-OAEP-256": lambda: oaep(hashes.SHA256),
             "RSA1_5": padding.PKCS1v15}
    if alg not in table:
        raise err.bad("Property alg has invalid value")
    return table[alg]()


def bytes_of(body, name):
    try:
        return unb64u(body.get(name))
    except ValueError:
        raise err.bad("Property %s has invalid value" % name) from None


def sign_parts(alg, rsa_key):
    """(arguments of sign after the digest, digest size) for an alg."""
    family, bits = alg[:2], alg[2:]
    digest = HASHES.get(bits.rstrip("K"))
    if digest is None or (family == "ES") == rsa_key or family not in (
            "RS", "PS", "ES"):
        raise err.bad("Property alg has invalid value")
    hashed = utils.Prehashed(digest())
    if family == "ES":
        return (ec.ECDSA(hashed),), digest.digest_size
    pad = padding.PKCS1v15() if family == "RS" else padding.PSS(
        padding.MGF1(digest()), digest.digest_size)
    return (pad, hashed), digest.digest_size


def raw_ecdsa(der, size):
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def der_ecdsa(raw):
    half = len(raw) // 2
    return utils.encode_dss_signature(int.from_bytes(raw[:half], "big"),
                                      int.from_bytes(raw[half:], "big"))


def run(key, verb, alg, body, is_rsa):
    """The answer's value: bytes, or a bool for verify."""
    if verb in ("sign", "verify"):
        digest = bytes_of(body, "value" if verb == "sign" else "digest")
        args, size = sign_parts(alg, is_rsa)
        if len(digest) != size:
            raise err.bad("Invalid length of the digest")
        if verb == "sign":
            out = key.sign(digest, *args)
            return out if is_rsa else raw_ecdsa(
                out, (key.curve.key_size + 7) // 8)
        value = bytes_of(body, "value")
        try:
            # RSA: verify(signature, data, ...) with the same order for EC.
            key.public_key().verify(value if is_rsa else der_ecdsa(value),
                                    digest, *args)
            return True
        except InvalidSignature:
            return False
    if not is_rsa:
        raise err.bad("The operation is not supported by this key type")
    value = bytes_of(body, "value")
    try:
        if verb in ("encrypt", "wrapkey"):
            return key.public_key().encrypt(value, encryption(alg))
        return key.decrypt(value, encryption(alg))
    except ValueError:
        raise err.bad("The parameter is incorrect.\r\n") from None


def answer(call, verb, version):
    body = call.body()
    found, record = call.vault.version("keys", call.name(), version)
    if not record["attributes"]["enabled"]:
        raise err.forbidden("Operation %s is not allowed on a disabled key."
                            % verb, "KeyDisabled")
    op = OPS.get(verb, verb)
    if op not in record["key_ops"]:
        raise err.forbidden("Operation %s is not permitted on this key." % op,
                            "KeyOperationForbidden")
    key = keyfile.load(record["pem"].encode())
    value = run(key, verb, str(body.get("alg")), body,
                record["kty"].startswith("RSA"))
    if isinstance(value, bool):
        return Response(200, {"value": value})
    return Response(200, {"kid": "%s/keys/%s/%s" % (
        call.vault.url, found["name"], record["version"]),
        "value": b64u(value)})
