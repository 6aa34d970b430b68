# SPDX-License-Identifier: Apache-2.0
"""What a network and a service can do wrong, for tests of https: each fault by
name, what https sees of it, and what must come of it by the retry rules, which
are written here a second time."""
import collections
import json
import re
import socket
import ssl
import struct
import threading
import time

import netfake as nf

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
LONG = b'Content-Length: 4000\r\n\r\n{"value":"QUJD"'
# What https sees: a status; SILENCE (no answer, or none that is HTTP);
# NONSENSE (200, and not what was asked for).
SILENCE, NONSENSE = 'silence', 'nonsense'
Call = collections.namedtuple('Call', 'remote piece conf role')
CALLS = {
    'token': Call('imds', '/oauth2/token', {}, 'fetch'),
    'thim': Call('imds', '/THIM/', {}, 'fetch'),
    'attest': Call('maa', 'POST', {}, 'fetch'),
    'release': Call('akv', '/release', {}, 'fetch'),
    'versions': Call('akv', '/versions', {}, 'fetch'),
    'bundle': Call('akv', 'GET /secrets/apm-unseal-bundle/0', {}, 'fetch'),
    'certificate': Call('akv', 'apm-tls-cert?', {}, 'fetch'),
    'password': Call('akv', 'apm-tls-cert-password?', {}, 'fetch'),
    'probe put': Call('akv', 'PUT /secrets/apm-probe', {'PROBE': 1}, 'fetch'),
    'probe get': Call('akv', 'GET /secrets/apm-probe', {'PROBE': 1}, 'fetch'),
    'store put': Call('akv', 'PUT /secrets/apm-unseal-bundle', {}, 'store'),
    'store get': Call('akv', 'GET /secrets/apm-unseal-bundle?', {}, 'store'),
}


def chunked(*parts):
    return OK + b'Transfer-Encoding: chunked\r\n\r\n' + b''.join(parts)


def answers():
    """name -> (what the service answers, what https sees)"""
    out = {
        'nothing and a hang-up': (nf.Raw(b''), SILENCE),
        'silence': (nf.Raw(b'', delay=1.6), SILENCE),
        'a head that drips': (nf.Raw(OK * 3, drip=0.05), SILENCE),
        'a body that drips': (nf.Raw(
            OK + b'Content-Length: 60\r\n\r\n' + b' ' * 60, drip=0.03),
            SILENCE),
        'an endless body in chunks': (nf.Raw(chunked(
            *[b'8000\r\n' + b' ' * 32768 + b'\r\n'] * 40)), SILENCE),
        'a body of 10 MiB': (nf.Raw(
            OK + b'Content-Length: 10485760\r\n\r\n' + b' ' * 10485760),
            SILENCE),
        'a header of 10 MiB': (nf.Raw(OK + b'X: ' + b'y' * 10485760),
                               SILENCE),
        'headers without end': (nf.Raw(OK + b'X: y\r\n' * 200000), SILENCE),
        'informational without end': (nf.Raw(
            b'HTTP/1.1 100 Continue\r\n\r\n' * 9000), SILENCE),
        'a length too long': (nf.Raw(OK + LONG), SILENCE),
        'a negative length': (nf.Raw(
            OK + b'Content-Length: -5\r\n\r\n{}'), SILENCE),
        'a length that is none': (nf.Raw(
            OK + b'Content-Length: x\r\n\r\n{}'), SILENCE),
        'a length of 2^64': (nf.Raw(
            OK + b'Content-Length: 18446744073709551616\r\n\r\n{}'),
            SILENCE),
        'a chunk that is none': (nf.Raw(chunked(b'xyz\r\n{}\r\n')), SILENCE),
        'a chunk too large': (nf.Raw(chunked(b'ffffffffffffffff1\r\n{}')),
                              SILENCE),
        'chunks cut short': (nf.Raw(chunked(b'10\r\n{"value":')), SILENCE),
        'bytes that are no HTTP': (nf.Raw(bytes(range(128, 256)) * 4),
                                   SILENCE),
        'another protocol': (nf.Raw(b'SSH-2.0-OpenSSH_9.2\r\n'), SILENCE),
        'HTTP/2 unasked': (nf.Raw(
            b'\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d' + b'\0' * 40), SILENCE),
        'another content type': (nf.answer(200, {'a': 1}, kind='text/html'),
                                 SILENCE),
        'compressed': (nf.answer(200, b'\x1f\x8b\x08\0\0\0\0\0\0\x03' * 9,
                                 {'Content-Encoding': 'gzip'}), NONSENSE),
        'no body': (nf.answer(200, b''), NONSENSE),
    }
    for name, text in (
            ('cut', '{"value":"QUJ'), ('a number', '7'), ('null', 'null'),
            ('a string', '"x"'), ('an array', '[{}]'), ('empty', '{}'),
            ('two roots', '{}{}'), ('a trailing comma', '{"value":"x",}'),
            ('a comment', '/**/{}'), ('NaN', '{"value":NaN}'),
            ('a number of 1e999', '{"value":1e999}'),
            ('deep', '{"value":' + '[' * 20000 + ']' * 20000 + '}'),
            ('a null for the value', '{"value":null,"token":null,'
             '"access_token":null,"vcekCert":null}'),
            ('numbers for the values', '{"value":1,"token":2,'
             '"access_token":3,"vcekCert":4,"certificateChain":5}'),
            ('objects for the values', '{"value":{},"token":{},'
             '"access_token":{},"vcekCert":{},"certificateChain":{}}'),
            ('a NUL', '{"value":"a\\u0000b","token":"a\\u0000b",'
             '"access_token":"a\\u0000b","vcekCert":"a\\u0000b",'
             '"certificateChain":"x"}')):
        out['JSON: ' + name] = (nf.answer(200, text), NONSENSE)
    out['JSON: no UTF-8'] = (nf.answer(200, b'{"value":"\xff\xfe"}'),
                             NONSENSE)
    out['JSON: UTF-16'] = (nf.answer(200, '{"value":"QQ=="}'.encode(
        'utf-16')), NONSENSE)
    for status in (201, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402,
                   403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 415, 418,
                   421, 422, 425, 428, 429, 431, 451, 500, 501, 502, 503,
                   504, 507, 511, 599):
        body = nf.error(status, 'Code', 'because') if status >= 400 else \
            nf.answer(status, b'', {'Location': 'https://%s/evil' %
                                    nf.AKV_HOST})
        out['%d' % status] = (body, status)
    for status in (429, 503):
        out['%d of a length of 2^64' % status] = (nf.Raw(
            OK.replace(b'200 OK', b'%d No' % status) +
            b'Content-Length: 18446744073709551616\r\n\r\n{}'), status)
    for name, value in (('0', '0'), ('1', '1'), ('an hour', '3600'),
                        ('2^32', '4294967296'), ('words', 'soon'),
                        ('minus', '-1'),
                        ('a date', 'Sun, 06 Nov 2044 08:49:37 GMT')):
        for status in (429, 503):
            out['%d with Retry-After %s' % (status, name)] = (nf.error(
                status, 'Throttled', headers={'Retry-After': value}), status)
    good = nf.answer(200, {'value': nf.b64(b'x' * 300)})
    for at in (1, 9, 15, 17, 40, len(good) - 1):
        out['cut at byte %d' % at] = (nf.Raw(good[:at]), SILENCE)
    return out


# --- faults of the connection: a listener in the service's place -----------

class Listener:
    """how(socket) is what each connection meets; None: it is never taken.
    backlog None: the port is ours, and it is refused there."""

    def __init__(self, how, backlog=8):
        self.sock = socket.socket()
        self.sock.bind(('127.0.0.1', 0))
        if backlog is not None:
            self.sock.listen(backlog)
        self.port, self.how, self.keep = self.sock.getsockname()[1], how, []
        if how:
            threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(conn,),
                             daemon=True).start()

    def one(self, conn):
        try:
            with conn:
                self.how(conn)
        except (OSError, ssl.SSLError):
            pass

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for s in self.keep:
            s.close()


def blackhole():
    """Its queue is full: what else comes is dropped."""
    one = Listener(None, backlog=0)
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(('127.0.0.1', one.port))
        one.keep.append(s)
    time.sleep(0.05)
    return one


def refused():
    return Listener(None, None)


def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))


def says(data):
    def how(conn):
        conn.recv(4096)
        conn.sendall(data)
        time.sleep(0.2)
    return how


def handshake(context, then=b''):
    def how(conn):
        with context.wrap_socket(conn, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(then)
    return how


def connections(pki, host):
    """name -> a function that makes the listener; all are SILENCE."""
    old = pki.context([host], most=ssl.TLSVersion.TLSv1_1)
    return {
        'refused': refused,
        'a black hole': blackhole,
        'taken and closed': lambda: Listener(lambda c: None),
        'reset at once': lambda: Listener(reset),
        'taken and silent': lambda: Listener(lambda c: time.sleep(2)),
        'reset after the request': lambda: Listener(
            lambda c: (c.recv(4096), reset(c))),
        'plain text where TLS is spoken': lambda: Listener(says(
            b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')),
        'no TLS record': lambda: Listener(says(bytes(range(256)))),
        'a TLS alert': lambda: Listener(says(
            b'\x15\x03\x03\0\x02\x02\x28')),
        'half a ServerHello': lambda: Listener(says(
            b'\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03' + b'r' * 20)),
        'a record of 16 KiB of nothing': lambda: Listener(says(
            b'\x16\x03\x03\x40\0' + b'\0' * 16384)),
        'another name': lambda: Listener(handshake(
            pki.context(['other.example']))),
        'a certificate that is over': lambda: Listener(handshake(
            pki.context([host], days=(-30, -1)))),
        'a certificate that is not yet': lambda: Listener(handshake(
            pki.context([host], days=(2, 30)))),
        'an unknown root': lambda: Listener(handshake(
            nf.Pki('unknown').context([host]))),
        'TLS 1.1': lambda: Listener(handshake(old)),
    }


# --- what must come of it ---------------------------------------------------

AWAY = {'imds': 'IMDS', 'maa': 'MAA_AWAY', 'akv': 'AKV_AWAY'}
# azure-protocol: who may be asked again (1.5, 4.1, 5.3)
AGAIN = {'imds': {404, 408, 410, 429}, 'maa': {408, 429},
         'akv': {408, 409, 429}}


def retried(remote, seen):
    if seen in (SILENCE, NONSENSE):
        return True
    return seen in AGAIN[remote] or seen // 100 == 5


def verdict(name, seen):
    """The exit code of a call that is answered so for ever."""
    call = CALLS[name]
    if name == 'probe put' and seen == NONSENSE:
        return 'PROBE'  # nobody reads it: what is read back counts
    if retried(call.remote, seen):
        return AWAY[call.remote]
    if call.remote == 'imds':
        # its own error body: there is no such identity
        return 'IDENTITY' if name == 'token' and seen >= 400 else 'IMDS'
    if call.remote == 'maa':
        return 'ATTEST' if seen in (400, 401, 403) else 'MAA_AWAY'
    if seen < 400:
        return 'AKV_AWAY'
    if name == 'release':
        return {401: 'AKV_DENIED', 403: 'RELEASE'}.get(seen, 'RELEASE_BAD')
    if seen == 404:  # in somebody's words, not in the vault's own
        return 'AKV_AWAY'
    return 'PROBE' if name.startswith('probe') else 'AKV_DENIED'


def outcome_once(name, fault, seen):
    """The exit code of a call that is answered so once, and then well, with
    half a minute for each service."""
    call = CALLS[name]
    waits = re.search(r'Retry-After (an hour|2\^32|a date)', fault)
    if waits or not retried(call.remote, seen) and not (
            seen == 401 and call.remote == 'akv'):
        return verdict(name, seen)
    if name == 'probe put' and seen == NONSENSE:
        return 'PROBE'
    return 'F_NOTHING' if call.conf else 'F_BUNDLE'
