# SPDX-License-Identifier: Apache-2.0
"""Secure key release: the token is verified, the policy evaluated, the key
wrapped to the key that the token names, the answer signed (5.4 to 5.6)."""

import base64
import secrets
import time

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import akv_policy, akv_spoil, jose
from . import akv_errors as err
from .akv_keys import load, public_jwk
from .akv_store import show_attributes
from .pki_web import der, thumbprint
from .web import Response, compact

ENC = {"CKM_RSA_AES_KEY_WRAP": hashes.SHA1,
       "RSA_AES_KEY_WRAP_256": hashes.SHA256,
       "RSA_AES_KEY_WRAP_384": hashes.SHA384}
OLD = ("2016-10-01", "7.0", "7.1", "7.2", "7.3-preview")


def transfer_key(claims):
    """(kid, RSA public key) to wrap to: the first RSA key of x-ms-runtime
    for encryption; never one from x-ms-isolation-tee (5.4).  None: no such
    key."""
    runtime = claims.get("x-ms-runtime")
    keys = runtime.get("keys") if isinstance(runtime, dict) else None
    for one in keys if isinstance(keys, list) else []:
        if not isinstance(one, dict) or one.get("kty") != "RSA":
            continue
        ops = one.get("key_ops")
        if one.get("use") != "enc" and not (isinstance(ops, list)
                                            and "encrypt" in ops):
            continue
        try:
            numbers = rsa.RSAPublicNumbers(jose.unint(one["e"]),
                                           jose.unint(one["n"]))
            kid = one["kid"]
            if isinstance(kid, str) and numbers.n.bit_length() >= 2048:
                return kid, numbers.public_key()
        except (KeyError, ValueError):
            pass
        return None
    return None


def wrap(data, public_key, digest):
    """RSA-OAEP of a fresh AES-256 key, then AES-KWP (RFC 5649) of data."""
    kek = secrets.token_bytes(32)
    head = public_key.encrypt(kek, padding.OAEP(
        padding.MGF1(digest()), digest(), None))
    return head + keywrap.aes_key_wrap_with_padding(kek, data)


def signed_header(chain):
    """The members and their order as captured (5.5)."""
    return {"alg": "RS256", "kid": thumbprint(chain[0]).hex().upper(),
            "x5t": jose.b64u(thumbprint(chain[0])), "typ": "JWT",
            "x5t#S256": jose.b64u(thumbprint(chain[0], "sha256")),
            "x5c": [std_b64(der(cert)) for cert in chain]}


def std_b64(data):
    return base64.b64encode(data).decode()


class Release:
    """pki: WebPki; authorities: {issuer: verify(token) -> claims, raises
    ValueError}."""

    def __init__(self, pki, authorities):
        self.pki = pki
        self.authorities = authorities
        self.create_class = []

    def throttle(self, call):
        """Create and release share one class (5.9)."""
        now = time.monotonic()
        times, limit = self.create_class, call.vault.options
        times[:] = [t for t in times if t > now - 10] + [now]
        if 0 < limit.create_release_limit < len(times):
            raise err.AkvError(
                429, "Throttled", "Request was not processed because too many "
                "requests were received. Reason: VaultRequestTypeLimitReached",
                headers={"Retry-After": "10"})

    def claims(self, token):
        """The claims of a token that one of the authorities made."""
        refused = err.forbidden("Target environment attestation statement "
                                "cannot be verified.")
        try:
            issuer = jose.read_unverified(token)[1].get("iss")
            verify = self.authorities[str(issuer).removesuffix("/")]
            return verify(token)
        except (ValueError, KeyError, AttributeError):
            raise refused from None

    def answer(self, call, version):
        if call.api in OLD:
            raise err.bad("Release is not currently not enabled in API "
                          "Version'%s." % call.api, "ProtocolNotSupported")
        self.throttle(call)
        body = call.body()
        found, record = call.vault.version("keys", call.name(), version)
        enc = body.get("enc") or "CKM_RSA_AES_KEY_WRAP"
        if enc not in ENC or enc in call.vault.options.refuse_enc:
            raise err.bad("Property enc has invalid value\r\n")
        nonce = body.get("nonce")
        if nonce is not None and not isinstance(nonce, str):
            raise err.bad("Property nonce has invalid value\r\n")
        if not isinstance(body.get("target"), str):
            raise err.bad("Property target is required\r\n")
        if not record["attributes"]["enabled"]:
            raise err.forbidden("Operation release is not allowed on a "
                                "disabled key.", "KeyDisabled")
        if not record["exportable"]:
            raise err.forbidden("Operation release is not permitted on this "
                                "key.", "KeyOperationForbidden")
        claims = self.claims(body["target"])
        if not akv_policy.allows(found["release_policy"], claims):
            raise err.forbidden("Target environment attestation does not meet "
                                "key release policy requirements.")
        target = transfer_key(claims)
        if target is None:
            raise err.bad("The target environment attestation statement has "
                          "no key to wrap to.")
        return Response(200, {"value": self.sign(
            call, found, record, enc, nonce, version, target)})

    def sign(self, call, found, record, enc, nonce, version, target):
        """The compact JWS; call.req.mutate names a hostile variant."""
        mutate = call.req.mutate
        kid = "%s/keys/%s" % (call.vault.url, found["name"])
        plain = akv_spoil.plaintext(mutate, load(record).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()), record)
        wrapped = akv_spoil.ciphertext(mutate, wrap(plain, target[1],
                                                    ENC[enc]))
        hsm = {"schema_version": "1.0",
               "header": {"kid": target[0], "alg": "dir", "enc": enc},
               "ciphertext": jose.b64u(wrapped)}
        jwk = public_jwk(record, kid + "/" + record["version"])
        jwk["key_hsm"] = jose.b64u(compact(hsm))
        request = {"api-version": call.api, "enc": enc,
                   "kid": kid + ("/" + version if version else "")}
        if nonce is not None:
            request["nonce"] = nonce
        policy = found["release_policy"]
        payload = {"request": request, "response": {"key": {
            "key": jwk, "attributes": show_attributes(
                record["attributes"], call.api, {"exportable": True}),
            "release_policy": {"data": policy["data"],
                               "immutable": policy["immutable"]}}}}
        chain = [self.pki.akv_leaf, self.pki.akv_intermediate,
                 self.pki.akv_root]
        key = self.pki.keys["akv-leaf"]
        chain, key = akv_spoil.signer(mutate, self.pki, chain, key)
        header = signed_header(chain)
        akv_spoil.members(mutate, header, payload)
        return akv_spoil.token(mutate, jose.sign_rs256(header, payload, key))
