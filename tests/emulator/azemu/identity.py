# SPDX-License-Identifier: Apache-2.0
"""Who may ask: the emulated tenant, its two managed identities, the tokens
they get and the check of such a token by a service."""

import secrets
import threading
import time
import uuid

from . import jose
from .pki_web import thumbprint

TENANT = "5a11e000-0000-4000-8000-0000000000aa"
SUBSCRIPTION = "5a11e000-0000-4000-8000-0000000000bb"
ISSUER = "https://sts.windows.net/%s/" % TENANT
VAULT = "https://vault.azure.net"
GROUP = ("/subscriptions/%s/resourcegroups/emulated/providers/"
         "Microsoft.ManagedIdentity/userAssignedIdentities/" % SUBSCRIPTION)

ALL = "*"
# What a deployment gives the identity of the VM (DESIGN section 7): release a
# key, get and set secrets and list their versions, and write blobs (a lease);
# no more.
VM_ACTIONS = {"keys/release/action", "secrets/getSecret/action",
              "secrets/setSecret/action", "secrets/readMetadata/action",
              "blobs/write/action"}


class Identity:
    """One managed identity and the actions it may do on a vault."""

    def __init__(self, name, number, actions):
        self.name = name
        self.client_id = "5a11e000-0000-4000-8000-00000000c%03d" % number
        self.object_id = "5a11e000-0000-4000-8000-00000000d%03d" % number
        self.resource_id = GROUP + name
        self.actions = set(actions)

    def may(self, action):
        return ALL in self.actions or action in self.actions

    def answers_to(self, kind, value):
        own = {"client_id": self.client_id, "object_id": self.object_id,
               "msi_res_id": self.resource_id, "mi_res_id": self.resource_id}
        return own[kind].lower() == value.lower()


class TokenError(Exception):
    """A bearer token is refused; the argument is the service's message."""


class Directory:
    """The tenant: identities, token issue and token check."""

    def __init__(self, key, cert, default="vm"):
        self.key = key
        self.kid = jose.b64u(thumbprint(cert))
        self.identities = [Identity("vm", 1, VM_ACTIONS),
                           Identity("deployer", 2, {ALL})]
        self.default = default
        self.lifetime = 86400
        self.cache = {}
        self.lock = threading.Lock()

    def find(self, name):
        for one in self.identities:
            if name in (one.name, one.client_id, one.object_id):
                return one
        return None

    def select(self, kind=None, value=None):
        """The identity an IMDS selector names, or None."""
        if kind is None:
            return self.find(self.default)
        for one in self.identities:
            if one.answers_to(kind, value):
                return one
        return None

    def issue(self, identity, resource):
        """(token, issued at, expires at); the same one again until half of
        its life is over, as the metadata service does."""
        now = int(time.time())
        slot = (identity.name, resource, self.lifetime)
        with self.lock:
            if slot in self.cache:
                token, start, end = self.cache[slot]
                if now < start + (end - start) // 2:
                    return token, start, end
            claims = {
                "aud": resource, "iss": ISSUER, "iat": now, "nbf": now,
                "exp": now + self.lifetime,
                "aio": jose.b64u(secrets.token_bytes(30)),
                "appid": identity.client_id, "appidacr": "2", "idp": ISSUER,
                "idtyp": "app", "oid": identity.object_id,
                "rh": "1." + jose.b64u(secrets.token_bytes(32)) + ".",
                "sub": identity.object_id, "tid": TENANT,
                "uti": jose.b64u(secrets.token_bytes(16)), "ver": "1.0",
                "xms_mirid": identity.resource_id}
            header = {"typ": "JWT", "alg": "RS256", "x5t": self.kid,
                      "kid": self.kid}
            token = jose.sign_rs256(header, claims, self.key)
            self.cache[slot] = (token, now, claims["exp"])
            return self.cache[slot]

    def forget(self):
        """Drop cached tokens (after a change of lifetime)."""
        with self.lock:
            self.cache.clear()

    def check(self, token, audience):
        """The identity behind a bearer token; raises TokenError."""
        try:
            header = jose.read_unverified(token)[0]
            if header.get("kid") != self.kid:
                raise ValueError("unknown key")
            claims = jose.verify_rs256(token, self.key.public_key())
        except ValueError:
            raise TokenError("[BearerReadAccessTokenFailed] Error validating "
                             "token: 'S2S12005'.") from None
        if claims.get("iss") != ISSUER:
            raise TokenError(
                "AKV10032: Invalid issuer. Expected one of %s, found %s."
                % (ISSUER, claims.get("iss")))
        if claims.get("aud") != audience:
            raise TokenError("AKV10022: Invalid audience. Expected %s, found: "
                             "%s." % (audience, claims.get("aud")))
        if claims["exp"] <= time.time():
            raise TokenError("[TokenExpired] Error validating token: "
                             "'S2S12086'.")
        identity = self.find(claims.get("oid"))
        if identity is None:
            raise TokenError("AKV10046: Unknown caller.")
        return identity


def new_id():
    return str(uuid.uuid4())
