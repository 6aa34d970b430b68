# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own Python clients, unmodified, against the emulator.

They come from PyPI by requirements-clients.txt (exact versions and hashes)
into a virtual environment under $SALLYPORT_CACHE (default
/var/cache/sallyport/clients), made once.  The cases are in client_cases.py;
they run in `emulator exec`, which needs root."""

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
import unittest

from support import HERE

REQUIREMENTS = os.path.join(HERE, "requirements-clients.txt")
CASES = (
    "certificate_create", "certificate_delete_recover", "default_credential",
    "identity_token", "key_create_get", "key_crypto", "key_delete_recover",
    "key_policy_codes", "key_release", "key_release_refused",
    "secret_backup", "secret_delete_recover", "secret_disable",
    "secret_missing", "secret_set_get", "secret_versions",
    "unknown_identity", "vm_identity")


def cache_directory():
    base = os.environ.get("SALLYPORT_CACHE")
    return os.path.join(base, "clients") if base \
        else "/var/cache/sallyport/clients"


def make_environment():
    """The Python of the environment; made anew when the list changed."""
    base = cache_directory()
    os.makedirs(base, exist_ok=True)
    with open(REQUIREMENTS, "rb") as wanted:
        digest = hashlib.sha256(wanted.read()).hexdigest()
    stamp = os.path.join(base, "made-from")
    python = os.path.join(base, "venv", "bin", "python")
    with open(os.path.join(base, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(stamp, encoding="ascii") as made:
                if made.read() == digest:
                    return python
        except FileNotFoundError:
            pass
        for argv in (["/usr/bin/python3", "-m", "venv", "--clear",
                      os.path.join(base, "venv")],
                     [python, "-m", "pip", "install", "--quiet",
                      "--disable-pip-version-check", "--require-hashes",
                      "-r", REQUIREMENTS]):
            done = subprocess.run(argv, capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise RuntimeError("%s: %s" % (argv, done.stderr[-2000:]))
        with open(stamp, "w", encoding="ascii") as made:
            made.write(digest)
    return python


@unittest.skipIf(os.geteuid() != 0, "emulator exec needs root")
class Clients(unittest.TestCase):
    """One run of all cases; one test for each."""

    @classmethod
    def setUpClass(cls):
        python = make_environment()
        with tempfile.TemporaryDirectory(prefix="emulator-") as tmp:
            done = subprocess.run(
                [os.path.join(HERE, "emulator"), "exec", "--dir", tmp,
                 "--cache", os.path.join(cache_directory(), "keys"), "--vtpm",
                 "--", "/usr/bin/python3", "-B",
                 os.path.join(HERE, "client_token.py"), python, "-B",
                 os.path.join(HERE, "client_cases.py")],
                capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise AssertionError("exit %d\n%s%s" % (
                done.returncode, done.stdout, done.stderr))
        cls.results = json.loads(done.stdout)

    def test_all_ran(self):
        self.assertEqual(sorted(self.results), sorted(CASES))


def add(name):
    def test(self):
        self.assertEqual(self.results.get(name, "did not run"), "ok")

    test.__doc__ = name.replace("_", " ")
    setattr(Clients, "test_" + name, test)


for case in CASES:
    add(case)


if __name__ == "__main__":
    unittest.main()
