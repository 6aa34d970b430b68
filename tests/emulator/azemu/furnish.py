# SPDX-License-Identifier: Apache-2.0
"""What the paravisor does to the vTPM: measures the boot, keeps the keys at
their handles, owns the platform hierarchy and the indices of the HCL report
and the AK certificate, and makes the report anew when it is read."""

import os
import secrets
import struct
import time

from cryptography.hazmat.primitives.asymmetric import rsa

from . import der, hcl, pki_amd, snp, tpmwire
from .nvlarge import CHUNK, REAL, LargeNv
from .tpmwire import (CC, ENDORSEMENT, OWNER, PLATFORM, RsaPublic, TpmError,
                      sized)

AK, SRK, EK = 0x81000003, 0x81000001, 0x81010001
HCL, USER, AK_CERT = 0x01400001, 0x01400002, 0x01C101D0
AK_CERT_SIZE = 4096
# PPWRITE PPREAD OWNERREAD AUTHREAD NO_DA PLATFORMCREATE
ATTRIBUTES = 0x1 | 0x10000 | 0x20000 | 0x40000 | 0x2000000 | 0x40000000
REGENERATE = 2.0                # seconds, azure-protocol.md 2.4


class Furnisher:
    """engine: what talks to the TPM (call, transact); fields: of the report."""

    def __init__(self, engine, config, pki, fields):
        self.engine, self.config, self.pki = engine, config, pki
        self.fields = fields
        self.platform_auth = b""
        self.large = LargeNv(engine)
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
        self.large.drop(index)
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
        self.large.put(index, data)

    def close_platform(self):
        """From here on the guest has no way into the platform hierarchy."""
        new = secrets.token_bytes(32)
        self.engine.call("HierarchyChangeAuth", (PLATFORM,), sized(new), [b""])
        self.platform_auth = new

    def around(self, command, transact):
        """What a client's command meets: the response."""
        if command[6:10] == struct.pack(">I", CC["NV_Read"]) and \
                command[14:18] == struct.pack(">I", HCL) and \
                command[-2:] == b"\0\0":
            self.refresh()
        return self.large.around(command, transact)

    def refresh(self):
        """Make the report anew with the guest's user data.  A failure leaves
        the old one, silently, as the paravisor does (2.4)."""
        if self.frozen or not self.defined(HCL) or \
                time.monotonic() - self.made < REGENERATE:
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
