# SPDX-License-Identifier: Apache-2.0
"""The foreign host, to which hostile answers point: redirects, next links, catalogs, proxies.

Whatever a server says, nobody may connect to it; conftest.py looks after each test. There is one for all tests of a
process, so cases can name it before anything has started.
"""
import socket


class Foreign:
    def __init__(self):
        self._socket = socket.create_server(('127.0.0.66', 0), backlog=128)
        self._socket.setblocking(False)
        self.address = '127.0.0.66:%d' % self._socket.getsockname()[1]
        self.url = 'http://' + self.address

    def visits(self):
        """What those said who connected since the last look. The kernel takes connections in without us, so nobody
        is missed."""
        found = []
        while True:
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                return found
            with connection:
                connection.settimeout(0.5)
                try:
                    found.append(connection.recv(4096))
                except OSError:
                    found.append(b'')


HOST = Foreign()
