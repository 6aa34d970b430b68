# SPDX-License-Identifier: Apache-2.0
"""Private keys from files and records that the emulator wrote itself."""

import threading

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import serialization

LOCK = threading.Lock()


def load(pem):
    """The key.  That an RSA key is consistent was seen when it was made or
    imported; to test its primes again takes 0.4 s for 4096 bits, at every
    start.  Newer libraries have a parameter for it, older ones a flag."""
    try:
        return serialization.load_pem_private_key(
            pem, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        pass
    with LOCK:
        backend._rsa_skip_check_key = True
        try:
            return serialization.load_pem_private_key(pem, None)
        finally:
            backend._rsa_skip_check_key = False
