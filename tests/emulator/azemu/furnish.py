# SPDX-License-Identifier: Apache-2.0
"""What the paravisor does to the vTPM: measures the boot, keeps the keys at
their handles, owns the platform hierarchy and the indices of the HCL report
and the AK certificate, and makes the report anew when it is read.

libtpms has no NV index above 2048 bytes; Azure's are 2600 and 4096.  The real
index holds the first 2048 bytes, and what passes is changed so that a client
sees the whole: the size in NV_ReadPublic, and reads that go beyond.  For
those the TPM still checks the authorisation (a read of no bytes)."""

import os
import secrets
import struct
import time

from cryptography.hazmat.primitives.asymmetric import rsa

from . import der, hcl, pki_amd, snp, tpmwire
from .tpmwire import (CC, ENDORSEMENT, OWNER, PLATFORM, RsaPublic, TpmError,
                      error_response, sized)

AK, SRK, EK = 0x81000003, 0x81000001, 0x81010001
HCL, USER, AK_CERT = 0x01400001, 0x01400002, 0x01C101D0
AK_CERT_SIZE = 4096
REAL = 2048                     # what libtpms can hold in one index
CHUNK = 1024                    # TPM2_PT_NV_BUFFER_MAX
# PPWRITE PPREAD OWNERREAD AUTHREAD NO_DA PLATFORMCREATE
ATTRIBUTES = 0x1 | 0x10000 | 0x20000 | 0x40000 | 0x2000000 | 0x40000000
REGENERATE = 2.0                # seconds, azure-protocol.md 2.4


class Furnisher:
    """engine: what talks to the TPM (call, transact); fields: of the report."""

    def __init__(self, engine, config, pki, fields):
        self.engine, self.config, self.pki = engine, config, pki
        self.fields = fields
        self.platform_auth = b""
        self.large = {}         # index: its whole content
        self.made = 0.0         # when the report was made, monotonic
        self.frozen = False
        self.ak = self.ek = None

    def measure(self, events):
        """Extend the PCRs as the log says; what the firmware did."""
        for one in events:
            values = b"".join(struct.pack(">H", alg) + value
                              for alg, value in one.digests.items())
            self.engine.call("PCR_Extend", (one.pcr,), struct.pack(
                ">I", len(one.digests)) + values, [b""])

    def keys(self):
        """SRK, EK and AK at their handles.  The AK is derived from the seeds
        at each start and replaces another key there (CVE-2025-49707)."""
        self.persist(SRK, OWNER, tpmwire.srk_public())
        self.ek = self.persist(EK, ENDORSEMENT, tpmwire.ek_public()).modulus
        self.ak = self.persist(AK, ENDORSEMENT,
                               tpmwire.ak_public(bytes(256))).modulus

    def public(self, handle):
        """RsaPublic of a persistent key, None if the handle is free."""
        try:
            _, rd = self.engine.call("ReadPublic", (handle,))
        except TpmError:
            return None
        return RsaPublic(rd.sized())

    def persist(self, handle, hierarchy, template):
        found = self.public(handle)
        if found is not None and handle != AK:
            return found
        params = (struct.pack(">HHH", 4, 0, 0) + sized(template) + sized() +
                  bytes(4))
        handles, rd = self.engine.call("CreatePrimary", (hierarchy,), params,
                                       [b""], 1)
        made = RsaPublic(rd.sized())
        if found is None or found.raw != made.raw:
            if found is not None:
                self.evict(handle, handle)
            self.evict(handles[0], handle)
        self.engine.call("FlushContext", (), struct.pack(">I", handles[0]))
        return made

    def evict(self, thing, handle):
        self.engine.call("EvictControl", (OWNER, thing),
                         struct.pack(">I", handle), [b""])

    def platform_indices(self, without_hcl, without_ak_cert):
        self.whole(HCL, None if without_hcl else self.make_report(bytes(64)))
        self.whole(AK_CERT, None if without_ak_cert else
                   self.certificate().ljust(AK_CERT_SIZE, b"\0"))
        self.made = time.monotonic()

    def certificate(self):
        """The AK certificate, the same as long as the AK is."""
        path = os.path.join(self.pki.dir, "ak-cert.der")
        public = rsa.RSAPublicNumbers(
            65537, int.from_bytes(self.ak, "big")).public_key()
        try:
            with open(path, "rb") as cert:
                data = cert.read()
            if pki_amd.load(data).public_key().public_numbers() == \
                    public.public_numbers():
                return data[:der.total(data)]
        except FileNotFoundError:
            pass
        data = pki_amd.ak_certificate(self.pki.ak_ca_key, public,
                                      self.config["vm_id"])
        pki_amd.write(path, data)
        return data

    def make_report(self, user_data):
        text = hcl.claims(self.ak, self.ek, self.config["vm_id"],
                          self.config["secure_boot"], user_data)
        report = snp.build(self.pki.vcek_key, hcl.report_data(text),
                           **self.fields)
        return hcl.build(report, text, self.config["hcl_size"],
                         self.config["hcl_version"])

    def defined(self, index):
        try:
            self.engine.call("NV_ReadPublic", (index,))
        except TpmError:
            return False
        return True

    def whole(self, index, data):
        """Let the index hold data; None: let there be no such index."""
        there, auth = self.defined(index), [self.platform_auth]
        self.large.pop(index, None)
        if data is None:
            if there:
                self.engine.call("NV_UndefineSpace", (PLATFORM, index), b"",
                                 auth)
            return
        if not there:
            public = tpmwire.nv_public(index, ATTRIBUTES, REAL)
            self.engine.call("NV_DefineSpace", (PLATFORM,),
                             sized() + sized(public), auth)
        for at in range(0, REAL, CHUNK):
            self.engine.call("NV_Write", (PLATFORM, index), sized(
                data[at:at + CHUNK]) + struct.pack(">H", at), auth)
        self.large[index] = data

    def close_platform(self):
        """From here on the guest has no way into the platform hierarchy."""
        new = secrets.token_bytes(32)
        self.engine.call("HierarchyChangeAuth", (PLATFORM,), sized(new), [b""])
        self.platform_auth = new

    def around(self, command, transact):
        """What a client's command meets: the response."""
        code = struct.unpack(">I", command[6:10])[0]
        index = struct.unpack(">I", command[10:14])[0] \
            if len(command) >= 14 else 0
        if code == CC["NV_ReadPublic"] and index in self.large:
            return self.patch_public(index, transact(command))
        if code == CC["NV_Read"] and len(command) >= 26:
            index = struct.unpack(">I", command[14:18])[0]
            size, offset = struct.unpack(">HH", command[-4:])
            if index == HCL and index in self.large and offset == 0:
                self.refresh()
            if index in self.large and size <= CHUNK and \
                    offset + size > REAL:
                return self.beyond(index, command, transact, size, offset)
        return transact(command)

    def patch_public(self, index, response):
        if response[6:10] != bytes(4):
            return response
        rd = tpmwire.Reader(response[10:])
        public = rd.sized()
        public = public[:-2] + struct.pack(">H", len(self.large[index]))
        body = sized(public) + sized(tpmwire.name_of(public))
        return response[:2] + struct.pack(">II", 10 + len(body), 0) + body

    def beyond(self, index, command, transact, size, offset):
        """A read that goes beyond what the real index holds."""
        response = transact(command[:-4] + bytes(4))
        if response[6:10] != bytes(4):
            return response
        if offset + size > len(self.large[index]):
            return error_response(tpmwire.RC_NV_RANGE)
        body = sized(self.large[index][offset:offset + size])
        # After the header: parameterSize, an empty TPM2B, the sessions.
        body = struct.pack(">I", len(body)) + body + response[16:]
        return response[:2] + struct.pack(">II", 10 + len(body), 0) + body

    def refresh(self):
        """Make the report anew with the guest's user data.  A failure leaves
        the old one, silently, as the paravisor does (2.4)."""
        if self.frozen or time.monotonic() - self.made < REGENERATE:
            return
        user = bytes(64)
        try:
            _, rd = self.engine.call("NV_Read", (OWNER, USER),
                                     struct.pack(">HH", 64, 0), [b""])
            user = rd.sized()
        except TpmError:
            if self.defined(USER):
                return
        self.whole(HCL, self.make_report(user))
        self.made = time.monotonic()
