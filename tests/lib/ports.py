# SPDX-License-Identifier: Apache-2.0
"""A port for a test that needs one."""
import random
import socket


def free_port():
    """A port below the ephemeral range, which others' connections use."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
