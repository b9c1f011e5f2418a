# SPDX-License-Identifier: Apache-2.0
"""The name service is dead, or the service moves. In a network of our own."""
import os
import signal
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


def ids_of(records):
    return sorted(record['id'] for record in records)


def clean(mounted):
    """It ends in time, and in good health."""
    assert mounted.stop() and not mounted.reports() and not mounted.leaks


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
