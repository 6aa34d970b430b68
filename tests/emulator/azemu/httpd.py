# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server: threads, keep-alive, TLS with a certificate per
name, exact Content-Length, and an answer that can be cut, spoilt or dripped.
The standard library's http.server adds headers of its own and cannot break an
answer on purpose, so this is written on sockets (RFC 9112)."""

import email.utils
import socket
import ssl
import threading
import urllib.parse

from .web import Request, Response

MAX_HEAD = 65536
MAX_BODY = 4 << 20

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
    301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required",
    413: "Payload Too Large", 415: "Unsupported Media Type",
    421: "Misdirected Request", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout"}


class BadRequest(Exception):
    """The bytes are not a request; the argument is the status to answer."""


class Closed(Exception):
    """The peer went away between or inside requests."""


class Conn:
    """A connection with a read buffer."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buf += data

    def until(self, mark, limit):
        """Bytes up to and without mark."""
        while mark not in self.buf:
            if len(self.buf) > limit:
                raise BadRequest(431)
            self.fill()
        head, self.buf = self.buf.split(mark, 1)
        return head

    def exactly(self, size):
        while len(self.buf) < size:
            self.fill()
        data, self.buf = self.buf[:size], self.buf[size:]
        return data


def read_chunked(conn):
    body = b""
    while True:
        line = conn.until(b"\r\n", 1024).split(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            raise BadRequest(400) from None
        if size < 0 or len(body) + size > MAX_BODY:
            raise BadRequest(413)
        if size == 0:
            while conn.until(b"\r\n", MAX_HEAD):
                pass
            return body
        body += conn.exactly(size)
        if conn.exactly(2) != b"\r\n":
            raise BadRequest(400)


def read_body(conn, req):
    lengths = {v.strip() for k, v in req.headers
               if k.lower() == "content-length"}
    coding = (req.header("Transfer-Encoding") or "").lower().strip()
    if len(lengths) > 1 or (lengths and coding):
        raise BadRequest(400)
    if not lengths and not coding:
        return b""
    if (req.header("Expect") or "").lower() == "100-continue":
        conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if coding:
        if coding != "chunked":
            raise BadRequest(501)
        return read_chunked(conn)
    text = lengths.pop()
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(400)
    if int(text) > MAX_BODY:
        raise BadRequest(413)
    return conn.exactly(int(text))


def read_request(conn, peer):
    """Read one request.  Returns (Request, keep_alive)."""
    while conn.buf.startswith(b"\r\n"):
        conn.buf = conn.buf[2:]
    head = conn.until(b"\r\n\r\n", MAX_HEAD).decode("latin-1").split("\r\n")
    first = head[0].split(" ")
    if len(first) != 3 or first[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400)
    method, target, version = first
    if target.startswith(("http://", "https://")):
        target = "/" + (target.split("/", 3) + [""])[3]
    if not target.startswith("/"):
        raise BadRequest(400)
    headers = []
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400)
        headers.append((name, value.strip(" \t")))
    path, _, query = target.partition("?")
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True,
                                       errors="strict")
    except UnicodeDecodeError:
        raise BadRequest(400) from None
    req = Request(method, path, pairs, headers, peer=peer)
    hosts = [v for k, v in headers if k.lower() == "host"]
    if len(hosts) > 1 or (not hosts and version == "HTTP/1.1"):
        raise BadRequest(400)
    req.host = hosts[0].rsplit(":", 1)[0].lower() if hosts else ""
    req.body = read_body(conn, req)
    keep = (req.header("Connection") or "").lower()
    alive = keep != "close" and (version == "HTTP/1.1" or keep == "keep-alive")
    return req, alive


def render(resp, keep_alive, head_only=False):
    """The answer as bytes.  An explicit Content-Length is kept (a fault may
    lie about it)."""
    headers = dict(resp.headers)
    names = {name.lower() for name in headers}
    if "content-length" not in names and resp.status not in (204, 304):
        headers["Content-Length"] = str(len(resp.body))
    headers.setdefault("Date", email.utils.formatdate(usegmt=True))
    if not keep_alive:
        headers["Connection"] = "close"
    reason = REASONS.get(resp.status, "Unknown")
    lines = ["HTTP/1.1 %d %s" % (resp.status, reason)]
    lines += ["%s: %s" % item for item in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if head_only else head + resp.body


class Listener:
    """One listening socket.  app(Request, listener_name) -> (Response, wire)
    where wire is None or a faults.Wire that says how to break the answer."""

    def __init__(self, name, app, address, tls=None, idle=60):
        self.name = name
        self.app = app
        self.tls = tls
        self.idle = idle
        self.stopping = threading.Event()
        self.open = set()
        self.lock = threading.Lock()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(128)
        self.address = self.sock.getsockname()

    @property
    def port(self):
        return self.address[1]

    def start(self):
        threading.Thread(target=self.accept_loop, daemon=True).start()
        return self

    def accept_loop(self):
        while not self.stopping.is_set():
            try:
                sock, peer = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock, peer[0]),
                             daemon=True).start()

    def serve(self, sock, peer):
        with self.lock:
            self.open.add(sock)
        raw = sock
        try:
            sock.settimeout(self.idle)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self.talk(Conn(sock), peer)
        except (Closed, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(raw)
            for one in (sock, raw):
                try:
                    one.close()
                except OSError:
                    pass

    def talk(self, conn, peer):
        alive = True
        while alive and not self.stopping.is_set():
            try:
                req, alive = read_request(conn, peer)
            except BadRequest as bad:
                conn.sock.sendall(render(Response(bad.args[0]), False))
                return
            req.service = self.name
            resp, wire = self.app(req, self.name)
            data = render(resp, alive, req.method == "HEAD")
            if wire is None:
                conn.sock.sendall(data)
            elif not wire.send(conn.sock, data, self.stopping):
                return

    def stop(self):
        self.stopping.set()
        with self.lock:
            socks = [self.sock, *self.open]
        for sock in socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sock.close()
