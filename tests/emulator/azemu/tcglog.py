# SPDX-License-Identifier: Apache-2.0
"""The TCG event log, crypto-agile form: build one as the firmware of such a
VM and GRUB leave it, read one, replay it.  TCG PC Client Platform Firmware
Profile 1.05, 10.  azure-protocol.md 2.5 and 2.6."""

import hashlib
import struct

from .tpmwire import HASHES, SHA1, SHA256, SHA384

NO_ACTION, SEPARATOR, ACTION, EVENT_TAG, CRTM = 3, 4, 5, 6, 8
IPL = 0x0D
VARIABLE, BOOT_VARIABLE, APPLICATION = 0x80000001, 0x80000002, 0x80000003
GPT, EFI_ACTION, FIRMWARE, HANDOFF, AUTHORITY = (
    0x80000006, 0x80000007, 0x80000008, 0x80000009, 0x800000E0)
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
SECURITY = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
BANKS = (SHA1, SHA256, SHA384)
SIZES = {SHA1: 20, SHA256: 32, SHA384: 48, 0x000D: 64}
SPEC_ID = b"Spec ID Event03\0"


class LogError(ValueError):
    """The bytes are no event log."""


def variable(guid, name, data):
    """UEFI_VARIABLE_DATA."""
    text = name.encode("utf-16-le")
    return guid + struct.pack("<QQ", len(name), len(data)) + text + data


def stream(label, size):
    """Bytes that look like something and are the same every time."""
    out = b""
    while len(out) < size:
        out += hashlib.sha256(label + struct.pack("<I", len(out))).digest()
    return out[:size]


DB = stream(b"Microsoft db", 3143)
DBX = stream(b"Microsoft dbx", 13240)


def events(secure_boot=True, kernel=b"kernel", db=DB):
    """[(pcr, type, what is hashed, what is logged)]: a boot."""
    flag = b"\x01" if secure_boot else b"\x00"
    out = []

    def add(pcr, kind, data, logged=None):
        out.append((pcr, kind, data, data if logged is None else logged))

    add(0, CRTM, "2.1\0".encode("utf-16-le"))
    add(0, FIRMWARE, stream(b"UEFI", 4096), struct.pack("<QQ", 0x100000, 4096))
    for name, guid, data in (
            ("SecureBoot", GLOBAL, flag),
            ("PK", GLOBAL, stream(b"PK", 1000) if secure_boot else b""),
            ("KEK", GLOBAL, stream(b"KEK", 1560) if secure_boot else b""),
            ("db", SECURITY, db), ("dbx", SECURITY, DBX)):
        add(7, VARIABLE, variable(guid, name, data))
    add(7, SEPARATOR, bytes(4))
    add(1, HANDOFF, stream(b"SMBIOS", 512), stream(b"SMBIOS table", 48))
    add(1, BOOT_VARIABLE, variable(GLOBAL, "BootOrder", b"\0\0"))
    add(1, BOOT_VARIABLE, variable(GLOBAL, "Boot0000", stream(b"Boot", 136)))
    add(4, EFI_ACTION, b"Calling EFI Application from Boot Option")
    add(6, EVENT_TAG, stream(b"vm generation", 32))
    for pcr in range(7):
        add(pcr, SEPARATOR, bytes(4))
    add(5, GPT, stream(b"GPT", 484))
    if secure_boot:
        add(7, AUTHORITY, variable(SECURITY, "db", stream(b"CA", 1572)))
    for name in (b"shim", b"grub", kernel):
        add(4, APPLICATION, stream(name, 8192), stream(b"path " + name, 160))
    if secure_boot:
        add(7, AUTHORITY, variable(SECURITY, "Shim", stream(b"vendor", 812)))
    add(14, IPL, b"MokList\0")
    for line in range(40):
        add(8, IPL, b"grub_cmd: line %d\0" % line)
    for name in (b"/boot/grub/grub.cfg\0", b"/boot/vmlinuz\0"):
        add(9, IPL, stream(name, 4096), name)
    add(5, EFI_ACTION, b"Exit Boot Services Invocation")
    add(5, EFI_ACTION, b"Exit Boot Services Returned with Success")
    return out


def build(boot, banks=BANKS):
    """The log of these events, as binary_bios_measurements has it."""
    spec = SPEC_ID + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(banks))
    spec += b"".join(struct.pack("<HH", alg, SIZES[alg]) for alg in banks)
    spec += b"\0"
    out = [struct.pack("<II20sI", 0, NO_ACTION, bytes(20), len(spec)) + spec]
    for pcr, kind, data, logged in boot:
        out.append(struct.pack("<III", pcr, kind, len(banks)))
        for alg in banks:
            out.append(struct.pack("<H", alg) +
                       hashlib.new(HASHES[alg], data).digest())
        out.append(struct.pack("<I", len(logged)) + logged)
    return b"".join(out)


class Event:
    """One event: pcr, kind, digests by algorithm, data."""

    def __init__(self, pcr, kind, digests, data):
        self.pcr, self.kind = pcr, kind
        self.digests, self.data = digests, data


def read(log):
    """[Event] of a crypto-agile log; raises LogError."""
    at = 0

    def take(count):
        nonlocal at
        if count > len(log) - at:
            raise LogError("the log is cut")
        at += count
        return log[at - count:at]

    pcr, kind, sha1, size = struct.unpack("<II20sI", take(32))
    spec = take(size)
    if pcr or kind != NO_ACTION or any(sha1) or spec[:16] != SPEC_ID:
        raise LogError("no Spec ID event")
    if len(spec) < 28:
        raise LogError("Spec ID event is cut")
    count = struct.unpack("<I", spec[24:28])[0]
    if not 1 <= count <= 8 or len(spec) < 28 + 4 * count:
        raise LogError("algorithms")
    sizes = dict(struct.unpack("<HH", spec[28 + 4 * n:32 + 4 * n])
                 for n in range(count))
    if any(SIZES.get(alg) != size for alg, size in sizes.items()):
        raise LogError("digest size")
    out = []
    while at < len(log):
        pcr, kind, number = struct.unpack("<III", take(12))
        if pcr > 23 or number != len(sizes):
            raise LogError("event")
        digests = {}
        for _ in range(number):
            alg = struct.unpack("<H", take(2))[0]
            if alg not in sizes or alg in digests:
                raise LogError("algorithm of an event")
            digests[alg] = take(sizes[alg])
        out.append(Event(pcr, kind, digests,
                         take(struct.unpack("<I", take(4))[0])))
    return out


def replay(log_events, alg=SHA256):
    """{pcr: value} that the events lead to, for PCR 0 to 15."""
    size = SIZES[alg]
    out = {pcr: bytes(size) for pcr in range(16)}
    for one in log_events:
        if one.kind == NO_ACTION:
            if one.pcr == 0 and one.data[:16] == b"StartupLocality\0":
                out[0] = bytes(size - 1) + one.data[16:17]
            continue
        out[one.pcr] = hashlib.new(
            HASHES[alg], out.get(one.pcr, bytes(size)) +
            one.digests[alg]).digest()
    return out


def read_variable(data):
    """(guid, name, value) of a UEFI_VARIABLE_DATA; raises LogError."""
    if len(data) < 32:
        raise LogError("variable")
    letters, size = struct.unpack("<QQ", data[16:32])
    end = 32 + 2 * letters
    if end + size != len(data):
        raise LogError("variable")
    try:
        name = data[32:end].decode("utf-16-le")
    except UnicodeDecodeError:
        raise LogError("variable name") from None
    return data[:16], name, data[end:]


def driver_config(log_events):
    """{name: value} of the secure-boot variables measured into PCR 7 before
    its separator.  An event whose digest is not that of its data is an
    error: nothing else ties the text to the PCR."""
    out = {}
    for one in log_events:
        if one.pcr != 7:
            continue
        if one.kind == SEPARATOR:
            break
        if one.kind != VARIABLE:
            continue
        if hashlib.sha256(one.data).digest() != one.digests.get(SHA256):
            raise LogError("event data and digest differ")
        guid, name, value = read_variable(one.data)
        if guid in (GLOBAL, SECURITY):
            if name in out:
                raise LogError("variable measured twice")
            out[name] = value
    return out
