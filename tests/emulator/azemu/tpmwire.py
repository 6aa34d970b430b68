# SPDX-License-Identifier: Apache-2.0
"""TPM 2.0 structures and the commands that the emulator itself sends, as
bytes (TPM 2.0 Library, parts 2 and 3).  azure-protocol.md 2 and appendix B."""

import hashlib
import struct

NO_SESSIONS, SESSIONS = 0x8001, 0x8002
OWNER, NULL, ENDORSEMENT, PLATFORM = (0x40000001, 0x40000007, 0x4000000B,
                                      0x4000000C)
RS_PW = 0x40000009
SHA1, SHA256, SHA384, SHA512 = 0x0004, 0x000B, 0x000C, 0x000D
RSA, ALG_NULL, RSASSA, AES, CFB = 0x0001, 0x0010, 0x0014, 0x0006, 0x0043
HASHES = {SHA1: "sha1", SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}
MAGIC, ST_CERTIFY, ST_QUOTE = 0xFF544347, 0x8017, 0x8018

CC = {"EvictControl": 0x120, "NV_UndefineSpace": 0x122,
      "HierarchyChangeAuth": 0x129, "NV_DefineSpace": 0x12A,
      "PCR_Allocate": 0x12B, "CreatePrimary": 0x131, "NV_Write": 0x137,
      "Startup": 0x144, "Shutdown": 0x145, "Certify": 0x148, "NV_Read": 0x14E,
      "Quote": 0x158, "RSA_Decrypt": 0x159, "FlushContext": 0x165,
      "NV_ReadPublic": 0x169, "ReadPublic": 0x173, "StartAuthSession": 0x176,
      "GetCapability": 0x17A, "PCR_Read": 0x17E, "PolicyPCR": 0x17F,
      "PCR_Extend": 0x182, "PolicyGetDigest": 0x189}

RC_HANDLE_1 = 0x18B             # TPM_RC_HANDLE, first handle
RC_NV_RANGE = 0x146

AK_ATTRIBUTES = 0x00050472
TRANSFER_ATTRIBUTES = 0x00020432
EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724"
                          "fd52d76e06520b64f2a1da1b331469aa")


class TpmError(Exception):
    """The TPM answered this response code (member rc)."""

    def __init__(self, rc, what=""):
        super().__init__("%s: TPM_RC 0x%03x" % (what, rc))
        self.rc = rc


class Reader:
    """A cursor over bytes from outside; every step raises ValueError when
    they do not reach."""

    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise ValueError("TPM structure is cut")
        out, self.at = self.data[self.at:end], end
        return out

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return int.from_bytes(self.take(2), "big")

    def u32(self):
        return int.from_bytes(self.take(4), "big")

    def u64(self):
        return int.from_bytes(self.take(8), "big")

    def sized(self):
        """The content of a TPM2B."""
        return self.take(self.u16())

    def end(self):
        if self.at != len(self.data):
            raise ValueError("bytes after a TPM structure")


def sized(data=b""):
    return struct.pack(">H", len(data)) + data


def digest(alg, data):
    return hashlib.new(HASHES[alg], data).digest()


def name_of(public):
    """Name of an object or index from its marshalled public area (SHA-256)."""
    return struct.pack(">H", SHA256) + hashlib.sha256(public).digest()


def qualified_name(hierarchy, name):
    """Qualified name of a primary key (part 1, 16)."""
    return name_of(struct.pack(">I", hierarchy) + name)


def ak_public(modulus):
    """TPMT_PUBLIC of the attestation key with this modulus (2.1)."""
    return struct.pack(">HHIHHHHHIH", RSA, SHA256, AK_ATTRIBUTES, 0, ALG_NULL,
                       RSASSA, SHA256, 2048, 0, len(modulus)) + modulus


def transfer_public(policy, unique):
    """TPMT_PUBLIC of the transfer key (2.7)."""
    return (struct.pack(">HHI", RSA, SHA256, TRANSFER_ATTRIBUTES) +
            sized(policy) + struct.pack(">HHHI", ALG_NULL, ALG_NULL, 2048, 0) +
            sized(unique))


def ek_public():
    """Template of the RSA-2048 EK (TCG EK Credential Profile, L-1)."""
    return (struct.pack(">HHI", RSA, SHA256, 0x000300B2) + sized(EK_POLICY) +
            struct.pack(">HHHHHI", AES, 128, CFB, ALG_NULL, 2048, 0) +
            sized(bytes(256)))


def srk_public():
    """Template of an RSA-2048 storage root key."""
    return (struct.pack(">HHI", RSA, SHA256, 0x00030472) + sized() +
            struct.pack(">HHHHHI", AES, 128, CFB, ALG_NULL, 2048, 0) +
            sized(bytes(256)))


class RsaPublic:
    """A TPMT_PUBLIC of type RSA, taken apart.  Raises ValueError."""

    def __init__(self, data):
        self.raw = bytes(data)
        rd = Reader(data)
        if rd.u16() != RSA:
            raise ValueError("not an RSA key")
        self.name_alg, self.attributes = rd.u16(), rd.u32()
        self.policy = rd.sized()
        self.symmetric = rd.u16()
        if self.symmetric != ALG_NULL:
            rd.take(4)
        self.scheme = rd.u16()
        self.scheme_hash = rd.u16() if self.scheme != ALG_NULL else None
        self.bits, self.exponent = rd.u16(), rd.u32()
        self.modulus = rd.sized()
        rd.end()

    @property
    def name(self):
        return name_of(self.raw)


def sized_public(data):
    """The TPMT_PUBLIC inside a TPM2B_PUBLIC that is all of data."""
    rd = Reader(data)
    inner = rd.sized()
    rd.end()
    return inner


def selection(pcrs, alg=SHA256):
    """TPML_PCR_SELECTION of one bank."""
    bitmap = sum(1 << n for n in pcrs)
    return struct.pack(">IHB", 1, alg, 3) + bitmap.to_bytes(3, "little")


def read_selection(rd):
    """[(alg, [indices])] of a TPML_PCR_SELECTION."""
    out = []
    for _ in range(rd.u32()):
        if len(out) == 16:
            raise ValueError("too many PCR banks")
        alg = rd.u16()
        bitmap = int.from_bytes(rd.take(rd.u8()), "little")
        out.append((alg, [n for n in range(bitmap.bit_length())
                          if bitmap >> n & 1]))
    return out


def policy_pcr(pcr_digest, pcrs):
    """The policy digest of one PolicyPCR in a fresh SHA-256 session."""
    return hashlib.sha256(bytes(32) + struct.pack(">I", CC["PolicyPCR"]) +
                          selection(pcrs) + pcr_digest).digest()


class Attest:
    """A TPMS_ATTEST of type quote or certify, taken apart.  Raises
    ValueError."""

    def __init__(self, data):
        self.raw = bytes(data)
        rd = Reader(data)
        if rd.u32() != MAGIC:
            raise ValueError("not made by a TPM")
        self.type = rd.u16()
        self.signer = rd.sized()
        self.extra = rd.sized()
        self.clock, self.resets, self.restarts = rd.u64(), rd.u32(), rd.u32()
        self.safe = rd.u8()
        self.firmware = rd.u64()
        if self.type == ST_QUOTE:
            self.selection = read_selection(rd)
            self.pcr_digest = rd.sized()
        elif self.type == ST_CERTIFY:
            self.name, self.qualified = rd.sized(), rd.sized()
        else:
            raise ValueError("attestation type 0x%04x" % self.type)
        rd.end()


def command(code, handles=(), params=b"", auth=None):
    """One command.  code: a name of CC; auth: passwords, one per handle that
    needs one, or None."""
    body = b"".join(struct.pack(">I", h) for h in handles)
    if auth is not None:
        area = b"".join(struct.pack(">IHB", RS_PW, 0, 1) + sized(one)
                        for one in auth)
        body += struct.pack(">I", len(area)) + area
    body += params
    return struct.pack(">HII", NO_SESSIONS if auth is None else SESSIONS,
                       10 + len(body), CC[code]) + body


def error_response(rc):
    return struct.pack(">HII", NO_SESSIONS, 10, rc)


def parse_response(data, handles=0, sessions=False, what=""):
    """([handles], Reader of the parameters); raises TpmError, ValueError."""
    rd = Reader(data)
    tag, size, rc = rd.u16(), rd.u32(), rd.u32()
    if size != len(data):
        raise ValueError("TPM response size")
    if rc:
        raise TpmError(rc, what)
    got = [rd.u32() for _ in range(handles)]
    if sessions:
        if tag != SESSIONS:
            raise ValueError("TPM response tag")
        return got, Reader(rd.take(rd.u32()))
    return got, Reader(rd.take(size - rd.at))


def nv_public(index, attributes, size):
    """TPMS_NV_PUBLIC."""
    return struct.pack(">IHIHH", index, SHA256, attributes, 0, size)
