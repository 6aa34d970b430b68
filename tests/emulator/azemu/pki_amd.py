# SPDX-License-Identifier: Apache-2.0
"""A test chain as AMD's: ARK, ASK (RSA-4096) and a VCEK (P-384, serial 0, the
real extension numbers), RSASSA-PSS all over.  Also the authority that signs
AK certificates.  azure-protocol.md 3.4 to 3.6."""

import datetime
import functools
import os
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from . import der, keyfile

AMD = "1.3.6.1.4.1.3704.1"
PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
TCB = {"bl": 4, "tee": 0, "snp": 24, "ucode": 219}
SPL = {"bl": ".3.1", "tee": ".3.2", "snp": ".3.3", "ucode": ".3.8"}


def tcb_word(tcb):
    """REPORTED_TCB (Milan and Genoa layout) as a number."""
    return tcb["bl"] | tcb["tee"] << 8 | tcb["snp"] << 48 | tcb["ucode"] << 56


def amd_name(common):
    """AMD's distinguished name with this CN, encoded."""
    def part(arc, tag, text):
        return der.tlv(0x31, der.seq(der.oid("2.5.4." + arc),
                                     der.tlv(tag, text.encode())))
    return der.seq(part("11", 12, "Engineering"), part("6", 19, "US"),
                   part("7", 12, "Santa Clara"), part("8", 12, "CA"),
                   part("10", 12, "Advanced Micro Devices"),
                   part("3", 12, common))


def spki(key):
    return key.public_key().public_bytes(
        DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def extension(oid, value, critical=False):
    flag = b"\x01\x01\xff" if critical else b""
    return der.seq(der.oid(oid), flag, der.octets(value))


def build(subject, key, issuer, issuer_key, serial, years, extensions):
    """A certificate as DER, signed RSASSA-PSS by issuer_key."""
    start = datetime.datetime(2023, 1, 1)
    end = start.replace(year=start.year + years)
    tbs = der.seq(der.explicit(0, der.integer(2)), der.integer(serial),
                  der.PSS_SHA384, amd_name(issuer),
                  der.seq(der.utctime(start), der.utctime(end)),
                  amd_name(subject), spki(key),
                  der.explicit(3, der.seq(*extensions)))
    signature = issuer_key.sign(tbs, PSS, hashes.SHA384())
    return der.seq(tbs, der.PSS_SHA384, der.bits(signature))


def ca_extensions(url):
    crl = der.seq(der.seq(der.explicit(0, der.explicit(
        0, der.tlv(0x86, url.encode())))))
    return [extension("2.5.29.19", der.seq(b"\x01\x01\xff"), True),
            extension("2.5.29.15", b"\x03\x02\x02\x04", True),
            extension("2.5.29.31", crl)]


def vcek_extensions(product, tcb, chip_id, wrapped=False):
    """In the order that real ones have.  wrapped: HWID inside an OCTET
    STRING, as newer ones carry it."""
    out = [extension(AMD + ".1", der.integer(0)),
           extension(AMD + ".2", der.tlv(22, product.encode())),
           extension(AMD + ".3.1", der.integer(tcb["bl"])),
           extension(AMD + ".3.2", der.integer(tcb["tee"]))]
    out += [extension(AMD + ".3.%d" % n, der.integer(0)) for n in range(4, 8)]
    hwid = der.octets(chip_id) if wrapped else chip_id
    return out + [extension(AMD + ".3.3", der.integer(tcb["snp"])),
                  extension(AMD + ".3.8", der.integer(tcb["ucode"])),
                  extension(AMD + ".4", hwid)]


def build_vcek(key, ask_key, chip_id, tcb=None, product="Milan-B0",
               wrapped=False):
    """The VCEK of a chip at a TCB, as an x509 object."""
    family = product.split("-")[0]
    return load(build("SEV-VCEK", key, "SEV-" + family, ask_key, 0, 7,
                      vcek_extensions(product, tcb or TCB, chip_id, wrapped)))


def load(data):
    return x509.load_der_x509_certificate(data)


def rsa_key(bits=4096):
    return rsa.generate_private_key(65537, bits)


def cached(path, make):
    """The private key in path, made and written there if missing."""
    try:
        with open(path, "rb") as key_file:
            return keyfile.load(key_file.read())
    except FileNotFoundError:
        key = make()
    write(path, key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption()), 0o600)
    return key


def write(path, data, mode=0o644):
    """Replace a file at once."""
    part = "%s.%d.%d.part" % (path, os.getpid(), threading.get_ident())
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as out:
        out.write(data)
    os.replace(part, path)


def ak_certificate(ca_key, ak_public, common, days=365):
    """An AK certificate (DER) as a virtual-TPM authority issues it."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, AK_ISSUER)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    start = datetime.datetime.utcnow().replace(microsecond=0)
    start -= datetime.timedelta(days=1)
    usage = x509.KeyUsage(True, *[False] * 8)
    return x509.CertificateBuilder().subject_name(subject).issuer_name(
        issuer).public_key(ak_public).serial_number(
        x509.random_serial_number()).not_valid_before(start).not_valid_after(
        start + datetime.timedelta(days=days)).add_extension(
        usage, True).add_extension(x509.ExtendedKeyUsage(
            [x509.ObjectIdentifier("2.23.133.8.3")]), False).sign(
        ca_key, hashes.SHA256()).public_bytes(DER)


AK_ISSUER = "Sallyport emulator virtual TPM CA"


class Pki:
    """The chain in a directory, made there where it is missing.  cache: a
    directory that keeps the slow keys (ARK, ASK, AK authority) for others."""

    def __init__(self, directory, cache=None):
        self.dir = os.path.abspath(directory)
        os.makedirs(self.dir, exist_ok=True)
        slow = os.path.abspath(cache) if cache else self.dir
        os.makedirs(slow, exist_ok=True)
        self.slow = slow
        self.vcek_key = cached(os.path.join(self.dir, "vcek-key.pem"),
                               lambda: ec.generate_private_key(ec.SECP384R1()))
        self.chip_id = self.load_chip_id()
        self.tcb = dict(TCB)
        self.load_certificates()

    @functools.cached_property
    def ark_key(self):
        return self.adopt("ark-key.pem", rsa_key)

    @functools.cached_property
    def ask_key(self):
        return self.adopt("ask-key.pem", rsa_key)

    @functools.cached_property
    def ak_ca_key(self):
        return self.adopt("ak-ca-key.pem", lambda: rsa_key(2048))

    def adopt(self, name, make):
        """The key from the cache, copied into the directory, where it stays
        the same if the cache is another next time."""
        own = os.path.join(self.dir, name)
        if os.path.exists(own):
            return cached(own, make)
        key = cached(os.path.join(self.slow, name), make)
        return cached(own, lambda: key)

    def load_chip_id(self):
        path = os.path.join(self.dir, "chip-id")
        try:
            with open(path, encoding="ascii") as id_file:
                return bytes.fromhex(id_file.read())
        except FileNotFoundError:
            made = os.urandom(64)
            write(path, made.hex().encode())
            return made

    def load_certificates(self):
        def make_ark():
            return build("ARK-Milan", self.ark_key, "ARK-Milan", self.ark_key,
                         0x10000, 25, ca_extensions(
                             "https://kdsintf.amd.com/vcek/v1/Milan/crl"))

        def make_ask():
            return build("SEV-Milan", self.ask_key, "ARK-Milan", self.ark_key,
                         0x10001, 25, ca_extensions(
                             "https://kdsintf.amd.com/vcek/v1/Milan/crl"))

        def make_vcek():
            return build_vcek(self.vcek_key, self.ask_key, self.chip_id,
                              self.tcb).public_bytes(DER)
        self.ark = self.certificate("ark.pem", make_ark)
        self.ask = self.certificate("ask.pem", make_ask)
        self.vcek = self.certificate("vcek.pem", make_vcek)

    def certificate(self, name, make):
        path = os.path.join(self.dir, name)
        try:
            with open(path, "rb") as pem:
                return x509.load_pem_x509_certificate(pem.read())
        except FileNotFoundError:
            made = load(make())
            write(path, made.public_bytes(PEM))
            return made

    @property
    def chain_pem(self):
        """VCEK, ASK, ARK, the order in which the services want them."""
        return b"".join(c.public_bytes(PEM)
                        for c in (self.vcek, self.ask, self.ark)).decode()

    def thim(self):
        """The answer of the host's certificate cache (3.6)."""
        return {"vcekCert": self.vcek.public_bytes(PEM).decode(),
                "tcbm": "%016X" % tcb_word(self.tcb),
                "certificateChain": (self.ask.public_bytes(PEM) +
                                     self.ark.public_bytes(PEM)).decode(),
                "cacheControl": "86400"}
