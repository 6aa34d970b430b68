# SPDX-License-Identifier: Apache-2.0
"""The server as it can be: control through each of its lives against the mock
(mockvault.py), where one answer is wrong, once or from then on: bytes, lengths,
statuses, JSON.  Whatever comes, what control says of it is true."""
import collections
import json
import time

import drawn
import spframe as sp
from control_rig import init, look, unseal
from mockvault import Mock, answer

DEADLINE_MS, SLACK_S = 3000, 6
SHARES, THRESHOLD = 3, 2
CONFIG = [
    ("TAG_REVOKE_ROOT", 1),
    ("TAG_PLUGIN", [("C_PATH", "apm"), ("C_TYPE", "auth"),
                    ("C_COMMAND", "apm"), ("C_VERSION", "v1.2.3"),
                    ("C_SHA256", "ab" * 32)]),
    ("TAG_MOUNT", [("C_PATH", "anjuna"), ("C_TYPE", "kv"),
                   ("C_DATA", 'motd\t{"text":"hello"}')]),
    ("TAG_AUTH", [("C_PATH", "up"), ("C_TYPE", "userpass")]),
    ("TAG_POLICY", [("C_PATH", "p"), ("C_TEXT", 'path "a/*" {}')]),
    ("TAG_AUDIT", [("C_PATH", "out"), ("C_TYPE", "file"),
                   ("C_OPTION", "file_path=stdout")])]
LIVES = ("look", "look again", "init", "fresh", "final")
Case = collections.namedtuple("Case", "life at call name ever")
HEAD = b"HTTP/1.1 200 OK\r\n"


def whole(body, status=b"200 OK", more=b""):
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status, more, len(body), body)


def faults():
    """name -> change(the right answer) -> bytes, None: it hangs up, or a list
    of bytes that drip."""
    out = {
        "it hangs up": lambda raw: None,
        "silence": lambda raw: b"",
        "it drips": lambda raw: [raw[i:i + 1] for i in range(len(raw))],
        "half of it": lambda raw: raw[:len(raw) // 2],
        "all but a byte": lambda raw: raw[:-1],
        "it twice": lambda raw: raw * 2,
        "it after a byte": lambda raw: b"x" + raw,
        "it and the end": lambda raw: raw.replace(
            b"\r\n", b"\r\nConnection: close\r\n", 1),
        "no status": lambda raw: b"HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.0": lambda raw: raw.replace(b"1.1", b"1.0", 1),
        "HTTP/2": lambda raw: b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 60,
        "TLS": lambda raw: b"\x15\x03\x03\0\x02\x02\x28",
        "continue": lambda raw: b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        "no length": lambda raw: HEAD + b"\r\n{}",
        "two lengths": lambda raw: whole(b"{}", more=b"Content-Length: 3\r\n"),
        "length and chunks": lambda raw: whole(
            b"{}", more=b"Transfer-Encoding: chunked\r\n"),
        "a length of 2^64": lambda raw: HEAD +
        b"Content-Length: 18446744073709551616\r\n\r\n{}",
        "a negative length": lambda raw: HEAD + b"Content-Length: -2\r\n\r\n",
        "1 MiB": lambda raw: whole(b" " * (1 << 20)),
        "headers without end": lambda raw: HEAD + b"X: y\r\n" * 50000,
        "a header of 1 MiB": lambda raw: HEAD + b"X: " + b"y" * (1 << 20),
        "a chunk that is none": lambda raw: HEAD +
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "chunks without end": lambda raw: HEAD +
        b"Transfer-Encoding: chunked\r\n\r\n" + b"4\r\n    \r\n" * 90000,
        "no bytes": lambda raw: whole(b""),
        "zeros": lambda raw: whole(bytes(64)),
    }
    for text in ("null", "7", "\"x\"", "[]", "{}", "{}{}", "{\"a\":",
                 "{\"data\":null}", "{\"data\":[]}", "{\"data\":{}}",
                 "{\"data\":7,\"keys\":7,\"errors\":7}", "{\"errors\":[]}",
                 "{\"a\":1,\"a\":2}", "{\"a\":NaN}", "/**/{}",
                 "{\"a\":" + "[" * 9000 + "]" * 9000 + "}",
                 "{\"initialized\":true,\"sealed\":false,\"t\":2,\"n\":3,"
                 "\"progress\":0,\"nonce\":\"\",\"type\":\"shamir\","
                 "\"storage_type\":\"pebbledb\"}"):
        out["JSON: " + text[:60]] = \
            lambda raw, text=text: whole(text.encode())
    out["JSON: no UTF-8"] = lambda raw: whole(b'{"data":"\xff\xfe"}')
    out["each member null"] = lambda raw: members(raw, lambda v: None)
    out["each member a number"] = lambda raw: members(raw, lambda v: 3)
    out["each member a text"] = lambda raw: members(raw, lambda v: "x")
    out["each member long"] = lambda raw: members(raw, lambda v: "x" * 5000)
    for status in (201, 202, 204, 206, 301, 307, 400, 401, 403, 404, 405, 409,
                   412, 429, 472, 473, 500, 501, 502, 503, 504, 599):
        out["%d" % status] = lambda raw, s=status: answer(
            s, None if s == 204 else {"errors": ["because"]},
            extra="Location: /v1/evil\r\nRetry-After: 3600\r\n")
    return out


def members(raw, change):
    try:
        have = json.loads(raw.partition(b"\r\n\r\n")[2])
    except ValueError:
        return whole(b'{"data":[]}')
    return whole(json.dumps({k: change(v) for k, v in have.items()}).encode())


class Life:
    """One life of a store of its own: .outcome, .took, .calls."""

    def __init__(self, name, prepare=lambda mock: None):
        self.name, self.mock = name, Mock()
        made = {"root_token": ""}
        if name not in ("look", "init"):
            made = json.loads(self.mock.do_init("PUT", {
                "secret_shares": SHARES, "secret_threshold": THRESHOLD}
            ).partition(b"\r\n\r\n")[2])
        if name == "final":
            self.mock.tokens.clear()
            made["root_token"] = ""
        prepare(self.mock)
        begin = time.monotonic()
        try:
            self.worker = self.live(sp.keyset(THRESHOLD, self.mock.shares,
                                              made["root_token"]))
        finally:
            self.took = time.monotonic() - begin
            self.mock.close()
        self.outcome = self.worker.outcome
        self.calls = [r[:2] for r in self.mock.requests]

    def live(self, keys):
        stream = self.mock.socket()
        if self.name.startswith("look"):
            return look(stream, deadline_ms=DEADLINE_MS)
        if self.name == "init":
            return init(stream, SHARES, THRESHOLD, deadline_ms=DEADLINE_MS)
        return unseal(stream, keys, CONFIG, deadline_ms=DEADLINE_MS)

    def state(self):
        """What the server is like after it."""
        m = self.mock
        return (m.initialized, m.sealed, m.tokens, m.attempt, m.mounts,
                m.auths, m.policies, m.plugins, m.audits, m.data)


# What may be said of a server that answers wrongly.  Not the shares' fault,
# and not another store's: those codes are for a server that says so.
MAY = {"look": {"SERVER_API", "DEADLINE"},
       "init": {"INIT", "SERVER_API", "DEADLINE"},
       "unseal": {"SERVER_API", "CONFIGURE", "DEADLINE", "UNSEAL", "PROOF"}}


# What it says of itself is believed: this token is dead; there is no
# generate-root here (then there is no token to configure it with).
ITS_WORD = {("GET", "auth/token/lookup-self"): ("403",),
            ("GET", "sys/generate-root/attempt"): ("403", "404", "405")}


def run_one(case, good):
    """What is not as it must be, in words; or None."""
    path = case.call[1]
    one = Life(case.life, lambda mock: mock.fault(
        case.call[0], path, faults()[case.name],
        times=10**6 if case.ever else 1, after=case.at))
    errors = [e for e in one.mock.errors if "PipeError" not in e and
              "ConnectionReset" not in e]
    if errors:
        return "the server saw %s" % errors
    if one.took > DEADLINE_MS / 1000 + SLACK_S:
        return "took %.1f s" % one.took
    if [c for c in one.calls if "evil" in c[1]]:
        return "followed a redirect"
    if one.calls.count(("PUT", "sys/init")) > 1:
        return "initialised twice"
    if one.outcome != good.outcome:
        may = MAY.get(case.life.split()[0], MAY["unseal"])
        return None if one.outcome in may else \
            "%s: %s" % (one.outcome, one.worker.notes)
    if case.life == "init" and one.worker.keys[1] != one.mock.shares:
        return "other shares"
    if case.name in ITS_WORD.get(case.call, ()):
        return None
    if case.life in ("fresh", "final") and one.state() != good.state():
        return "OK, but the server is %r" % (one.state(),)
    return None


def all_cases(good):
    out = []
    for life in LIVES:
        seen = collections.Counter()
        for call in good[life].calls:
            out += [Case(life, seen[call], call, name, ever)
                    for name in faults() for ever in (False, True)]
            seen[call] += 1
    return out


def run(seed, many=None, jobs=6):
    """So many by the seed, so many at once; prints the figures, returns what
    is wrong."""
    good = {life: Life(life) for life in LIVES}
    every = all_cases(good)
    picked = drawn.cases(every, seed, repr, many)

    def one(case):
        why = run_one(case, good[case.life])
        return why and "seed %s: %s: %s" % (seed, case, why)
    wrong = drawn.at_once(picked, one, jobs)
    print("# the server, seed %s: %d of %d cases (%d faults, %d calls), "
          "%d wrong" % (seed, len(picked), len(every), len(faults()),
                        len(every) // len(faults()) // 2, len(wrong)),
          flush=True)
    return wrong
