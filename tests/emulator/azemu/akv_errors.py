# SPDX-License-Identifier: Apache-2.0
"""The key vault's error answers (azure-protocol.md 5.3)."""

from .identity import ISSUER
from .web import Response

HELP = ("If you recently deleted this %s you may be able to recover it using "
        "the correct recovery command. For help resolving this issue, please "
        "see https://go.microsoft.com/fwlink/?linkid=2125182")


class AkvError(Exception):
    """Ends a call with an error answer."""

    def __init__(self, status, code, message, inner=None, headers=None):
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error = {"code": code, "message": message}
        if inner:
            self.error["innererror"] = {"code": inner}

    def response(self):
        return Response(self.status, {"error": self.error}, self.headers)


def bad(message, inner=None):
    return AkvError(400, "BadParameter", message, inner)


def skr(number, message):
    return bad("AKV.SKR.%d: %s" % (number, message))


def forbidden(message, inner=None):
    return AkvError(403, "Forbidden", message, inner)


def rbac(identity, action, resource, vault):
    """The caller's role does not contain the action."""
    text = ("Caller is not authorized to perform action on resource.\r\n"
            "If role assignments, deny assignments or role definitions were "
            "changed recently, please observe propagation time.\r\n"
            "Caller: appid=%s;oid=%s;iss=%s\r\n"
            "Action: 'Microsoft.KeyVault/vaults/%s'\r\n"
            "Resource: '%s'\r\n"
            "Assignment: (not found)\r\n"
            "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
            "Vault: %s;location=eastus\r\n")
    return forbidden(text % (identity.client_id, identity.object_id, ISSUER,
                             action, resource, vault), "ForbiddenByRbac")


def not_found(kind, name):
    """kind: Secret, Key or Certificate."""
    article = "A " + kind.lower()
    text = "%s with (name/id) %s was not found in this key vault. " % (
        article, name)
    return AkvError(404, kind + "NotFound", text + HELP % kind.lower())


def not_deleted(kind, name):
    """Nothing of that name is deleted (recorded)."""
    return AkvError(404, kind + "NotFound",
                    "Deleted %s not found: %s" % (kind, name))


def conflict(message, inner=None):
    return AkvError(409, "Conflict", message, inner)


def deleted(kind, name):
    return conflict(
        "%s %s is currently in a deleted but recoverable state, and its name "
        "cannot be reused; in this state, the %s can only be recovered or "
        "purged." % (kind, name, kind.lower()),
        "ObjectIsDeletedButRecoverable")


def being_deleted(kind, name):
    return conflict("%s %s is currently being deleted and cannot be "
                    "re-created; retry later." % (kind, name),
                    "ObjectIsBeingDeleted")


def being_recovered(kind, name):
    return conflict("%s %s is currently being recovered and cannot be "
                    "re-created; retry later." % (kind, name),
                    "ObjectIsBeingRecovered")


def concurrent(kind, name):
    return conflict("Another operation on %s %s is in progress; the request "
                    "was not carried out. Retry later." % (kind.lower(), name))
