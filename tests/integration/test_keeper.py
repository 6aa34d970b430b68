# SPDX-License-Identifier: Apache-2.0
"""sallyport-keeper against the emulator's storage service: the lease is taken,
renewed, given back, waited for and lost; and what every fault makes of it."""
import os
import signal
import socket
import struct
import threading
import time
import unittest

import keeper_rig as kr
import spframe as sp

LEASE_S = 15
LOST_S = 10     # two thirds of it: then it gives up by itself
KILLED_S = 11.25    # three quarters: then the kernel ends it


@unittest.skipUnless(os.path.exists(kr.KEEPER), "no build: SALLYPORT_BUILD")
class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.em = kr.Emulator()
        cls.addClassCleanup(cls.em.close)

    def setUp(self):
        self.em.client.clear_faults()
        self.em.client.reset_counts()
        self.em.provision(containers=["sallyport"], forget="vault")
        self.em.provision("permit", identity="vm",
                          actions=["blobs/write/action"])

    def keeper(self, **change):
        more = {k: change.pop(k) for k in ("left", "go") if k in change}
        k = kr.Keeper(kr.conf(self.em.ports, **change), self.em.roots, **more)
        self.addCleanup(k.close)
        return k

    def fault(self, operation, **more):
        self.em.client.fault(service="blob", operation=operation, **more)

    def holds(self, **change):
        k = self.keeper(**change)
        self.assertTrue(k.is_held(), "not held")
        self.assertTrue(k.is_asked(0))
        return k


class Held(Case):
    def test_the_blob_is_made_and_the_lease_taken_and_given_back(self):
        k = self.holds()
        self.assertEqual(self.em.lease()[0], "leased")
        self.assertEqual((self.em.calls("create"), self.em.calls("acquire")),
                         (1, 2))
        self.assertEqual(k.release(), "OK")
        self.assertEqual(self.em.lease()[0], "available")

    def test_an_absent_blob_is_made_by_one_of_two(self):
        two = [self.keeper() for _ in range(2)]
        self.assertTrue(kr.until(lambda: any(k.is_held(0) for k in two)))
        first = [k for k in two if k.is_held(0)]
        self.assertEqual(len(first), 1)
        other = [k for k in two if k not in first][0]
        self.assertTrue(other.is_asked())
        self.assertIsNone(other.is_held(1))
        self.assertEqual(first[0].release(), "OK")
        self.assertTrue(other.is_held())
        self.assertEqual(other.release(), "OK")

    def test_an_answer_that_is_lost_does_not_lose_the_lease(self):
        self.fault("acquire", skip=1, close=True, after=True)
        k = self.holds()
        self.assertEqual(self.em.calls("acquire"), 3)
        k.release()

    def test_no_word_no_call(self):
        k = self.keeper(go=False)
        k.locked()
        time.sleep(0.5)
        self.assertEqual(self.em.client.counts(), {})
        self.assertEqual(k.release(), "OK")


class Recorded(Case):
    def test_all_that_it_calls(self):
        """For the policy: IPv6, a name that is wrong, a renewal, the way
        back."""
        both = kr.nf.addrs((0, "127.0.0.1"), (3, "::1"), (3, "127.0.0.1"))
        k = self.holds(left=kr.names(both))
        self.assertTrue(kr.until(lambda: self.em.calls("renew") >= 1))
        self.assertEqual(k.release(), "OK")
        k = self.keeper(BLOB_URL="https://evil.test")
        self.assertEqual(k.end(), "STORAGE_AWAY")


class Time(Case):
    """What takes renewals or the lease's length, all at once: each keeper on
    a blob of its own."""

    def on(self, blob, *faults):
        for fault in faults:
            self.fault("renew", match="/sallyport/" + blob,
                       **{"times": 1, **fault})
        return self.holds(BLOB_PATH="/sallyport/" + blob)

    def test_lengths(self):
        passing = [self.on("passes%d" % i, kind) for i, kind in enumerate((
            {"status": 500}, {"status": 503}, {"status": 403},
            {"status": 401}, {"close": True}, {"garbage": True},
            {"status": 200, "delay": 30}))]
        ends = [self.on("ends%d" % i, {"status": s, "times": 0})
                for i, s in enumerate((404, 409, 412))]
        ends += [self.on("broken"), self.on("gone")]
        self.begin = time.monotonic()
        kept = self.on("kept")
        bad = [self.on("bad%d" % i, {**kind, "times": 0})
               for i, kind in enumerate((
                   {"status": 500}, {"status": 403}, {"status": 401},
                   {"close": True}, {"status": 200, "delay": 30}))]
        stopped, dead = self.on("stopped"), self.on("dead")
        os.kill(stopped.pid, signal.SIGSTOP)
        os.kill(dead.pid, signal.SIGKILL)
        self.em.provision(**{"break": "broken", "forget": "gone"})
        heir = self.keeper(BLOB_PATH="/sallyport/dead")
        self.assertTrue(heir.is_asked())
        self.assertIsNone(heir.is_held(0))
        # somebody else has it, or nobody: at the next renewal
        for k in ends:
            self.assertEqual(k.end(LOST_S), "LEASE_LOST")
        self.assertLess(self.after(), LOST_S - 2)
        # failures are borne until two thirds, not longer
        for k in bad:
            self.assertEqual(k.end(LOST_S + 5), "LEASE_LOST")
            self.assertTrue(LOST_S - 4 < self.after() < LOST_S + 4,
                            self.after())
        # one that cannot say so is ended by the kernel
        self.assertEqual(stopped.end(LEASE_S), "-9")
        self.assertTrue(LOST_S < self.after() < KILLED_S + 4, self.after())
        # a death leaves the lease to others, when it is over
        self.assertTrue(heir.is_held(LEASE_S + 10))
        self.assertGreater(self.after(), LEASE_S - 2)
        # what is renewed, or fails once, outlives it
        time.sleep(max(0, LEASE_S + 2 - self.after()))
        for k in (kept, heir, *passing):
            self.assertEqual(k.release(), "OK")
        self.assertEqual(self.em.lease("kept")[0], "available")

    def after(self):
        return time.monotonic() - self.begin


class Refused(Case):
    def test_no_container(self):
        self.em.provision(containers=[])
        self.assertEqual(self.keeper().end(), "LEASE_DENIED")

    def test_no_right(self):
        self.em.provision("permit", identity="vm", actions=[])
        self.assertEqual(self.keeper().end(), "LEASE_DENIED")

    def test_a_right_that_is_lost_while_it_waits_does_not_make_it_alone(self):
        first = self.holds()
        k = self.keeper()
        self.assertTrue(k.is_asked())
        self.em.provision("permit", identity="vm", actions=[])
        self.assertEqual(k.end(), "STORAGE_AWAY")
        first.close()

    def test_no_storage_service(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            self.assertEqual(self.keeper(BLOB_PORT=port).end(),
                             "STORAGE_AWAY")

    def test_no_metadata_service(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            self.assertEqual(self.keeper(IMDS_PORT=port).end(), "IMDS")

    def test_no_identity(self):
        self.assertEqual(self.keeper(IDENTITY="client_id=" + "0" * 36).end(),
                         "IDENTITY")

    def test_failures_before_it_is_held(self):
        for kind in ({"status": 500}, {"close": True}, {"garbage": True},
                     {"status": 409}, {"status": 200},
                     {"status": 302, "headers": {"Location": "/x"}}):
            with self.subTest(kind):
                self.fault("acquire", times=0, **kind)
                self.assertEqual(self.keeper().end(), "STORAGE_AWAY")
                self.em.client.clear_faults()

    def test_the_token_goes_to_the_storage_service_alone(self):
        """Another certificate, another name: no call is made."""
        other = kr.conf(self.em.ports, BLOB_URL="https://evil.test")
        k = kr.Keeper(other, self.em.roots)
        self.addCleanup(k.close)
        self.assertEqual(k.end(), "STORAGE_AWAY")
        self.assertEqual(self.em.calls("acquire"), 0)


class Told(Case):
    def ends(self, code, **change):
        self.assertEqual(self.keeper(**change).end(), code)

    def test_configurations_that_are_none(self):
        for change in ({"BLOB_URL": None}, {"BLOB_PATH": None},
                       {"BLOB_PATH": "/one"}, {"BLOB_PATH": "/a/b/c"},
                       {"BLOB_PATH": "/a/b?comp=lease"},
                       {"BLOB_PATH": "/a//b"}, {"BLOB_PATH": "/a/.."},
                       {"LEASE_S": 14}, {"LEASE_S": 61}, {"LEASE_S": None},
                       {"BLOB_URL": "http://x.test"}, {"BLOB_PORT": 0},
                       {"CALL_MS": 0}):
            with self.subTest(change):
                k = self.keeper(go=False, **change)
                self.assertEqual(k.end(), "LOCK")

    def test_what_resolve_may_have_left(self):
        event = struct.pack(">HQQQQ", sp.EVENT["RESOLVED"], 1, 0, 0, 0)
        k = self.holds(left=kr.names(extra=[("EVENT", event)]))
        k.release()
        for left in (kr.names(addrs=None), kr.names(addrs=b"\0" * 17),
                     kr.names(kr.nf.addrs((3, "127.0.0.1"))),
                     kr.names(kr.nf.addrs((0, "127.0.0.1"))),
                     kr.names(b"\4\4" + b"\0" * 16)):
            self.ends("PROTOCOL", left=left)

    def test_words_that_are_none(self):
        for word in (b"\0", b"\x40", b"\x43", kr.GO_HOLD * 2):
            with self.subTest(word):
                k = self.keeper(go=False)
                k.locked()
                k.say(word)
                self.assertEqual(k.end(), "PROTOCOL")

    def test_bytes_in_a_socket_of_the_supervisors_are_not_read(self):
        k = self.holds()
        k.held.sendall(b"x" * 100)
        time.sleep(0.2)
        self.assertTrue(k.alive())
        self.assertEqual(k.release(), "OK")


class Race(Case):
    """What matters is what keepers believe: from their word to their end."""

    def one(self, stop, log, seed):
        import random
        rnd = random.Random(seed)
        while not stop.is_set():
            k = kr.Keeper(kr.conf(self.em.ports), self.em.roots)
            try:
                while k.is_held(0.2) is not True:
                    if stop.is_set() or not k.alive():
                        break
                else:
                    begin = time.monotonic()
                    stop.wait(rnd.uniform(0, 0.3))
                    log.append((begin, time.monotonic()))
                self.assertEqual(k.release(), "OK")
            finally:
                k.close()

    def test_five_at_once_one_at_a_time(self):
        stop, log, threads = threading.Event(), [], []
        seed = int.from_bytes(os.urandom(4), "big")
        print("# seed %d" % seed)
        for i in range(5):
            t = threading.Thread(target=self.one, args=(stop, log, seed + i))
            t.start()
            threads.append(t)
        kr.until(lambda: len(log) >= 4, 20)
        stop.set()
        for t in threads:
            t.join(30)
        self.assertGreaterEqual(len(log), 3)
        log.sort()
        for (_, end), (begin, _) in zip(log, log[1:]):
            self.assertLess(end, begin)
        print("# %d tenures, none beside another" % len(log))


if __name__ == "__main__":
    unittest.main()
