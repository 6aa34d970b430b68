# SPDX-License-Identifier: Apache-2.0
"""The HCL report in NV 0x01400001: header, hardware report, runtime claims.
azure-protocol.md 2.2 and 2.3."""

import hashlib
import json
import struct

from .jose import b64u, unint

SNP, TDX = 2, 4
HEADER, HARDWARE, CLAIMS = 32, 1184, 1236
THUMBPRINT = "6nZZnYaJc4KqUZ_yvA-mucFdYNouvlPnITNnMXsHl-0"


class HclError(ValueError):
    """The report breaks a rule of 2.2 or 2.3; code says which."""

    def __init__(self, code, text=""):
        super().__init__("%s: %s" % (code, text) if text else code)
        self.code = code


def jwk(kid, operation, modulus):
    return {"kid": kid, "key_ops": [operation], "kty": "RSA", "e": "AQAB",
            "n": b64u(modulus)}


def claims(ak, ek, vm_id, secure_boot=True, user_data=bytes(64), console=True):
    """The runtime claims JSON as OpenHCL writes it; ak, ek: moduli."""
    return json.dumps({
        "keys": [jwk("HCLAkPub", "sign", ak), jwk("HCLEkPub", "encrypt", ek)],
        "vm-configuration": {
            "console-enabled": console, "root-cert-thumbprint": THUMBPRINT,
            "secure-boot": secure_boot, "tpm-enabled": True,
            "tpm-persisted": True, "vmUniqueId": vm_id.upper()},
        "user-data": user_data.hex()}, separators=(",", ":")).encode()


def report_data(text):
    """REPORT_DATA that binds this claims JSON."""
    return hashlib.sha256(text).digest() + bytes(32)


def build(hardware, text, size=2600, version=2):
    """The bytes of the NV index, zero padded to size."""
    total = CLAIMS + len(text)
    if total > size:
        raise ValueError("the claims do not fit")
    out = struct.pack("<4s7I", b"HCLA", version, total, 2, 0, 0, 0, 0)
    out += hardware + struct.pack("<5I", 20 + len(text), 1, SNP, 1, len(text))
    return (out + text).ljust(size, b"\0")


class Hcl:
    """A report taken apart: hardware (bytes), kind, text (the claims as
    stored).  kind: the wanted report type.  Raises HclError."""

    def __init__(self, data, kind=SNP):
        if len(data) < CLAIMS:
            raise HclError("size")
        head = struct.unpack("<4s7I", data[:HEADER])
        size, version, self.kind, hash_type, self.length = struct.unpack(
            "<5I", data[0x4C0:CLAIMS])
        if head[0] != b"HCLA":
            raise HclError("signature")
        if head[1] not in (1, 2) or head[3] != 2 or head[4] != 0:
            raise HclError("header")
        if any(head[5:]):
            raise HclError("reserved")
        if version != 1 or hash_type != 1:
            raise HclError("request data")
        if self.kind != kind:
            raise HclError("type", str(self.kind))
        end = CLAIMS + self.length
        if size != 20 + self.length or head[2] != end or end > len(data):
            raise HclError("length")
        if any(data[end:]):
            raise HclError("padding")
        self.version = head[1]
        self.hardware = bytes(data[HEADER:HEADER + HARDWARE])
        self.text = bytes(data[CLAIMS:end])

    def bound_data(self):
        """REPORT_DATA of the hardware report, where its kind keeps it."""
        at = 0x50 if self.kind == SNP else 0x80
        return self.hardware[at:at + 64]

    def check_binding(self):
        """Raises HclError unless REPORT_DATA is the hash of the claims."""
        if self.bound_data() != report_data(self.text):
            raise HclError("binding")


class Claims:
    """The runtime claims, read.  Raises HclError."""

    def __init__(self, text):
        self.raw = bytes(text)
        try:
            self.value = json.loads(self.raw.decode("utf-8"),
                                    object_pairs_hook=unique)
            keys = {k["kid"]: k for k in self.value["keys"]}
            if len(keys) != len(self.value["keys"]):
                raise HclError("claims", "two keys of one name")
            self.ak = self.modulus(keys["HCLAkPub"])
            self.ek = self.modulus(keys["HCLEkPub"]) \
                if "HCLEkPub" in keys else None
            self.configuration = self.value["vm-configuration"]
            self.vm_id = self.configuration["vmUniqueId"].upper()
            self.secure_boot = self.configuration["secure-boot"]
            user = self.value.get("user-data", "0" * 128)
            self.user_data = bytes.fromhex(user)
            if len(user) != 128:
                raise HclError("claims", "user-data")
        except HclError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HclError("claims", repr(error)) from None

    @staticmethod
    def modulus(key):
        if key["kty"] != "RSA" or key["e"] != "AQAB":
            raise HclError("claims", "key")
        number = unint(key["n"])
        if number.bit_length() != 2048:
            raise HclError("claims", "modulus")
        return number.to_bytes(256, "big")


def unique(pairs):
    """object_pairs_hook that refuses a member given twice."""
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("duplicate member")
    return out
