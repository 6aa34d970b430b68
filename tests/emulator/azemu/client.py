# SPDX-License-Identifier: Apache-2.0
"""A deployer's client of the emulator in DIR: gets a token from the emulated
metadata service and talks to the emulated vault by its real REST API, on the
local port, with the vault's real name in SNI and Host."""

import http.client
import json
import os
import socket
import ssl
import urllib.parse

from . import guest, tpmwire
from .identity import VM_ACTIONS
from .jose import b64u, unb64u

API = "7.4"


class CallError(Exception):
    """An answer that is no success: .status, .body."""

    def __init__(self, status, body):
        super().__init__("%d: %s" % (status, body[:300]))
        self.status = status
        self.body = body


class LocalHttps(http.client.HTTPSConnection):
    """TLS to the local port of a service under its real name."""

    def __init__(self, name, local, roots):
        context = ssl.create_default_context(cafile=roots)
        super().__init__(name, 443, context=context, timeout=60)
        self.local = local
        self.context = context

    def connect(self):
        sock = socket.create_connection(self.local, self.timeout)
        self.sock = self.context.wrap_socket(sock, server_hostname=self.host)


def fetch(conn, method, path, body=None, headers=None):
    """(status, headers, bytes) of one call on a fresh connection."""
    try:
        conn.request(method, path, body, headers or {})
        answer = conn.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        conn.close()


class Client:
    """identity: "deployer" (may do everything) or "vm"."""

    def __init__(self, directory, identity="deployer"):
        with open(os.path.join(directory, "emulator.json"), "rb") as info:
            self.info = json.load(info)
        self.identity = identity
        self.bearer = None

    def address(self, service):
        url = urllib.parse.urlsplit(self.info[service])
        return url.hostname, url.port

    def port(self, service):
        return self.address(service)[1]

    def plain(self, service, method, path, body=None, headers=None):
        """A call on the metadata service or the control port."""
        conn = http.client.HTTPConnection(*self.address(service),
                                          timeout=60)
        status, _, data = fetch(conn, method, path, body, headers)
        if status >= 300:
            raise CallError(status, data.decode("utf-8", "replace"))
        return json.loads(data) if data else None

    def token(self):
        if self.bearer is None:
            query = urllib.parse.urlencode({
                "api-version": "2018-02-01",
                "resource": "https://vault.azure.net",
                "client_id": self.info[self.identity + "_client_id"]})
            self.bearer = self.plain(
                "imds", "GET", "/metadata/identity/oauth2/token?" + query,
                headers={"Metadata": "true"})["access_token"]
        return self.bearer

    def raw(self, method, path, body=None, api=API, headers=None):
        """(status, headers, bytes) of a vault call without a token."""
        conn = LocalHttps(self.info["akv_host"], self.address("akv"),
                          self.info["tls_roots"])
        mark = "&" if "?" in path else "?"
        data = None if body is None else json.dumps(body).encode()
        own = {"Content-Type": "application/json"} if data else {}
        own.update(headers or {})
        if api:
            path += mark + "api-version=" + api
        return fetch(conn, method, path, data, own)

    def call(self, method, path, body=None, api=API):
        """The answer of a vault call as JSON; CallError if no success."""
        status, _, data = self.raw(method, path, body, api, {
            "Authorization": "Bearer " + self.token()})
        if status >= 300:
            raise CallError(status, data.decode("utf-8", "replace"))
        return json.loads(data) if data else None

    def set_secret(self, name, value, content_type=None, tags=None):
        body = {"value": value}
        if content_type:
            body["contentType"] = content_type
        if tags:
            body["tags"] = tags
        return self.call("PUT", "/secrets/" + name, body)

    def get_secret(self, name, version=""):
        return self.call("GET", "/secrets/%s/%s" % (name, version))["value"]

    def list_versions(self, name):
        """Items without values, oldest first as far as seconds tell."""
        out, path = [], "/secrets/%s/versions?api-version=%s" % (name, API)
        while path:
            page = self.call("GET", path, api=None)
            out += page["value"]
            link = page["nextLink"]
            path = link and link.split("/", 3)[3] and "/" + \
                link.split("/", 3)[3]
        return sorted(out, key=lambda one: one["attributes"]["created"])

    def disable_version(self, name, version):
        return self.call("PATCH", "/secrets/%s/%s" % (name, version),
                         {"attributes": {"enabled": False}})

    def delete_secret(self, name):
        return self.call("DELETE", "/secrets/" + name)

    def create_key(self, name, release_policy=None, kty="RSA-HSM", size=2048):
        """release_policy: a dict in the grammar of 5.4, or None for a key
        that cannot be released."""
        body = {"kty": kty, "key_size": size}
        if release_policy is not None:
            body["attributes"] = {"exportable": True}
            body["release_policy"] = {"data": b64u(json.dumps(
                release_policy).encode())}
        return self.call("POST", "/keys/%s/create" % name, body)

    def get_key(self, name, version=""):
        return self.call("GET", "/keys/%s/%s" % (name, version))

    def encrypt(self, name, alg, data, version=""):
        """bytes of data encrypted by the vault with the key."""
        path = "/keys/%s/%s/encrypt" % (name, version)
        answer = self.call("POST", path, {"alg": alg, "value": b64u(data)})
        return unb64u(answer["value"])

    def decrypt(self, name, alg, data, version=""):
        path = "/keys/%s/%s/decrypt" % (name, version)
        answer = self.call("POST", path, {"alg": alg, "value": b64u(data)})
        return unb64u(answer["value"])

    def release(self, name, target, enc=None, nonce=None, version=""):
        """The JWS of a key release."""
        body = {"target": target}
        if enc:
            body["enc"] = enc
        if nonce:
            body["nonce"] = nonce
        path = "/keys/%s/%s/release" % (name, version)
        return self.call("POST", path.replace("//", "/"), body)["value"]

    def attest(self, payload=None):
        """(MAA's token, use) for the emulated VM, by its vTPM; use(cipher)
        is what the transfer key in the TPM makes of OAEP-SHA-256."""
        thim = self.plain("imds", "GET", "/metadata/THIM/amd/certification",
                          headers={"Metadata": "true"})
        with open(self.info["eventlog"], "rb") as log_file:
            log = log_file.read()
        unique = os.urandom(256)
        with guest.Tpm(self.info["vtpm"]) as tpm:
            handle, info = guest.evidence(
                tpm, thim["vcekCert"] + thim["certificateChain"], log,
                unique, payload=payload)
            public = tpm.read_public(handle)[0]
            tpm.flush(handle)
        conn = LocalHttps(self.info["maa_host"], self.address("maa"),
                          self.info["tls_roots"])
        status, _, data = fetch(
            conn, "POST", "/attest/AzureGuest?api-version=2020-10-01",
            guest.request_body(info), {"Content-Type": "application/json"})
        if status != 200:
            raise CallError(status, data.decode("utf-8", "replace"))

        def use(cipher, scheme=b"\0\x17\0\x0b"):
            # A primary key of the null hierarchy: the same until the next
            # power-on, so it need not be kept.
            with guest.Tpm(self.info["vtpm"]) as tpm:
                again = tpm.create(tpmwire.transfer_public(
                    tpm.policy(), unique))[0]
                try:
                    if tpm.read_public(again)[0] != public:
                        raise ValueError("another transfer key")
                    return tpm.decrypt(again, cipher, scheme)
                finally:
                    tpm.flush(again)

        token = guest.open_envelope(json.loads(data)["token"],
                                    lambda c: use(c, b"\0\x15"))
        return token, use

    def counts(self):
        return self.plain("control", "GET", "/counts")

    def reset_counts(self):
        self.plain("control", "POST", "/counts/reset")

    def requests(self, bodies=False):
        return self.plain("control", "GET", "/requests"
                          + ("?bodies=1" if bodies else ""))

    def fault(self, **entry):
        self.plain("control", "POST", "/faults", json.dumps(entry))

    def clear_faults(self):
        self.plain("control", "DELETE", "/faults")

    def options(self, **values):
        self.plain("control", "POST", "/provision", json.dumps(
            {"operation": "options", **values}))

    def permit(self, *actions, identity="vm"):
        """Gives the identity these actions ("keys/decrypt/action") beside
        those of a deployment; none: those alone."""
        self.plain("control", "POST", "/provision", json.dumps(
            {"operation": "permit", "identity": identity,
             "actions": sorted(VM_ACTIONS | set(actions))}))

    def state(self):
        return self.plain("control", "GET", "/state")
