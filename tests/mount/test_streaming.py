# SPDX-License-Identifier: Apache-2.0
"""The first listing shows entries as their page arrives, and never passes for complete when it is not."""
import dataclasses
import os
import threading
import time

import pytest

import data
import harness
from rawserver import Paged, Reply, error


class Gated(Paged):
    """Holds each page until the test lets it go: allow(n) lets n pages pass in all."""

    def __init__(self, records, size):
        super().__init__(records, size)
        self.gates = [threading.Event() for _ in range(20)]

    def __call__(self, request, n):
        reply = super().__call__(request, n)
        reply.gate = self.gates[n - 1]
        return reply

    def allow(self, n):
        for gate in self.gates[:n]:
            gate.set()


class Lister(threading.Thread):
    """os.scandir of a directory; names come as they are seen."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.names = []
        self.error = None
        self.start()

    def run(self):
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    self.names.append(entry.name)
        except OSError as problem:
            self.error = problem


def grouped(count, first_gold):
    """Images of which those from first_gold on are gold, the others market."""
    return [data.record(i, visibility='public', __imagetype='gold' if i >= first_gold else 'market',
                        __platform='P') for i in range(count)]


def test_first_entry_comes_with_the_first_page_that_has_one(mount, raw):
    pages = Gated(grouped(50, first_gold=20), 10)
    server = raw(pages)
    mounted = mount(server.url, 'lazy', 'page_size=10')
    lister = Lister(mounted.path('images', 'gold', 'P', 'active'))
    pages.allow(2)
    assert harness.wait_for(lambda: len(server.lists()) == 3, 10)
    time.sleep(0.3)
    assert lister.names == [] and lister.error is None and lister.is_alive()
    pages.allow(3)
    assert harness.wait_for(lambda: lister.names, 10)
    assert len(server.lists()) == 4 and lister.is_alive()
    pages.allow(20)
    lister.join(10)
    assert len(lister.names) == len(set(lister.names)) == 30 and lister.error is None


def test_groups_and_views_stream_too(mount, raw):
    pages = Gated(grouped(30, first_gold=20), 10)
    server = raw(pages)
    mounted = mount(server.url, 'lazy', 'page_size=10')
    listers = [Lister(mounted.path(path)) for path in ('images', 'by-id', 'by-name', 'by-status/active')]
    pages.allow(1)
    assert harness.wait_for(lambda: all(lister.names for lister in listers), 10)
    assert all(lister.is_alive() for lister in listers)
    assert 'gold' not in listers[0].names
    pages.allow(20)
    for lister in listers:
        lister.join(10)
    assert [len(lister.names) for lister in listers] == [2, 30, 30, 30]


def test_an_image_that_has_come_can_be_read_and_one_that_has_not_is_waited_for(mount, raw, readers):
    pages = Gated(grouped(30, first_gold=0), 10)
    mounted = mount(raw(pages).url, 'lazy', 'page_size=10')
    pages.allow(1)
    assert mounted.read('by-id', data.image_id(5), 'name') == b'image-5\n'
    process = readers('cat', mounted.path('by-id', data.image_id(25), 'name'))
    assert harness.waiting(process)
    pages.allow(20)
    assert process.communicate()[0] == b'image-25\n'


def test_absence_is_told_only_when_the_list_is_complete(mount, raw, readers):
    pages = Gated(grouped(30, first_gold=0), 10)
    mounted = mount(raw(pages).url, 'lazy', 'page_size=10')
    pages.allow(2)
    process = readers('stat', mounted.path('by-id', 'no-such-id'))
    assert harness.waiting(process)
    pages.allow(20)
    assert b'No such file' in process.communicate()[1]


def test_latency(mount, sim):
    """5 pages of 1 s: the group whose images are on page 2 and later shows one before the listing ends."""
    server = sim(data.response(grouped(50, first_gold=10)), latency=1000)
    mounted = mount(server.url, 'lazy', 'page_size=10')
    start = time.monotonic()
    with os.scandir(mounted.path('images', 'gold', 'P', 'active')) as entries:
        next(entries)
        first = time.monotonic() - start
        rest = sum(1 for _ in entries)
    assert 1.9 < first < time.monotonic() - start - 1
    assert rest == 39


@pytest.mark.parametrize('fault, name', [
    (error(500), 'EIO'), (error(403), 'EACCES'), (Reply(b'{"images": [', cut=5), 'EIO'), (Reply(b'not json'), 'EIO')])
def test_fourth_page_fails(mount, raw, fault, name):
    tries = 12 if fault.cut else 1  # a broken connection is tried again
    seen = threading.Event()  # else all may be over before anybody reads
    fault = dataclasses.replace(fault, gate=seen)
    pages = Paged(grouped(50, first_gold=0), 10, faults={n: fault for n in range(4, 4 + tries)})
    mounted = mount(raw(pages).url, 'lazy', 'page_size=10', 'timeout=4', 'ttl=60')
    lister = Lister(mounted.path('images', 'gold', 'P', 'active'))
    harness.wait_for(lambda: lister.names, 10)
    seen.set()
    lister.join(20)
    assert lister.error is not None
    assert harness.errno.errorcode[lister.error.errno] in ((name, 'ETIMEDOUT') if fault.cut else (name,))
    assert 0 < len(lister.names) <= 30
    whole = {'image-%d@%s' % (i, data.image_id(i)) for i in range(50)}
    assert set(lister.names) < whole
    pages.faults.clear()

    def again():
        lister = Lister(mounted.path('images', 'gold', 'P', 'active'))
        lister.join(10)
        return lister.error is None and set(lister.names) == whole
    assert harness.wait_for(again, 15, 0.2)


def test_all_that_came_is_seen_before_the_error(mount, raw):
    """A first page that takes many messages to list, and a second one that fails before it is listed."""
    for path in (['by-id'], ['query', 'name=a']):
        pages = Paged(data.records(1000), faults={2: error(403)})
        mounted = mount(raw(pages).url, 'lazy', 'dialect=glance')
        lister = Lister(mounted.path(*path))
        lister.join(20)
        assert (len(lister.names), lister.error and lister.error.errno) == (1000, harness.errno.EACCES)
        assert len(set(lister.names)) == 1000
        pages.faults.clear()
        assert harness.wait_for(lambda: len(mounted.list(*path)) == 1000, 15, 0.2)


def test_a_failed_refresh_leaves_the_list_in_place(mount, raw):
    pages = Paged(grouped(50, first_gold=0), 10)
    server = raw(pages)
    mounted = mount(server.url, 'page_size=10', 'ttl=1')
    before = harness.snapshot(mounted.point)
    pages.faults = {n: error(500) for n in range(9, 100)}
    time.sleep(1.2)
    assert harness.snapshot(mounted.point) == before
    assert len(server.lists()) >= 9
    assert harness.wait_for(lambda: mounted.status()['last_error'], 5)


@pytest.mark.limit(90)
def test_50_listers_of_a_growing_directory_see_each_entry_once(mount, raw):
    pages = Gated(grouped(60, first_gold=0), 10)
    mounted = mount(raw(pages).url, 'lazy', 'page_size=10')
    listers = [Lister(mounted.path('images', 'gold', 'P', 'active')) for _ in range(50)]
    for n in (1, 3, 20):
        pages.allow(n)
        time.sleep(0.1)
    for lister in listers:
        lister.join(20)
    assert {(len(lister.names), len(set(lister.names))) for lister in listers} == {(60, 60)}


def test_a_directory_that_was_seen_before_the_failure_is_waited_for(mount, raw):
    """ESTALE would say that the list does not have it; but the page that has it may still come."""
    pages = Gated(grouped(30, first_gold=10), 10)
    pages.faults = {3: error(500)}
    mounted = mount(raw(pages).url, 'lazy', 'page_size=10')
    pages.allow(2)
    shell = harness.Shell('/')
    assert shell.run('cd %s' % mounted.path('images', 'gold', 'P')) == b''
    pages.allow(3)
    assert harness.wait_for(lambda: mounted.status()['failing'], 10)
    pages.faults.clear()
    threading.Timer(1, pages.allow, [20]).start()
    assert shell.run('ls .') == b'active\n'
    shell.close()


class TwoOrders(Paged):
    """Pages of ten, which `order` puts in another order; each waits until it is let pass."""

    def __init__(self, records, order, gated):
        super().__init__(records, 10)
        self.ordered = Paged([record for page in order for record in records[10 * page:10 * page + 10]], 10)
        self.gated = gated
        self.gates = [threading.Event() for _ in range(9)]
        self.sent = 0

    def __call__(self, request, number):
        queried = 'name=' in request.target
        answer = self.ordered(request, number) if queried else super().__call__(request, number)
        if queried == self.gated:
            answer.gate = self.gates[self.sent]
            self.sent += 1
        return answer


def read_half_way(path, go_on):
    """The names in a directory; go_on is called when the first one is there."""
    names = []
    with os.scandir(path) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) == 1:
                go_on()
    return names


def records_of_thirty():
    return [data.record(i, visibility='private', status='active') for i in range(30)]


def test_a_query_in_another_order_than_the_list_is_read_whole(mount, raw):
    """Its last images are those that the mount has known for the longest time."""
    server = TwoOrders(records_of_thirty(), [2, 1, 0], gated=True)
    mounted = mount(raw(server).url, 'dialect=glance', 'ttl=3600')
    assert len(mounted.list('by-id')) == 30
    server.gates[0].set()
    names = read_half_way(mounted.path('query', 'name=a'), lambda: [gate.set() for gate in server.gates])
    assert len(names) == len(set(names)) == 30


def test_a_list_of_which_a_query_has_some_already_is_read_whole(mount, raw):
    """The query's images, the list's last, have their numbers before those in the middle."""
    server = TwoOrders(records_of_thirty(), [2, 1, 0], gated=False)
    server.gates[0].set()
    mounted = mount(raw(server).url, 'dialect=glance', 'ttl=3600')

    def go_on():
        assert len(mounted.list('query', 'name=a&limit=10')) == 12  # with first and next
        for gate in server.gates:
            gate.set()
    names = read_half_way(mounted.path('by-id'), go_on)
    assert len(names) == len(set(names)) == 30
