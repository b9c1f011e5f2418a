# SPDX-License-Identifier: Apache-2.0
"""The server goes away: the last list stays, and status.json tells."""
import os
import time

import data
import harness
from rawserver import Paged, Reply, error

ITEMS = data.records(20)
FAULTS = {'refused': None, '503': error(503, 'gone fishing'), 'hang': Reply(hang=True)}


def read_all(mounted):
    return harness.snapshot(mounted.point)


def test_killed_then_503_then_hang_then_back(mount, raw):
    server = raw(Paged(ITEMS))
    mounted = mount(server.url, 'ttl=1', 'timeout=2', 'lazy')
    good = read_all(mounted)
    ages = []
    for name, fault in FAULTS.items():
        server.close()
        if fault:
            server = raw([fault], port=server.port)
        time.sleep(1.5)
        start = time.monotonic()
        assert read_all(mounted) == good, name
        assert time.monotonic() - start < 5 * harness.SLACK, name  # far more if each read waited for the server
        time.sleep(1)
        assert read_all(mounted) == good, name
        assert harness.wait_for(lambda: mounted.status()['last_error'], 5), name
        ages.append(mounted.status()['age'])
    assert ages == sorted(ages) and ages[-1] >= 4
    server.close()
    raw(Paged(ITEMS + [data.record(50)]), port=server.port)
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 21, 10, 0.2)
    assert mounted.status()['age'] < 5


def test_tries_again_at_growing_intervals(mount, raw):
    server = raw(Paged(ITEMS, faults={n: error(500) for n in range(2, 1000)}))
    mounted = mount(server.url, 'ttl=4')
    end = time.monotonic() + 12
    while time.monotonic() < end:
        assert len(mounted.list('by-id')) == 20
        time.sleep(0.1)
    times = [request.time for request in server.lists()][1:]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert 2 <= len(times) <= 8
    assert all(gap > 0.5 for gap in gaps)
    assert gaps[-1] > 1.4 * gaps[0]


def test_stale_bounds_how_long(mount, raw):
    server = raw(Paged(ITEMS))
    stale = round(2 + harness.SLACK)
    mounted = mount(server.url, 'ttl=1', 'stale=%d' % stale, 'timeout=2')
    assert len(mounted.list('by-id')) == 20
    server.close()
    time.sleep(1.5)
    assert len(mounted.list('by-id')) == 20
    assert harness.wait_for(lambda: harness.error_of(os.listdir, mounted.path('by-id')) == 'EHOSTUNREACH',
                            2 * stale + 4, 0.2)


def test_a_file_that_goes_away_or_bad(mount, source_file):
    path = source_file(data.response(ITEMS))
    mounted = mount(path, 'ttl=1')
    good = read_all(mounted)
    for spoil in (lambda: open(path, 'w').write('{"images": ['), lambda: os.unlink(path)):
        spoil()
        time.sleep(1.2)
        assert read_all(mounted) == good
        assert harness.wait_for(lambda: mounted.status()['last_error'], 5)


def test_stale_readers_are_answered_at_once(mount, raw):
    """While the back-off waits, and while a hanging server lets the refresh hang, nobody waits for it twice."""
    server = raw(Paged(ITEMS))
    mounted = mount(server.url, 'ttl=1', 'timeout=3')
    mounted.list('by-id')
    server.close()
    raw([error(500)], port=server.port)
    time.sleep(1.2)
    mounted.list('by-id')
    harness.wait_for(lambda: mounted.status()['last_error'], 5)
    start = time.monotonic()
    for _ in range(5):
        mounted.list('by-id')
    assert time.monotonic() - start < harness.SLACK


def test_the_error_text_is_clean(mount, raw):
    message = 'bad <b>thing</b>\n\x1b[31m' + 'x' * 5000
    server = raw(Paged(ITEMS, faults={n: error(500, message) for n in range(2, 100)}))
    mounted = mount(server.url, 'ttl=1', env={'OS_TOKEN': harness.TOKEN})
    mounted.list('by-id')
    time.sleep(1.2)
    mounted.list('by-id')
    assert harness.wait_for(lambda: mounted.status()['last_error'], 5)
    text = str(mounted.status()['last_error'])
    for out in (text, mounted.stderr()):
        assert '\x1b' not in out and '<b>' not in out and harness.TOKEN not in out
    assert 'thing' in mounted.stderr()
    assert len(text) < 1000 and '\n' not in text
