# SPDX-License-Identifier: Apache-2.0
"""The table of ordered misbehaviour.  Each entry matches calls by service,
operation and a piece of the path and says what happens to them."""

import os
import threading

from .web import Response

# name -> (type, meaning); the README's table is this one.
FIELDS = {
    "service": (str, "imds, maa, akv, blob, login, arm or *"),
    "operation": (str, "as GET /counts names it, or *"),
    "match": (str, "a piece of the path"),
    "times": (int, "how many calls, 1 by default, 0 for ever"),
    "skip": (int, "let so many matching calls pass first"),
    "status": (int, "answer this status instead of the real answer"),
    "headers": (dict, "headers added to the answer"),
    "body": (str, "body instead of the real one"),
    "delay": ((int, float), "seconds of waiting before the answer"),
    "after": (bool, "the call takes effect first, then the fault answers"),
    "cut": (int, "close after so many bytes of the answer"),
    "drip": ((int, float), "seconds between the bytes of the answer"),
    "garbage": (bool, "512 random bytes instead of an HTTP answer"),
    "close": (bool, "close without an answer"),
    "mutate": (str, "a hostile variant made by the service itself"),
}


class FaultError(ValueError):
    """The entry is not one of the table."""


class Wire:
    """How the bytes of one answer are spoilt."""

    def __init__(self, fault):
        self.cut = fault.get("cut")
        self.drip = fault.get("drip", 0)
        self.garbage = fault.get("garbage", False)
        self.close = fault.get("close", False)

    def whole(self):
        """True if the answer arrives as it is."""
        return not (self.close or self.garbage or self.cut is not None)

    def send(self, sock, data, stopping):
        """Send what is to be sent; True if the connection may go on."""
        if self.close:
            return False
        if self.garbage:
            data = os.urandom(512)
        if self.cut is not None:
            data = data[:self.cut]
        if not self.drip:
            sock.sendall(data)
        else:
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
                if stopping.wait(self.drip):
                    return False
        return self.cut is None and not self.garbage


class Faults:
    """The table.  All methods may be called from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.table = []

    def add(self, entry):
        if not isinstance(entry, dict):
            raise FaultError("a fault is an object")
        for name, value in entry.items():
            if name not in FIELDS:
                raise FaultError("unknown member %s" % name)
            kind = FIELDS[name][0]
            if not isinstance(value, kind) or (
                    isinstance(value, bool) and kind is not bool):
                raise FaultError("%s has the wrong type" % name)
        for name in ("service", "operation"):
            if name not in entry:
                raise FaultError("%s is missing" % name)
        fault = dict(entry)
        fault["left"] = entry.get("times", 1)
        fault["for_ever"] = fault["left"] == 0
        fault["to_skip"] = entry.get("skip", 0)
        with self.lock:
            self.table.append(fault)

    def clear(self):
        with self.lock:
            self.table = []

    def list(self):
        with self.lock:
            return [dict(fault) for fault in self.table]

    def take(self, service, operation, path):
        """The first entry that matches this call, used up by one; or None."""
        with self.lock:
            for fault in self.table:
                if fault["service"] not in ("*", service):
                    continue
                if fault["operation"] not in ("*", operation):
                    continue
                if fault.get("match", "") not in path:
                    continue
                if fault["to_skip"] > 0:
                    fault["to_skip"] -= 1
                    continue
                if not fault["for_ever"]:
                    fault["left"] -= 1
                    if fault["left"] <= 0:
                        self.table.remove(fault)
                return fault
        return None


def replaces(fault):
    """True if the service's own handler is not to run."""
    instead = any(fault.get(k) for k in ("status", "close", "garbage"))
    return instead and not fault.get("after", False)


def apply(fault, resp):
    """The answer changed as the entry says.  resp is None if the handler did
    not run."""
    status = fault.get("status") or (resp.status if resp else 200)
    own = fault.get("status") is not None or "body" in fault
    body = fault.get("body", b"" if own or resp is None else resp.body)
    out = Response(status, body)
    if resp is not None and not own:
        out.headers = dict(resp.headers)
    elif isinstance(body, str) and body[:1] == "{":
        out.headers["Content-Type"] = "application/json; charset=utf-8"
    out.headers.update(fault.get("headers", {}))
    return out
