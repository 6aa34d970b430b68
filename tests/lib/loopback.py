#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Brings the loopback interface up where it is down, as it is in a new
network namespace; exits 1 if that is not permitted."""
import fcntl
import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        ask = struct.pack('16sH14x', b'lo', 0)
        flags = struct.unpack_from('16xH', fcntl.ioctl(
            s, SIOCGIFFLAGS, ask))[0]
        if not flags & IFF_UP:
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack(
                '16sH14x', b'lo', flags | IFF_UP))


if __name__ == '__main__':
    try:
        main()
    except OSError:
        sys.exit(1)
