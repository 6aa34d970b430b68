# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service: identity tokens, THIM certificates, the
compute document.  Rules and error bodies: azure-protocol.md 1.1 to 1.4, 3.6."""

import time

from .web import Response

VERSIONS = ["2017-04-02", "2017-08-01", "2017-12-01", "2018-02-01",
            "2018-10-01", "2019-02-01", "2019-03-11", "2019-06-01",
            "2019-06-04", "2019-08-01", "2019-08-15", "2019-11-01",
            "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01",
            "2020-12-01", "2021-01-01", "2021-02-01", "2021-03-01",
            "2021-05-01", "2021-10-01", "2021-11-01", "2021-11-15",
            "2021-12-13", "2023-07-01", "2023-11-15"]
SELECTORS = ("client_id", "object_id", "msi_res_id", "mi_res_id")
RESOURCES = ("https://vault.azure.net", "https://managedhsm.azure.net",
             "https://management.azure.com",
             "https://management.core.windows.net",
             "https://graph.microsoft.com", "https://storage.azure.com")
TOKEN = "/metadata/identity/oauth2/token"
THIM = "/metadata/thim/amd/certification"


def oauth_error(status, code, text):
    return Response(status, {"error": code, "error_description": text})


def bad_request(text):
    return Response(400, {"error": "Bad request. " + text})


def bad_version():
    return Response(400, {
        "error": "Bad request. api-version is invalid or was not specified "
                 "in the request. For more information refer to "
                 "aka.ms/azureimds",
        "newest-versions": VERSIONS[-1:-4:-1]})


class Imds:
    """directory: identity.Directory; thim: a function that returns the THIM
    body as a dict, or None; vm_id: upper-case GUID."""

    def __init__(self, directory, thim, vm_id, tenant_of_vm):
        self.directory = directory
        self.thim = thim
        self.vm_id = vm_id
        self.subscription = tenant_of_vm

    @staticmethod
    def operation(req):
        path = req.path.lower().rstrip("/")
        if path == TOKEN:
            return "token"
        if path == THIM:
            return "thim"
        if path.startswith("/metadata/instance"):
            return "instance"
        return "other"

    def handle(self, req):
        path = req.path.lower().rstrip("/")
        identity = path.startswith("/metadata/identity")
        if req.method != "GET":
            return Response(405, {"error": "Method not allowed"},
                            {"Allow": "GET"})
        if req.header("Metadata") != "true":
            text = "Required metadata header not specified"
            if identity:
                return oauth_error(400, "bad_request_102", text)
            return bad_request(text)
        if req.header("X-Forwarded-For") is not None:
            return bad_request("X-Forwarded-For is not allowed")
        names = [name.lower() for name, _ in req.query]
        if len(set(names)) != len(names):
            return bad_request("Duplicate query parameter")
        if path == THIM:
            return self.certification(req)
        version = req.param("api-version")
        if version not in VERSIONS:
            return bad_version()
        if path == TOKEN:
            return self.token(req)
        if identity:
            return oauth_error(401, "unknown_source",
                               "Unknown Source %s" % req.path)
        if path.startswith("/metadata/instance"):
            return self.instance(req)
        return Response(404, {"error": "Not found"})

    def token(self, req):
        resource = req.param("resource")
        if not resource:
            return oauth_error(400, "invalid_request",
                               "Required query variable 'resource' is missing")
        if resource.removesuffix("/") not in RESOURCES:
            return oauth_error(
                400, "invalid_resource",
                "AADSTS50001: The application named %s was not found in the "
                "tenant." % resource)
        given = [(k, v) for k, v in req.query if k in SELECTORS]
        if len(given) > 1:
            return oauth_error(400, "invalid_request",
                               "Multiple identity selectors in one request")
        who = self.directory.select(*given[0] if given else (None, None))
        if who is None:
            return oauth_error(400, "invalid_request", "Identity not found")
        token, start, end = self.directory.issue(who, resource)
        left = str(max(0, end - int(time.time())))
        return Response(200, {
            "access_token": token, "client_id": who.client_id,
            "expires_in": left, "expires_on": str(end),
            "ext_expires_in": left, "not_before": str(start),
            "resource": resource, "token_type": "Bearer"})

    def certification(self, req):
        body = self.thim() if self.thim else None
        if body is None:
            return Response(404, {"error": "No certificate for this host"})
        return Response(200, body)

    def instance(self, req):
        compute = {
            "azEnvironment": "AzurePublicCloud", "location": "eastus",
            "name": "emulated", "osType": "Linux",
            "resourceGroupName": "emulated",
            "securityProfile": {"encryptionAtHost": "false",
                                "secureBootEnabled": "true",
                                "securityType": "ConfidentialVM",
                                "virtualTpmEnabled": "true"},
            "subscriptionId": self.subscription,
            "vmId": self.vm_id.lower(), "vmSize": "Standard_DC2as_v5"}
        node = {"compute": compute, "network": {"interface": []}}
        for part in req.path.strip("/").split("/")[2:]:
            low = {key.lower(): key for key in node} \
                if isinstance(node, dict) else {}
            if part.lower() not in low:
                return Response(404, {"error": "Not found"})
            node = node[low[part.lower()]]
        if isinstance(node, (dict, list)):
            if req.param("format") == "text":
                return bad_request("Text format needs a leaf of the document")
            return Response(200, node)
        if req.param("format") != "text":
            return bad_request("A leaf of the document needs format=text")
        return Response(200, node, {"Content-Type":
                                    "text/plain; charset=utf-8"})
