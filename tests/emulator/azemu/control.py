# SPDX-License-Identifier: Apache-2.0
"""The control API: counts, the request log, faults, options, state,
the vTPM.  Plain
HTTP on the control port, JSON both ways; not part of what is emulated."""

import threading
import time

from . import akv_spoil, maa_spoil
from . import faults as faults_module
from .web import Response

VARIANTS = {"akv": akv_spoil.VARIANTS, "maa": maa_spoil.VARIANTS}
KEEP = 5000         # requests remembered
KEEP_BODIES = 500   # of which so many with bodies


class Journal:
    """Counts and the log of requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.numbers = {}
            self.log = []

    def count(self, service, operation, status=None):
        name = "%s.%s" % (service, operation)
        with self.lock:
            if status is None:
                self.numbers[name] = self.numbers.get(name, 0) + 1
            elif status == 200:
                name += ".ok"
                self.numbers[name] = self.numbers.get(name, 0) + 1

    def add(self, req, service, operation, resp, fault):
        entry = {"service": service, "operation": operation,
                 "method": req.method, "path": req.path,
                 "host": req.host, "query": dict(req.query),
                 "status": resp.status if resp else None,
                 "time": time.time(), "fault": fault is not None,
                 "headers": [[k, "Bearer ..." if k.lower() == "authorization"
                              else v] for k, v in req.headers],
                 "request_body": req.body.decode("utf-8", "replace"),
                 "response_body": resp.body.decode("utf-8", "replace")
                 if resp else None}
        with self.lock:
            self.log.append(entry)
            if len(self.log) > KEEP:
                del self.log[0]
            if len(self.log) > KEEP_BODIES:
                old = self.log[-KEEP_BODIES - 1]
                old["request_body"] = old["response_body"] = None

    def requests(self, bodies):
        hidden = ("request_body", "response_body", "headers", "query")
        with self.lock:
            return [dict(e) if bodies else
                    {k: v for k, v in e.items() if k not in hidden}
                    for e in self.log]


class Control:
    """emulator: main.Emulator."""

    def __init__(self, emulator):
        self.emulator = emulator

    @staticmethod
    def operation(_req):
        return "control"

    def handle(self, req):
        routes = {("GET", "/counts"): self.counts,
                  ("POST", "/counts/reset"): self.reset,
                  ("GET", "/requests"): self.requests,
                  ("GET", "/faults"): self.list_faults,
                  ("POST", "/faults"): self.add_fault,
                  ("DELETE", "/faults"): self.clear_faults,
                  ("GET", "/state"): self.state,
                  ("GET", "/vtpm"): self.vtpm,
                  ("GET", "/maa"): self.maa,
                  ("GET", "/leases"): self.leases,
                  ("GET", "/options"): self.options,
                  ("POST", "/provision"): self.provision}
        handler = routes.get((req.method, req.path))
        if handler is None:
            return Response(404, {"error": "no such control call"})
        try:
            return handler(req)
        except (ValueError, KeyError, TypeError) as error:
            return Response(400, {"error": str(error)})

    def counts(self, _req):
        journal = self.emulator.journal
        with journal.lock:
            return Response(200, dict(sorted(journal.numbers.items())))

    def reset(self, _req):
        self.emulator.journal.reset()
        return Response(204)

    def requests(self, req):
        return Response(200, self.emulator.journal.requests(
            req.param("bodies") == "1"))

    def list_faults(self, _req):
        return Response(200, self.emulator.faults.list())

    def add_fault(self, req):
        entries = req.json()
        for entry in entries if isinstance(entries, list) else [entries]:
            mutate = entry.get("mutate") if isinstance(entry, dict) else None
            if mutate and mutate not in VARIANTS.get(
                    entry.get("service"), ()):
                raise faults_module.FaultError("unknown variant %s" % mutate)
            self.emulator.faults.add(entry)
        return Response(204)

    def clear_faults(self, _req):
        self.emulator.faults.clear()
        return Response(204)

    def state(self, _req):
        """Names, versions, states; never a value or a key."""
        out = {}
        for vault in self.emulator.vaults.values():
            with vault.lock:
                out[vault.name] = {kind: {
                    found["name"]: {
                        "state": found["state"],
                        "versions": [{
                            "version": r["version"],
                            "enabled": r["attributes"]["enabled"],
                            "created": r["attributes"]["created"]}
                            for r in found["versions"]]}
                    for found in vault.all(kind, (
                        "live", "deleting", "deleted", "recovering"))}
                    for kind in vault.collections}
        return Response(200, out)

    def vtpm(self, _req):
        """How often clients sent each TPM command since power-on."""
        return Response(200, {"0x%08x" % code: count for code, count in
                              self.emulator.need_vtpm().commands.items()})

    def maa(self, _req):
        """Why the last attestation was refused (a name of the rule, or
        null), and the policy."""
        maa = self.emulator.maa
        return Response(200, {"last_refusal": maa.last_refusal,
                              "policy": maa.policy})

    def leases(self, _req):
        return Response(200, self.emulator.services["blob"].show())

    def options(self, _req):
        directory = self.emulator.directory
        return Response(200, {
            **vars(self.emulator.options),
            "token_lifetime": directory.lifetime,
            "default_identity": directory.default,
            "permissions": {one.name: sorted(one.actions)
                            for one in directory.identities}})

    def provision(self, req):
        """{"operation": "options", name: value, ...} sets options;
        {"operation": "permit", "identity": "vm", "actions": [...]} says what
        an identity may do; {"operation": "vtpm-reboot", ...} and
        {"operation": "vtpm-fail", "command": ..., "rc": ..., "times": ...}
        are vtpm.Vtpm.reboot and .fail; {"operation": "maa-policy", "policy":
        {...}} is maa.Maa's policy; {"operation": "blob", ...} is
        blob.Blobs.provision."""
        body = req.json()
        directory = self.emulator.directory
        what = body.pop("operation")
        if what == "permit":
            identity = directory.find(body["identity"])
            if identity is None:
                raise ValueError("no such identity")
            identity.actions = set(body["actions"])
        elif what == "blob":
            self.emulator.services["blob"].provision(body)
        elif what == "maa-policy":
            self.emulator.maa.policy = dict(body["policy"])
        elif what == "vtpm-reboot":
            self.emulator.reboot_vtpm(body)
        elif what == "vtpm-fail":
            self.emulator.need_vtpm().fail(body["command"], body["rc"],
                                           body.get("times", 1))
        elif what == "options":
            for name, value in body.items():
                if name == "token_lifetime":
                    directory.lifetime = int(value)
                    directory.forget()
                elif name == "default_identity":
                    if directory.find(value) is None:
                        raise ValueError("no such identity")
                    directory.default = value
                else:
                    self.emulator.options.set(name, value)
        else:
            raise ValueError("unknown operation")
        return Response(204)
