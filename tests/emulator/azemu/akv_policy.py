# SPDX-License-Identifier: Apache-2.0
"""The key release policy: grammar, canonical form, evaluation against the
claims of an attestation token (azure-protocol.md 5.4)."""

import json

from . import akv_errors as err
from .jose import b64u, unb64u
from .web import compact

DEPTH = 4       # how deep anyOf and allOf may nest; the pages disagree
CONTENT_TYPE = "application/json; charset=utf-8"


def wrong(message):
    return err.bad("Key Release Policy: " + message)


def canonical_node(node, depth):
    """A condition or a group of them, members in the service's order."""
    if not isinstance(node, dict) or depth > DEPTH:
        raise wrong("a condition must be an object, nested at most %d deep"
                    % DEPTH)
    if "claim" in node:
        if set(node) != {"claim", "equals"}:
            raise wrong("a claim condition has the members 'claim' and "
                        "'equals' and no other")
        if not isinstance(node["claim"], str) or not node["claim"]:
            raise wrong("'claim' must be a string")
        if not isinstance(node["equals"], (str, int, float, bool)):
            raise wrong("'equals' must be a string, a number or a boolean")
        return {"claim": node["claim"], "equals": node["equals"]}
    return canonical_group(node, {"anyOf", "allOf"}, depth)


def canonical_group(node, allowed, depth):
    kinds = [k for k in ("anyOf", "allOf") if k in node]
    if len(kinds) != 1 or not set(node) <= allowed:
        raise wrong("exactly one of 'anyOf' and 'allOf' is needed")
    items = node[kinds[0]]
    if not isinstance(items, list) or not items:
        raise wrong("'%s' must be an array that is not empty" % kinds[0])
    return {kinds[0]: [canonical_node(one, depth + 1) for one in items]}


def canonical(policy):
    """The policy as the service returns it; raises AkvError."""
    if not isinstance(policy, dict):
        raise wrong("not a JSON object")
    if "version" not in policy:
        raise wrong("missing 'version' property")
    if policy["version"] != "1.0.0":
        raise wrong("unsupported version")
    kinds = [k for k in ("anyOf", "allOf") if k in policy]
    if len(kinds) != 1 or len(policy) != 2:
        raise wrong("exactly one of 'anyOf' and 'allOf' is needed")
    authorities = policy[kinds[0]]
    if not isinstance(authorities, list) or not authorities:
        raise wrong("'%s' must be an array that is not empty" % kinds[0])
    out = []
    for one in authorities:
        if not isinstance(one, dict) or not isinstance(
                one.get("authority"), str):
            raise wrong("missing 'authority' property")
        if not one["authority"].startswith("https://"):
            raise wrong("'authority' must be an https URL")
        group = canonical_group(one, {"authority", "anyOf", "allOf"}, 1)
        out.append({"authority": one["authority"], **group})
    return {"version": "1.0.0", kinds[0]: out}


def parse(given, old=None):
    """The stored form of a request's release_policy; raises AkvError."""
    if not isinstance(given, dict) or not isinstance(given.get("data"), str):
        raise wrong("missing 'data' property")
    try:
        policy = json.loads(unb64u(given["data"]))
    except ValueError:
        raise wrong("'data' is not base64url of JSON") from None
    data = b64u(compact(canonical(policy)))
    if old is not None and old["immutable"]:
        raise err.skr(1020, "Immutable Key Release Policy cannot be modified.")
    return {"contentType": given.get("contentType") or CONTENT_TYPE,
            "data": data, "immutable": given.get("immutable") is True}


def claim(claims, path):
    """The value at a dotted path, or None.  Objects only, no arrays."""
    node = claims
    for part in path.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def text(value):
    """How a value compares: booleans as "true" and "false"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def met(node, claims):
    if "claim" in node:
        value = claim(claims, node["claim"])
        if not isinstance(value, (str, int, float, bool)):
            return False
        return text(value) == text(node["equals"])
    if "anyOf" in node:
        return any(met(one, claims) for one in node["anyOf"])
    return all(met(one, claims) for one in node["allOf"])


def allows(stored, claims):
    """True if the claims of a verified token satisfy the stored policy."""
    policy = json.loads(unb64u(stored["data"]))
    issuer = str(claims.get("iss", "")).removesuffix("/")

    def one(entry):
        return entry["authority"].removesuffix("/") == issuer \
            and met(entry, claims)

    if "anyOf" in policy:
        return any(one(entry) for entry in policy["anyOf"])
    return all(one(entry) for entry in policy["allOf"])
