# SPDX-License-Identifier: Apache-2.0
"""Rotation of a key: a new version like the last one, and the policy that
says when the service does it by itself (which the emulator never does)."""

import re
import time

from . import akv_errors as err
from .pki_web import new_rsa
from .web import Response

DURATION = re.compile(r"P(?=\d)(\d+Y)?(\d+M)?(\d+D)?\Z")
NOTIFY = {"trigger": {"timeBeforeExpiry": "P30D"},
          "action": {"type": "Notify"}}


def rotate(keys, call):
    """POST /keys/NAME/rotate: the new version has everything of the last one
    but its numbers and dates."""
    found = call.vault.live("keys", call.name())
    last = found["versions"][-1]
    body = {"kty": last["kty"], "key_ops": last["key_ops"],
            "tags": last["tags"], "crv": last["crv"],
            "attributes": {"exportable": last["exportable"]},
            "release_policy": found.get("release_policy")}
    if last["kty"].startswith("RSA"):
        key, curve = new_rsa(keys.size(last)), None
    else:
        key, curve = keys.make(body)
    found, record = keys.add(call, key, last["kty"], curve, body)
    return Response(200, keys.bundle(call, found, record))


def checked(action):
    """One lifetime action of a request, or BadParameter."""
    try:
        trigger, kind = dict(action["trigger"]), action["action"]["type"]
        trigger = {k: v for k, v in trigger.items() if v is not None}
        (name, value), = trigger.items()
        if name not in ("timeAfterCreate", "timeBeforeExpiry") or \
                kind.lower() not in ("rotate", "notify") or \
                not DURATION.match(value):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise err.bad("Property lifetimeActions has invalid value") from None
    return {"trigger": trigger, "action": {"type": kind.capitalize()}}


def policy(call, change):
    """GET and PUT /keys/NAME/rotationpolicy.  A notice thirty days before the
    end is always part of it (recorded)."""
    found = call.vault.live("keys", call.name())
    stored = found.get("rotation") or {"lifetimeActions": [NOTIFY],
                                       "attributes": {}}
    if change:
        body, now = call.body(), int(time.time())
        actions = [checked(a) for a in body.get("lifetimeActions") or []]
        if "Notify" not in [a["action"]["type"] for a in actions]:
            actions.append(NOTIFY)
        expiry = (body.get("attributes") or {}).get("expiryTime")
        if expiry is not None and not DURATION.match(str(expiry)):
            raise err.bad("Property expiryTime has invalid value")
        stored = {"lifetimeActions": actions, "attributes": {
            **({"expiryTime": expiry} if expiry else {}),
            "created": stored["attributes"].get("created", now),
            "updated": now}}
        found["rotation"] = stored
        call.vault.put("keys", found)
    return Response(200, {"id": "%s/keys/%s/rotationpolicy" % (
        call.vault.url, found["name"]), **stored})
