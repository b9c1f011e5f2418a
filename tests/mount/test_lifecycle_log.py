# SPDX-License-Identifier: Apache-2.0
"""The log: a line for each change, and nobody waits for who reads it."""
import contextlib
import os
import resource
import signal

import pytest

import data
import harness
from rawserver import Paged, error

RECORDS = data.records(5)


def lines_with(mounted, word):
    return [line for line in mounted.stderr().splitlines() if word in line and not harness.DEBUG_LINE.match(line)]


def test_a_failing_server_is_told_once(mount, raw):
    """It is asked again and again; with another reason, too, it is too soon for another line."""
    pages = Paged(RECORDS)
    server = raw(lambda request, n: pages(request, n) if n < 2 else error(503 if n < 5 else 403, 'thing %d' % n))
    mounted = mount(server.url, 'ttl=0.2', 'timeout=0.3')

    def failed_often():
        mounted.list('by-id')
        return len(server.lists()) > 8
    assert harness.wait_for(failed_often, 30)
    assert len(lines_with(mounted, '/v2/images: ')) == 1


@pytest.fixture
def full_pipe(directory):
    """A work directory whose file for messages is a pipe that is full."""
    work = directory()
    os.mkfifo(work / 'stderr')
    fd = os.open(work / 'stderr', os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(fd, b'.' * 4096)
    yield work
    os.close(fd)


def test_nobody_waits_for_a_full_pipe(mount, raw, full_pipe):
    pages = Paged(RECORDS)
    server = raw(lambda request, n: error(503) if n in range(2, 4) else pages(request, n))
    mounted = mount(server.url, 'ttl=0.2', 'timeout=0.3', work=full_pipe)

    def renewed():
        mounted.list('by-id')
        return mounted.status()['listings'] > 4
    assert harness.wait_for(renewed, 20)
    mounted.signal(signal.SIGTERM)
    assert mounted.gone(1 + harness.SLACK) and mounted.process.returncode == 0
    os.unlink(mounted.errors)
    open(mounted.errors, 'wb').close()  # where the harness looks for secrets


def test_a_log_that_may_not_grow(mount, raw):
    """As on a full disk, what cannot be written is lost; but here comes a signal, too."""
    records = list(RECORDS)
    mounted = mount(raw(lambda request, n: Paged(records)(request, n)).url, 'ttl=0.2', arguments=['-d'])
    size = os.path.getsize(mounted.errors)
    resource.prlimit(mounted.process.pid, resource.RLIMIT_FSIZE, (size, size))
    records.append(data.record(7))
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 6, 20)
    assert os.path.getsize(mounted.errors) == size
