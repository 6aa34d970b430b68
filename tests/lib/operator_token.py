#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens apm-root-token with the operator's private key and prints the token:
a JWE in compact form (RFC 7516), RSA-OAEP-256 and A256GCM."""
import argparse
import base64
import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'emulator'))
from azemu.client import Client  # noqa: E402


def unb64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def open_jwe(jwe, private_key):
    header, key, iv, text, tag = jwe.split('.')
    head = json.loads(unb64(header))
    if (head['alg'], head['enc']) != ('RSA-OAEP-256', 'A256GCM'):
        raise ValueError('not RSA-OAEP-256 with A256GCM: %s' % head)
    sha = hashes.SHA256()
    cek = private_key.decrypt(
        unb64(key), padding.OAEP(padding.MGF1(sha), sha, None))
    return AESGCM(cek).decrypt(unb64(iv), unb64(text) + unb64(tag),
                               header.encode()).decode()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--azure', required=True, help="the emulator's directory")
    p.add_argument('--key', required=True, help="the operator's private key")
    a = p.parse_args()
    with open(a.key, 'rb') as f:
        key = serialization.load_pem_private_key(f.read(), None)
    print(open_jwe(Client(a.azure).get_secret('apm-root-token'), key))


if __name__ == '__main__':
    main()
