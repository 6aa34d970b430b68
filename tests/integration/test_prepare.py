# SPDX-License-Identifier: Apache-2.0
"""sallyport-prepare as a whole, under its real filter: both configurations
from the installed templates, certificate and key from new and old PFX files,
and everything that must be refused."""

import base64
import datetime
import os
import sys
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import serialization

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from prepare_rig import (PREPARE, UID, Identity, pki_web,  # noqa: E402
                         render, tls)

HOST = "apm.example.org"
PASSWORD = "correct horse \"'$"
KEY = os.urandom(64)
BASE = [("TAG_HOSTNAME", HOST), ("TAG_PORT", "8200"),
        ("TAG_RUN_DIRECTORY", "/run/sp")]
AZURE = BASE + [("TAG_SA_NAME", "store1"), ("TAG_STORAGE", "azure"),
                ("TAG_STORAGE_PATH", ""), ("TAG_CONTAINER", "vault")]
LOCAL = BASE + [("TAG_STORAGE", "pebbledb"), ("TAG_STORAGE_PATH", "/srv/d")]
BLOCK = 'storage "pebbledb" {\n  path = "${STORAGE_PATH}"\n}\n'


def template(name):
    path = os.path.join(sp.ROOT, "vault-launcher", "templates",
                        name + ".hcl.tpl")
    with open(path, encoding="utf-8") as f:
        return f.read()


class Render(unittest.TestCase):
    def test_the_old_scripts_template_with_its_storage_key(self):
        w = render(template("azure"), AZURE, KEY)
        self.assertEqual((w.outcome, w.events, w.said), ("OK", [], []))
        text = w.public.decode()
        self.assertIn('api_addr = "https://apm.example.org:8200"', text)
        self.assertIn('address = "0.0.0.0:8200"', text)
        self.assertIn('accountKey = "%s"' % base64.b64encode(KEY).decode(),
                      text)
        self.assertNotIn("$", text)
        private = w.private.decode()
        self.assertTrue(private.startswith('storage "azure" {'))
        self.assertTrue(private.endswith("}\n"))
        self.assertIn(private.rstrip("\n"), text)
        self.assertIn('accountName = "store1"', private)
        self.assertNotIn("listener", private)

    def test_a_check_needs_no_key_and_names_the_line(self):
        check = AZURE + [("TAG_STAND_IN", 1)]
        w = render(template("azure"), check)
        self.assertEqual(w.outcome, "OK")
        self.assertIn(b'accountKey = "%s"' % base64.b64encode(bytes(64)),
                      w.public)
        w = render("\n\n${NONE}\n" + template("azure"), check)
        self.assertEqual(w.outcome, "TEMPLATE")
        self.assertEqual(w.events[0][:2], ("TEMPLATE_LINE", 3))

    def test_a_key_and_its_stand_in_do_not_go_together(self):
        w = render(template("azure"), AZURE + [("TAG_STAND_IN", 1)], KEY)
        self.assertEqual(w.outcome, "INTERNAL")
        self.assertEqual((w.public, w.private), (b"", b""))

    def test_local_templates_need_no_key(self):
        for name in ("pebbledb", "raft", "file"):
            config = BASE + [("TAG_STORAGE", name),
                             ("TAG_STORAGE_PATH", "/srv/d")]
            w = render(template(name), config)
            self.assertEqual(w.outcome, "OK")
            self.assertEqual([e[0] for e in w.events], ["RENDERED"])
            self.assertIn(b'path = "/srv/d"', w.private)
            self.assertIn(b"/run/sp/tls/key.pem", w.public)

    def test_a_template_of_another_account_or_container_is_refused(self):
        for a, b in (('"vault"', '"other"'), ("${APM_SA_NAME}", "store2")):
            text = template("azure")
            self.assertIn(a, text)
            w = render(text.replace(a, b), AZURE, KEY)
            self.assertEqual((w.outcome, w.public, w.private),
                             ("TEMPLATE", b"", b""))

    def refused(self, text, code="TEMPLATE", config=LOCAL, line=None):
        w = render(text, config)
        self.assertEqual((w.outcome, w.public, w.private), (code, b"", b""))
        if line:
            self.assertEqual(w.events[0][:2], ("TEMPLATE_LINE", line))

    def test_hostile_templates_are_refused_and_nothing_is_written(self):
        self.refused(BLOCK + "${HOME}\n", line=4)
        self.refused(BLOCK + BLOCK, line=6)
        self.refused("a = <<E\n" + BLOCK + "E\n" + BLOCK, line=1)
        self.refused(BLOCK + "backend \"x\" {}\n")
        self.refused("# nothing\n")
        self.refused("")
        self.refused(BLOCK.encode() + b"\0")
        self.refused(BLOCK + "# " + "x" * 65536)
        self.refused(BLOCK.replace("pebbledb", "inmem"))
        self.refused(BLOCK.replace("${STORAGE_PATH}", "/srv/other"))
        self.refused(BLOCK + "x = \"$APM_SAA_KEY\"\n")
        self.refused(BLOCK + "x = \"$APM_SA_NAME\"\n")

    def test_a_template_of_64_kib_is_taken(self):
        pad = 65536 - len(BLOCK) - 3
        w = render(BLOCK + "# " + "x" * pad + "\n", LOCAL)
        self.assertEqual(w.outcome, "OK")

    def test_a_value_that_does_not_fit_ends_it_before_it_is_locked(self):
        for tag, bad in (("TAG_HOSTNAME", "a\"b"), ("TAG_PORT", "99999"),
                         ("TAG_STORAGE_PATH", "/a/../b")):
            config = [(t, bad if t == tag else v) for t, v in LOCAL]
            self.refused(BLOCK, "INTERNAL", config)

    def test_a_sealed_key_that_is_not_ours_is_a_violation(self):
        def damage(box):
            return box[:-1] + bytes([box[-1] ^ 1])
        w = render(template("azure"), AZURE, KEY, mangle=damage)
        self.assertEqual((w.outcome, w.public), ("PROTOCOL", b""))
        w = render(template("azure"), AZURE, KEY, mangle=lambda b: b[:-1])
        self.assertEqual((w.outcome, w.public), ("PROTOCOL", b""))

    def test_unknown_seat_is_a_usage_error(self):
        for args in ([], ["x"], ["render", "tls"]):
            pid = sp.spawn(PREPARE, args, {}, UID)
            self.assertEqual(sp.wait(pid), sp.EXIT["USAGE"])


def certs(pem):
    parts = pem.split(b"-----END CERTIFICATE-----\n")
    return [x509.load_pem_x509_certificate(p + b"-----END CERTIFICATE-----\n")
            for p in parts[:-1]]


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.who = Identity(HOST)

    def run_tls(self, pfx, password=PASSWORD, ca=None, host=HOST, **kw):
        config = [("TAG_HOSTNAME", host)]
        if ca:
            config.append(("TAG_TLS_CA", pki_web.der(ca)))
        return tls(pfx, password, config, **kw)

    def accepted(self, w):
        self.assertEqual((w.outcome, w.events, w.notes, w.said),
                         ("OK", [], [], []))
        self.assertEqual(certs(w.cert), [self.who.leaf, self.who.middle])
        key = serialization.load_pem_private_key(w.key, None)
        self.assertEqual(key.private_numbers(),
                         self.who.keys[2].private_numbers())

    def refused(self, code, pfx, **kw):
        w = self.run_tls(pfx, **kw)
        self.assertEqual((w.outcome, w.cert, w.key), (code, b"", b""))

    def test_new_and_old_files_are_opened(self):
        for argv in ([], ["-legacy"], ["-legacy", "-descert"],
                     ["-macalg", "sha512"], ["-keypbe", "PBE-SHA1-3DES"],
                     ["-certpbe", "NONE"]):
            self.accepted(self.run_tls(self.who.pfx(PASSWORD, *argv)))

    def test_tls_ca_must_be_the_root(self):
        pfx = self.who.pfx(PASSWORD)
        self.accepted(self.run_tls(pfx, ca=self.who.root))
        self.refused("CERT_CA", pfx, ca=self.who.other_root)

    def test_password_is_checked(self):
        pfx = self.who.pfx(PASSWORD)
        self.refused("PFX_PASSWORD", pfx, password="wrong")
        longest = "~" * 128
        self.accepted(self.run_tls(self.who.pfx(longest), longest))
        empty = self.who.pfx("")
        self.refused("PFX_PASSWORD", empty)
        for raw in (bytes(129), b"\x81" + b"a" * 128,
                    b"\x01ab" + bytes(126), b"\x02a" + bytes(127),
                    b"\x02a\n" + bytes(126), b"\x02a\xc3" + bytes(126)):
            self.refused("BLOB_CONTENT", pfx, password=raw)

    def test_shape_is_checked(self):
        self.refused("PFX", self.who.pfx(PASSWORD, "-keypbe", "NONE"))
        self.refused("PFX", self.who.pfx(PASSWORD, "-nomac"))
        self.refused("PFX", b"garbage")
        pfx = self.who.pfx(PASSWORD)
        self.refused("PFX", pfx[:-1])
        self.refused("PFX", pfx + b"\0")
        self.refused("PFX", self.who.pfx(PASSWORD, "-nokeys"))
        self.refused("CERT_KEY", self.who.pfx(PASSWORD, "-nocerts"))

    def test_name_and_time_are_checked(self):
        day = datetime.timedelta(days=1)
        now = pki_web.now()
        self.refused("CERT_NAME", self.who.pfx(PASSWORD), host="x.example.org")
        old = self.who.make_leaf(HOST, start=now - 9 * day, end=now - day)
        self.refused("CERT_TIME", self.who.pfx(PASSWORD, leaf=old))
        young = self.who.make_leaf(HOST, start=now + day, end=now + 9 * day)
        self.refused("CERT_TIME", self.who.pfx(PASSWORD, leaf=young))

    def test_a_message_sealed_to_somebody_else_is_a_violation(self):
        pfx = self.who.pfx(PASSWORD)
        w = self.run_tls(pfx, mangle=lambda b: bytes(32) + b[32:])
        self.assertEqual((w.outcome, w.key), ("PROTOCOL", b""))

    def test_chain_without_root_and_leaf_alone(self):
        self.accepted(self.run_tls(
            self.who.pfx(PASSWORD, chain=[self.who.middle]), ca=self.who.root))
        w = self.run_tls(self.who.pfx(PASSWORD, chain=[]))
        self.assertEqual((w.outcome, certs(w.cert)), ("OK", [self.who.leaf]))
        self.refused("CERT_CA", self.who.pfx(PASSWORD, chain=[]),
                     ca=self.who.root)


if __name__ == "__main__":
    unittest.main()
