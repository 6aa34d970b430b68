# SPDX-License-Identifier: Apache-2.0
"""Runs inside `emulator exec` with Microsoft's clients on the path: nothing
here is made for the emulator, the addresses are Azure's.  Writes one JSON
object: case -> "ok" or what went wrong.  test_clients.py starts it."""

import base64
import datetime
import hashlib
import json
import os
import sys
import traceback

from azure.core.exceptions import (ClientAuthenticationError,
                                   HttpResponseError, ResourceExistsError,
                                   ResourceNotFoundError)
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.certificates import (CertificateClient,
                                         CertificatePolicy)
from azure.keyvault.keys import KeyClient, KeyReleasePolicy
from azure.keyvault.keys.crypto import (CryptographyClient,
                                        EncryptionAlgorithm,
                                        KeyWrapAlgorithm,
                                        SignatureAlgorithm)
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption, pkcs12)

URL = "https://apmkv.vault.azure.net"
SCOPE = "https://vault.azure.net/.default"
# The token of a key release, made outside by the test, or "".
TOKEN = os.environ.get("TARGET_TOKEN", "")
VM = os.environ["VM_CLIENT_ID"]

credential = ManagedIdentityCredential()
secrets = SecretClient(URL, credential)
keys = KeyClient(URL, credential)
certificates = CertificateClient(URL, credential)


def refused(kind, call, *args, **named):
    """The error of a call that must fail with this kind."""
    try:
        call(*args, **named)
    except kind as error:
        return error
    raise AssertionError("%s was not refused" % call)


def release_policy():
    text = json.dumps({"version": "1.0.0", "anyOf": [{
        "authority": "https://sharedeus.eus.attest.azure.net",
        "allOf": [{"claim": "x-ms-isolation-tee.x-ms-compliance-status",
                   "equals": "azure-compliant-cvm"}]}]})
    return KeyReleasePolicy(text.encode())


def case_identity_token():
    token = credential.get_token(SCOPE)
    now = datetime.datetime.now().timestamp()
    assert token.expires_on > now + 3600
    body = token.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims["aud"] == "https://vault.azure.net"


def case_default_credential():
    assert DefaultAzureCredential().get_token(SCOPE).token


def case_unknown_identity():
    wrong = ManagedIdentityCredential(client_id="no-such-identity")
    refused(ClientAuthenticationError, wrong.get_token, SCOPE)


def case_secret_set_get():
    made = secrets.set_secret("one", "first", content_type="text/plain",
                              tags={"a": "b"})
    got = secrets.get_secret("one")
    assert (got.value, got.properties.version) == (
        "first", made.properties.version)
    assert got.properties.content_type == "text/plain"
    assert got.properties.tags == {"a": "b"}
    assert got.properties.recoverable_days == 90


def case_secret_versions():
    made = [secrets.set_secret("two", str(i)) for i in range(3)]
    listed = list(secrets.list_properties_of_secret_versions("two"))
    assert {p.version for p in listed} == {m.properties.version for m in made}
    assert secrets.get_secret("two", made[0].properties.version).value == "0"
    paged = secrets.list_properties_of_secret_versions(
        "two", max_page_size=1).by_page()
    assert [len(list(page)) for page in paged] == [1, 1, 1]
    assert "two" in [p.name for p in secrets.list_properties_of_secrets()]


def case_secret_disable():
    secrets.set_secret("three", "x")
    secrets.update_secret_properties("three", enabled=False)
    error = refused(HttpResponseError, secrets.get_secret, "three")
    assert error.status_code == 403 and "disabled" in str(error)


def case_secret_missing():
    refused(ResourceNotFoundError, secrets.get_secret, "never")


def case_secret_delete_recover():
    secrets.set_secret("four", "kept")
    poller = secrets.begin_delete_secret("four")
    assert poller.result().recovery_id
    poller.wait()
    refused(ResourceExistsError, secrets.set_secret, "four", "new")
    assert "four" in [s.name for s in secrets.list_deleted_secrets()]
    secrets.begin_recover_deleted_secret("four").wait()
    assert secrets.get_secret("four").value == "kept"
    secrets.begin_delete_secret("four").wait()
    secrets.purge_deleted_secret("four")
    refused(ResourceNotFoundError, secrets.get_deleted_secret, "four")


def case_secret_backup():
    secrets.set_secret("five", "saved")
    blob = secrets.backup_secret("five")
    refused(ResourceExistsError, secrets.restore_secret_backup, blob)


def case_key_create_get():
    made = keys.create_rsa_key("mk", size=2048, hardware_protected=True,
                               exportable=True,
                               release_policy=release_policy())
    assert made.key_type == "RSA-HSM" and made.properties.exportable
    got = keys.get_key("mk")
    assert got.key.n == made.key.n
    policy = json.loads(got.properties.release_policy.encoded_policy)
    assert policy["version"] == "1.0.0"
    assert made.properties.version in [
        p.version for p in keys.list_properties_of_key_versions("mk")]
    assert "mk" in [p.name for p in keys.list_properties_of_keys()]


def case_key_policy_codes():
    error = refused(HttpResponseError, keys.create_rsa_key, "bad",
                    hardware_protected=True, exportable=True)
    assert "AKV.SKR.1004" in str(error)


def case_key_crypto():
    # An HSM key without local copies: every call goes to the service.
    key = keys.create_rsa_key("crypt", size=2048, hardware_protected=True)
    crypto = CryptographyClient(key, credential)
    remote = CryptographyClient(key.id, credential)
    for alg in (EncryptionAlgorithm.rsa_oaep_256,
                EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa1_5):
        box = crypto.encrypt(alg, b"plain")
        assert remote.decrypt(alg, box.ciphertext).plaintext == b"plain"
    for alg in (KeyWrapAlgorithm.rsa_oaep_256, KeyWrapAlgorithm.rsa_oaep):
        box = crypto.wrap_key(alg, b"k" * 32)
        assert remote.unwrap_key(alg, box.encrypted_key).key == b"k" * 32
    digest = hashlib.sha256(b"text").digest()
    sig = remote.sign(SignatureAlgorithm.rs256, digest)
    assert crypto.verify(SignatureAlgorithm.rs256, digest,
                         sig.signature).is_valid
    curve = keys.create_ec_key("curve", curve="P-256")
    crypto = CryptographyClient(curve, credential)
    sig = crypto.sign(SignatureAlgorithm.es256, digest)
    assert crypto.verify(SignatureAlgorithm.es256, digest,
                         sig.signature).is_valid


def case_key_delete_recover():
    keys.create_rsa_key("going", size=2048)
    keys.begin_delete_key("going").wait()
    refused(ResourceNotFoundError, keys.get_key, "going")
    keys.begin_recover_deleted_key("going").wait()
    assert keys.get_key("going").name == "going"


def case_key_release_refused():
    keys.create_rsa_key("rk", size=2048, hardware_protected=True,
                        exportable=True, release_policy=release_policy())
    error = refused(HttpResponseError, keys.release_key, "rk", "a.b.c")
    assert error.status_code == 403, error
    assert "cannot be verified" in str(error)


def case_key_release():
    keys.create_rsa_key("relkey", size=2048, hardware_protected=True,
                        exportable=True, release_policy=release_policy())
    result = keys.release_key("relkey", TOKEN, nonce="n0nce",
                              algorithm="RSA_AES_KEY_WRAP_256")
    payload = result.value.split(".")[1]
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert body["request"] == {
        "api-version": keys.api_version, "enc": "RSA_AES_KEY_WRAP_256",
        "kid": URL + "/keys/relkey", "nonce": "n0nce"}, body["request"]
    key = body["response"]["key"]["key"]
    hsm = json.loads(base64.urlsafe_b64decode(key["key_hsm"] + "=="))
    assert hsm["header"]["kid"] == "TpmEphemeralEncryptionKey"


def case_vm_identity():
    own = ManagedIdentityCredential(client_id=VM)
    box = SecretClient(URL, own)
    box.set_secret("from-vm", "x")
    assert box.get_secret("from-vm").value == "x"
    key = keys.create_rsa_key("vmkey", size=2048)
    remote = CryptographyClient(key.id, own)
    error = refused(HttpResponseError, remote.decrypt,
                    EncryptionAlgorithm.rsa_oaep_256, bytes(256))
    assert error.status_code == 403 and "ForbiddenByRbac" in str(error), error


def case_certificate_create():
    policy = CertificatePolicy("Self", subject="CN=apm.example",
                               san_dns_names=["apm.example"],
                               exportable=True, key_type="RSA", key_size=2048,
                               content_type="application/x-pkcs12",
                               validity_in_months=12)
    made = certificates.begin_create_certificate("web", policy).result()
    got = certificates.get_certificate("web")
    assert got.cer == made.cer
    assert got.policy.subject == "CN=apm.example"
    assert x509.load_der_x509_certificate(bytes(got.cer)).subject
    held = secrets.get_secret("web")
    assert held.properties.managed
    assert held.properties.content_type == "application/x-pkcs12"
    key, cert, _ = pkcs12.load_key_and_certificates(
        base64.b64decode(held.value), None)
    assert key and cert
    assert "web" in [p.name for p in
                     certificates.list_properties_of_certificates()]
    pfx = pkcs12.serialize_key_and_certificates(
        b"x", key, cert, None, BestAvailableEncryption(b"password"))
    loaded = certificates.import_certificate("web2", pfx,
                                             password="password")
    assert loaded.cer == got.cer
    error = refused(HttpResponseError, certificates.import_certificate,
                    "web3", pfx, password="wrong")
    assert error.status_code == 400
    assert [p.version for p in
            certificates.list_properties_of_certificate_versions("web2")]


def case_certificate_delete_recover():
    policy = CertificatePolicy.get_default()
    certificates.begin_create_certificate("old", policy).result()
    certificates.begin_delete_certificate("old").wait()
    refused(ResourceNotFoundError, certificates.get_certificate, "old")
    certificates.begin_recover_deleted_certificate("old").wait()
    assert certificates.get_certificate("old").name == "old"


def main():
    results = {}
    for name, case in sorted(globals().items()):
        if not name.startswith("case_"):
            continue
        if name == "case_key_release" and not TOKEN:
            continue
        try:
            case()
            results[name[5:]] = "ok"
        except Exception:
            results[name[5:]] = traceback.format_exc()
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
