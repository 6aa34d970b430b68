# SPDX-License-Identifier: Apache-2.0
"""What a vault holds: named objects with versions, their deleted state, and
the file it all is kept in."""

import json
import os
import secrets
import threading
import time

from . import akv_errors as err
from .pki_web import write_file

KINDS = {"secrets": "Secret", "keys": "Key", "certificates": "Certificate"}
DAYS = 90


class Options:
    """What tests may change while the emulator runs (POST /provision)."""

    def __init__(self):
        self.soft_delete_delay = 0.3    # seconds until deleted, recovered
        self.put_duration = 0.0         # seconds a secret PUT holds its name
        self.refuse_enc = []            # enc values that release refuses
        self.premium = True             # exportable keys are possible
        self.create_release_limit = 0   # create-class calls per 10 s, 0 none

    def set(self, name, value):
        if name not in vars(self) or not isinstance(
                value, (int, float) if isinstance(getattr(self, name), float)
                else type(getattr(self, name))):
            raise ValueError("unknown option or wrong type: %s" % name)
        setattr(self, name, value)


class Vault:
    """State of one vault.  Objects are JSON values: collections[kind][lower
    name] = {"name", "versions": [...], "state", "ready", ...}; versions are
    in the order of their making.  state: live, deleting, deleted,
    recovering."""

    def __init__(self, name, path=None, options=None):
        self.name = name
        self.host = name + ".vault.azure.net"
        self.url = "https://" + self.host
        self.path = path
        self.options = options or Options()
        self.lock = threading.RLock()
        self.busy = set()
        self.contacts = []              # of certificates, not kept
        self.collections = {kind: {} for kind in KINDS}
        if path and os.path.exists(path):
            with open(path, "rb") as state:
                self.collections = json.load(state)

    def save(self):
        if self.path:
            write_file(self.path, json.dumps(self.collections).encode(),
                       0o600)

    @staticmethod
    def new_version():
        return secrets.token_hex(16)

    def object(self, kind, name):
        """The object whatever its state, its state brought up to date; or
        None."""
        found = self.collections[kind].get(name.lower())
        if found and found["state"] in ("deleting", "recovering") \
                and time.time() >= found["ready"]:
            found["state"] = {"deleting": "deleted",
                              "recovering": "live"}[found["state"]]
        return found

    def live(self, kind, name):
        found = self.object(kind, name)
        if found is None or found["state"] != "live":
            raise err.not_found(KINDS[kind], name)
        return found

    def version(self, kind, name, version=None):
        """(object, version record); no version: the newest."""
        found = self.live(kind, name)
        if not version:
            return found, found["versions"][-1]
        for record in found["versions"]:
            if record["version"] == version.lower():
                return found, record
        raise err.not_found(KINDS[kind], "%s/%s" % (name, version))

    def for_writing(self, kind, name):
        """The live object, or a new one that is not stored yet."""
        found = self.object(kind, name)
        label = KINDS[kind]
        if found is None:
            return {"name": name, "versions": [], "state": "live", "ready": 0}
        if found["state"] == "deleted":
            raise err.deleted(label, name)
        if found["state"] == "deleting":
            raise err.being_deleted(label, name)
        if found["state"] == "recovering":
            raise err.being_recovered(label, name)
        return found

    def put(self, kind, found):
        self.collections[kind][found["name"].lower()] = found
        self.save()

    def delete(self, kind, name):
        """Into the deleted state, which is reached after a short time."""
        found = self.live(kind, name)
        now = time.time()
        found.update(state="deleting", deleted=int(now),
                     ready=now + self.options.soft_delete_delay,
                     purge=int(now) + DAYS * 86400)
        self.save()
        return found

    def deleted(self, kind, name):
        found = self.object(kind, name)
        if found is None or found["state"] not in ("deleted", "recovering"):
            raise err.not_deleted(KINDS[kind], name)
        return found

    def recover(self, kind, name):
        found = self.deleted(kind, name)
        found.update(state="recovering",
                     ready=time.time() + self.options.soft_delete_delay)
        self.save()
        return found

    def purge(self, kind, name):
        self.deleted(kind, name)
        del self.collections[kind][name.lower()]
        self.save()

    def all(self, kind, states):
        """Objects of these states, by name."""
        for name in list(self.collections[kind]):
            self.object(kind, name)
        return [found for _, found in sorted(self.collections[kind].items())
                if found["state"] in states]


def attributes(given, old=None):
    """The attributes of a new version (old None) or a changed one."""
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise err.bad("Property attributes has invalid value")
    now = int(time.time())
    out = {"enabled": True} if old is None else dict(old)
    for name, kind in (("enabled", bool), ("nbf", int), ("exp", int)):
        value = given.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or (kind is int and
                                           isinstance(value, bool)):
            raise err.bad("Property %s has invalid value" % name)
        out[name] = value
    out.setdefault("created", now)
    out["updated"] = now
    return {n: out[n] for n in ("enabled", "nbf", "exp", "created",
                                "updated") if n in out}


def show_attributes(stored, api, extra=None):
    """As the service writes them; recoverableDays since 7.1 (the 7.0
    recordings have none)."""
    out = dict(stored)
    out["recoveryLevel"] = "Recoverable+Purgeable"
    if api not in ("7.0", "2016-10-01"):
        out["recoverableDays"] = DAYS
    out.update(extra or {})
    return out


def check_tags(tags, limit=512):
    if tags is None:
        return None
    if not isinstance(tags, dict) or len(tags) > 15 or not all(
            isinstance(v, str) and len(k) <= limit and len(v) <= limit
            for k, v in tags.items()):
        raise err.bad("Property tags has invalid value")
    return dict(tags)
