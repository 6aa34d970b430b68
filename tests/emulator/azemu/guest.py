# SPDX-License-Identifier: Apache-2.0
"""A guest that attests, for tests: reads the vTPM over its socket, builds an
AzureGuest request, opens the answer.  Written from azure-protocol.md 2 and 4
alone, apart from the service's code where the two could agree by mistake."""

import base64
import json
import socket
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import tpmwire
from .relay import read_frame
from .tpmwire import NULL, OWNER, sized

AK, HCL, AK_CERT = 0x81000003, 0x01400001, 0x01C101D0
PCRS = list(range(8))


def b64(data):
    return base64.b64encode(data).decode()


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Tpm:
    """One use of the device."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def call(self, code, handles=(), params=b"", auth=None, out=0):
        self.sock.sendall(tpmwire.command(code, handles, params, auth))
        return tpmwire.parse_response(read_frame(self.sock), out,
                                      auth is not None, code)

    def nv_size(self, index):
        public = self.call("NV_ReadPublic", (index,))[1].sized()
        return struct.unpack(">H", public[-2:])[0]

    def nv_read(self, index, chunk=512):
        size, out = self.nv_size(index), b""
        while len(out) < size:
            count = min(chunk, size - len(out))
            out += self.call("NV_Read", (OWNER, index), struct.pack(
                ">HH", count, len(out)), [b""])[1].sized()
        return out

    def read_public(self, handle):
        """(TPMT_PUBLIC, name, qualified name)"""
        rd = self.call("ReadPublic", (handle,))[1]
        return rd.sized(), rd.sized(), rd.sized()

    def pcrs(self, indices=None):
        rd = self.call("PCR_Read", (), tpmwire.selection(indices or PCRS))[1]
        rd.u32()
        tpmwire.read_selection(rd)
        return [rd.sized() for _ in range(rd.u32())]

    def quote(self, selected=None, nonce=b"", alg=tpmwire.SHA256):
        rd = self.call("Quote", (AK,), sized(nonce) + b"\0\x10" +
                       tpmwire.selection(selected or PCRS, alg), [b""])[1]
        return self.signed(rd)

    @staticmethod
    def signed(rd):
        info = rd.sized()
        if rd.take(4) != b"\x00\x14\x00\x0b":
            raise ValueError("signature scheme")
        return info, rd.sized()

    def policy_session(self, kind=1):
        handles, _ = self.call("StartAuthSession", (NULL, NULL), sized(
            bytes(16)) + sized() + struct.pack(
                ">BHH", kind, 0x10, tpmwire.SHA256), out=1)
        self.call("PolicyPCR", (handles[0],),
                  sized() + tpmwire.selection(PCRS))
        return handles[0]

    def policy(self):
        session = self.policy_session(3)
        digest = self.call("PolicyGetDigest", (session,))[1].sized()
        self.flush(session)
        return digest

    def flush(self, handle):
        self.call("FlushContext", (), struct.pack(">I", handle))

    def create(self, public, hierarchy=NULL):
        """(handle, TPM2B_PUBLIC as answered)"""
        handles, rd = self.call("CreatePrimary", (hierarchy,), struct.pack(
            ">HHH", 4, 0, 0) + sized(public) + sized() + bytes(4), [b""], 1)
        return handles[0], sized(rd.sized())

    def certify(self, handle, nonce=b""):
        """TPM_RC_RETRY is normal for a key without noDA: its first use."""
        try:
            return self.certify_once(handle, nonce)
        except tpmwire.TpmError as error:
            if error.rc != 0x922:
                raise
        return self.certify_once(handle, nonce)

    def certify_once(self, handle, nonce):
        return self.signed(self.call("Certify", (handle, AK), sized(nonce) +
                                     b"\0\x10", [b"", b""])[1])

    def decrypt(self, handle, cipher, scheme=b"\0\x15"):
        """RSA_Decrypt with a policy session; scheme: RSAES, or OAEP with its
        hash."""
        session = self.policy_session()
        auth = struct.pack(">IIHBH", 9, session, 0, 1, 0)
        body = struct.pack(">I", handle) + auth + sized(cipher) + scheme + \
            sized()
        self.sock.sendall(struct.pack(">HII", tpmwire.SESSIONS, 10 + len(body),
                                      tpmwire.CC["RSA_Decrypt"]) + body)
        try:
            return tpmwire.parse_response(read_frame(self.sock), 0,
                                          True)[1].sized()
        finally:
            self.flush(session)


def evidence(tpm, chain_pem, log, unique, hierarchy=NULL, payload=None):
    """(handle of the transfer key, the inner JSON as a dict)."""
    report = tpm.nv_read(HCL)
    length = struct.unpack("<I", report[1232:1236])[0]
    certificate = tpm.nv_read(AK_CERT)
    length_of_cert = 4 + int.from_bytes(certificate[2:4], "big")
    quote, quote_sig = tpm.quote()
    handle, public = tpm.create(tpmwire.transfer_public(tpm.policy(), unique),
                                hierarchy)
    certify, certify_sig = tpm.certify(handle)
    proof = json.dumps({"SnpReport": b64u(report[32:1216]),
                        "VcekCertChain": b64(chain_pem.encode())})
    return handle, {
        "AttestationProtocolVersion": "2.0", "OSType": b64(b"Linux"),
        "OSDistro": b64(b"Debian GNU/Linux"), "OSVersionMajor": 12,
        "OSVersionMinor": 0, "OSBuild": b64(b"NotApplication"),
        "TcgLogs": b64(log), "ClientPayload": payload or {
            "nonce": b64(b"a nonce")},
        "TpmInfo": {
            "AikCert": b64(certificate[:length_of_cert]),
            "AikPub": b64(sized(tpm.read_public(AK)[0])),
            "PcrQuote": b64(quote), "PcrSignature": b64(quote_sig),
            "EncKeyPub": b64(public), "EncKeyCertifyInfo": b64(certify),
            "EncKeyCertifyInfoSignature": b64(certify_sig), "PcrSet": PCRS,
            "PCRs": [{"Index": n, "Digest": b64(value)}
                     for n, value in enumerate(tpm.pcrs())]},
        "IsolationInfo": {"Type": "SevSnp", "Evidence": {
            "Proof": b64(proof.encode()),
            "RunTimeData": b64(report[1236:1236 + length])}}}


def request_body(info):
    """The body of the POST."""
    text = info if isinstance(info, bytes) else json.dumps(info).encode()
    return json.dumps({"AttestationInfo": b64u(text)}).encode()


def open_envelope(text, decrypt):
    """The token in an answer; decrypt: of the inner key."""
    inner = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    key = decrypt(base64.b64decode(inner["EncryptedInnerKey"]))
    return AESGCM(key).decrypt(
        base64.b64decode(inner["EncryptionParams"]["Iv"]),
        base64.b64decode(inner["Jwt"]) +
        base64.b64decode(inner["AuthenticationData"]),
        b"Transport Key").decode()
