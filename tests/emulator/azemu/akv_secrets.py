# SPDX-License-Identifier: Apache-2.0
"""Secrets: set, get, update (azure-protocol.md 5.7).  Listing and the deleted
state are in akv_core."""

import time

from . import akv_errors as err
from .akv_store import attributes, check_tags, show_attributes
from .web import Response

LIMIT = 25600       # bytes of a value


class Secrets:
    """The operations on /secrets."""

    ACTION = "secrets/"
    LIST = "secrets/readMetadata/action"

    def route(self, call):
        method, count = call.req.method, len(call.parts)
        version = call.parts[2] if count == 3 else None
        if method == "PUT" and count == 2:
            call.need("secrets/setSecret/action")
            return self.set(call)
        if method == "GET" and count in (2, 3):
            call.need("secrets/getSecret/action")
            return self.get(call, version)
        if method == "PATCH" and count in (2, 3):
            call.need("secrets/update/action")
            return self.update(call, version)
        return None

    @staticmethod
    def item(call, found, record, versions):
        """A list item: no value; versions: with the version in its id."""
        out = {}
        if record.get("contentType"):
            out["contentType"] = record["contentType"]
        out["id"] = "%s/secrets/%s" % (call.vault.url, found["name"])
        if versions:
            out["id"] += "/" + record["version"]
        out["attributes"] = show_attributes(record["attributes"], call.api)
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        if record.get("managed"):
            out["managed"] = True
        return out

    @staticmethod
    def bundle(call, found, record, value=False):
        out = {}
        if value:
            out["value"] = record["value"]
        if record.get("contentType"):
            out["contentType"] = record["contentType"]
        out["id"] = "%s/secrets/%s/%s" % (call.vault.url, found["name"],
                                          record["version"])
        out["attributes"] = show_attributes(record["attributes"], call.api)
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        if record.get("managed"):
            out["kid"] = "%s/keys/%s/%s" % (call.vault.url, found["name"],
                                            record["version"])
            out["managed"] = True
        return out

    def set(self, call):
        name, body, vault = call.name(), call.body(), call.vault
        value, kind = body.get("value"), body.get("contentType")
        if not isinstance(value, str):
            raise err.bad("Property value is required and must be a string")
        if len(value.encode()) > LIMIT:
            raise err.bad("The specified secret value is too long: the limit "
                          "is %d bytes" % LIMIT)
        if kind is not None and (not isinstance(kind, str)
                                 or len(kind) > 255):
            raise err.bad("Property contentType has invalid value")
        record = {"version": vault.new_version(), "value": value,
                  "contentType": kind, "tags": check_tags(body.get("tags")),
                  "attributes": attributes(body.get("attributes"))}
        self.hold(vault, name)
        found = vault.for_writing("secrets", name)
        if found["versions"] and found["versions"][-1].get("managed"):
            raise err.conflict("Secret %s belongs to a certificate" % name)
        found["versions"].append(record)
        vault.put("secrets", found)
        return Response(200, self.bundle(call, found, record, True))

    @staticmethod
    def hold(vault, name):
        """Two writers of one name at a time are not served: the second gets
        409 (5.7).  The lock is let go for as long as the option says."""
        key = name.lower()
        if key in vault.busy:
            raise err.concurrent("Secret", name)
        if not vault.options.put_duration:
            return
        vault.busy.add(key)
        vault.lock.release()
        try:
            time.sleep(vault.options.put_duration)
        finally:
            vault.lock.acquire()
            vault.busy.discard(key)

    def get(self, call, version):
        found, record = call.vault.version("secrets", call.name(), version)
        if not record["attributes"]["enabled"]:
            raise err.forbidden("Operation get is not allowed on a disabled "
                                "secret.", "SecretDisabled")
        return Response(200, self.bundle(call, found, record, True))

    def update(self, call, version):
        body = call.body()
        found, record = call.vault.version("secrets", call.name(), version)
        record["attributes"] = attributes(body.get("attributes"),
                                          record["attributes"])
        if "contentType" in body:
            record["contentType"] = body["contentType"]
        if body.get("tags") is not None:
            record["tags"] = check_tags(body["tags"])
        call.vault.put("secrets", found)
        return Response(200, self.bundle(call, found, record))

    def deleting(self, call, found):
        if found["versions"][-1].get("managed"):
            found["state"] = "live"
            call.vault.save()
            raise err.forbidden("Operation is not allowed on a secret that "
                                "belongs to a certificate.")

    def recovering(self, call, found):
        """Nothing hangs on a secret."""

    def purging(self, call, found):
        """Nothing hangs on a secret."""
