# SPDX-License-Identifier: Apache-2.0
"""The socket of the vTPM: takes one client after the other, as a device that
one process may open at a time, and hands each command to the TPM.  A watcher
may answer or change what passes."""

import os
import socket
import struct
import threading

from .tpmwire import error_response

MAXIMUM = 4096


def read_exact(sock, count):
    out = b""
    while len(out) < count:
        piece = sock.recv(count - len(out))
        if not piece:
            raise ConnectionError("closed")
        out += piece
    return out


def read_frame(sock):
    """One TPM command or response by its size field.  Raises OSError."""
    head = read_exact(sock, 10)
    size = struct.unpack(">I", head[2:6])[0]
    if not 10 <= size <= MAXIMUM:
        raise ConnectionError("size of a TPM message")
    return head + read_exact(sock, size - 10)


class Relay:
    """transact: bytes to bytes; watcher: .around(command, transact)."""

    def __init__(self, path, transact, watcher):
        self.path, self.transact, self.watcher = path, transact, watcher
        self.counts, self.failures = {}, {}
        self.lock = threading.Lock()
        self.stopping = False
        self.client = None
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o600)
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with self.lock:
                self.client = client
            with client:
                if not self.stopping:
                    self.serve(client)
            with self.lock:
                self.client = None

    def serve(self, client):
        try:
            while True:
                client.sendall(self.answer(read_frame(client)))
        except OSError:
            return

    def answer(self, command):
        code = struct.unpack(">I", command[6:10])[0]
        with self.lock:
            self.counts[code] = self.counts.get(code, 0) + 1
            if code in self.failures:
                rc, times = self.failures.pop(code)
                if times != 1:
                    self.failures[code] = (rc, max(times - 1, 0))
                return error_response(rc)
        return self.watcher.around(command, self.transact)

    def fail(self, code, rc, times):
        with self.lock:
            self.failures[code] = (rc, times)

    def close(self):
        """End the thread and the socket; the client is cut."""
        with self.lock:
            self.stopping = True
            for sock in (self.listener, self.client):
                try:
                    if sock is not None:
                        sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.thread.join(5)
        self.listener.close()
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
