# SPDX-License-Identifier: Apache-2.0
"""control against a strict mock: answers that are cut, chunked, wrong, late or
doubled, a half-initialised store, a server of the Vault kind."""

import base64
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spframe as sp  # noqa: E402
from control_rig import init, look, unseal  # noqa: E402
from mockvault import Mock, answer  # noqa: E402

REVOKE = [("TAG_REVOKE_ROOT", 1)]
KV = ("TAG_MOUNT", [("C_PATH", "anjuna"), ("C_TYPE", "kv")])


class Case(unittest.TestCase):
    def setUp(self):
        self.mock = self.new()

    def new(self, **kw):
        m = Mock(**kw)
        self.addCleanup(m.close)
        return m

    def tearDown(self):
        self.assertEqual(self.mock.errors, [])

    def look(self, **kw):
        return look(self.mock.socket(), **kw)

    def init(self, *a, **kw):
        return init(self.mock.socket(), *a, **kw)

    def born(self, n=3, t=2):
        w = self.init(n, t)
        self.assertEqual(w.outcome, "OK")
        self.threshold, self.shares, self.token = w.keys
        self.fresh, self.final = w.raw, sp.keyset(t, self.shares)

    def unseal(self, keys, config=tuple(REVOKE), **kw):
        return unseal(self.mock.socket(), keys, config, **kw)

    def asked(self, method, path):
        return len([r for r in self.mock.requests if r[:2] ==
                    (method, path)])


class Vault(Case):
    """What Vault 1.14 does otherwise than OpenBao."""

    def test_a_whole_life(self):
        self.born()
        audit = ("TAG_AUDIT", [("C_PATH", "out"), ("C_TYPE", "file"),
                               ("C_OPTION", "file_path=stdout")])
        w = self.unseal(self.fresh, REVOKE + [KV, audit])
        self.assertEqual((w.outcome, w.said), ("OK", []))
        self.assertEqual(self.mock.audits["out"]["options"],
                         {"file_path": "stdout"})
        self.assertEqual(self.mock.mounts["anjuna"]["type"], "kv")
        self.assertEqual(self.mock.tokens, {})
        self.mock.audits["out"]["options"]["file_path"] = "/dev/null"
        self.mock.sealed = True
        self.assertEqual(self.unseal(self.final, REVOKE + [audit]).outcome,
                         "OK")
        self.assertEqual(self.mock.audits["out"]["options"],
                         {"file_path": "stdout"})

    def test_every_answer_in_chunks(self):
        self.mock = self.new(chunked=True)
        self.assertEqual(self.look().outcome, "L_UNINIT")
        self.born(16, 9)
        self.assertEqual(self.unseal(self.fresh, REVOKE + [KV]).outcome, "OK")

    def test_a_mount_without_version_is_one_of_version_1(self):
        self.born()
        self.mock.mounts["anjuna"] = {"type": "kv", "options": None,
                                      "config": {}}
        v1 = ("TAG_MOUNT", [("C_PATH", "anjuna"), ("C_TYPE", "kv"),
                            ("C_OPTION", "version=1")])
        self.assertEqual(self.unseal(self.fresh, REVOKE + [v1]).outcome, "OK")
        self.assertEqual(self.asked("POST", "sys/mounts/anjuna/tune"), 0)
        self.mock.mounts["anjuna"]["options"] = {"version": "2"}
        self.mock.sealed = True
        self.assertEqual(self.unseal(self.final, REVOKE + [v1]).outcome, "OK")
        self.assertEqual(self.asked("POST", "sys/mounts/anjuna/tune"), 1)

    def test_a_plugin_is_compared_written_and_reloaded(self):
        self.born()
        digest = os.urandom(32)
        plugin = ("TAG_PLUGIN", [("C_PATH", "apm"), ("C_TYPE", "auth"),
                                 ("C_COMMAND", "apm"), ("C_VERSION", "v1.2.3"),
                                 ("C_SHA256", digest.hex())])
        path = "auth/apm"

        def boot():
            self.mock.sealed = True
            self.assertEqual(self.unseal(self.final, REVOKE + [plugin])
                             .outcome, "OK")
            return (self.asked("PUT", "sys/plugins/catalog/" + path),
                    self.mock.reloaded)
        self.assertEqual(boot(), (1, []))           # new: nothing ran
        self.assertEqual(boot(), (1, []))           # equal
        self.mock.plugins[path]["sha256"] = base64.b64encode(digest).decode()
        self.assertEqual(boot(), (1, []))           # equal, other writing
        self.mock.plugins[path]["sha256"] = "00" * 32
        self.assertEqual(boot(), (2, ["apm"]))      # another program ran
        self.assertEqual(self.mock.plugins[path]["sha256"], digest.hex())
        self.mock.plugins[path]["command"] = "evil"
        self.assertEqual(boot(), (3, ["apm"] * 2))
        self.mock.plugins[path] = {"builtin": True, "sha256": "",
                                   "command": ""}
        self.assertEqual(boot(), (4, ["apm"] * 2))  # a builtin never ran it

    def test_data_that_cannot_be_read_is_written_every_time(self):
        self.born()
        self.mock.unreadable.add("auth/apm/config")
        auth = ("TAG_AUTH", [("C_PATH", "apm"), ("C_TYPE", "apm"),
                             ("C_DATA", 'config\t{"secret":"x"}')])
        for n in (1, 2):
            self.mock.sealed = True
            self.assertEqual(self.unseal(self.final, REVOKE + [auth]).outcome,
                             "OK")
            self.assertEqual(self.asked("POST", "auth/apm/config"), n)

    def test_data_that_does_not_stay_is_an_error(self):
        self.born()
        auth = ("TAG_AUTH", [("C_PATH", "apm"), ("C_TYPE", "apm"),
                             ("C_DATA", 'config\t{"a":"x"}')])
        self.mock.data["auth/apm/config"] = {"a": "y"}
        self.mock.fault("POST", "auth/apm/config", lambda raw: (
            self.mock.data.update({"auth/apm/config": {"a": "y"}}), raw)[1])
        self.assertEqual(self.unseal(self.fresh, REVOKE + [auth]).outcome,
                         "CONFIGURE")

    def test_without_generate_root(self):
        for status in (403, 404, 405):
            self.mock = self.new()
            self.born()
            self.mock.fault("GET", "sys/generate-root/attempt",
                            lambda raw, s=status: answer(s, {"errors": []}))
            w = self.unseal(self.fresh, REVOKE + [KV])
            self.assertEqual(w.outcome, "OK", status)
            self.assertIn("anjuna", self.mock.mounts)
            self.assertEqual(self.mock.tokens, {})

    def test_what_a_busy_store_says_for_a_moment_is_asked_again(self):
        self.born()
        for status in (429, 500, 502, 503):
            self.mock.sealed = True
            self.mock.mounts.clear()
            self.mock.fault("GET", "sys/mounts/anjuna", lambda raw, s=status:
                            answer(s, {"errors": ["local node not active"]}),
                            times=3)
            self.assertEqual(self.unseal(self.final, REVOKE + [KV]).outcome,
                             "OK", status)


class Look(Case):
    def test_a_store_that_died_half_initialised(self):
        self.mock.half = True
        w = self.look()
        self.assertEqual(w.outcome, "L_DEAD")
        self.assertIn("no seal configuration found", w.notes[0])
        self.assertEqual(self.look(storage="azure").outcome, "L_DEAD")

    def test_a_storage_service_that_is_away(self):
        """It is not a store that lost something; on a local one the server
        knows no other reason."""
        for what in ("sys/health", "sys/init"):
            self.mock.fault("GET", what, lambda raw: answer(500, {"errors": [
                "failed to check seal configuration: ServiceCode="
                "ServerBusy"]}), times=99)
        w = self.look(storage="azure")
        self.assertEqual(w.outcome, "SERVER_API")
        self.assertIn("ServerBusy", w.notes[0])
        self.assertEqual(self.look().outcome, "L_DEAD")

    def test_a_store_that_was_only_slow_to_be_read(self):
        self.mock.fault("GET", "sys/health",
                        lambda raw: answer(500, {"errors": []}), times=3)
        self.assertEqual(self.look().outcome, "L_UNINIT")

    def test_answers_that_contradict_each_other(self):
        self.mock.fault("GET", "sys/health", lambda raw: answer(503, {}))
        self.assertEqual(self.look().outcome, "SERVER_API")
        self.born()
        self.mock.fault("GET", "sys/health", lambda raw: answer(501, {}))
        self.assertEqual(self.look().outcome, "SERVER_API")
        self.mock.fault("GET", "sys/health", lambda raw: answer(200, {}))
        self.assertEqual(self.look().outcome, "SERVER_API")

    def test_another_seal_than_shamir(self):
        self.mock.fault("GET", "sys/seal-status", lambda raw: raw.replace(
            b'"shamir"', b'"static"'))
        w = self.look()
        self.assertEqual((w.outcome, w.notes),
                         ("SERVER_API", ["the seal is static, not shamir"]))

    def test_a_status_nobody_expects(self):
        for status in (204, 302, 404, 472, 599):
            self.mock.fault("GET", "sys/health", lambda raw, s=status:
                            answer(s, None if s == 204 else {}))
            self.assertEqual(self.look().outcome, "SERVER_API", status)


class Wire(Case):
    """Every kind of broken answer, at the first call."""

    def outcome(self, change, deadline_ms=20000):
        self.mock = self.new()
        self.mock.fault("GET", "sys/seal-status", change)
        return self.look(deadline_ms=deadline_ms).outcome

    def test_broken_answers_are_refused(self):
        body = b'{"a":1}'
        head = b"HTTP/1.1 200 OK\r\n"
        for raw in (
                b"garbage\r\n\r\n",
                b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n" + body,
                b"HTTP/1.1 100 Continue\r\n\r\n",
                b"HTTP/1.1 2x0 OK\r\nContent-Length: 7\r\n\r\n" + body,
                head + b"\r\n" + body,                      # until the end
                head + b"Content-Length: 7\r\nContent-Length: 7\r\n\r\n" +
                body,
                head + b"Content-Length: 7\r\nTransfer-Encoding: chunked"
                b"\r\n\r\n" + body,
                head + b"Content-Length: -7\r\n\r\n" + body,
                head + b"Content-Length: 99999999999999999999\r\n\r\n",
                head + b"Content-Length: 131073\r\n\r\n" + b" " * 131073,
                head + b"Transfer-Encoding: gzip\r\n\r\n",
                head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                head + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + body +
                b"x\r\n0\r\n\r\n",
                head + b" folded: x\r\nContent-Length: 7\r\n\r\n" + body,
                head + b"no colon\r\nContent-Length: 7\r\n\r\n" + body,
                head + b"Bad\x01: x\r\nContent-Length: 7\r\n\r\n" + body,
                head + b"Content-Length: 7\n\n" + body,
                head + b"X: " + b"y" * 2000 + b"\r\n\r\n",
                head + b"X: y\r\n" * 5000 + b"\r\n",
                head + b"Content-Length: 7\r\n\r\n" + body + head,
                head + b"Content-Length: 7\r\n\r\n" + body,  # no status
                head + b"Content-Length: 2\r\n\r\n[]",
                head + b"Content-Length: 4\r\n\r\n{}{}",
                head + b"Content-Length: 5\r\n\r\n\xff{}\x00 ",
                None):
            self.assertEqual(self.outcome(lambda _r, x=raw: x), "SERVER_API",
                             raw)

    def test_nesting_that_would_eat_the_stack_is_refused(self):
        deep = b'{"a":' * 20000 + b"1" + b"}" * 20000
        self.assertEqual(self.outcome(
            lambda _r: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" %
            len(deep) + deep), "SERVER_API")

    def test_members_of_another_type_are_refused(self):
        good = self.mock.status()
        for name in ("type", "initialized", "sealed", "t", "n", "progress",
                     "nonce", "storage_type"):
            for value in (None, -1, 1 << 40, "x" * 100, [], {}, 1.5):
                bad = dict(good, **{name: value})
                self.assertEqual(self.outcome(
                    lambda _r, b=bad: answer(200, b)), "SERVER_API",
                    (name, value))
            bad = dict(good)
            del bad[name]
            self.assertEqual(self.outcome(lambda _r, b=bad: answer(200, b)),
                             "SERVER_API", name)

    def test_an_answer_that_never_ends(self):
        for change in (lambda raw: raw[:-1],
                       lambda raw: b"",
                       lambda raw: b"HTTP/1.1 200"):
            start = time.monotonic()
            self.assertEqual(self.outcome(change, 700), "DEADLINE")
            self.assertLess(time.monotonic() - start, 5)

    def test_a_server_that_closes_after_its_answer(self):
        self.mock.fault("GET", "sys/health", lambda raw: raw.replace(
            b"\r\n", b"\r\nConnection: close\r\n", 1))
        self.assertEqual(self.look().outcome, "SERVER_API")


class Init(Case):
    def test_is_asked_once_whatever_comes(self):
        for change in (None, lambda raw: raw[:60], lambda raw: b"x\r\n\r\n",
                       lambda raw: answer(400, {"errors": ["storage"]}),
                       lambda raw: answer(500, {"errors": []}),
                       lambda raw: answer(503, {"errors": []}),
                       lambda raw: answer(204)):
            self.mock = self.new()
            self.mock.fault("PUT", "sys/init", change or (lambda raw: None))
            w = self.init(deadline_ms=1500)
            self.assertIn(w.outcome, ("INIT", "DEADLINE"))
            self.assertIsNone(w.keys)
            self.assertEqual(self.asked("PUT", "sys/init"), 1)

    def test_refuses_keys_that_are_not_as_they_must_be(self):
        def edit(**change):
            def f(raw):
                head, body = raw.split(b"\r\n\r\n", 1)
                j = json.loads(body)
                for k, v in change.items():
                    j[k] = v(j[k]) if callable(v) else v
                return answer(200, j)
            return f
        for change in (edit(root_token=""), edit(root_token="a b"),
                       edit(root_token="x" * 129), edit(root_token=None),
                       edit(keys=lambda k: k[:-1]),
                       edit(keys=lambda k: k + [k[0]]),
                       edit(keys=lambda k: k[:-1] + ["zz" * 33]),
                       edit(keys=lambda k: k[:-1] + [k[0][:64]]),
                       edit(keys=lambda k: k[1:] + k[:1]),
                       edit(keys_base64=lambda k: k[:-1] + [7]),
                       edit(keys={}), edit(keys_base64=None)):
            self.mock = self.new()
            self.mock.fault("PUT", "sys/init", change)
            w = self.init()
            self.assertEqual((w.outcome, w.keys), ("INIT", None))

    def test_a_store_that_is_half_initialised(self):
        self.mock.half = True
        self.assertEqual(self.init().outcome, "SERVER_API")
        self.assertEqual(self.asked("PUT", "sys/init"), 0)

    def test_another_storage_than_looked_at(self):
        self.assertEqual(self.init(storage="raft").outcome, "SERVER_API")
        self.assertEqual(self.asked("PUT", "sys/init"), 0)

    def test_a_broken_pipe_to_tpm_is_no_success(self):
        key = sp.X25519PrivateKey.generate()
        pub_out, pub_in = sp.oneway()
        sealed_out, sealed_in = sp.oneway()
        sealed_in.close()
        from control_rig import CONTROL, UID
        w = sp.Worker(CONTROL, ["init"], [
            ("TAG_STORAGE", "pebbledb"), ("TAG_SHARES", 3),
            ("TAG_THRESHOLD", 2)], {6: self.mock.socket(), 7: pub_in,
                                    8: sealed_out}, uid=UID)
        w.start()
        sp.Channel(pub_out).send("TPM_PUB", sp.raw_pub(key.public_key()))
        pub_out.close()
        self.assertEqual(w.finish(), "PROTOCOL")


class Unseal(Case):
    def test_a_server_that_cannot_unseal_itself_is_asked_again(self):
        self.born()
        self.mock.fault("PUT", "sys/unseal", lambda raw: self.stay_sealed(),
                        after=2)
        self.assertEqual(self.unseal(self.final).outcome, "OK")

    def stay_sealed(self):
        self.mock.sealed, self.mock.progress = True, []
        return answer(500, {"errors": ["failed to setup audit table"]})

    def test_a_server_that_never_can(self):
        self.born()
        self.mock.fault("PUT", "sys/unseal", lambda raw: self.stay_sealed(),
                        times=1000)
        self.assertEqual(self.unseal(self.final).outcome, "SERVER_API")

    def test_a_server_that_says_unsealed_too_early(self):
        self.born()
        self.mock.fault("PUT", "sys/unseal", lambda raw: answer(
            200, dict(self.mock.status(), sealed=False)), after=1, times=99)
        self.assertEqual(self.unseal(self.final).outcome, "PROOF")

    def test_another_nonce_in_the_middle(self):
        self.born(3, 3)
        self.mock.fault("PUT", "sys/unseal", lambda raw: answer(
            200, dict(self.mock.status(), nonce="other")), after=2)
        self.assertEqual(self.unseal(self.final).outcome, "OK")
        self.assertGreater(self.asked("PUT", "sys/unseal"), 4)

    def test_another_count_in_the_middle(self):
        self.born(3, 3)
        self.mock.fault("PUT", "sys/unseal", lambda raw: answer(
            200, dict(self.mock.status(), progress=1)), after=2)
        self.assertEqual(self.unseal(self.final).outcome, "OK")
        self.assertGreater(self.asked("PUT", "sys/unseal"), 4)

    def test_no_share_is_given_to_a_server_that_is_unsealed(self):
        self.born()
        self.mock.sealed = False
        self.assertEqual(self.unseal(self.final).outcome, "PROOF")
        self.assertEqual(self.asked("PUT", "sys/unseal"), 0)

    def test_a_proof_that_gives_no_root_token(self):
        self.born()
        self.mock.fault("GET", "auth/token/lookup-self", lambda raw: answer(
            200, {"data": {"policies": ["default"]}}))
        self.assertEqual(self.unseal(self.final).outcome, "PROOF")

    def test_a_proof_whose_answer_is_not_as_it_must_be(self):
        self.born()
        for name, value in (("encoded_token", "!!"), ("encoded_token", ""),
                            ("encoded_token", "AAAA"),
                            ("encoded_token", "A" * 300)):
            self.mock.sealed, self.mock.attempt = True, None

            def change(raw, n=name, v=value):
                j = json.loads(raw.split(b"\r\n\r\n", 1)[1])
                return answer(200, dict(j, **{n: v}))
            self.mock.fault("PUT", "sys/generate-root/update", change,
                            after=1)
            self.assertEqual(self.unseal(self.final).outcome, "SERVER_API",
                             value)

    def test_a_token_that_cannot_be_revoked_is_said(self):
        self.born()
        self.mock.fault("POST", "auth/token/revoke-self",
                        lambda raw: answer(204), times=9)
        real = self.mock.handle

        def handle(method, path, headers, body):
            if path == "auth/token/revoke-self":
                return b""
            return real(method, path, headers, body)
        self.mock.handle = handle
        self.assertEqual(self.unseal(self.final).outcome, "SERVER_API")

    def test_no_share_and_no_token_leaves_but_by_its_call(self):
        self.born()
        self.assertEqual(self.unseal(self.fresh, REVOKE + [KV]).outcome, "OK")
        for method, path, headers, body in self.mock.requests:
            for s in self.shares:
                if s.hex().encode() in body:
                    self.assertIn(path, ("sys/unseal",
                                         "sys/generate-root/update"))
            self.assertNotIn(self.token.encode(), body)
            self.assertNotIn(self.token, path)

    def test_shares_that_never_come(self):
        self.born()
        w = unseal(self.mock.socket(), self.final, REVOKE, deadline_ms=500,
                   mangle=lambda m: (time.sleep(1), None)[1])
        self.assertEqual(w.outcome, "DEADLINE")


if __name__ == "__main__":
    unittest.main()
