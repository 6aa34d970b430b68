# SPDX-License-Identifier: Apache-2.0
"""The storage service as far as a lease needs it: Put Blob, Lease Blob, Get
Blob Properties, Delete Blob, by bearer token.  The states of a lease, its
codes and its expiry follow the REST reference ("Lease Blob", the table of
outcomes of lease operations); no content is kept."""

import re
import threading
import time

from .identity import TokenError
from .web import Response

SUFFIX = ".blob.core.windows.net"
AUDIENCE = "https://storage.azure.com"
WRITE = "blobs/write/action"
GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class BlobError(Exception):
    """Ends a call with an error answer."""

    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class Blob:
    """A blob's lease.  id None: available."""

    def __init__(self):
        self.id, self.length, self.until, self.broken = None, 0, 0, False

    def state(self, now):
        if self.id is None:
            return "available"
        if self.broken:
            return "broken" if now >= self.until else "breaking"
        if self.length != -1 and now >= self.until:
            return "expired"
        return "leased"

    def take(self, lease_id, length, now):
        self.id, self.length, self.broken = lease_id, length, False
        self.until = now + length


def wanted(req, name, default=None):
    value = req.header(name)
    if value is None and default is None:
        raise BlobError(400, "MissingRequiredHeader")
    return default if value is None else value


def number(text, allowed):
    if not re.fullmatch("-?[0-9]{1,5}", text) or int(text) not in allowed:
        raise BlobError(400, "InvalidHeaderValue")
    return int(text)


def guid(text):
    if not GUID.fullmatch(text):
        raise BlobError(400, "InvalidHeaderValue")
    return text.lower()


class Blobs:
    """containers: names that exist, in every account."""

    def __init__(self, directory, containers=("sallyport",)):
        self.directory = directory
        self.containers = list(containers)
        self.blobs = {}
        self.lock = threading.Lock()

    @staticmethod
    def operation(req):
        if req.param("comp") == "lease":
            return (req.header("x-ms-lease-action") or "lease").lower()
        return {"PUT": "create", "HEAD": "properties",
                "DELETE": "delete"}.get(req.method, "other")

    def handle(self, req):
        try:
            self.authorize(req)
            with self.lock:
                return self.route(req)
        except BlobError as error:
            return Response(
                error.status,
                '<?xml version="1.0" encoding="utf-8"?><Error><Code>%s'
                "</Code><Message>%s</Message></Error>"
                % (error.code, error.code),
                {"x-ms-error-code": error.code,
                 "Content-Type": "application/xml"})

    def authorize(self, req):
        kind, _, token = (req.header("Authorization") or "").partition(" ")
        if kind != "Bearer":
            raise BlobError(401, "NoAuthenticationInformation")
        if (req.header("x-ms-version") or "") < "2017-11-09":
            raise BlobError(400, "InvalidHeaderValue")
        for audience in (AUDIENCE + "/", AUDIENCE):
            try:
                who = self.directory.check(token, audience)
                break
            except TokenError:
                continue
        else:
            raise BlobError(401, "InvalidAuthenticationInfo")
        if not who.may(WRITE):
            raise BlobError(403, "AuthorizationPermissionMismatch")

    def route(self, req):
        parts = req.path.split("/", 2)
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise BlobError(400, "InvalidUri")
        if parts[1] not in self.containers:
            raise BlobError(404, "ContainerNotFound")
        if req.method == "PUT" and req.header("Content-Length") is None:
            raise BlobError(411, "MissingContentLengthHeader")
        name = (req.host, parts[1], parts[2])
        if req.method == "PUT" and req.param("comp") == "lease":
            return self.lease(req, self.find(name))
        if req.method == "PUT" and req.param("comp") is None:
            return self.put(req, name)
        if req.method == "HEAD":
            blob = self.find(name)
            return Response(200, b"", {"x-ms-lease-state":
                                       blob.state(time.monotonic())})
        if req.method == "DELETE":
            self.may_write(req, self.find(name))
            del self.blobs[name]
            return Response(202)
        raise BlobError(405, "UnsupportedHttpVerb")

    def find(self, name):
        if name not in self.blobs:
            raise BlobError(404, "BlobNotFound")
        return self.blobs[name]

    @staticmethod
    def may_write(req, blob):
        given = req.header("x-ms-lease-id")
        if blob.state(time.monotonic()) not in ("leased", "breaking"):
            if given is not None:
                raise BlobError(412, "LeaseLost")
        elif given is None:
            raise BlobError(412, "LeaseIdMissing")
        elif given.lower() != blob.id:
            raise BlobError(412, "LeaseIdMismatchWithBlobOperation")

    def put(self, req, name):
        if req.header("x-ms-blob-type") != "BlockBlob":
            raise BlobError(400, "InvalidHeaderValue")
        if name in self.blobs:
            if req.header("If-None-Match") == "*":
                raise BlobError(409, "BlobAlreadyExists")
            self.may_write(req, self.blobs[name])
        else:
            self.blobs[name] = Blob()
        return Response(201)

    def lease(self, req, blob):
        actions = {"acquire": self.acquire, "renew": self.renew,
                   "release": self.release, "break": self.break_it}
        action = (req.header("x-ms-lease-action") or "").lower()
        if action not in actions:
            raise BlobError(400, "InvalidHeaderValue")
        status = actions[action](req, blob, time.monotonic())
        out = {"x-ms-lease-id": blob.id} if blob.id else {}
        return Response(status, b"", out)

    @staticmethod
    def acquire(req, blob, now):
        length = number(wanted(req, "x-ms-lease-duration"),
                        [-1, *range(15, 61)])
        lease_id = guid(wanted(req, "x-ms-proposed-lease-id"))
        state = blob.state(now)
        if state == "breaking":
            raise BlobError(409, "LeaseIsBreakingAndCannotBeAcquired"
                            if blob.id == lease_id else "LeaseAlreadyPresent")
        if state == "leased" and blob.id != lease_id:
            raise BlobError(409, "LeaseAlreadyPresent")
        blob.take(lease_id, length, now)
        return 201

    @staticmethod
    def mine(req, blob):
        lease_id = guid(wanted(req, "x-ms-lease-id"))
        if blob.id is None:
            raise BlobError(409, "LeaseNotPresentWithLeaseOperation")
        if blob.id != lease_id:
            raise BlobError(409, "LeaseIdMismatchWithLeaseOperation")

    def renew(self, req, blob, now):
        self.mine(req, blob)
        if blob.broken:
            raise BlobError(409, "LeaseIsBrokenAndCannotBeRenewed")
        blob.take(blob.id, blob.length, now)
        return 200

    def release(self, req, blob, _now):
        self.mine(req, blob)
        blob.id = None
        return 200

    @staticmethod
    def break_it(req, blob, now):
        state = blob.state(now)
        if state == "available":
            raise BlobError(409, "LeaseNotPresentWithLeaseOperation")
        left = max(0, blob.until - now) if blob.length != -1 else 0
        period = number(wanted(req, "x-ms-lease-break-period", "60"),
                        range(61))
        blob.broken, blob.until = True, now + min(left, period)
        return 202

    def show(self):
        """For the control API: {"host/container/blob": state}."""
        now = time.monotonic()
        with self.lock:
            return {"/".join(n): {"state": b.state(now), "id": b.id}
                    for n, b in self.blobs.items()}

    def provision(self, body):
        """{"containers": [...]}; {"break": NAME}: the lease of every blob of
        that name is broken at once; {"forget": NAME}: it is no more."""
        with self.lock:
            if "containers" in body:
                self.containers = [str(c) for c in body["containers"]]
            for name, blob in list(self.blobs.items()):
                if name[2] == body.get("break"):
                    blob.broken, blob.until = True, 0
                if name[2] == body.get("forget"):
                    del self.blobs[name]
