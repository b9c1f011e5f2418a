# SPDX-License-Identifier: Apache-2.0
"""A thousand readers at once, and readers that are killed while they wait."""
import os
import signal
import threading
import time

import pytest

import data
import harness
from rawserver import Paged

READERS = 1000
KILLED = 200
PAGES = 3
RECORDS = data.records(250)
IDS = sorted(record['id'] for record in RECORDS)
LARGE = [pytest.mark.all, pytest.mark.limit(900)]
AT_ONCE = 1 + harness.SLACK


class Gated:
    """Serves pages when the gate is open."""

    def __init__(self, size=100):
        self.pages = Paged(RECORDS, size=size)
        self.gate = threading.Event()

    def __call__(self, request, n):
        reply = self.pages(request, n)
        reply.gate = self.gate
        return reply


class Crowd:
    """Threads that list one directory; all of them wait in the kernel once requests come no more."""

    def __init__(self, path, count):
        self.path = path
        self.found = []
        old = threading.stack_size(256 * 1024)
        self.threads = [threading.Thread(target=self.read, daemon=True) for _ in range(count)]
        threading.stack_size(old)
        for thread in self.threads:
            thread.start()

    def read(self):
        try:
            self.found.append(sorted(os.listdir(self.path)))
        except OSError as error:
            self.found.append(error)

    def results(self, seconds):
        for thread in self.threads:
            thread.join(seconds)
        assert len(self.found) == len(self.threads), 'only %d of the readers are back' % len(self.found)
        return self.found


def wait_until_parked(mounted):
    """Until their requests have come; a look makes a few of its own."""
    def quiet():
        before = sum(mounted.status()['kernel_requests'].values())
        time.sleep(0.15)
        return sum(mounted.status()['kernel_requests'].values()) - before < 25
    assert harness.wait_for(quiet, 30)


@pytest.mark.parametrize('repeats', [10, pytest.param(100, marks=LARGE)])
def test_a_cold_list_is_listed_once(mount, raw, repeats):
    """A directory of a query is as cold as a new mount, and 1000 readers come to each."""
    server = raw(Gated())
    mounted = mount(server.url, 'lazy', 'ttl=1h', 'timeout=50', 'dialect=glance', 'page_size=100')
    for repeat in range(repeats):
        server.handler.gate.clear()
        before = len(server.lists())
        path = 'by-id' if repeat == 0 else 'query/name=in:%d' % repeat
        crowd = Crowd(mounted.path(path), READERS)
        wait_until_parked(mounted)
        assert len(server.lists()) == before + 1 and not crowd.found
        server.handler.gate.set()
        assert all(len(found) == len(IDS) for found in crowd.results(50))
        assert len(server.lists()) == before + PAGES


@pytest.mark.parametrize('repeats', [1, pytest.param(100, marks=LARGE)])
def test_a_list_that_ends_is_renewed_once(mount, raw, repeats):
    """Once more only where the answers take so long that what was renewed ends, too."""
    ttl = 5
    server = raw(Gated(size=1000))
    server.handler.gate.set()
    mounted = mount(server.url, 'ttl=%d' % ttl, 'timeout=50')
    assert mounted.list('by-id') == IDS
    for repeat in range(repeats):
        time.sleep(ttl + 0.2)
        before = len(server.lists())
        server.handler.gate.clear()
        crowd = Crowd(mounted.path('by-id'), READERS)
        wait_until_parked(mounted)
        assert len(server.lists()) == before + 1 and not crowd.found
        start = time.monotonic()
        server.handler.gate.set()
        assert all(found == IDS for found in crowd.results(50))
        ends = int((time.monotonic() - start) / (ttl * 3 / 4))  # of leases
        assert before + 1 <= len(server.lists()) <= before + 1 + ends


def resources(mounted):
    """What it holds, but for memory."""
    root = '/proc/%d/' % mounted.process.pid
    return len(os.listdir(root + 'fd')), len(os.listdir(root + 'task'))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_readers_are_killed_while_they_wait(mount, raw, readers, number):
    """Each is gone at once; the listing goes on for the one who stays; nothing is kept of the others."""
    server = raw(Gated())
    mounted = mount(server.url, 'lazy', 'timeout=50', 'page_size=100')
    stays = readers('ls', mounted.path('by-id'))
    assert harness.wait_for(server.lists, 10)
    held = resources(mounted)
    started = [readers('ls', mounted.path(('by-id', 'images', 'by-id/' + IDS[0])[i % 3])) for i in range(KILLED)]
    assert harness.waiting(started[-1], 0.7)
    assert all(process.poll() is None for process in started)
    for process in started:
        process.send_signal(number)
    assert all(harness.end_of(process, AT_ONCE) not in (0, None) for process in started)
    server.handler.gate.set()
    assert stays.communicate(timeout=20)[0].decode().split() == IDS
    assert len(server.lists()) == PAGES
    assert harness.wait_for(lambda: resources(mounted) <= held, 5), (resources(mounted), held)
