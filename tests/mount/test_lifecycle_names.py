# SPDX-License-Identifier: Apache-2.0
"""The name service is dead, or lies; and nobody is at the address that it gives. In a network of our own."""
import os
import signal
import socket
import subprocess
import time

import pytest

import data
import harness
import nameserver
from rawserver import Paged, RawServer

AT_ONCE = 1 + harness.SLACK
TIMEOUT = 2
PORT = 8000
SOURCE = 'http://%s:%d' % (nameserver.HOST, PORT)
RECORDS = data.records(3)
SECOND, MORE = data.records(4), data.records(5)
GOOD = nameserver.addresses('127.0.0.1')
# The thread that libcurl leaves asking has memory that LeakSanitizer cannot look at.
NO_LEAKS = {'ASAN_OPTIONS': 'detect_leaks=0'}
MANY = ['127.1.%d.%d' % (i // 200, 1 + i % 200) for i in range(1000)]
UNREACHED, LATE = ('EHOSTUNREACH',), ('EHOSTUNREACH', 'ETIMEDOUT')
BAD = {  # what a name server says, and what a reader gets then who has no list
    'SERVFAIL': (nameserver.code(nameserver.SERVFAIL), UNREACHED),
    'NXDOMAIN': (nameserver.code(nameserver.NXDOMAIN), UNREACHED),
    'REFUSED': (nameserver.code(nameserver.REFUSED), UNREACHED),
    'no address': (nameserver.code(nameserver.NOERROR), UNREACHED),
    'nothing': (nameserver.silence, LATE),
    'garbage': (nameserver.garbage, LATE),
    'garbage behind the question': (nameserver.garbage_behind, LATE),
    'less than it says': (nameserver.end, LATE),
    'another name, the same': (nameserver.itself, LATE),
    'an address where nobody is': (nameserver.addresses('127.0.0.77'), UNREACHED),
    'a thousand addresses where nobody is': (nameserver.addresses(*MANY), LATE),
    'an address that never answers': (nameserver.addresses('127.0.0.88'), LATE),
    'an address that nobody can reach': (nameserver.addresses('192.0.2.1'), UNREACHED),
}


@pytest.fixture
def world(directory):
    if not nameserver.possible():
        pytest.skip('needs root, unshare and ip')
    world = nameserver.World(directory())
    yield world
    world.close()


@pytest.fixture
def start(world):
    """start(make, ...) makes a server in the world, and ends it with the test."""
    started = []

    def make(kind, *arguments, **named):
        with world.inside():
            started.append(kind(*arguments, **named))
        return started[-1]
    yield make
    for one in started:
        one.close()


class Deaf:
    """An address where the kernel has no room for one more connection, and says nothing."""

    def __init__(self, address):
        self.sockets = [socket.create_server(address, backlog=0)]
        for _ in range(4):
            self.sockets.append(socket.socket())
            self.sockets[-1].setblocking(False)
            self.sockets[-1].connect_ex(address)

    def close(self):
        for one in self.sockets:
            one.close()


def ids_of(records):
    return sorted(record['id'] for record in records)


def lists(mounted):
    return harness.error_of(mounted.list, 'by-id')


def clean(mounted):
    """It ends in time, and in good health."""
    assert mounted.stop() and not mounted.reports() and not mounted.leaks


@pytest.mark.parametrize('name', BAD)
def test_cold(world, start, directory, name):
    """Whoever waits gets an error in time, which is logged once; and a list, when there is one."""
    say, errors = BAD[name]
    names = start(nameserver.NameServer, say)
    start(RawServer, Paged(RECORDS), PORT)
    start(Deaf, ('127.0.0.88', PORT))
    mounted = world.mount(directory(), SOURCE, 'lazy', 'timeout=%d' % TIMEOUT, env=NO_LEAKS)
    begin = time.monotonic()
    assert lists(mounted) in errors
    assert time.monotonic() - begin < TIMEOUT + harness.SLACK
    assert names.asked
    why = mounted.status()['last_error']
    assert 'no answer: ' in why
    assert harness.wait_for(lambda: why in mounted.stderr(), AT_ONCE)
    assert mounted.stderr().count('\n') == 1
    names.say = GOOD
    assert harness.wait_for(lambda: lists(mounted) == 'OK', 10, 0.1), mounted.status()['last_error']
    assert mounted.list('by-id') == ids_of(RECORDS) and not mounted.status()['failing']
    clean(mounted)


@pytest.mark.parametrize('name', BAD)
def test_warm(world, start, directory, name):
    """The old list stays, readers never wait, and the next one comes when the name service is well again."""
    say, _ = BAD[name]
    names = start(nameserver.NameServer, GOOD)
    server = start(RawServer, Paged(RECORDS), PORT)
    start(Deaf, ('127.0.0.88', PORT))
    mounted = world.mount(directory(), SOURCE, 'timeout=%d' % TIMEOUT, 'ttl=600', env=NO_LEAKS)
    assert mounted.list('by-id') == ids_of(RECORDS)
    names.say = say
    server.hang_up()
    server.handler = Paged(MORE)
    mounted.signal(signal.SIGHUP)
    until, failing = time.monotonic() + TIMEOUT + 2 * harness.SLACK, False
    while not failing and time.monotonic() < until:
        failing = mounted.status()['failing']
        begin = time.monotonic()
        assert mounted.list('by-id') == ids_of(RECORDS)
        assert time.monotonic() - begin < AT_ONCE
    assert failing
    names.say = GOOD
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: mounted.list('by-id') == ids_of(MORE), 10, 0.1), mounted.status()['last_error']
    clean(mounted)


def test_the_one_that_is_there(world, start, directory):
    """After 999 addresses where nobody is."""
    start(nameserver.NameServer, nameserver.addresses(*MANY[:-1], '127.0.0.1'))
    start(RawServer, Paged(RECORDS), PORT)
    mounted = world.mount(directory(), SOURCE, 'lazy', 'timeout=20')
    assert mounted.list('by-id') == ids_of(RECORDS)
    clean(mounted)


def test_the_service_moves(world, start, directory):
    """To another address: the next connection goes there, whatever was known before. One that is good is kept."""
    names = start(nameserver.NameServer, GOOD)
    server = start(RawServer, Paged(RECORDS), PORT)
    mounted = world.mount(directory(), SOURCE, 'ttl=600')
    asked = names.asked
    server.handler = Paged(SECOND)
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: mounted.list('by-id') == ids_of(SECOND), 10)
    assert names.asked == asked  # the connection is still good
    server.close()
    moved = start(RawServer, Paged(MORE), PORT, host='127.0.0.5')
    names.say = nameserver.addresses('127.0.0.5')
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: mounted.list('by-id') == ids_of(MORE), 10, 0.1), mounted.status()['last_error']
    assert moved.lists()
    clean(mounted)


@pytest.mark.parametrize('end', ['wait', 'interrupt', 'SIGTERM', 'unmount'])
def test_a_name_server_that_never_answers(world, start, directory, end):
    """Readers fail within the deadline; they, the mount and imsfs can be ended at once."""
    names = start(nameserver.NameServer, nameserver.silence)
    mounted = world.mount(directory(), SOURCE, 'lazy', 'timeout=%d' % (TIMEOUT if end == 'wait' else 50), env=NO_LEAKS)
    process = mounted.process
    begin = time.monotonic()
    reader = world.reader('ls', os.path.join(mounted.point, 'by-id'))
    assert harness.wait_for(lambda: names.asked, 10)
    if end == 'wait':
        out, why = reader.communicate(timeout=10)
        assert b'timed out' in why or b'No route to host' in why or b'unreachable' in why, why
        assert time.monotonic() - begin < TIMEOUT + 2 * harness.SLACK
    else:
        assert harness.waiting(reader)
    if end == 'interrupt':
        reader.send_signal(signal.SIGINT)
        assert harness.end_of(reader, AT_ONCE) is not None
    if end == 'unmount':
        subprocess.run(['nsenter', '-m', '-t', str(process.pid), 'umount', '-l', mounted.point], check=True)
    else:
        process.send_signal(signal.SIGTERM)
    assert harness.end_of(process, AT_ONCE) == 0
    assert harness.end_of(reader, AT_ONCE) is not None
    assert not mounted.reports()
