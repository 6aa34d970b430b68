# SPDX-License-Identifier: Apache-2.0
"""The vTPM over time: start, stop, power cuts, ordered faults, clients that
misbehave."""

import os
import socket
import struct
import threading
import unittest

from test_vtpm import VtpmCase

from azemu import furnish, hcl, snp, tpmwire, vtpm
from azemu.tpmwire import OWNER, TpmError


class Life(VtpmCase):
    """start, stop, faults, clients that misbehave"""

    def test_state_survives(self):
        with self.open() as tpm:
            before = [tpm.read_public(h)[0]
                      for h in (furnish.AK, furnish.EK, furnish.SRK)]
            cert, pcrs = tpm.nv_read(furnish.AK_CERT), tpm.pcrs()
        pid = self.vtpm.pid
        self.vtpm.terminate()
        self.assertEqual(self.vtpm.wait(5), 0)
        self.assertIsNotNone(self.vtpm.poll())
        self.assertFalse(os.path.exists(self.vtpm.path))
        type(self).vtpm = vtpm.start(self.dir)
        self.assertNotEqual(self.vtpm.pid, pid)
        self.assertIsNone(self.vtpm.poll())
        with self.open() as tpm:
            self.assertEqual([tpm.read_public(h)[0] for h in (
                furnish.AK, furnish.EK, furnish.SRK)], before)
            self.assertEqual(tpm.nv_read(furnish.AK_CERT), cert)
            self.assertEqual(tpm.pcrs(), pcrs)

    def test_killed_swtpm(self):
        """a power cut: the next start works"""
        self.vtpm.engine.process.kill()
        self.vtpm.wait(5)
        self.vtpm.terminate()
        type(self).vtpm = vtpm.start(self.dir)
        with self.open() as tpm:
            self.assertEqual(len(tpm.pcrs()), 8)

    def test_stop_is_a_shutdown(self):
        """No lockout counter moves over restarts.  It would: a boot that used
        a key under dictionary-attack protection and ended without a
        TPM2_Shutdown counts as a failed try (part 1, 19.8.6)."""
        template = bytearray(tpmwire.transfer_public(bytes(32), bytes(256)))
        template[4:8] = struct.pack(
            ">I", tpmwire.TRANSFER_ATTRIBUTES & ~0x400)         # noDA
        for _ in range(3):
            with self.open() as tpm:
                handle, _ = tpm.create(bytes(template))
                tpm.certify(handle)
            self.vtpm.reboot()
        with self.open() as tpm:
            rd = tpm.call("GetCapability", (), struct.pack(
                ">III", 6, 0x20E, 1))[1]        # TPM_PT_LOCKOUT_COUNTER
        rd.take(13)
        self.assertEqual(rd.u32(), 0)

    def test_no_report(self):
        self.vtpm.reboot(without_hcl=True)
        self.reboot_after()
        with self.open() as tpm:
            self.assert_rc(tpmwire.RC_HANDLE_1, tpm.nv_size, furnish.HCL)
            with self.assertRaises(TpmError):
                tpm.call("NV_Read", (OWNER, furnish.HCL), bytes(4), [b""])
            self.assertEqual(tpm.nv_size(furnish.AK_CERT), 4096)

    def test_no_certificate(self):
        self.vtpm.reboot(without_ak_cert=True)
        self.reboot_after()
        with self.open() as tpm:
            self.assert_rc(tpmwire.RC_HANDLE_1, tpm.nv_size, furnish.AK_CERT)
            self.assertEqual(tpm.nv_size(furnish.HCL), 2600)

    def test_report_fields(self):
        self.vtpm.reboot(report={"policy": 0xB001F})
        self.reboot_after()
        with self.open() as tpm:
            report = snp.Report(hcl.Hcl(tpm.nv_read(furnish.HCL)).hardware)
        self.assertTrue(report.debug)
        with self.assertRaises(ValueError):
            self.vtpm.reboot(report={"polcy": 1})

    def test_ordered_failures(self):
        self.vtpm.fail("PCR_Read", 0x922, 2)
        with self.open() as tpm:
            for _ in range(2):
                self.assert_rc(0x922, tpm.pcrs)
            self.assertEqual(len(tpm.pcrs()), 8)
            self.vtpm.fail("PCR_Read", 0x101, 0)
            for _ in range(3):
                self.assert_rc(0x101, tpm.pcrs)
        self.vtpm.relay.failures.clear()
        self.assertGreaterEqual(
            self.vtpm.commands[tpmwire.CC["PCR_Read"]], 6)

    def test_bad_frames(self):
        """a client that breaks off or lies is cut; the next is served"""
        for data in (b"\x80", b"\x80\x01\0\0\0\x09" + bytes(4),
                     b"\x80\x01\xff\xff\xff\xff" + bytes(4),
                     b"\x80\x01\0\0\x10\x01" + bytes(4)):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect(self.vtpm.path)
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(sock.recv(1), b"")
        with self.open() as tpm:
            self.assertEqual(len(tpm.pcrs()), 8)

    def test_one_at_a_time(self):
        got = []

        def second():
            with self.open() as tpm:
                got.append(len(tpm.pcrs()))
        with self.open() as tpm:
            tpm.pcrs()
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(0.1)
            self.assertEqual(got, [])
        thread.join(5)
        self.assertEqual(got, [8])

    def test_stop_with_a_client(self):
        tpm = self.open()
        tpm.pcrs()
        self.vtpm.reboot()
        with self.assertRaises(OSError):
            tpm.pcrs()
        with self.open() as other:
            self.assertEqual(len(other.pcrs()), 8)

    def test_provision_again(self):
        """is no second machine"""
        with open(os.path.join(self.dir, vtpm.CONFIG), "rb") as config:
            before = config.read()
        vtpm.provision(self.dir, self.pki, "another")
        with open(os.path.join(self.dir, vtpm.CONFIG), "rb") as config:
            self.assertEqual(config.read(), before)


if __name__ == "__main__":
    unittest.main()
