# SPDX-License-Identifier: Apache-2.0
"""The key vault's front: host, challenge, token, api-version, routing, the
calls that secrets, keys and certificates share, and the headers of every
answer (azure-protocol.md 5.1 to 5.3)."""

import base64
import json
import re

from . import akv_errors as err
from .akv_certs import Certificates
from .akv_keys import Keys
from .akv_secrets import Secrets
from .identity import SUBSCRIPTION, TENANT, VAULT, TokenError, new_id
from .web import Response

VERSIONS = ("2016-10-01", "7.0", "7.1", "7.2", "7.3-preview", "7.3",
            "7.4-preview.1", "7.4", "7.5-preview.1", "7.5", "7.6-preview.1",
            "7.6-preview.2", "7.6", "2025-06-01-preview", "2025-07-01",
            "2026-01-01-preview", "2026-03-01-preview", "2026-04-01")
NAME = re.compile(r"[0-9A-Za-z-]{1,127}\Z")
VERSION = re.compile(r"[0-9A-Fa-f]{32}\Z")
PAGE = 25
SINGLE = {"secrets": "secret", "keys": "key", "certificates": "certificate"}
VERBS = {"encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify",
         "release"}


class Call:
    """One authenticated call on a vault."""

    def __init__(self, req, vault, api, parts):
        self.req = req
        self.vault = vault
        self.api = api
        self.parts = parts
        self.identity = None

    def need(self, action):
        """403 unless the caller's role has the action."""
        if not self.identity.may(action):
            resource = ("/subscriptions/%s/resourcegroups/emulated/providers/"
                        "microsoft.keyvault/vaults/%s/%s"
                        % (SUBSCRIPTION, self.vault.name,
                           "/".join(self.parts[:2]).lower()))
            raise err.rbac(self.identity, action, resource, self.vault.name)

    def body(self):
        """The body as an object."""
        try:
            value = self.req.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise err.bad("The request body is missing or is not a JSON "
                          "object")
        return value

    def name(self, at=1):
        name = self.parts[at] if len(self.parts) > at else ""
        if not NAME.match(name):
            raise err.bad("The request URI contains an invalid name: %s"
                          % name)
        return name


def split(path):
    """The path's parts: a doubled slash is an empty version, a trailing one
    nothing."""
    parts = path.split("/")[1:]
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def operation(req):
    """The call's name in counts and faults."""
    parts = split(req.path)
    if not parts:
        return "other"
    kind = parts[0].lower()
    if kind.startswith("deleted") and kind[7:] in SINGLE:
        one = SINGLE[kind[7:]]
        if len(parts) == 1:
            return "deleted-%s-list" % one
        if parts[-1].lower() == "recover":
            return one + "-recover"
        return one + "-purge" if req.method == "DELETE" \
            else "deleted-%s-get" % one
    if kind not in SINGLE:
        return "other"
    one, last = SINGLE[kind], parts[-1].lower()
    if len(parts) == 1:
        return one + "-list"
    if len(parts) > 2 and req.method == "POST" and last in VERBS:
        return last
    if last in ("rotate", "rotationpolicy") and len(parts) == 3:
        return {"rotate": "rotate", "GET": "rotationpolicy-get",
                "PUT": "rotationpolicy-set"}.get(
                    last if last == "rotate" else req.method, "other")
    if Akv.vaults_own(kind, parts):
        return parts[1].lower()
    if len(parts) > 2 and last in ("versions", "create", "import", "pending",
                                   "policy", "backup"):
        return "%s-%s" % (one, last)
    put = "import" if kind == "keys" else "set"
    verbs = {"GET": "get", "PUT": put, "PATCH": "update", "DELETE": "delete",
             "POST": "restore" if last == "restore" else "other"}
    return "%s-%s" % (one, verbs.get(req.method, "other"))


class Akv:
    """vaults: {host: Vault}; directory: identity.Directory; release: the
    object that carries out key releases (akv_release.Release)."""

    def __init__(self, vaults, directory, release):
        self.vaults = vaults
        self.directory = directory
        self.keys = Keys(release)
        self.kinds = {"secrets": Secrets(), "keys": self.keys,
                      "certificates": Certificates(self.keys)}

    operation = staticmethod(operation)

    def handle(self, req):
        vault = self.vaults.get(req.host)
        if vault is None:
            return Response(421, {"error": {
                "code": "VaultNotFound",
                "message": "No vault %s is emulated here" % req.host}})
        try:
            resp = self.answer(req, vault)
        except err.AkvError as error:
            resp = error.response()
        self.common_headers(req, resp)
        return resp

    @staticmethod
    def common_headers(req, resp):
        headers = {
            "Cache-Control": "no-cache", "Pragma": "no-cache",
            "Expires": "-1",
            "x-ms-keyvault-region": "eastus",
            "x-ms-request-id": new_id(),
            "x-ms-keyvault-service-version": "1.9.2500.1",
            "x-ms-keyvault-network-info":
                "conn_type=Ipv4;addr=%s;act_addr_fam=InterNetwork;"
                % (req.peer or "127.0.0.1"),
            "X-Content-Type-Options": "nosniff",
            "Strict-Transport-Security": "max-age=31536000;includeSubDomains"}
        if (req.header("x-ms-return-client-request-id") or "") == "true" \
                and req.header("x-ms-client-request-id"):
            headers["x-ms-client-request-id"] = \
                req.header("x-ms-client-request-id")
        for name, value in headers.items():
            resp.headers.setdefault(name, value)

    def authenticate(self, req):
        challenge = ('Bearer authorization="https://login.windows.net/%s", '
                     'resource="%s"' % (TENANT, VAULT))
        value = req.header("Authorization") or ""
        scheme, _, token = value.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise err.AkvError(
                401, "Unauthorized",
                "AKV10000: Request is missing a Bearer or PoP token.",
                headers={"WWW-Authenticate": challenge})
        try:
            return self.directory.check(token.strip(), VAULT)
        except TokenError as error:
            raise err.AkvError(401, "Unauthorized", str(error), headers={
                "WWW-Authenticate": challenge
                + ', error="invalid_token", error_description="%s"'
                % error}) from None

    def answer(self, req, vault):
        identity = self.authenticate(req)
        api = req.param("api-version")
        if not api:
            raise err.bad("api-version must be specified")
        if api not in VERSIONS:
            raise err.bad("The specified version (%s) is not recognized. "
                          "Consider using the latest supported version (%s)."
                          % (api, VERSIONS[-1]), "UnsupportedApiVersion")
        call = Call(req, vault, api, split(req.path))
        call.identity = identity
        kind = call.parts[0].lower() if call.parts else ""
        with vault.lock:
            if kind in self.kinds:
                resp = self.live(call, kind)
            elif kind.startswith("deleted") and kind[7:] in self.kinds:
                resp = self.deleted(call, kind[7:])
            else:
                resp = None
        if resp is None:
            raise err.AkvError(404, "NotFound", "The resource was not found")
        return resp

    @staticmethod
    def vaults_own(kind, parts):
        """What stands where a certificate's name does and is none."""
        return kind == "certificates" and len(parts) == 2 and \
            parts[1].lower() in ("contacts", "issuers")

    def live(self, call, kind):
        service = self.kinds[kind]
        method, parts = call.req.method, call.parts
        if self.vaults_own(kind, parts):
            return service.route(call)
        if len(parts) == 1 and method == "GET":
            call.need(service.LIST)
            items = [service.item(call, found, found["versions"][-1], False)
                     for found in call.vault.all(kind, ("live",))]
            return self.page(call, kind, items)
        if len(parts) == 3 and parts[2].lower() == "versions" \
                and method == "GET":
            call.need(service.LIST)
            try:
                found = call.vault.live(kind, call.name())
            except err.AkvError:
                return self.page(call, "/".join(parts), [])
            # The order is not documented: by version, which is random.
            items = [service.item(call, found, one, True) for one in
                     sorted(found["versions"], key=lambda r: r["version"])]
            return self.page(call, "/".join(parts), items)
        if len(parts) == 2 and method == "DELETE":
            call.need(service.ACTION + "delete")
            found = call.vault.delete(kind, call.name())
            service.deleting(call, found)
            return Response(200, self.deleted_bundle(call, kind, found))
        if len(parts) == 3 and parts[2].lower() == "backup" \
                and method == "POST":
            call.need(service.ACTION + "backup/action")
            found = call.vault.live(kind, call.name())
            blob = json.dumps({"kind": kind, "object": found}).encode()
            return Response(200, {"value": base64.urlsafe_b64encode(
                blob).rstrip(b"=").decode()})
        if len(parts) == 2 and parts[1].lower() == "restore" \
                and method == "POST":
            call.need(service.ACTION + "restore/action")
            return self.restore(call, kind, service)
        return service.route(call)

    @staticmethod
    def restore(call, kind, service):
        text = str(call.body().get("value", ""))
        try:
            blob = json.loads(base64.urlsafe_b64decode(
                text + "=" * (-len(text) % 4)))
            if blob["kind"] != kind:
                raise ValueError
            found = blob["object"]
        except (ValueError, KeyError, TypeError):
            raise err.bad("The backup blob is not valid") from None
        if call.vault.object(kind, found["name"]) is not None:
            raise err.conflict("%s %s already exists" % (
                SINGLE[kind].capitalize(), found["name"]))
        call.vault.put(kind, found)
        return Response(200, service.bundle(call, found,
                                            found["versions"][-1]))

    def deleted(self, call, kind):
        service = self.kinds[kind]
        method, parts, vault = call.req.method, call.parts, call.vault
        if len(parts) == 1 and method == "GET":
            call.need(service.LIST)
            items = [self.deleted_bundle(call, kind, found, True)
                     for found in vault.all(kind, ("deleted",))]
            return self.page(call, "deleted" + kind, items)
        if len(parts) == 2 and method == "GET":
            call.need(service.LIST)
            found = vault.deleted(kind, call.name())
            return Response(200, self.deleted_bundle(call, kind, found))
        if len(parts) == 2 and method == "DELETE":
            call.need(service.ACTION + "purge/action")
            service.purging(call, vault.deleted(kind, call.name()))
            vault.purge(kind, call.name())
            return Response(204)
        if len(parts) == 3 and parts[2].lower() == "recover" \
                and method == "POST":
            call.need(service.ACTION + "recover/action")
            found = vault.recover(kind, call.name())
            service.recovering(call, found)
            return Response(200, service.bundle(call, found,
                                                found["versions"][-1]))
        return None

    def deleted_bundle(self, call, kind, found, item=False):
        service = self.kinds[kind]
        out = {"recoveryId": "%s/deleted%s/%s" % (call.vault.url, kind,
                                                  found["name"]),
               "deletedDate": found["deleted"],
               "scheduledPurgeDate": found["purge"]}
        record = found["versions"][-1]
        out.update(service.item(call, found, record, False) if item
                   else service.bundle(call, found, record))
        return out

    @staticmethod
    def page(call, path, items):
        """A page and the link to the next; the link names the port and has
        a bare dollar sign, as recorded from the service."""
        text = call.req.param("maxresults")
        size = PAGE
        if text is not None:
            if not text.isdigit() or not 1 <= int(text) <= PAGE:
                raise err.bad("Invalid value for maxresults: %s. The value "
                              "must be between 1 and %d." % (text, PAGE))
            size = int(text)
        start = 0
        token = call.req.param("$skiptoken")
        if token is not None:
            try:
                start = int(json.loads(base64.urlsafe_b64decode(
                    token + "=" * (-len(token) % 4)))["NextMarker"])
            except (ValueError, KeyError, TypeError):
                raise err.bad("The skip token is not valid") from None
        link = None
        if start + size < len(items):
            mark = base64.urlsafe_b64encode(json.dumps(
                {"NextMarker": str(start + size), "TargetLocation": 0},
                separators=(",", ":")).encode()).rstrip(b"=").decode()
            link = "https://%s:443/%s?api-version=%s&$skiptoken=%s" % (
                call.vault.host, path, call.api, mark)
            if text is not None:
                link += "&maxresults=%d" % size
        return Response(200, {"value": items[start:start + size],
                              "nextLink": link})
