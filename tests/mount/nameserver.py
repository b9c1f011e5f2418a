# SPDX-License-Identifier: Apache-2.0
"""A world of its own for a mount: a network of nothing but loopback, with a name server that says what a test wants.

World(work).mount(directory, source, ...) mounts there. World.inside() puts the sockets that this thread makes into that
network, so servers are objects of the test as everywhere else; the mount is seen from outside through /proc.
"""
import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading

import harness

HOST = 'images.example'
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
A, CNAME = 1, 5
TO_THE_NAME = b'\xc0\x0c'  # a pointer to the question's


def possible():
    return os.geteuid() == 0 and shutil.which('unshare') and shutil.which('ip')


class World:
    def __init__(self, work):
        config = os.path.join(str(work), 'resolv.conf')
        with open(config, 'w') as file:
            file.write('nameserver 127.0.0.1\n')
        self.keeper = subprocess.Popen(
            ['unshare', '-mn', 'sh', '-c',
             'mount --bind "$0" /etc/resolv.conf && ip link set lo up && echo && exec cat', config],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.keeper.stdout.readline() != b'\n':
            raise OSError('there is no world of its own')
        self.proc = '/proc/%d/' % self.keeper.pid
        self.mounts = []

    @contextlib.contextmanager
    def inside(self):
        with open('/proc/thread-self/ns/net') as ours, open(self.proc + 'ns/net') as theirs:
            self.enter(theirs)
            try:
                yield
            finally:
                self.enter(ours)

    @staticmethod
    def enter(network):
        if LIBC.setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')

    def reader(self, *command):
        return harness.reader('nsenter', '-m', '-t', str(self.keeper.pid), *command)

    def mount(self, work, source, *options, **named):
        one = Mount(self, work, source, *options, **named)
        self.mounts.append(one)
        return one.start()

    def close(self):
        """What is left ends with it: the mounts are those of nobody else."""
        for one in self.mounts:
            one.destroy()
        self.keeper.kill()
        self.keeper.communicate()


class Mount(harness.Mount):
    """One in a world. path() is what leads there from outside, point the path inside."""

    def __init__(self, world, work, source, *options, **named):
        super().__init__(work, source, *options, **named)
        self.world = world
        self.command = ['nsenter', '-m', '-n', '-t', str(world.keeper.pid), *self.command]

    def path(self, *parts):
        return os.path.join(self.world.proc + 'root' + self.point, *parts)

    def mounted(self):
        with open(self.world.proc + 'mountinfo') as table:
            return any(line.split()[4] == self.point for line in table)


def question(query):
    """(the question of a message, the type that it asks for)"""
    end = query.index(b'\0', 12) + 1
    return query[12:end + 4], struct.unpack('>H', query[end:end + 2])[0]


def record(kind, data):
    return TO_THE_NAME + struct.pack('>HHIH', kind, 1, 0, len(data)) + data


def answer(query, code=NOERROR, records=(), count=None):
    """A whole message; count: how many records it says it has."""
    asked, _ = question(query)
    count = len(records) if count is None else count
    return query[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, count, 0, 0) + asked + b''.join(records)


def code(number):
    return lambda query: answer(query, number)


def addresses(*those):
    """Of the type that asks for them; there are none of IPv6."""
    records = [record(A, socket.inet_aton(one)) for one in those]
    return lambda query: answer(query, records=records if question(query)[1] == A else ())


def silence(query):
    return None


def garbage(query):
    return random.Random(1).randbytes(200)


def garbage_behind(query):
    """The header and the question are right, and then come no records."""
    return answer(query, records=[b'\xff' * 100], count=3)


def end(query):
    """Three records, it says, and is over."""
    return answer(query, count=3)


def itself(query):
    """The name is another name for itself."""
    return answer(query, records=[record(CNAME, TO_THE_NAME)])


class NameServer:
    """Answers by a function of the message that asks, one at a time, by UDP, and by TCP what does not fit."""

    def __init__(self, say):
        self.say = say
        self.asked = 0
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(('127.0.0.1', 53))
        self.tcp = socket.create_server(('127.0.0.1', 53), backlog=16)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def reply(self, query):
        self.asked += 1
        return self.say(query)

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                query, client = self.udp.recvfrom(4096)
                if not query:
                    return
                message = self.reply(query)
                if message and len(message) > 512:  # "cut short; ask by TCP"
                    message = query[:2] + struct.pack('>HHHHH', 0x8380, 1, 0, 0, 0) + question(query)[0]
                if message:
                    self.udp.sendto(message, client)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.tcp.accept()
                with connection, contextlib.suppress(OSError, struct.error):
                    connection.settimeout(5)
                    stream = connection.makefile('rb')
                    while True:
                        message = self.reply(stream.read(struct.unpack('>H', stream.read(2))[0]))
                        if message:
                            connection.sendall(struct.pack('>H', len(message)) + message)

    def close(self):
        for one in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
