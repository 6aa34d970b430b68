# SPDX-License-Identifier: Apache-2.0
"""Keys: create, import, get, update, and the way to release
(azure-protocol.md 5.4); the operations with a key are in akv_crypto."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import akv_crypto, akv_policy, akv_rotate, keyfile
from . import akv_errors as err
from .akv_store import attributes, check_tags, show_attributes
from .jose import b64u, int_bytes, unint
from .pki_web import key_pem, new_rsa
from .web import Response

RSA_OPS = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
EC_OPS = ["sign", "verify"]
ALL_OPS = set(RSA_OPS) | {"import", "export"}
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1,
          "P-521": ec.SECP521R1, "P-256K": ec.SECP256K1}
KTYS = ("RSA", "RSA-HSM", "EC", "EC-HSM")
SIZES = (2048, 3072, 4096)


def load(record):
    """The private key of a version record."""
    return keyfile.load(record["pem"].encode())


def public_jwk(record, kid):
    """The key object of a bundle.  An HSM's public exponent comes with a
    leading zero byte: AAEAAQ (5.4, recorded)."""
    numbers = load(record).public_key().public_numbers()
    out = {"kid": kid, "kty": record["kty"], "key_ops": record["key_ops"]}
    if record["kty"].startswith("RSA"):
        exponent = int_bytes(numbers.e)
        if record["kty"].endswith("-HSM"):
            exponent = exponent.rjust(4, b"\0")
        out.update(n=b64u(int_bytes(numbers.n)), e=b64u(exponent))
    else:
        size = (numbers.curve.key_size + 7) // 8
        out.update(crv=record["crv"], x=b64u(numbers.x.to_bytes(size, "big")),
                   y=b64u(numbers.y.to_bytes(size, "big")))
    return out


def make(body):
    """(private key, curve name or None) for a create request."""
    if body["kty"].startswith("RSA"):
        size = body.get("key_size") or 2048
        if size not in SIZES:
            raise err.bad("Invalid key size: %s" % size)
        if body.get("public_exponent") not in (None, 65537):
            raise err.bad("Property public_exponent has invalid value")
        return new_rsa(size), None
    curve = body.get("crv") or "P-256"
    if curve not in CURVES:
        raise err.bad("Property crv has invalid value")
    return ec.generate_private_key(CURVES[curve]()), curve


def read_jwk(jwk):
    """(private key, curve name or None) of an import request."""
    try:
        if jwk["kty"].startswith("RSA"):
            n = {k: unint(jwk[k]) for k in
                 ("n", "e", "d", "p", "q", "dp", "dq", "qi")}
            public = rsa.RSAPublicNumbers(n["e"], n["n"])
            key = rsa.RSAPrivateNumbers(n["p"], n["q"], n["d"], n["dp"],
                                        n["dq"], n["qi"], public)
            return key.private_key(), None
        curve = jwk["crv"]
        public = ec.EllipticCurvePublicNumbers(
            unint(jwk["x"]), unint(jwk["y"]), CURVES[curve]())
        return ec.EllipticCurvePrivateNumbers(
            unint(jwk["d"]), public).private_key(), curve
    except (KeyError, ValueError, TypeError):
        raise err.bad("Property key has invalid value") from None


class Keys:
    """The operations on /keys."""

    make = staticmethod(make)

    ACTION = "keys/"
    LIST = "keys/read"

    def __init__(self, release):
        self.release = release

    def route(self, call):
        method, parts = call.req.method, call.parts
        count, last = len(parts), parts[-1].lower()
        if method == "POST" and count == 3 and last == "create":
            call.need("keys/create/action")
            return self.create(call)
        if method == "PUT" and count == 2:
            call.need("keys/import/action")
            return self.put(call)
        if method == "POST" and count == 3 and last == "rotate":
            call.need("keys/rotate/action")
            return akv_rotate.rotate(self, call)
        if count == 3 and last == "rotationpolicy" and \
                method in ("GET", "PUT"):
            call.need("keyrotationpolicies/" + (
                "read" if method == "GET" else "write"))
            return akv_rotate.policy(call, method == "PUT")
        if method == "GET" and count in (2, 3):
            call.need("keys/read")
            found, record = call.vault.version("keys", call.name(),
                                               *parts[2:3])
            return Response(200, self.bundle(call, found, record))
        if method == "PATCH" and count in (2, 3):
            call.need("keys/update/action")
            return self.update(call, parts[2] if count == 3 else None)
        if method != "POST" or count not in (3, 4):
            return None
        version = parts[2] if count == 4 else None
        if last == "release":
            call.need("keys/release/action")
            return self.release.answer(call, version)
        if last in akv_crypto.ACTIONS:
            call.need("keys/%s/action" % akv_crypto.ACTIONS[last])
            return akv_crypto.answer(call, last, version)
        return None

    @staticmethod
    def size(record):
        return load(record).key_size

    @staticmethod
    def kid(call, found, record):
        return "%s/keys/%s/%s" % (call.vault.url, found["name"],
                                  record["version"])

    @staticmethod
    def attributes(call, record):
        extra = {"exportable": record["exportable"]}
        if call.api in ("7.0", "7.1", "7.2", "2016-10-01"):
            extra = None
        return show_attributes(record["attributes"], call.api, extra)

    def item(self, call, found, record, versions):
        out = {"kid": "%s/keys/%s" % (call.vault.url, found["name"])}
        if versions:
            out["kid"] += "/" + record["version"]
        out["attributes"] = self.attributes(call, record)
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        if record.get("managed"):
            out["managed"] = True
        return out

    def bundle(self, call, found, record):
        out = {"key": public_jwk(record, self.kid(call, found, record)),
               "attributes": self.attributes(call, record)}
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        if record.get("managed"):
            out["managed"] = True
        if found.get("release_policy"):
            out["release_policy"] = found["release_policy"]
        return out

    @staticmethod
    def check(call, body, kty):
        """(exportable, policy or None); the rules of 5.3."""
        given = body.get("attributes") or {}
        exportable = given.get("exportable", False) if isinstance(
            given, dict) else False
        policy = body.get("release_policy")
        if exportable is True:
            if not call.vault.options.premium or call.api in (
                    "7.0", "7.1", "7.2", "2016-10-01"):
                raise err.skr(1001, "The exportable attribute is only "
                              "supported with premium vaults and API version "
                              "'7.3-preview' or later.")
            if policy is None:
                raise err.skr(1004, "Exportable keys must have release "
                              "policy.")
            if not kty.endswith("-HSM"):
                raise err.skr(1006, "Exportable keys must be HSM protected.")
        elif policy is not None:
            raise err.skr(1005, "Non-exportable keys must not have release "
                          "policy.")
        return exportable is True, policy

    def add(self, call, key, kty, curve, body):
        """A new version from a private key."""
        exportable, policy = self.check(call, body, kty)
        found = call.vault.for_writing("keys", call.name())
        if policy is not None:
            policy = akv_policy.parse(policy, found.get("release_policy"))
        ops = body.get("key_ops") or (RSA_OPS if kty.startswith("RSA")
                                      else EC_OPS)
        if not isinstance(ops, list) or not set(ops) <= ALL_OPS:
            raise err.bad("Property key_ops has invalid value")
        record = {"version": call.vault.new_version(), "kty": kty,
                  "crv": curve, "pem": key_pem(key).decode(),
                  "key_ops": list(ops), "exportable": exportable,
                  "attributes": attributes(body.get("attributes")),
                  "tags": check_tags(body.get("tags"), 256)}
        found["versions"].append(record)
        if policy is not None:
            found["release_policy"] = policy
        call.vault.put("keys", found)
        return found, record

    def create(self, call):
        body = call.body()
        kty = body.get("kty")
        if kty not in KTYS:
            raise err.bad("Property kty has invalid value")
        self.check(call, body, kty)
        call.vault.for_writing("keys", call.name())
        self.release.throttle(call)
        key, curve = make(body)
        found, record = self.add(call, key, kty, curve, body)
        return Response(200, self.bundle(call, found, record))

    def put(self, call):
        body = call.body()
        jwk = body.get("key")
        if not isinstance(jwk, dict) or jwk.get("kty") not in KTYS:
            raise err.bad("Property key has invalid value")
        hsm = body.get("Hsm", body.get("hsm")) is True
        kty = jwk["kty"].removesuffix("-HSM")
        if hsm or jwk["kty"].endswith("-HSM"):
            kty += "-HSM"
        key, curve = read_jwk(jwk)
        body.setdefault("key_ops", jwk.get("key_ops"))
        found, record = self.add(call, key, kty, curve, body)
        return Response(200, self.bundle(call, found, record))

    def update(self, call, version):
        body = call.body()
        found, record = call.vault.version("keys", call.name(), version)
        policy = body.get("release_policy")
        exportable = (body.get("attributes") or {}).get("exportable")
        if exportable is not None and exportable != record["exportable"]:
            raise err.skr(1003, "The exportable attribute of an existing key "
                          "cannot be changed.")
        if policy is not None:
            if version:
                raise err.skr(1016, "Key Release Policy can only be set on "
                              "versionless key.")
            if not record["exportable"]:
                raise err.skr(1005, "Non-exportable keys must not have "
                              "release policy.")
            found["release_policy"] = akv_policy.parse(
                policy, found.get("release_policy"))
        record["attributes"] = attributes(body.get("attributes"),
                                          record["attributes"])
        if body.get("key_ops"):
            if not set(body["key_ops"]) <= ALL_OPS:
                raise err.bad("Property key_ops has invalid value")
            record["key_ops"] = list(body["key_ops"])
        if body.get("tags") is not None:
            record["tags"] = check_tags(body["tags"], 256)
        call.vault.put("keys", found)
        return Response(200, self.bundle(call, found, record))

    def deleting(self, call, found):
        """Nothing hangs on a key."""

    def recovering(self, call, found):
        """Nothing hangs on a key."""

    def purging(self, call, found):
        """Nothing hangs on a key."""
