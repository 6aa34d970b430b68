# SPDX-License-Identifier: Apache-2.0
"""A real server for each case, and what control is told to make of it."""

import base64
import json
import os
import sys
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from baoserver import BAO, Bao  # noqa: E402
from control_rig import init, unseal  # noqa: E402

REVOKE = [("TAG_REVOKE_ROOT", 1)]
KV = ("TAG_MOUNT", [("C_PATH", "anjuna"), ("C_TYPE", "kv"),
                    ("C_OPTION", "version=1"), ("C_DESCRIPTION", "data"),
                    ("C_OPTION", "config.max_lease_ttl=2h"),
                    ("C_DATA", 'motd\t{"text":"hello"}')])
POLICY = ("TAG_POLICY", [("C_PATH", "enclave"), ("C_TEXT",
                         'path "anjuna/*" {\n\tcapabilities = ["read"]\n}')])
AUTH = ("TAG_AUTH", [("C_PATH", "up"), ("C_TYPE", "userpass"),
                     ("C_DATA", 'users/bob\t{"password":"pw","token_ttl":"1h",'
                      '"token_policies":["enclave","default"]}')])
CONFIG = REVOKE + [KV, POLICY, AUTH]


def jwe_open(key, text):
    head, ek, iv, ct, tag = text.decode().split(".")
    raw = [base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))
           for p in (head, ek, iv, ct, tag)]
    assert json.loads(raw[0]) == {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    cek = key.decrypt(raw[1], padding.OAEP(
        padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    return AESGCM(cek).decrypt(raw[2], raw[3] + raw[4], head.encode()).decode()


@unittest.skipUnless(os.path.exists(BAO), "no server: scripts/get-server")
class Real(unittest.TestCase):
    generate_root = True

    def setUp(self):
        self.bao = Bao(self.generate_root).start()
        self.addCleanup(self.bao.close)

    def born(self, shares=5, threshold=3):
        """A server after its first initialisation, sealed."""
        w = init(self.bao.connect(), shares, threshold)
        self.assertEqual(w.outcome, "OK")
        t, self.shares, self.token = w.keys
        self.assertEqual((t, len(self.shares)), (threshold, shares))
        self.fresh = w.raw
        self.final = sp.keyset(t, self.shares)
        return w

    def unsealed(self, keys, config=tuple(REVOKE), **kw):
        return unseal(self.bao.connect(), keys, config, **kw)

    def root(self):
        return self.bao.root(self.shares[:3])

    def accessors(self, token):
        return self.get("auth/token/accessors?list=true", token)["keys"]

    def get(self, path, token):
        status, body = self.bao.call("GET", path, token=token)
        self.assertEqual(status, 200, path)
        return body["data"]
