# SPDX-License-Identifier: Apache-2.0
"""How many requests a mount makes: counted in the simulator's log."""
import os
import subprocess
import time

import pytest

import data
import harness


def find(mounted):
    subprocess.run(['find', mounted.point], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize('lazy', [True, False])
@pytest.mark.parametrize('api, count', [('images', 95), ('images', 100), ('cloudimages', 95), ('cloudimages', 100)])
def test_find(mount, sim, api, count, lazy):
    server = sim(data.response(data.records(count)))
    pages = harness.pages_of(server, api, 20)
    mounted = mount(server.url, 'api=' + api, 'page_size=20', 'ttl=60', *(['lazy'] if lazy else []))
    find(mounted)
    assert server.count() == pages
    find(mounted)
    assert server.count() == pages


@pytest.mark.limit(120)
def test_200_processes_on_a_cold_mount(mount, sim, readers):
    server = sim(data.response(data.records(40)), latency=100)
    pages = harness.pages_of(server, 'images', 10)
    mounted = mount(server.url, 'lazy', 'page_size=10', 'ttl=60')
    targets = ['by-name', 'images/gold', 'by-id/' + data.image_id(7), 'by-status/active']
    started = [readers('ls', mounted.path(targets[i % len(targets)])) for i in range(200)]
    assert [process.wait() for process in started] == [0] * 200
    assert server.count() == pages


def test_a_lazy_mount_asks_nothing_before_it_is_used(mount, sim):
    server = sim(data.response(data.records(3)))
    mounted = mount(server.url, 'lazy', 'ttl=1')
    assert mounted.list() and os.stat(mounted.path('images')) and os.stat(mounted.path('by-id'))
    time.sleep(0.5)
    assert server.count() == 0


def test_idle_mount(mount, sim):
    server = sim(data.response(data.records(30)))
    mounted = mount(server.url, 'ttl=1')
    find(mounted)
    time.sleep(0.2)
    before = server.count()
    time.sleep(3.5)
    assert server.count() == before


def test_status_is_no_use(mount, sim):
    server = sim(data.response(data.records(3)))
    mounted = mount(server.url, 'ttl=1')
    mounted.list('by-id')
    time.sleep(0.2)
    before = server.count()
    for _ in range(12):
        mounted.status()
        time.sleep(0.25)
    assert server.count() == before


def read_for(mounted, seconds, step):
    """Reads every step seconds; the longest time that one read took."""
    path = mounted.path('by-id', data.image_id(1), 'status')
    longest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        with open(path, 'rb') as file:
            assert file.read() == b'active\n'
        longest = max(longest, time.monotonic() - start)
        time.sleep(step)
    return longest


@pytest.mark.limit(90)
def test_a_steady_reader_never_waits(mount, sim):
    """Renewal starts between 3/4 of the TTL and that plus a step; the answer comes before the list expires."""
    ttl, latency, periods = 8, 0.6, 2.5
    server = sim(data.response(data.records(3)), latency=int(latency * 1000))
    mounted = mount(server.url, 'ttl=%d' % ttl)
    mounted.list('by-id')
    before = server.count()
    longest = read_for(mounted, periods * ttl, ttl / 10)
    listings = server.count() - before
    assert int(periods) <= listings <= int(periods / 0.75) + 1
    assert longest < latency * 0.7


def test_a_listing_that_is_slow_is_valid_longer(mount, sim):
    server = sim(data.response(data.records(12)), latency=400)
    mounted = mount(server.url, 'ttl=1', 'page_size=4')
    find(mounted)
    assert mounted.status()['ttl_effective'] >= 2
    before = server.count()
    time.sleep(1.2)
    find(mounted)
    assert server.count() == before


def test_sighup_renews_now(mount, sim):
    server = sim(data.response(data.records(3)))
    mounted = mount(server.url, 'ttl=600')
    find(mounted)
    server.update(data.response(data.records(4)))
    before = server.count()
    mounted.signal(harness.signal.SIGHUP)
    assert harness.wait_for(lambda: server.count() > before, 3)
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 4, 3)


def test_concurrent_readers_of_an_expired_list(mount, sim, readers):
    server = sim(data.response(data.records(8)), latency=300)
    mounted = mount(server.url, 'ttl=3')
    find(mounted)
    time.sleep(3.2)
    before = server.count()
    started = [readers('ls', mounted.path('images/gold')) for _ in range(20)]
    assert [process.wait() for process in started] == [0] * 20
    assert server.count() == before + 1
