# SPDX-License-Identifier: Apache-2.0
"""As much of login.microsoftonline.com and management.azure.com as other
people's clients ask for on the way to a key vault."""

from .identity import SUBSCRIPTION, TENANT, TokenError
from .web import Response

LOGIN = "https://login.microsoftonline.com"
HOSTS = ("login.microsoftonline.com", "login.windows.net",
         "login.microsoft.com", "sts.windows.net")
ARM_HOSTS = ("management.azure.com", "management.core.windows.net")
ARM = "https://management.azure.com"


def openid(tenant, v2):
    tail = "/v2.0" if v2 else ""
    oauth = "%s/%s/oauth2%s" % (LOGIN, tenant, tail)
    return {
        "token_endpoint": oauth + "/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": "%s/%s/discovery%s/keys" % (LOGIN, tenant, tail),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token",
                                     "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": "%s/%s/v2.0" % (LOGIN, tenant) if v2
        else "https://sts.windows.net/%s/" % tenant,
        "authorization_endpoint": oauth + "/authorize",
        "device_authorization_endpoint": oauth + "/devicecode",
        "tenant_region_scope": "NA",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com"}


class Login:
    """Discovery documents.  Tokens come from the metadata service alone."""

    @staticmethod
    def operation(req):
        path = req.path.lower()
        if path.endswith("/openid-configuration"):
            return "openid"
        if path.endswith("/discovery/instance"):
            return "instance"
        return "token" if path.endswith("/token") else "other"

    def handle(self, req):
        what = self.operation(req)
        parts = req.path.strip("/").split("/")
        if what == "openid":
            tenant = parts[0] if parts[0] not in (
                "common", "organizations") else TENANT
            return Response(200, openid(tenant, "v2.0" in parts))
        if what == "instance":
            return Response(200, {
                "tenant_discovery_endpoint":
                    LOGIN + "/" + TENANT + "/v2.0/.well-known/"
                    "openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": HOSTS[0],
                              "preferred_cache": HOSTS[1],
                              "aliases": list(HOSTS)}]})
        if what == "token":
            return Response(401, {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret "
                "provided. The emulator issues tokens through the metadata "
                "service only.", "error_codes": [7000215]})
        return Response(404, {"error": "not emulated"})


class Arm:
    """Tenants, subscriptions and the vault itself, read only."""

    def __init__(self, directory, vaults, maa_host):
        self.directory = directory
        self.vaults = vaults
        self.maa_host = maa_host

    @staticmethod
    def operation(req):
        path = req.path.lower().rstrip("/")
        if path.endswith("/tenants"):
            return "tenants"
        if path.endswith("/defaultprovider"):
            return "attestation"
        if "/vaults" in path or path.endswith("/resources"):
            return "vaults"
        return "subscriptions" if "/subscriptions" in path else "other"

    def allowed(self, req):
        scheme, _, token = (req.header("Authorization") or "").partition(" ")
        for audience in (ARM, ARM + "/", "https://management.core.windows.net",
                         "https://management.core.windows.net/"):
            try:
                self.directory.check(token.strip(), audience)
                return scheme.lower() == "bearer"
            except TokenError:
                continue
        return False

    @staticmethod
    def subscription():
        return {"id": "/subscriptions/" + SUBSCRIPTION,
                "authorizationSource": "RoleBased", "managedByTenants": [],
                "subscriptionId": SUBSCRIPTION, "tenantId": TENANT,
                "displayName": "Emulated", "state": "Enabled",
                "subscriptionPolicies": {
                    "locationPlacementId": "Public_2014-09-01",
                    "quotaId": "PayAsYouGo_2014-09-01",
                    "spendingLimit": "Off"}}

    @staticmethod
    def vault(vault):
        return {"id": "/subscriptions/%s/resourceGroups/emulated/providers/"
                "Microsoft.KeyVault/vaults/%s" % (SUBSCRIPTION, vault.name),
                "name": vault.name, "type": "Microsoft.KeyVault/vaults",
                "location": "eastus", "tags": {}, "properties": {
                    "sku": {"family": "A", "name": "premium"},
                    "tenantId": TENANT, "accessPolicies": [],
                    "enabledForDeployment": False, "enableSoftDelete": True,
                    "softDeleteRetentionInDays": 90,
                    "enableRbacAuthorization": True,
                    "vaultUri": vault.url + "/",
                    "provisioningState": "Succeeded"}}

    def handle(self, req):
        if not self.allowed(req):
            return Response(401, {"error": {
                "code": "AuthenticationFailed",
                "message": "Authentication failed. The 'Authorization' "
                "header is missing or not valid."}}, {
                    "WWW-Authenticate": 'Bearer authorization_uri="%s/%s", '
                    'error="invalid_token"' % (LOGIN, TENANT)})
        parts = [p.lower() for p in req.path.strip("/").split("/")]
        if req.method == "GET" and parts == ["tenants"]:
            return Response(200, {"value": [{
                "id": "/tenants/" + TENANT, "tenantId": TENANT,
                "displayName": "Emulated", "tenantCategory": "Home",
                "defaultDomain": "emulated.onmicrosoft.com"}]})
        if req.method == "GET" and parts[0] == "subscriptions":
            if len(parts) == 1:
                return Response(200, {"value": [self.subscription()]})
            if len(parts) == 2 and parts[1] == SUBSCRIPTION:
                return Response(200, self.subscription())
            if parts[-1] == "defaultprovider":
                return Response(200, {
                    "name": "sharedprovider", "location": parts[-2],
                    "type": "Microsoft.Attestation/attestationProviders",
                    "properties": {"attestUri": "https://" + self.maa_host,
                                   "status": "Ready", "trustModel": "AAD"}})
            if len(parts) == 3 and parts[2] == "resourcegroups":
                return Response(200, {"value": [{
                    "id": "/subscriptions/%s/resourceGroups/emulated"
                    % SUBSCRIPTION, "name": "emulated", "location": "eastus",
                    "type": "Microsoft.Resources/resourceGroups",
                    "properties": {"provisioningState": "Succeeded"}}]})
            found = [self.vault(v) for v in self.vaults.values()]
            if parts[-1] in ("vaults", "resources"):
                return Response(200, {"value": found})
            for one in found:
                if parts[-2:] == ["vaults", one["name"].lower()]:
                    return Response(200, one)
        return Response(404, {"error": {
            "code": "ResourceNotFound",
            "message": "%s %s is not emulated" % (req.method, req.path)}})


