# SPDX-License-Identifier: Apache-2.0
"""The vTPM: what a guest finds in it, what it may not do, what stays over
connections and restarts and what does not.  azure-protocol.md 2."""

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import support

from cryptography import x509

from azemu import furnish, guest, hcl, pki_amd, snp, tcglog, tpmwire, vtpm
from azemu.tpmwire import (ENDORSEMENT, NULL, OWNER, PLATFORM, TpmError,
                           sized)

VM = "0A1B2C3D-0000-4000-8000-00000000ABCD"
PIPE = """
import os, socket, sys
sys.path.insert(0, sys.argv[2])
from azemu.relay import read_exact, read_frame
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(sys.argv[1])
class In:
    def recv(self, count):
        return os.read(0, count)
while True:
    try:
        tpm.sendall(read_frame(In()))
    except ConnectionError:
        break
    os.write(1, read_frame(tpm))
"""


@unittest.skipUnless(shutil.which("swtpm"), "swtpm is not installed")
class VtpmCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory(prefix="emulator-vtpm-")
        cls.addClassCleanup(cls.tmp.cleanup)
        cls.dir = cls.tmp.name
        cls.pki = pki_amd.Pki(cls.dir, support.key_cache())
        vtpm.provision(cls.dir, cls.pki, VM, **cls.options)
        cls.vtpm = vtpm.start(cls.dir)
        cls.addClassCleanup(lambda: cls.vtpm.terminate())

    def open(self):
        tpm = guest.Tpm(self.vtpm.path)
        self.addCleanup(tpm.sock.close)
        return tpm

    def assert_rc(self, rc, function, *args):
        with self.assertRaises(TpmError) as caught:
            function(*args)
        self.assertEqual(caught.exception.rc, rc, str(caught.exception))

    def reboot_after(self):
        """The next test finds a TPM that has just been started."""
        self.addCleanup(self.vtpm.reboot)


class Furniture(VtpmCase):
    def test_report_index(self):
        """size, attributes and content of NV 0x01400001"""
        with self.open() as tpm:
            rd = tpm.call("NV_ReadPublic", (furnish.HCL,))[1]
            public, name = rd.sized(), rd.sized()
            index, alg, attributes, policy, size = struct.unpack(
                ">IHIHH", public)
            raw = tpm.nv_read(furnish.HCL)
            ak = tpmwire.RsaPublic(tpm.read_public(furnish.AK)[0])
            ek = tpmwire.RsaPublic(tpm.read_public(furnish.EK)[0])
        self.assertEqual((index, alg, policy, size),
                         (furnish.HCL, tpmwire.SHA256, 0, 2600))
        self.assertEqual(name, tpmwire.name_of(public))
        self.assertEqual(attributes, 0x62070001)
        self.assertEqual(len(raw), 2600)
        found = hcl.Hcl(raw)
        found.check_binding()
        report = snp.Report(found.hardware)
        snp.verify(report, self.pki.vcek, self.pki.ask, self.pki.ark,
                   [self.pki.ark])
        self.assertEqual((report.version, report.vmpl), (3, 0))
        claims = hcl.Claims(found.text)
        self.assertEqual((claims.ak, claims.ek), (ak.modulus, ek.modulus))
        self.assertEqual((claims.vm_id, claims.secure_boot), (VM, True))
        self.assertEqual(claims.user_data, bytes(64))

    def test_ak(self):
        """the template of 2.1 exactly, a primary key of the endorsement
        hierarchy"""
        with self.open() as tpm:
            public, name, qualified = tpm.read_public(furnish.AK)
        modulus = tpmwire.RsaPublic(public).modulus
        self.assertEqual(public, tpmwire.ak_public(modulus))
        self.assertEqual(name, tpmwire.name_of(public))
        self.assertEqual(qualified, tpmwire.qualified_name(ENDORSEMENT, name))

    def test_ak_certificate(self):
        with self.open() as tpm:
            raw = tpm.nv_read(furnish.AK_CERT)
            ak = tpmwire.RsaPublic(tpm.read_public(furnish.AK)[0])
        self.assertEqual(len(raw), 4096)
        size = 4 + int.from_bytes(raw[2:4], "big")
        self.assertEqual(raw[size:], bytes(4096 - size))
        cert = x509.load_der_x509_certificate(raw[:size])
        self.assertEqual(cert.public_key().public_numbers().n,
                         int.from_bytes(ak.modulus, "big"))

    def test_pcrs_follow_the_log(self):
        path = os.path.join(self.dir, vtpm.LOG)
        with open(path, "rb") as log:
            events = tcglog.read(log.read())
        want = tcglog.replay(events)
        with self.open() as tpm:
            found = tpm.pcrs(list(range(8)))
        self.assertEqual(found, [want[n] for n in range(8)])
        self.assertNotIn(bytes(32), found)
        self.assertEqual(tcglog.driver_config(events)["SecureBoot"], b"\1")

    def test_banks(self):
        """SHA-1, SHA-256, SHA-384 as on Azure, no more"""
        with self.open() as tpm:
            rd = tpm.call("GetCapability", (), struct.pack(
                ">III", 5, 0, 1))[1]
        rd.take(5)
        banks = [alg for alg, used in tpmwire.read_selection(rd) if used]
        self.assertEqual(sorted(banks), sorted(tcglog.BANKS))

    def test_policy_digest(self):
        """the formula of 2.7 against a TPM"""
        with self.open() as tpm:
            digest = hashlib.sha256(b"".join(tpm.pcrs())).digest()
            self.assertEqual(tpm.policy(),
                             tpmwire.policy_pcr(digest, range(8)))

    def test_reads_across_the_border(self):
        """reads at every side of the 2048 bytes that libtpms can hold"""
        with self.open() as tpm:
            whole = tpm.nv_read(furnish.AK_CERT, 1024)
            report = tpm.nv_read(furnish.HCL, 700)
            for index, data in ((furnish.AK_CERT, whole),
                                (furnish.HCL, report)):
                for offset, size in ((2047, 1), (2047, 2), (2048, 1),
                                     (2040, 16), (len(data) - 1, 1),
                                     (1700, 500), (1576, 1024)):
                    got = tpm.call("NV_Read", (index, index), struct.pack(
                        ">HH", size, offset), [b""])[1].sized()
                    self.assertEqual(got, data[offset:offset + size])
                self.assert_rc(tpmwire.RC_NV_RANGE, tpm.call, "NV_Read",
                               (OWNER, index), struct.pack(
                                   ">HH", 2, len(data) - 1), [b""])

    def test_wrong_authorisation(self):
        """the TPM decides, also for what it does not hold itself"""
        with self.open() as tpm:
            for offset in (0, 2040, 2300):
                self.assert_rc(0x9A2, tpm.call, "NV_Read",
                               (OWNER, furnish.HCL), struct.pack(
                                   ">HH", 16, offset), [b"x"])

    def test_socket_is_private(self):
        mode = os.stat(self.vtpm.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)


class Guest(VtpmCase):
    """what a guest may do, and what not"""

    def test_index_is_the_platforms(self):
        with self.open() as tpm:
            for index in (furnish.HCL, furnish.AK_CERT):
                # TPM_RC_NV_AUTHORIZATION, TPM_RC_AUTH_UNAVAILABLE
                for handle, rc in ((OWNER, 0x149), (index, 0x12F)):
                    self.assert_rc(rc, tpm.call, "NV_Write",
                                   (handle, index), sized(b"forged") +
                                   b"\0\0", [b""])
                with self.assertRaises(TpmError):
                    tpm.call("NV_UndefineSpace", (OWNER, index), b"", [b""])
                for auth in (b"", b"x"):
                    with self.assertRaises(TpmError):
                        tpm.call("NV_Write", (PLATFORM, index),
                                 sized(b"forged") + b"\0\0", [auth])

    def test_transient_objects_stay(self):
        """as on /dev/tpm0: nobody flushes for you"""
        template = tpmwire.transfer_public(bytes(32), os.urandom(256))
        with self.open() as tpm:
            handle, public = tpm.create(template)
        with self.open() as tpm:
            self.assertEqual(sized(tpm.read_public(handle)[0]), public)
            tpm.flush(handle)
            with self.assertRaises(TpmError):
                tpm.read_public(handle)

    def test_null_seed_is_of_one_boot(self):
        template = tpmwire.transfer_public(bytes(32), bytes(256))

        def make():
            with self.open() as tpm:
                handle, public = tpm.create(template, NULL)
                tpm.flush(handle)
                return public
        first = make()
        self.assertEqual(make(), first)
        self.vtpm.reboot()
        self.assertNotEqual(make(), first)

    def test_replaced_ak(self):
        """a guest puts a key of its own at the AK's handle: the next start
        has the AK there again (CVE-2025-49707)"""
        with self.open() as tpm:
            genuine = tpm.read_public(furnish.AK)[0]
            tpm.call("EvictControl", (OWNER, furnish.AK),
                     struct.pack(">I", furnish.AK), [b""])
            handle, _ = tpm.create(tpmwire.ak_public(os.urandom(256)), OWNER)
            tpm.call("EvictControl", (OWNER, handle),
                     struct.pack(">I", furnish.AK), [b""])
            self.assertNotEqual(tpm.read_public(furnish.AK)[0], genuine)
        self.vtpm.reboot()
        with self.open() as tpm:
            self.assertEqual(tpm.read_public(furnish.AK)[0], genuine)
            found = hcl.Claims(hcl.Hcl(tpm.nv_read(furnish.HCL)).text)
        self.assertEqual(found.ak, tpmwire.RsaPublic(genuine).modulus)

    def define_user_data(self, tpm, data):
        try:
            tpm.call("NV_ReadPublic", (furnish.USER,))
        except TpmError:
            tpm.call("NV_DefineSpace", (OWNER,), sized() + sized(
                tpmwire.nv_public(furnish.USER, 0x00060006, 64)), [b""])
        tpm.call("NV_Write", (OWNER, furnish.USER), sized(data) + b"\0\0",
                 [b""])

    def test_user_data(self):
        """a fresh report with the guest's 64 bytes, not before two seconds
        (2.4); on demand none"""
        self.vtpm.reboot()
        data = os.urandom(64)
        with self.open() as tpm:
            first = tpm.nv_read(furnish.HCL)
            self.define_user_data(tpm, data)
            self.assertEqual(tpm.nv_read(furnish.HCL), first)
            with mock.patch.object(furnish, "REGENERATE", 0):
                found = hcl.Hcl(tpm.nv_read(furnish.HCL, 1024))
            found.check_binding()
            self.assertEqual(hcl.Claims(found.text).user_data, data)
            snp.verify_signature(snp.Report(found.hardware),
                                 self.pki.vcek.public_key())
        self.vtpm.reboot(freeze_report=True)
        with self.open() as tpm, mock.patch.object(furnish, "REGENERATE", 0):
            self.define_user_data(tpm, data)
            text = hcl.Hcl(tpm.nv_read(furnish.HCL)).text
        self.assertEqual(hcl.Claims(text).user_data, bytes(64))

    @unittest.skipUnless(shutil.which("tpm2_nvread"), "no tpm2-tools")
    def test_other_peoples_tools(self):
        """tpm2-tools, whose sessions cover the index's Name"""
        command = "cmd:%s -c '%s' %s %s" % (sys.executable, PIPE, self.vtpm.path,
                                       support.HERE)
        env = {**os.environ, "TPM2TOOLS_TCTI": command}
        with self.open() as tpm:
            want = {index: tpm.nv_read(index)
                    for index in (furnish.HCL, furnish.AK_CERT)}
        for index, data in want.items():
            for argv in (["tpm2_nvread", hex(index)],
                         ["tpm2_nvread", "-C", "o", hex(index)]):
                got = subprocess.run(argv, env=env, capture_output=True,
                                     timeout=60, check=False)
                self.assertEqual(got.returncode, 0, got.stderr)
                self.assertEqual(got.stdout[1236:], data[1236:], argv)
                self.assertEqual(len(got.stdout), len(data))


class Variants(VtpmCase):
    options = {"secure_boot": False, "hcl_size": 2900, "hcl_version": 1,
               "kernel": "other"}

    def test_other_machine(self):
        with self.open() as tpm:
            raw = tpm.nv_read(furnish.HCL)
            pcrs = tpm.pcrs()
        self.assertEqual(len(raw), 2900)
        found = hcl.Hcl(raw)
        self.assertEqual(found.version, 1)
        self.assertIs(hcl.Claims(found.text).secure_boot, False)
        usual = tcglog.replay(tcglog.read(tcglog.build(tcglog.events())))
        self.assertEqual([n for n in range(8) if pcrs[n] != usual[n]], [4, 7])


if __name__ == "__main__":
    unittest.main()
