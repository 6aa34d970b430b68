# SPDX-License-Identifier: Apache-2.0
"""sallyport-tpm and a TPM that fails, lies or speaks out of turn; that the
TPM is closed in time; that keys lie in no readable memory."""

import os
import re
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tpm_bench as tb  # noqa: E402
from azemu import tpmwire  # noqa: E402
from tpm_case import (FRESH_SET, GEN, PASSWORD, SHARES, STORAGE,  # noqa: E402
                      TOKEN, TpmCase)

CC = tpmwire.CC


class Failing(TpmCase):
    def evidence_fails(self, code, rc=None, **how):
        s = self.session("TLS_PASSWORD", **how).start()
        self.ends(s, code)
        self.assertEqual(s.worker.said, [])
        reported = [e[1:3] for e in s.worker.events if e[0] == "TPM_RC"]
        if rc is not None:
            self.assertEqual(reported, [rc])
        return reported

    def fails(self, code, command, rc, times=1):
        self.machine.tpm.fail(command, rc, times)
        try:
            self.evidence_fails(code, (rc, CC[command]))
        finally:
            self.machine.tpm.fail(command, 0, 1)
            self.machine.tpm.relay.failures.clear()

    def test_response_codes(self):
        self.fails("TPM_LOCKOUT", "CreatePrimary", 0x921)
        self.fails("TPM_LOCKOUT", "Quote", 0x921)
        for command in ("GetCapability", "PCR_Read", "CreatePrimary",
                        "ReadPublic", "Quote", "Certify", "StartAuthSession",
                        "PolicyPCR"):
            self.fails("TPM", command, 0x101)
        self.fails("NO_HCL", "NV_ReadPublic", 0x18b)
        self.fails("NO_HCL", "NV_Read", 0x14a)
        self.fails("TPM", "NV_Read", 0x98e)

    def test_retry_is_retried(self):
        self.machine.tpm.fail("Quote", 0x922, 2)
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.kill()

    def test_indices_that_are_not_there(self):
        for fault, code in (("without_hcl", "NO_HCL"),
                            ("without_ak_cert", "AK_CERT")):
            self.machine.tpm.reboot(**{fault: True})
            self.evidence_fails(code)
        self.machine.tpm.reboot()

    def test_ak_certificate_not_written_yet(self):
        seen = []

        def change(code, command, answer):
            if code == CC["NV_Read"] and command[14:18] == \
                    struct.pack(">I", 0x01c101d0):
                seen.append(1)
                return tpmwire.error_response(0x14a)
            return answer
        self.evidence_fails("AK_CERT", (0x14a, CC["NV_Read"]),
                            tpm=tb.Proxy(self.machine, change).theirs)
        self.assertTrue(seen)

    def test_user_data_of_somebody_else(self):
        tb.write_user_data(self.machine, b"mine".ljust(64, b"\0"))
        time.sleep(3)  # the platform makes the report anew, at most every 2 s
        try:
            self.evidence_fails("EVIDENCE")
        finally:
            tb.write_user_data(self.machine, bytes(64))
            time.sleep(3)


class Lying(TpmCase):
    def answer_is(self, change, *codes):
        proxy = tb.Proxy(self.machine, change)
        s = self.session("TLS_PASSWORD", deadline_ms=2000,
                         tpm=proxy.theirs).start()
        got = s.finish()
        self.live = None
        self.assertIn(got, codes)
        self.assertEqual(s.worker.said, [])
        proxy.thread.join(10)
        return proxy.codes

    def on(self, name, make):
        return lambda code, command, answer: \
            make(answer) if code == CC[name] else answer

    def test_answers_in_pieces_are_read(self):
        def slices(code, command, answer):
            return [answer[i:i + 7] for i in range(0, len(answer), 7)] \
                if code == CC["PCR_Read"] else answer
        s = self.session("TLS_PASSWORD",
                         tpm=tb.Proxy(self.machine, slices).theirs).start()
        s.evidence()
        s.kill()

    def test_frames_that_are_none(self):
        for make in (lambda a: a + b"\0", lambda a: b"", lambda a: None,
                     lambda a: a[:-1] + b"", lambda a: b"\x80\3" + a[2:],
                     lambda a: a[:2] + struct.pack(">I", 9) + a[6:],
                     lambda a: a[:2] + struct.pack(">I", 4097) + a[6:],
                     lambda a: a[:2] + struct.pack(">I", 0xffffffff) + a[6:],
                     lambda a: os.urandom(len(a))):
            self.answer_is(self.on("PCR_Read", make), "TPM", "DEADLINE")

    def test_an_answer_nobody_asked_for(self):
        extra = tpmwire.error_response(0)
        codes = self.answer_is(self.on("PCR_Read", lambda a: a + extra), "TPM")
        self.assertEqual(codes[-2:], [CC["PCR_Read"], None])  # not one more

    def test_an_answer_before_the_first_command(self):
        proxy = tb.Proxy(self.machine, lambda code, command, answer: answer)
        proxy.ours.sendall(tpmwire.error_response(0))
        s = self.session("TLS_PASSWORD", tpm=proxy.theirs).start()
        self.ends(s, "TPM")
        proxy.thread.join(10)
        self.assertEqual(proxy.codes, [None])

    def test_another_attestation_key(self):
        def change(code, command, answer):
            if code == CC["ReadPublic"]:
                answer = bytearray(answer)
                answer[100] ^= 1
            return bytes(answer)
        self.answer_is(change, "EVIDENCE", "TPM")

    def test_statements_about_something_else(self):
        for name, at in (("Quote", 20), ("Quote", 128), ("Certify", 20),
                         ("Certify", 120), ("Certify", 154),
                         ("CreatePrimary", 30), ("PCR_Read", 40)):
            def flip(a, at=at):
                return a[:at] + bytes([a[at] ^ 1]) + a[at + 1:]
            self.answer_is(self.on(name, flip), "EVIDENCE", "TPM")


class Leaving(TpmCase):
    def test_the_tpm_is_closed_before_anything_is_unwrapped(self):
        proxy = tb.Proxy(self.machine, lambda code, command, answer: answer)
        s = self.session("TLS_PASSWORD", tpm=proxy.theirs).start()
        s.evidence()
        s.token()
        self.settle(s)
        before = len(proxy.codes)
        s.wrapped(self.master.der)
        proxy.thread.join(10)
        flush = CC["FlushContext"]
        self.assertEqual(proxy.codes[before:],
                         [CC["RSA_Decrypt"], flush, flush, None])
        self.assertNotIn("6", os.listdir("/proc/%d/fd" % s.worker.pid))
        s.kill()

    def test_nothing_is_left_in_the_tpm(self):
        s = self.session("TLS_PASSWORD")
        s.released(self.master, self.stored[:1])
        s.ask("tls")
        self.ends(s, "OK")
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        self.assertEqual([e[0] for e in s.worker.events],
                         ["SECRETMEM", "EVIDENCE"])
        s.kill()

    @staticmethod
    def settle(s):
        """Until the worker sleeps in poll."""
        path = "/proc/%d/wchan" % s.worker.pid
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with open("/proc/%d/stat" % s.worker.pid, encoding="ascii") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "S":
                    time.sleep(0.02)
                    return
            time.sleep(0.005)
        raise AssertionError(path)

    def numbers(self):
        """The private numbers as they are written, and as they are kept."""
        n = self.master.key.private_numbers()
        out = {"prime p": n.p.to_bytes(128, "big"),
               "prime q": n.q.to_bytes(128, "big"),
               "exponent": n.d.to_bytes(256, "big"),
               "dp": n.dmp1.to_bytes(128, "big")}
        out.update({name + ", swapped": b[::-1] for name, b in out.items()})
        return {name: b[32:64] for name, b in out.items()}

    def test_no_key_lies_in_readable_memory(self):
        """Waiting to hand over, with everything opened: what must be there is
        in memory nobody can read, the rest is wiped."""
        marked = {
            **self.numbers(), "storage key": STORAGE, "share": SHARES[0],
            "share as text": SHARES[0].hex().encode(),
            "root token": TOKEN.encode(), "password": PASSWORD.encode()}
        s = self.session("BUNDLE", "TLS_PASSWORD", "STORAGE_KEY", marker=1)
        s.released(self.master, self.stored + [
            ("BUNDLE", 0, self.master.bundle(FRESH_SET, GEN, tb.FRESH))])
        s.ask("tls")
        self.settle(s)
        seen = tb.scan(s.worker.pid, {**marked, "session": s.session})
        self.assertEqual(seen, {"session"})  # the scan does look
        self.assertEqual(s.ask("unseal"), FRESH_SET)
        s.kill()

    def test_the_living_key_lies_in_secret_memory(self):
        """Between WRAPPED_KEY and OPEN the key is in use."""
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        s.token()
        kek = []
        real, os.urandom = os.urandom, lambda n: kek.append(real(n)) or kek[-1]
        try:
            s.wrapped(self.master.der)
        finally:
            os.urandom = real
        self.settle(s)
        time.sleep(0.3)
        self.assertEqual(tb.scan(s.worker.pid, {
            "kek": kek[0][:16], "kek, second half": kek[0][16:],
            "der": self.master.der[300:324], **self.numbers(),
            "session": s.session}), {"session"})
        s.kill()


@unittest.skipUnless(os.geteuid() == 0, "reads /proc of another uid")
class Confined(TpmCase):
    def test_status(self):
        s = self.session("TLS_PASSWORD").start()
        s.evidence()
        with open("/proc/%d/status" % s.worker.pid, encoding="ascii") as f:
            status = dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))
        self.assertEqual((status["Seccomp"], status["NoNewPrivs"],
                          status["Threads"]), ("2", "1", "1"))
        s.kill()


if __name__ == "__main__":
    unittest.main()
