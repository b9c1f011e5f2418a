# SPDX-License-Identifier: Apache-2.0
"""A scripted HTTP server on a raw socket, for what a correct server never does.

RawServer(handler): handler(request, n) gives the Reply to the n-th request (from 1); a list of replies stands for a
handler that goes through it and repeats the last one. With tls, a context, it speaks TLS, and HTTP/2 where the context
offers that (http2.py). Every connection and request is kept for the test to look at.

A script is a sequence of steps: bytes are sent, a number is a pause of so many seconds, a function gives pieces of
bytes that are sent one after the other (there may be no end), HANG and RESET end it so. A Reply with a script has no other bytes than these;
a server with a greeting, which is a script too, sends that to whoever connects, and reads nothing.
"""
import dataclasses
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import http2

REASONS = {200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found'}

HANG = object()   # nothing more comes, and the connection stays
RESET = object()  # the connection ends by RST


@dataclasses.dataclass
class Reply:
    body: bytes = b''
    status: int = 200
    headers: tuple = ()
    gate: threading.Event = None  # answered when somebody sets it
    hang: bool = False            # never answered
    cut: int = None               # body bytes after which the connection ends
    reset: bool = False           # ends without an answer, by RST
    stall: int = None             # body bytes after which nothing more comes
    drip: float = None            # seconds between single bytes of the body
    script: tuple = None          # steps, instead of status, headers and body
    keep: bool = False            # after the script the connection goes on with the next request


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: dict
    time: float

    @property
    def path(self):
        return urllib.parse.urlsplit(self.target).path

    @property
    def query(self):
        return urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query, True, errors='surrogateescape')

    def value(self, name):
        """The value of a query parameter, None without it."""
        return dict(self.query).get(name)


def error(status, message='no'):
    return Reply(json.dumps({'error': {'message': message, 'code': 'IMG.0001'}}).encode(), status)


def head(status, *headers):
    """The lines before a body, for scripts; headers: "Name: value"."""
    lines = ['HTTP/1.1 %d %s' % (status, REASONS.get(status, 'Status')), *headers]
    return ''.join(line + '\r\n' for line in lines).encode('latin-1') + b'\r\n'


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


class Paged:
    """A handler that serves records page by page as Glance does, with a next link on every full page.

    faults: request number -> Reply; link: marker -> the next link; size: what the server clamps a page to.
    """

    def __init__(self, records, size=1000, faults=None, link=None, ends=False):
        self.records = records
        self.size = size
        self.faults = faults or {}
        self.link = link
        self.ends = ends  # no next on the last page, even if that is full

    def __call__(self, request, n):
        if n in self.faults:
            return self.faults[n]
        size = min(self.size, int(request.value('limit') or 25))
        start, marker = 0, request.value('marker')
        if marker is not None:
            ids = [record['id'] for record in self.records]
            if marker not in ids:
                return error(400, 'No image found with ID ' + marker)
            start = ids.index(marker) + 1
        return Reply(self.page(self.records[start:start + size], size, request,
                               self.ends and start + size >= len(self.records)))

    def page(self, records, size, request, last):
        answer = {'images': records, 'first': request.path}
        if size and len(records) == size and not last:
            marker = records[-1]['id']
            answer['next'] = self.link(marker) if self.link else '%s?marker=%s' % (request.path, marker)
        return json.dumps(answer).encode()


TLS_HANDSHAKE = b'\x16'


class RawServer:
    def __init__(self, handler, port=0, tls=None, greeting=None, host='127.0.0.1'):
        if isinstance(handler, list):
            replies = handler
            handler = lambda request, n: replies[min(n, len(replies)) - 1]
        self.handler = handler
        self.tls = tls  # an ssl.SSLContext, of the connections to come
        self.greeting = greeting  # of those, too
        self.requests = []
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        self._closing = threading.Event()
        self._socket = socket.create_server((host, port), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return '%s://127.0.0.1:%d' % ('https' if self.tls else 'http', self.port)

    def lists(self):
        """The requests for a page of a list, without probes for anything else."""
        with self._lock:
            return [r for r in self.requests if r.path.endswith(('/v2/images', '/v2/cloudimages'))]

    def close(self):
        """As a killed server: the port refuses, open connections end."""
        self._closing.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        self.hang_up()

    def hang_up(self):
        """Ends the connections that are open."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.greeting is not None:
                with connection:
                    self._play(connection, self.greeting)
                return
            if self.tls:
                connection = self._secured(connection)
            if self.tls and connection.selected_alpn_protocol() == 'h2':
                with connection:
                    http2.serve(connection, self._take, self._closing)
                return
            with connection, connection.makefile('rb') as stream:
                while self._answer(connection, stream):
                    pass
        except (OSError, ValueError):
            pass  # the client has gone
        finally:
            with self._lock:
                self._open.discard(connection)

    def _secured(self, plain):
        with self._lock:
            self._open.discard(plain)
            secure = self.tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._open.add(secure)
        try:
            secure.do_handshake()
        except ssl.SSLError:
            self._linger(secure)
            raise
        return secure

    @staticmethod
    def _linger(secure):
        """Ends a connection as servers do after an alert: to close with bytes unread would reset it."""
        with secure:
            secure.shutdown(socket.SHUT_WR)
            while secure.recv(4096):
                pass

    def _answer(self, connection, stream):
        """One request and its reply; False when the connection ends."""
        if stream.peek(1)[:1] == TLS_HANDSHAKE:  # what nginx says to TLS on a plain port
            connection.sendall(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
            return False
        line = stream.readline().decode('latin-1').split()
        if len(line) != 3:
            return False
        headers = {}
        for raw in iter(stream.readline, b'\r\n'):
            if not raw:
                return False
            name, _, value = raw.decode('latin-1').partition(':')
            headers[name.lower()] = value.strip()
        return self._send(connection, self._take(Request(line[0], line[1], headers, time.monotonic())))

    def _take(self, request):
        """The reply to a request."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        return self.handler(request, number)

    def _play(self, connection, script):
        """The steps of a script. False: it ends the connection."""
        for step in script:
            if step is HANG:
                self._closing.wait()
                return False
            if step is RESET:
                self._reset(connection)
                return False
            if isinstance(step, (int, float)):
                if self._closing.wait(step):
                    return False
            else:
                for piece in [step] if isinstance(step, bytes) else step():
                    connection.sendall(piece)
        return True

    @staticmethod
    def _reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def _send(self, connection, reply):
        if reply.gate:
            while not reply.gate.wait(0.05):
                if self._closing.is_set():
                    return False
        if reply.hang:
            self._closing.wait()
            return False
        if reply.reset:
            self._reset(connection)
            return False
        if reply.script is not None:
            return self._play(connection, reply.script) and reply.keep
        head = 'HTTP/1.1 %d %s\r\nContent-Length: %d\r\nContent-Type: application/json\r\n' % (
            reply.status, REASONS.get(reply.status, 'Status'), len(reply.body))
        head += ''.join('%s: %s\r\n' % header for header in reply.headers)
        connection.sendall(head.encode() + b'\r\n')
        if reply.drip:
            for i in range(len(reply.body)):
                connection.sendall(reply.body[i:i + 1])
                if self._closing.wait(reply.drip):
                    return False
            return True
        part = reply.cut if reply.cut is not None else reply.stall
        connection.sendall(reply.body[:part])
        if reply.stall is not None:
            self._closing.wait()
        return part is None
