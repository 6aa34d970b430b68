# SPDX-License-Identifier: Apache-2.0
"""What the attestation service says in its tokens.  azure-protocol.md 4.4
and 4.5; the order of members is that of the captured tokens."""

import base64
import hashlib

from . import tcglog
from .jose import b64u

LIFETIME = 28800
DEFAULT_POLICY = ("version= 1.0;\r\nauthorizationrules\r\n{\r\n"
                  "=> permit();\r\n};\r\nissuancerules\r\n{\r\n};\r\n")
COMPLIANT = "azure-compliant-cvm"


def policy_hash(text):
    """x-ms-policy-hash (4.4)."""
    return b64u(hashlib.sha256(b64u(text.encode()).encode()).digest())


def registered(issuer, now, jti):
    return {"exp": now + LIFETIME, "iat": now, "iss": issuer, "jti": jti,
            "nbf": now}


def snp_claims(report):
    """All x-ms-sevsnpvm-* of a report."""
    tcb = report.tcb()
    name = "x-ms-sevsnpvm-"
    return {name + "authorkeydigest": report.author_key_digest.hex(),
            name + "bootloader-svn": tcb["bl"],
            name + "familyId": report.family_id.hex(),
            name + "guestsvn": report.guest_svn,
            name + "hostdata": report.host_data.hex(),
            name + "idkeydigest": report.id_key_digest.hex(),
            name + "imageId": report.image_id.hex(),
            name + "is-debuggable": report.debug,
            name + "launchmeasurement": report.measurement.hex(),
            name + "microcode-svn": tcb["ucode"],
            name + "migration-allowed": report.migration,
            name + "reportdata": report.report_data.hex(),
            name + "reportid": report.report_id.hex(),
            name + "smt-allowed": bool(report.policy >> 16 & 1),
            name + "snpfw-svn": tcb["snp"], name + "tee-svn": tcb["tee"],
            name + "vmpl": report.vmpl}


def compliant(report, id_keys=None):
    """May the token say that this is a machine as Azure makes them?  id_keys:
    accepted ID_KEY_DIGESTs (hex), None: any."""
    return not report.debug and not report.migration and (
        id_keys is None or report.id_key_digest.hex() in id_keys)


def isolation(report, runtime, id_keys=None):
    """x-ms-isolation-tee; runtime: the HCL claims as a dict."""
    out = {"x-ms-attestation-type": "sevsnpvm"}
    if compliant(report, id_keys):
        out["x-ms-compliance-status"] = COMPLIANT
    return {**out, "x-ms-runtime": sort(runtime), **snp_claims(report)}


def sort(value):
    """Members sorted at every level, as the service writes them again."""
    if isinstance(value, dict):
        return {name: sort(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [sort(one) for one in value]
    return value


def guest_claims(done, policy):
    """All claims of an AzureGuest token but the registered ones; done: an
    attest.Verified."""
    guest, boot = done.guest, done.secure_boot
    secure = boot.get("SecureBoot") == b"\x01" and \
        done.claims.secure_boot is True
    name = "x-ms-azurevm-"
    out = {"secureboot": secure, "x-ms-attestation-type": "azurevm",
           name + "attestation-protocol-ver": "2.0",
           name + "attested-pcrs": guest.pcr_set,
           name + "bootdebug-enabled": False,
           name + "dbvalidated": boot.get("db") == tcglog.DB,
           name + "dbxvalidated": boot.get("dbx") == tcglog.DBX,
           name + "debuggersdisabled": True,
           name + "default-securebootkeysvalidated":
               secure and boot.get("db") == tcglog.DB,
           name + "elam-enabled": False, name + "flightsigning-enabled": False,
           name + "hvci-policy": 0, name + "hypervisordebug-enabled": False,
           name + "is-windows": guest.os["Type"] == "Windows",
           name + "kerneldebug-enabled": False,
           name + "osbuild": guest.os["Build"],
           name + "osdistro": guest.os["Distro"],
           name + "ostype": guest.os["Type"],
           name + "osversion-major": guest.version[0],
           name + "osversion-minor": guest.version[1],
           name + "signingdisabled": True,
           name + "testsigning-enabled": False,
           name + "vmid": done.claims.vm_id,
           "x-ms-isolation-tee": isolation(
               guest.isolation.report, done.claims.value,
               policy.get("id_keys"))}
    return {**out, **policy_claims(policy), "x-ms-runtime": {
        "client-payload": dict(guest.payload),
        "keys": [{"e": "AQAB", "key_ops": ["encrypt"],
                  "kid": "TpmEphemeralEncryptionKey", "kty": "RSA",
                  "n": b64u(done.transfer)}]}, "x-ms-ver": "1.0"}


def policy_claims(policy):
    out = {}
    if policy.get("issue"):
        out["x-ms-policy"] = policy["issue"]
    return {**out, "x-ms-policy-hash": policy_hash(
        policy.get("text", DEFAULT_POLICY))}


def snp_token_claims(report, runtime, initial, nonce, policy):
    """The claims of an attest/SevSnpVm token (4.5); runtime, initial: dicts
    or None."""
    out = {"x-ms-attestation-type": "sevsnpvm"}
    if nonce is not None:
        out["nonce"] = nonce
    if compliant(report, policy.get("id_keys")):
        out["x-ms-compliance-status"] = COMPLIANT
    if initial is not None:
        out["x-ms-inittime"] = sort(initial)
    out.update(policy_claims(policy))
    if runtime is not None:
        out["x-ms-runtime"] = sort(runtime)
    return {**out, **snp_claims(report), "x-ms-ver": "1.0"}


def lookup(claims, path):
    """The claim at a path; dots part levels, as in release policies."""
    for part in path.split("."):
        if not isinstance(claims, dict) or part not in claims:
            return None
        claims = claims[part]
    return claims


def denied(claims, policy):
    """The path of the first claim that policy["require"] does not find as it
    wants it, None if all hold.  A list means any of."""
    for path, wanted in (policy.get("require") or {}).items():
        value = lookup(claims, path)
        several = wanted if isinstance(wanted, list) else [wanted]
        if not any(type(value) is type(one) and value == one
                   for one in several):
            return path
    return None


def b64(data):
    return base64.b64encode(data).decode()
