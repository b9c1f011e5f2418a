# SPDX-License-Identifier: Apache-2.0
"""A door to a server on loopback that tells what goes through and can hold a request for a while."""
import contextlib
import re
import socket
import threading
import urllib.parse


class Proxy:
    """Passes GET requests on as they are, over as many connections as come. hold(), where it is set, is called with
    the path of each before it goes on; it may take its time."""

    def __init__(self, root, hold=None):
        parts = urllib.parse.urlsplit(root)
        self.server = parts.hostname, parts.port
        self.hold = hold
        self.paths = []
        self.sockets = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.root = 'http://127.0.0.1:%d' % self.listener.getsockname()[1]
        self.spawn(self.accept)

    def spawn(self, call, *arguments):
        threading.Thread(target=call, args=arguments, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.server)
                self.sockets += [client, server]
                self.spawn(self.pass_requests, client, server)
                self.spawn(self.pass_answers, server, client)

    def pass_requests(self, client, server):
        """Heads without bodies: one ends with an empty line."""
        pending = b''
        with contextlib.suppress(OSError):
            while True:
                data = client.recv(65536)
                if not data:
                    break
                *heads, pending = (pending + data).split(b'\r\n\r\n')
                for head in heads:
                    self.paths.append(re.match(rb'\S+ (\S+)', head)[1].decode())
                    if self.hold:
                        self.hold(self.paths[-1])
                    server.sendall(head + b'\r\n\r\n')
            server.shutdown(socket.SHUT_WR)

    def pass_answers(self, server, client):
        with contextlib.suppress(OSError):
            while True:
                data = server.recv(65536)
                if not data:
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def lists(self):
        """The list requests so far."""
        return [path for path in self.paths if path.startswith('/v2/images?')]

    def close(self):
        for one in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
