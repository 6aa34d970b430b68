# SPDX-License-Identifier: Apache-2.0
"""All that the attestation service verifies, as functions of bytes: no HTTP,
no token.  azure-protocol.md 3.7, 4.2, 2.1, 2.6, 2.7."""

import base64
import binascii
import hashlib
import json

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import der, hcl, snp, tcglog, tpmwire
from .hcl import unique
from .jose import unb64u

PCRS = list(range(8))
RUNNING = json.JSONDecoder(object_pairs_hook=unique)


class AttestError(ValueError):
    """The evidence is refused.  code: the rule, for tests; the text goes to
    the client."""

    def __init__(self, code, text=""):
        super().__init__("%s: %s" % (code, text) if text else code)
        self.code = code


def parse_json(data, what):
    try:
        value = RUNNING.decode(bytes(data).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise AttestError("json", "%s: %s" % (what, error)) from None
    return members(value, what)


def members(value, what):
    """The object with its names in lower case: the service matches them in
    any case (4.2)."""
    if not isinstance(value, dict):
        raise AttestError("json", "%s is no object" % what)
    out = {name.lower(): one for name, one in value.items()}
    if len(out) != len(value):
        raise AttestError("json", "%s: member given twice" % what)
    return out


def need(obj, name, kind, what=""):
    """The member, of this type; bool is no number."""
    value = obj.get(name.lower())
    if not isinstance(value, kind) or isinstance(value, bool):
        raise AttestError("member", "%s%s is missing or malformed"
                          % (what, name))
    return value


def std64(text, name):
    """Standard base64, padded."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AttestError("base64", name) from None


def url64(text, name):
    """Base64url; padding may be missing (4.5)."""
    try:
        if "+" in text or "/" in text:
            raise ValueError("alphabet")
        return unb64u(text)
    except ValueError:
        raise AttestError("base64", name) from None


def any64(text, name):
    """Either form, where clients differ (4.2)."""
    if "-" in text or "_" in text:
        return url64(text, name)
    return std64(text + "=" * (-len(text) % 4), name)


def b64_member(obj, name, decode=std64):
    return decode(need(obj, name, str), name)


class Isolation:
    """The hardware side of the evidence: report, chain, claims."""

    def __init__(self, report, chain, runtime):
        self.report, self.chain, self.runtime = report, chain, runtime
        self.claims = None

    def verify(self, trusted, when=None):
        """Report and chain; the claims, where there are any, are bound."""
        if len(self.chain) != 3:
            raise AttestError("chain", "VCEK, ASK and ARK are wanted")
        snp.verify(self.report, *self.chain, trusted, when)
        if self.report.vmpl != 0:
            raise AttestError("vmpl")
        if self.runtime is not None and \
                self.report.report_data != hcl.report_data(self.runtime):
            raise AttestError("binding", "REPORT_DATA is not the hash of the "
                              "runtime data")


def parse_snp_evidence(proof):
    """(Report, [x509]) of {"SnpReport", "VcekCertChain"} as JSON bytes."""
    inner = parse_json(proof, "Proof")
    report = snp.Report(b64_member(inner, "SnpReport", url64))
    return report, snp.split_pem(b64_member(inner, "VcekCertChain", any64))


class Guest:
    """An AzureGuest request, taken apart (4.2).  Raises AttestError and the
    errors of snp, hcl; nothing is verified yet."""

    def __init__(self, info):
        top = parse_json(info, "AttestationInfo")
        if need(top, "AttestationProtocolVersion", str) != "2.0":
            raise AttestError("protocol version")
        self.os = {name: self.text(top, "OS" + name)
                   for name in ("Type", "Distro", "Build")}
        self.version = [self.number(top, "OSVersion" + name)
                        for name in ("Major", "Minor")]
        self.log = b64_member(top, "TcgLogs")
        self.payload = top.get("clientpayload") or {}
        if not isinstance(self.payload, dict) or \
                not all(isinstance(v, str) for v in self.payload.values()):
            raise AttestError("member", "ClientPayload")
        self.read_tpm(members(top.get("tpminfo"), "TpmInfo"))
        self.read_isolation(members(top.get("isolationinfo"),
                                    "IsolationInfo"))

    @staticmethod
    def text(top, name):
        try:
            return b64_member(top, name).decode("utf-8")
        except UnicodeDecodeError:
            raise AttestError("member", name) from None

    @staticmethod
    def number(top, name):
        try:
            return int(need(top, name, (int, str)))
        except ValueError:
            raise AttestError("member", name) from None

    def read_tpm(self, tpm):
        for name in ("AikCert", "AikPub", "PcrQuote", "PcrSignature",
                     "EncKeyPub", "EncKeyCertifyInfo",
                     "EncKeyCertifyInfoSignature"):
            setattr(self, name.lower(), b64_member(tpm, name))
        self.pcr_set = need(tpm, "PcrSet", list)
        self.pcrs = {}
        for one in need(tpm, "PCRs", list):
            one = members(one, "PCRs")
            index = need(one, "Index", int)
            if index in self.pcrs:
                raise AttestError("pcr set", "PCR given twice")
            self.pcrs[index] = b64_member(one, "Digest")

    def read_isolation(self, isolation):
        self.kind = need(isolation, "Type", str)
        if self.kind != "SevSnp":
            raise AttestError("isolation type", self.kind)
        evidence = members(isolation.get("evidence"), "Evidence")
        report, chain = parse_snp_evidence(b64_member(evidence, "Proof"))
        self.isolation = Isolation(report, chain, b64_member(
            evidence, "RunTimeData", any64))


def rsa_verify(modulus, signature, data, code):
    key = rsa.RSAPublicNumbers(65537, int.from_bytes(modulus, "big")
                               ).public_key()
    try:
        if len(signature) != len(modulus):
            raise InvalidSignature
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise AttestError(code) from None


def read_attest(data, kind, code):
    try:
        out = tpmwire.Attest(data)
    except ValueError as error:
        raise AttestError(code, str(error)) from None
    if out.type != kind:
        raise AttestError(code, "type")
    return out


def verify_ak(aik_pub, modulus):
    """AikPub is the template of 2.1 with the modulus that the report
    vouches for, and nothing else."""
    try:
        public = tpmwire.sized_public(aik_pub)
        given = tpmwire.RsaPublic(public)
    except ValueError as error:
        raise AttestError("ak", str(error)) from None
    if given.modulus != modulus:
        raise AttestError("ak", "not the key of the report")
    if public != tpmwire.ak_public(modulus):
        raise AttestError("ak attributes")


def verify_ak_certificate(data, modulus, authorities=()):
    """A certificate for this key, alone or with zeros behind it; issued by
    one of authorities (public keys), where some are given."""
    try:
        end = der.total(data)
        if any(data[end:]):
            raise ValueError("bytes after it")
        cert = x509.load_der_x509_certificate(data[:end])
        key = cert.public_key()
    except ValueError as error:
        raise AttestError("ak certificate", str(error)) from None
    if not isinstance(key, rsa.RSAPublicKey) or \
            key.public_numbers().n != int.from_bytes(modulus, "big"):
        raise AttestError("ak certificate", "another key")
    for one in authorities:
        try:
            one.verify(cert.signature, cert.tbs_certificate_bytes,
                       padding.PKCS1v15(), cert.signature_hash_algorithm)
            return
        except InvalidSignature:
            pass
    if authorities:
        raise AttestError("ak certificate", "unknown issuer")


def ak_signer(modulus):
    """The qualified name of a genuine AK (2.1)."""
    return tpmwire.qualified_name(
        tpmwire.ENDORSEMENT, tpmwire.name_of(tpmwire.ak_public(modulus)))


def verify_quote(quote, signature, modulus, pcrs, selected, nonce=b""):
    """A quote by the AK over exactly these PCRs of the SHA-256 bank with
    these values.  pcrs: {index: value}.  Returns the Attest."""
    rsa_verify(modulus, signature, quote, "quote signature")
    out = read_attest(quote, tpmwire.ST_QUOTE, "quote")
    if out.signer != ak_signer(modulus):
        raise AttestError("quote signer")
    if out.extra != nonce:
        raise AttestError("quote nonce")
    if out.selection != [(tpmwire.SHA256, list(selected))]:
        raise AttestError("quote selection")
    if out.pcr_digest != pcr_digest(pcrs, selected):
        raise AttestError("pcr digest")
    return out


def pcr_digest(pcrs, selected):
    return hashlib.sha256(b"".join(pcrs[n] for n in selected)).digest()


def verify_pcr_set(pcr_set, pcrs):
    """Exactly PCR 0 to 7, each once, 32 bytes each."""
    if pcr_set != PCRS or any(isinstance(n, bool) for n in pcr_set):
        raise AttestError("pcr set", "PCR 0 to 7 are wanted")
    if sorted(pcrs) != PCRS or any(len(v) != 32 for v in pcrs.values()):
        raise AttestError("pcr set", "PCRs")


def verify_log(log, pcrs):
    """The log replays to the PCRs; returns what PCR 7 says of secure boot."""
    try:
        found = tcglog.read(log)
        values = tcglog.replay(found)
        state = tcglog.driver_config(found)
    except (tcglog.LogError, KeyError) as error:
        raise AttestError("log", str(error)) from None
    for index, value in pcrs.items():
        if values[index] != value:
            raise AttestError("log replay", "PCR %d" % index)
    return state


def read_transfer(enc_key_pub, pcrs):
    """The transfer key (2.7): attributes, policy for these PCRs, form; its
    modulus may be any, unique is random."""
    try:
        key = tpmwire.RsaPublic(tpmwire.sized_public(enc_key_pub))
    except ValueError as error:
        raise AttestError("transfer key", str(error)) from None
    if key.attributes != tpmwire.TRANSFER_ATTRIBUTES:
        raise AttestError("transfer key attributes")
    if key.policy != tpmwire.policy_pcr(pcr_digest(pcrs, PCRS), PCRS):
        raise AttestError("transfer key policy")
    # Name algorithm, no symmetric, no scheme, 2048 bits, exponent 65537.
    if key.raw != tpmwire.transfer_public(key.policy, key.modulus) or \
            len(key.modulus) != 256 or not key.modulus[0] & 0x80:
        raise AttestError("transfer key", "form")
    return key


def verify_certify(info, signature, modulus, key):
    """The AK certifies that the key is in this TPM, a primary key of the
    null hierarchy (or the owner's, as one client has it).  Returns Attest."""
    rsa_verify(modulus, signature, info, "certify signature")
    out = read_attest(info, tpmwire.ST_CERTIFY, "certify")
    if out.signer != ak_signer(modulus):
        raise AttestError("certify signer")
    if out.extra:
        raise AttestError("certify nonce")
    if out.name != key.name:
        raise AttestError("certify name")
    if out.qualified not in [tpmwire.qualified_name(h, key.name)
                             for h in (tpmwire.NULL, tpmwire.OWNER)]:
        raise AttestError("certify qualified name")
    return out


class Verified:
    """What a verified AzureGuest request has proved."""

    def __init__(self, guest, claims, secure_boot, transfer):
        self.guest, self.claims = guest, claims
        self.secure_boot = secure_boot      # {variable: value} of PCR 7
        self.transfer = transfer            # modulus


def verify_guest(guest, trusted_arks, ak_authorities=(), when=None):
    """All checks, from the hardware up.  Returns Verified; raises
    AttestError, snp.SnpError, hcl.HclError."""
    guest.isolation.verify(trusted_arks, when)
    claims = hcl.Claims(guest.isolation.runtime)
    verify_ak(guest.aikpub, claims.ak)
    verify_ak_certificate(guest.aikcert, claims.ak, ak_authorities)
    verify_pcr_set(guest.pcr_set, guest.pcrs)
    quote = verify_quote(guest.pcrquote, guest.pcrsignature, claims.ak,
                         guest.pcrs, PCRS)
    state = verify_log(guest.log, guest.pcrs)
    key = read_transfer(guest.enckeypub, guest.pcrs)
    proof = verify_certify(guest.enckeycertifyinfo,
                           guest.enckeycertifyinfosignature, claims.ak, key)
    if (quote.resets, quote.restarts) != (proof.resets, proof.restarts):
        raise AttestError("boot", "quote and certification of two boots")
    return Verified(guest, claims, state, key.modulus)
