# SPDX-License-Identifier: Apache-2.0
"""`emulator exec`: what the command finds, and that nothing is left."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from support import HERE, key_cache

EMULATOR = os.path.join(HERE, "emulator")
LIMIT_S = 300 # for what takes a second: others may load the machine
MARK = "%d." % (10 ** 6 + os.getpid())  # seconds that nobody else sleeps
LOOK = r"""
import json, os, ssl, socket, sys, urllib.error, urllib.request
out = {}
req = urllib.request.Request(
    "http://169.254.169.254/metadata/identity/oauth2/token?api-version="
    "2018-02-01&resource=https://vault.azure.net",
    headers={"Metadata": "true"})
out["token"] = json.load(urllib.request.urlopen(req))["token_type"]
for host in ("one.vault.azure.net", "two.vault.azure.net"):
    try:
        urllib.request.urlopen("https://%s/secrets/x?api-version=7.4" % host)
    except urllib.error.HTTPError as error:
        out[host] = error.code
    except urllib.error.URLError as error:
        out[host] = str(error.reason)
url = "https://login.microsoftonline.com/common/v2.0/.well-known/"
out["issuer"] = json.load(urllib.request.urlopen(
    url + "openid-configuration"))["issuer"]
try:
    socket.create_connection(("192.0.2.1", 443), 3)
except OSError as error:
    out["elsewhere"] = error.errno
out["dir"] = os.environ["EMULATOR_DIR"]
print(json.dumps(out))
"""


def start(*argv, directory=None, **named):
    more = ["--dir", directory] if directory else []
    return subprocess.Popen(
        [EMULATOR, "exec", "--no-attestation", "--cache", key_cache(),
         "--vault", "one", *more, "--", *argv], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **named)


def running(mark):
    """Process ids whose command line contains mark, but our own."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as cmdline:
                line = cmdline.read()
        except OSError:
            continue
        if mark.encode() in line and int(pid) != os.getpid():
            out.append(int(pid))
    return out


@unittest.skipIf(os.geteuid() != 0, "emulator exec needs root")
class Exec(unittest.TestCase):
    """The namespaces, the names, the end."""

    def test_what_is_found(self):
        child = start("/usr/bin/python3", "-c", LOOK)
        out, err = child.communicate(timeout=LIMIT_S)
        self.assertEqual(child.returncode, 0, err)
        found = json.loads(out)
        self.assertEqual(found["token"], "Bearer")
        self.assertEqual(found["one.vault.azure.net"], 401)
        self.assertNotEqual(found["two.vault.azure.net"], 401)
        self.assertIn("login.microsoftonline.com", found["issuer"])
        self.assertEqual(os.strerror(found["elsewhere"]),
                         "Network is unreachable")
        self.assertFalse(os.path.exists(found["dir"]))

    def test_exit_codes(self):
        for argv, code in ((("sh", "-c", "exit 7"), 7),
                           (("sh", "-c", "kill -9 $$"), 137),
                           (("/no/such/program",), 125)):
            child = start(*argv)
            child.communicate(timeout=LIMIT_S)
            self.assertEqual(child.returncode, code, argv)

    def test_outside_is_untouched(self):
        with open("/etc/hosts", "rb") as hosts:
            before = hosts.read()
        child = start("sh", "-c", "grep -c one.vault.azure.net /etc/hosts; "
                      "echo x >> /etc/hosts")
        out, _ = child.communicate(timeout=LIMIT_S)
        self.assertEqual(out, "1\n")
        with open("/etc/hosts", "rb") as hosts:
            self.assertEqual(before, hosts.read())

    def test_leftovers_end(self):
        start("sh", "-c", "setsid sleep %s & sleep 0.2" % MARK).communicate(
            timeout=LIMIT_S)
        self.assertEqual(running(MARK), [])

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            mark = "%s%d" % (MARK, number)
            with tempfile.TemporaryDirectory() as directory:
                child = start("sleep", mark, directory=directory)
                info = os.path.join(directory, "emulator.json")
                for _ in range(20 * LIMIT_S):
                    if os.path.exists(info) and len(running(mark)) > 2:
                        break
                    time.sleep(0.05)
                child.send_signal(number)
                child.communicate(timeout=LIMIT_S)
                for _ in range(20 * LIMIT_S):
                    if not running(mark):
                        break
                    time.sleep(0.05)
                self.assertEqual(running(mark), [])

    def test_state_stays(self):
        with tempfile.TemporaryDirectory() as directory:
            ctl = [EMULATOR, "ctl", "--dir", directory]
            for argv, want in ((["secret-set", "s", "--value", "kept"], None),
                               (["secret-get", "s"], "kept\n")):
                child = start(*ctl, *argv, directory=directory)
                out, err = child.communicate(timeout=LIMIT_S)
                self.assertEqual(child.returncode, 0, err)
                if want:
                    self.assertEqual(out, want)


if __name__ == "__main__":
    unittest.main()
