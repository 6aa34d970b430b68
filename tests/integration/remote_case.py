# SPDX-License-Identifier: Apache-2.0
"""Whole boots on a store that nodes share, without HashiCorp Vault: the server
is fault_server.c, which relays what control asks to a mock (mockvault.py) in
the test.  The mock outlives it, as a storage account does: a new process is
sealed, and what was initialised stays so.  The lease, its keeper and all of
Sallyport are the real ones."""
import os
import socket
import subprocess
import threading

from boot_rig import HERE, Rig
from mockvault import Mock
from nodes_case import AZURE, CONTAINER


def build_server(faults, program, mode=None):
    """fault_server.c, whose directory is faults; mode: what it does."""
    os.makedirs(faults, 0o755, exist_ok=True)
    subprocess.run(['gcc', '-O1', '-static', '-no-pie', '-Wl,-z,norelro',
                    '-DFAULTS="%s"' % faults, '-o', program,
                    os.path.join(HERE, 'fault_server.c')], check=True)
    os.chmod(program, 0o711)
    if mode:
        set_mode(faults, mode)


def set_mode(faults, mode):
    path = os.path.join(faults, 'mode')
    with open(path, 'w', encoding='ascii') as f:
        f.write(mode)
    os.chmod(path, 0o644)


class Account:
    """What is in the storage account, and who serves it now."""

    def __init__(self):
        self.mock = Mock(storage='azure')
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.lives = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            if s.recv(5, socket.MSG_PEEK) == b'BOOT\n':
                self.begin()
                threading.Thread(target=self.hold, args=(s,),
                                 daemon=True).start()
            else:
                threading.Thread(target=self.mock.serve, args=(s,),
                                 daemon=True).start()

    @staticmethod
    def hold(s):
        """The process that it belongs to lives."""
        with s:
            while s.recv(64):
                pass

    def begin(self):
        self.lives += 1
        self.mock.sealed, self.mock.progress = True, []
        self.mock.nonce, self.mock.attempt = '', None

    def asked(self, method, path):
        return sum((m, p) == (method, path)
                   for m, p, _, _ in self.mock.requests)

    def close(self):
        self.listener.close()


class RemoteRig(Rig):
    def __init__(self, profile='full', **settings):
        self.account = Account()
        super().__init__(profile, **{
            **AZURE, 'server_connect_ports': self.account.port, **settings})
        program, faults = (os.path.join(self.work, n)
                           for n in ('server', 'faults'))
        build_server(faults, program, 'relay %d' % self.account.port)
        self.settings.update({'server': program, 'plugin_directory': faults})
        self.store = self.deployment.path('store/none')
        self.deployment.put_storage_key()
        self.provision('blob', forget='vault', **CONTAINER)
        self.provision('permit', identity='vm', actions=[
            'keys/release/action', 'secrets/getSecret/action',
            'secrets/setSecret/action', 'secrets/readMetadata/action',
            'blobs/write/action'])

    def lose_lease(self):
        """Somebody breaks it, as an operator may: another can take it."""
        self.provision('blob', **{'break': 'vault'})

    def lease(self):
        one = self.client.plain('control', 'GET', '/leases')
        return next((b['state'] for b in one.values()), 'absent')

    def close(self):
        super().close()
        self.account.close()

    def forget(self):
        super().forget()
        self.account.mock.__init__(storage='azure')

    def write_word(self, word):
        self.account.mock.data['word'] = word

    def read_word(self):
        """What was written, where the server is unsealed."""
        mock = self.account.mock
        return 'sealed' if mock.sealed else mock.data.get('word')
