# SPDX-License-Identifier: Apache-2.0
"""The SEV-SNP attestation report: build, take apart, verify up to a trusted
ARK.  azure-protocol.md 3.1 to 3.5 and 3.7."""

import datetime
import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.x509.oid import NameOID

from . import der
from .pki_amd import AMD, PSS, SPL, tcb_word

SIZE, SIGNED = 1184, 672
DER = serialization.Encoding.DER
POLICY_AZURE = 0x3001F
ORDER = int("ffffffffffffffffffffffffffffffffffffffffffffffff"
            "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)

# name: (offset, size); numbers are little-endian, the rest bytes.
NUMBERS = {"version": (0, 4), "guest_svn": (4, 4), "policy": (8, 8),
           "vmpl": (0x30, 4), "sig_algo": (0x34, 4),
           "current_tcb": (0x38, 8), "platform_info": (0x40, 8),
           "key_info": (0x48, 4), "reported_tcb": (0x180, 8),
           "cpuid_family": (0x188, 1), "cpuid_model": (0x189, 1),
           "cpuid_step": (0x18A, 1), "committed_tcb": (0x1E0, 8),
           "launch_tcb": (0x1F0, 8)}
FIELDS = {"family_id": (0x10, 16), "image_id": (0x20, 16),
          "report_data": (0x50, 64), "measurement": (0x90, 48),
          "host_data": (0xC0, 32), "id_key_digest": (0xE0, 48),
          "author_key_digest": (0x110, 48), "report_id": (0x140, 32),
          "report_id_ma": (0x160, 32), "chip_id": (0x1A0, 64),
          "current_build": (0x1E8, 3), "committed_build": (0x1EC, 3)}
# Must be zero in every version that is accepted here: (offset, size).
RESERVED = [(0x4C, 4), (0x18B, 21), (0x1EB, 1), (0x1EF, 1), (0x208, 152),
            (0x2A0 + 48, 24), (0x2E8 + 48, 24), (0x330, 368)]


class SnpError(ValueError):
    """A report or its chain is refused; code says by which rule."""

    def __init__(self, code, text=""):
        super().__init__("%s: %s" % (code, text) if text else code)
        self.code = code


def build(vcek_key, report_data, **over):
    """A signed report (version 3, a Milan machine of Azure) as bytes; over:
    fields by the names of NUMBERS and FIELDS."""
    tcb = tcb_word({"bl": 4, "tee": 0, "snp": 24, "ucode": 219})
    values = {"version": 3, "guest_svn": 10, "policy": POLICY_AZURE,
              "sig_algo": 1, "platform_info": 0x25, "current_tcb": tcb,
              "reported_tcb": tcb, "committed_tcb": tcb, "launch_tcb": tcb,
              "cpuid_family": 0x19, "cpuid_model": 1, "cpuid_step": 1,
              "family_id": b"\x02\x21\x20" + bytes(13),
              "image_id": b"\x02" + bytes(15), "report_id_ma": b"\xff" * 32,
              "measurement": hashlib.sha384(b"paravisor and UEFI").digest(),
              "id_key_digest": hashlib.sha384(b"id block key").digest(),
              "current_build": b"\x28\x37\x01",
              "committed_build": b"\x28\x37\x01",
              "report_data": report_data, **over}
    out = bytearray(SIZE)
    for name, value in values.items():
        if name in NUMBERS:
            at, size = NUMBERS[name]
            value = value.to_bytes(size, "little")
        at, size = NUMBERS.get(name) or FIELDS[name]
        if len(value) > size:
            raise ValueError(name)
        out[at:at + len(value)] = value
    return sign(vcek_key, out)


def sign(vcek_key, report):
    """The same report with the signature of this key."""
    out = bytearray(report)
    raw = vcek_key.sign(bytes(out[:SIGNED]), ec.ECDSA(hashes.SHA384()))
    out[SIGNED:] = bytes(SIZE - SIGNED)
    for at, number in zip((0x2A0, 0x2E8), utils.decode_dss_signature(raw)):
        out[at:at + 48] = number.to_bytes(48, "little")
    return bytes(out)


class Report:
    """A report taken apart: an attribute per name of NUMBERS and FIELDS.
    Raises SnpError on what 3.7 step 1 refuses."""

    def __init__(self, data):
        if len(data) != SIZE:
            raise SnpError("size")
        self.raw = bytes(data)
        for name, (at, size) in NUMBERS.items():
            setattr(self, name, int.from_bytes(self.raw[at:at + size],
                                               "little"))
        for name, (at, size) in FIELDS.items():
            setattr(self, name, self.raw[at:at + size])
        if self.version not in (2, 3, 5):
            raise SnpError("version", str(self.version))
        if self.sig_algo != 1:
            raise SnpError("algorithm")
        if self.key_info >> 2 & 7:
            raise SnpError("signing key", "not the VCEK")
        for at, size in RESERVED:
            if any(self.raw[at:at + size]):
                raise SnpError("reserved", "0x%03x" % at)

    def tcb(self):
        """REPORTED_TCB by component (Milan and Genoa layout)."""
        raw = self.reported_tcb.to_bytes(8, "little")
        return {"bl": raw[0], "tee": raw[1], "snp": raw[6], "ucode": raw[7]}

    @property
    def debug(self):
        return bool(self.policy >> 19 & 1)

    @property
    def migration(self):
        return bool(self.policy >> 18 & 1)

    def signature(self):
        """(r, s)"""
        return tuple(int.from_bytes(self.raw[at:at + 48], "little")
                     for at in (0x2A0, 0x2E8))


def common_name(name):
    return name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


class Vcek:
    """The VCEK's extensions.  Raises SnpError."""

    def __init__(self, cert):
        self.cert = cert
        values = {}
        for one in cert.extensions:
            dotted = one.oid.dotted_string
            if dotted.startswith(AMD + "."):
                values[dotted[len(AMD):]] = one.value.value
        try:
            tag, start, end = der.read(values[".2"])
            if tag != 22 or end != len(values[".2"]):
                raise SnpError("extension", "productName")
            self.product = values[".2"][start:end].decode("ascii")
            self.tcb = {name: self.number(values[suffix])
                        for name, suffix in SPL.items()}
            self.fmc = self.number(values[".3.9"]) if ".3.9" in values else None
            self.hwid = values[".4"]
        except (KeyError, UnicodeDecodeError, ValueError) as error:
            raise SnpError("extension", str(error)) from None
        if len(self.hwid) in (66, 10) and \
                self.hwid[:2] == bytes([4, len(self.hwid) - 2]):
            self.hwid = self.hwid[2:]

    @staticmethod
    def number(value):
        tag, start, end = der.read(value)
        number = int.from_bytes(value[start:end], "big", signed=True)
        if tag != 2 or end != len(value) or not 0 <= number <= 255:
            raise SnpError("extension", "SPL")
        return number


def signed_by(cert, issuer):
    """Check that issuer signed cert, with AMD's PSS parameters exactly."""
    raw = cert.public_bytes(DER)
    tbs, algorithm, signature = der.certificate_parts(raw)
    key = issuer.public_key()
    if cert.issuer != issuer.subject:
        raise SnpError("chain", "issuer of %s" % common_name(cert.subject))
    if algorithm not in (der.PSS_SHA384, der.PSS_SHA384_SHORT) or \
            not isinstance(key, rsa.RSAPublicKey):
        raise SnpError("chain", "algorithm")
    try:
        key.verify(signature, tbs, PSS, hashes.SHA384())
    except InvalidSignature:
        raise SnpError("chain", "signature of %s"
                       % common_name(cert.subject)) from None


def is_ca(cert):
    try:
        return cert.extensions.get_extension_for_class(
            x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def verify_chain(vcek, ask, ark, trusted, when=None):
    """VCEK to ASK to ARK, the ARK one of trusted (compared as a whole).
    when: the time to check validity at, default now.  Raises SnpError."""
    if ark.public_bytes(DER) not in [t.public_bytes(DER) for t in trusted]:
        raise SnpError("root", "the ARK is not trusted")
    signed_by(ark, ark)
    signed_by(ask, ark)
    signed_by(vcek, ask)
    if not is_ca(ask) or not is_ca(ark) or is_ca(vcek):
        raise SnpError("chain", "basicConstraints")
    when = when or datetime.datetime.utcnow()
    for cert in (vcek, ask, ark):
        if not cert.not_valid_before <= when <= cert.not_valid_after:
            raise SnpError("validity", common_name(cert.subject))
    if common_name(vcek.subject) != "SEV-VCEK":
        raise SnpError("chain", "not a VCEK")


def product_of(report):
    """The product that CPUID names (3.1), None before version 3."""
    if report.version < 3:
        return None
    if report.cpuid_family == 0x19:
        if report.cpuid_model < 0x10:
            return "Milan"
        if 0x10 <= report.cpuid_model < 0x20 or \
                0xA0 <= report.cpuid_model < 0xB0:
            return "Genoa"
    raise SnpError("product", "CPUID")


def verify_signature(report, public_key):
    """Check the report's signature; raises SnpError."""
    r, s = report.signature()
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise SnpError("signature", "range")
    try:
        public_key.verify(utils.encode_dss_signature(r, s),
                          report.raw[:SIGNED], ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise SnpError("signature") from None


def verify(report, vcek, ask, ark, trusted, when=None):
    """All of 3.7, steps 2 to 6.  Raises SnpError."""
    verify_chain(vcek, ask, ark, trusted, when)
    key = vcek.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or \
            key.curve.name != "secp384r1":
        raise SnpError("chain", "VCEK key")
    facts = Vcek(vcek)
    family = facts.product.split("-")[0]
    if common_name(ask.subject) != "SEV-" + family or \
            common_name(ark.subject) != "ARK-" + family or \
            product_of(report) not in (None, family):
        raise SnpError("product", facts.product)
    if facts.hwid != report.chip_id:
        raise SnpError("chip id")
    if facts.tcb != report.tcb() or facts.fmc is not None:
        raise SnpError("tcb", "%s, the VCEK is for %s"
                       % (report.tcb(), facts.tcb))
    verify_signature(report, key)


def split_pem(text):
    """The certificates of a PEM text, LF or CRLF.  Raises SnpError."""
    end = b"-----END CERTIFICATE-----"
    raw = text.encode("ascii") if isinstance(text, str) else text
    parts = raw.split(end)
    if parts[-1].strip():
        raise SnpError("chain", "bytes after the last certificate")
    try:
        return [x509.load_pem_x509_certificate(p.strip() + b"\n" + end + b"\n")
                for p in parts[:-1]]
    except ValueError:
        raise SnpError("chain", "not PEM certificates") from None
