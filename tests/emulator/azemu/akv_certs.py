# SPDX-License-Identifier: Apache-2.0
"""Certificates, as far as clients need them: create self-signed, import,
get, list, update, policy, delete.  A certificate's key is a key and its PFX a
secret of the same name and version (azure-protocol.md 5.7)."""

import base64
import datetime
import re
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from . import akv_errors as err
from .akv_keys import RSA_OPS
from .akv_store import attributes, check_tags, show_attributes
from .identity import new_id
from .jose import b64u
from .pki_web import der, key_pem, new_rsa, thumbprint, usage
from .web import Response

PFX, PEM = "application/x-pkcs12", "application/x-pem-file"


def self_signed(policy):
    """(key, [certificate]) for a create request."""
    props = policy.get("x509_props") or {}
    size = (policy.get("key_props") or {}).get("key_size") or 2048
    if size not in (2048, 3072, 4096):
        raise err.bad("Invalid key size: %s" % size)
    try:
        # The service takes "cn=x, o=y"; RFC 4514 names are upper case.
        text = re.sub(r"(^|,)\s*([A-Za-z]+)=", lambda m: m.group(
            1) + m.group(2).upper() + "=", props.get("subject") or "")
        subject = x509.Name.from_rfc4514_string(text)
    except ValueError:
        raise err.bad("Property subject has invalid value") from None
    key = new_rsa(size)
    start = datetime.datetime.utcnow().replace(microsecond=0)
    end = start + datetime.timedelta(
        days=30 * (props.get("validity_months") or 12))
    cert = (x509.CertificateBuilder().subject_name(subject)
            .issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - datetime.timedelta(minutes=10))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(False, None), False)
            .add_extension(usage(digital_signature=True,
                                 key_encipherment=True), True))
    names = (props.get("sans") or {}).get("dns_names") or []
    if names:
        cert = cert.add_extension(x509.SubjectAlternativeName(
            [x509.DNSName(n) for n in names]), False)
    return key, [cert.sign(key, hashes.SHA256())]


def read_import(body):
    """(key, [leaf, chain...], content type) of an import request."""
    text = body.get("value")
    if not isinstance(text, str):
        raise err.bad("Property value is required")
    password = body.get("pwd")
    try:
        raw = text.encode() if "-----BEGIN" in text else \
            base64.b64decode(text)
        if b"-----BEGIN" in raw:        # PEM, as text or in base64
            key = serialization.load_pem_private_key(
                raw, password.encode() if password else None)
            certs = []
            for part in raw.split(b"-----BEGIN CERTIFICATE-----")[1:]:
                certs.append(x509.load_pem_x509_certificate(
                    b"-----BEGIN CERTIFICATE-----" + part))
            kind = PEM
        else:
            key, leaf, more = pkcs12.load_key_and_certificates(
                raw, password.encode() if password else None)
            certs, kind = [leaf, *more], PFX
        if not certs or certs[0] is None or key is None:
            raise ValueError("no key or no certificate")
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("not an RSA key")
    except (ValueError, TypeError):
        raise err.bad("The specified PKCS#12 X.509 certificate content can "
                      "not be read. Please check if certificate is in valid "
                      "PKCS#12 format.") from None
    return key, certs, kind


def secret_value(key, certs, kind):
    """The secret's value: PFX without a password, or PEM."""
    if kind == PEM:
        return (key_pem(key) + b"".join(
            c.public_bytes(serialization.Encoding.PEM)
            for c in certs)).decode()
    pfx = pkcs12.serialize_key_and_certificates(
        None, key, certs[0], certs[1:] or None, serialization.NoEncryption())
    return base64.b64encode(pfx).decode()


def full_policy(call, name, given, key, cert, kind):
    """The policy as it is stored, from what the request gave."""
    given, now = given or {}, int(time.time())
    props = dict(given.get("x509_props") or {})
    props.setdefault("subject", cert.subject.rfc4514_string())
    # what a request leaves out, as recorded
    props.setdefault("sans", {})
    props.setdefault("basic_constraints", {"ca": False})
    props["ekus"] = props.get("ekus") or ["1.3.6.1.5.5.7.3.1",
                                          "1.3.6.1.5.5.7.3.2"]
    props.setdefault("key_usage", ["digitalSignature", "keyEncipherment"])
    months = (cert.not_valid_after - cert.not_valid_before).days // 30
    props.setdefault("validity_months", months)
    own = given.get("key_props") or {}
    return {"id": "%s/certificates/%s/policy" % (call.vault.url, name),
            "key_props": {"exportable": own.get("exportable", True),
                          "kty": own.get("kty") or "RSA",
                          "key_size": key.key_size,
                          "reuse_key": own.get("reuse_key", False)},
            "secret_props": {"contentType": kind}, "x509_props": props,
            "lifetime_actions": given.get("lifetime_actions") or [
                {"trigger": {"lifetime_percentage": 80},
                 "action": {"action_type": "AutoRenew" if given.get("issuer")
                            else "EmailContacts"}}],
            "issuer": given.get("issuer") or {"name": "Unknown"},
            "attributes": {"enabled": True, "created": now, "updated": now}}


class Certificates:
    """The operations on /certificates."""

    ACTION = "certificates/"
    LIST = "certificates/read"

    def __init__(self, keys):
        self.keys = keys

    def route(self, call):
        method, parts = call.req.method, call.parts
        count, last = len(parts), parts[-1].lower()
        if method == "POST" and count == 3 and last == "create":
            call.need("certificates/create/action")
            return self.create(call)
        if method == "POST" and count == 3 and last == "import":
            call.need("certificates/import/action")
            return self.load(call)
        if count == 2 and last == "contacts":
            return self.contacts(call, method)
        if count == 2 and last == "issuers" and method == "GET":
            call.need("certificateissuers/read")
            return Response(200, {"value": [], "nextLink": None})
        if method == "GET" and count in (2, 3):
            call.need("certificates/read")
            if last == "pending" and count == 3:
                return self.pending(call)
            if last == "policy" and count == 3:
                return Response(200, call.vault.live(
                    "certificates", call.name())["policy"])
            found, record = call.vault.version("certificates", call.name(),
                                               *parts[2:3])
            return Response(200, self.bundle(call, found, record))
        if method == "PATCH" and count in (2, 3):
            call.need("certificates/update/action")
            return self.update(call, last if count == 3 else None)
        return None

    @staticmethod
    def contacts(call, method):
        """Who is told when a certificate ends: kept, and told nothing."""
        held, url = call.vault.contacts, call.vault.url
        call.need("certificatecontacts/write" if method != "GET"
                  else "certificates/read")
        if method == "PUT":
            given = call.body().get("contacts")
            if not isinstance(given, list) or not given or not all(
                    isinstance(c, dict) and c.get("email") for c in given):
                raise err.bad("Property contacts has invalid value")
            held = call.vault.contacts = given
        elif not held:
            raise err.AkvError(404, "ContactsNotFound", "Contacts not found")
        elif method == "DELETE":
            call.vault.contacts = []
        return Response(200, {"id": url + "/certificates/contacts",
                              "contacts": held})

    @staticmethod
    def item(call, found, record, versions):
        url = "%s/certificates/%s" % (call.vault.url, found["name"])
        out = {"id": url + ("/" + record["version"] if versions else ""),
               "x5t": record["x5t"],
               "attributes": show_attributes(record["attributes"], call.api),
               "subject": ""}
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        return out

    @staticmethod
    def bundle(call, found, record):
        tail = "/%s/%s" % (found["name"], record["version"])
        url = call.vault.url
        out = {"id": url + "/certificates" + tail, "kid": url + "/keys" + tail,
               "sid": url + "/secrets" + tail, "x5t": record["x5t"],
               "cer": record["cer"],
               "attributes": show_attributes(record["attributes"], call.api)}
        if record.get("tags") is not None:
            out["tags"] = record["tags"]
        out["policy"] = found["policy"]
        if found.get("request"):
            out["pending"] = {"id": "%s/certificates/%s/pending" % (
                url, found["name"])}
        return out

    def store(self, call, key, certs, kind, body):
        """One version in three collections."""
        vault, name = call.vault, call.name()
        found = vault.for_writing("certificates", name)
        for other in ("keys", "secrets"):
            clash = vault.for_writing(other, name)
            if clash["versions"] and not clash["versions"][-1].get("managed"):
                raise err.conflict("The name %s is in use by a %s" % (
                    name, other[:-1]))
        version, tags = vault.new_version(), check_tags(body.get("tags"))
        stored = attributes(body.get("attributes"))
        epoch = datetime.datetime(1970, 1, 1)
        stored["nbf"], stored["exp"] = (
            int((t - epoch).total_seconds()) for t in
            (certs[0].not_valid_before, certs[0].not_valid_after))
        found["policy"] = full_policy(call, name, body.get("policy"), key,
                                      certs[0], kind)
        exportable = found["policy"]["key_props"]["exportable"]
        common = {"version": version, "attributes": stored, "tags": tags}
        value = secret_value(key, certs, kind) if exportable else \
            base64.b64encode(der(certs[0])).decode()
        self.append(call, "keys", name, {
            **common, "kty": "RSA", "crv": None, "managed": True,
            "pem": key_pem(key).decode(), "key_ops": RSA_OPS,
            "exportable": False})
        self.append(call, "secrets", name, {
            **common, "value": value, "contentType": kind, "managed": True})
        record = {**common, "cer": base64.b64encode(der(certs[0])).decode(),
                  "x5t": b64u(thumbprint(certs[0]))}
        found["versions"].append(record)
        vault.put("certificates", found)
        return found, record

    @staticmethod
    def append(call, kind, name, record):
        found = call.vault.for_writing(kind, name)
        found["versions"].append(record)
        call.vault.put(kind, found)

    def create(self, call):
        body = call.body()
        policy = body.get("policy")
        if not isinstance(policy, dict):
            raise err.bad("Property policy is required")
        if (policy.get("issuer") or {}).get("name", "Self") != "Self":
            raise err.bad("Only the issuer Self is emulated")
        kind = (policy.get("secret_props") or {}).get("contentType") or PFX
        key, certs = self_signed(policy)
        found, _ = self.store(call, key, certs, kind, body)
        found["request"] = new_id().replace("-", "")
        call.vault.save()
        answer = self.operation(call, found)
        answer["status"] = "inProgress"     # the client asks again
        del answer["target"]
        return Response(202, answer, {
            "Location": answer["id"] + "?api-version=" + call.api
            + "&request_id=" + found["request"], "Retry-After": "1"})

    @staticmethod
    def operation(call, found):
        url = "%s/certificates/%s" % (call.vault.url, found["name"])
        return {"id": url + "/pending", "issuer": {"name": "Self"},
                "csr": "", "cancellation_requested": False,
                "status": "completed", "target": url,
                "request_id": found["request"]}

    def pending(self, call):
        found = call.vault.live("certificates", call.name())
        if not found.get("request"):
            raise err.AkvError(404, "PendingCertificateNotFound",
                               "Pending certificate not found: %s"
                               % found["name"])
        return Response(200, self.operation(call, found))

    def load(self, call):
        body = call.body()
        key, certs, kind = read_import(body)
        wanted = ((body.get("policy") or {}).get("secret_props")
                  or {}).get("contentType")
        found, record = self.store(call, key, certs, wanted or kind, body)
        return Response(200, self.bundle(call, found, record))

    def update(self, call, version):
        body = call.body()
        if version == "policy":
            found = call.vault.live("certificates", call.name())
            for part in ("key_props", "secret_props", "x509_props",
                         "lifetime_actions", "issuer"):
                if isinstance(body.get(part), type(found["policy"][part])):
                    found["policy"][part] = body[part]
            call.vault.save()
            return Response(200, found["policy"])
        found, record = call.vault.version("certificates", call.name(),
                                           version)
        record["attributes"] = attributes(body.get("attributes"),
                                          record["attributes"])
        if body.get("tags") is not None:
            record["tags"] = check_tags(body["tags"])
        call.vault.put("certificates", found)
        return Response(200, self.bundle(call, found, record))

    def deleting(self, call, found):
        for kind in ("keys", "secrets"):
            call.vault.delete(kind, found["name"])["ready"] = found["ready"]

    def recovering(self, call, found):
        for kind in ("keys", "secrets"):
            call.vault.recover(kind, found["name"])

    def purging(self, call, found):
        for kind in ("keys", "secrets"):
            call.vault.purge(kind, found["name"])
