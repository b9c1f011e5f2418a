# SPDX-License-Identifier: Apache-2.0
"""The daemon's memory, in bytes for each byte of the records' JSON beyond a fixed 16 MiB.

Peaks are those of one refresh: /proc/PID/clear_refs begins a new one.
"""
import json
import os
import re
import signal
import subprocess
import time

import pytest

import data
import harness

IMAGES = 10000
MANY = 100000
FIXED = 16 << 20
MOST_AFTER_WALK = 2.0
MOST_IN_REFRESH = 2.6
MOST_IN_CHANGE = 3.0  # of every image: there are two lists then
REFRESHES = 1000
MOST_FOR_AN_ID = 48  # that was once seen, as long as the mount lives, with a name that nobody had before or without
FEW = 1000  # images, so that the holes in the heap are few beside the ids
SETTLED = 100  # refreshes, for the heap to have its holes
CHURNED = 200  # more
MOST_GROWTH = 2 << 20  # holes in a heap that does not grow; a leak of 2 KiB a refresh is seen


def memory(mounted, field):
    """VmRSS or VmHWM, in bytes."""
    pid, = mounted.pids()
    with open('/proc/%d/status' % pid) as file:
        return 1024 * int(next(line for line in file if line.startswith(field + ':')).split()[1])


def published(mounted):
    return mounted.status()['lists_published']


def refresh(mounted):
    """SIGHUP, until the list is there."""
    before = published(mounted)
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: published(mounted) > before, 120)


def settles(mounted, most):
    """What a change left goes when the kernel was told of it twice."""
    return harness.wait_for(lambda: memory(mounted, 'VmRSS') <= most, 30)


def peak_of(mounted, step):
    pid, = mounted.pids()
    with open('/proc/%d/clear_refs' % pid, 'w') as file:
        file.write('5')
    step()
    return memory(mounted, 'VmHWM')


def write(path, text):
    """A new file in the place of the old one."""
    with open(path + '.new', 'wb') as file:
        file.write(text)
    os.replace(path + '.new', path)


def versions(count):
    """Two texts of the same records, all of which differ in one attribute."""
    text = data.generated(count)
    changed = re.sub(rb'("updated_at": *)"20', rb'\1"19', text)
    assert changed != text
    return text, changed


@pytest.mark.all
@pytest.mark.limit(900)
@pytest.mark.parametrize('kind', ['file', 'http'])
def test_bounds(mount, sim, source_file, kind):
    texts = versions(IMAGES)
    path = source_file(texts[0])
    server = sim(texts[0]) if kind == 'http' else None
    mounted = mount(server.url if server else path, 'ttl=3600')

    def change(i):
        if server:
            server.update(texts[i % 2])
        else:
            write(path, texts[i % 2])
        refresh(mounted)
        assert settles(mounted, MOST_AFTER_WALK * len(texts[0]) + FIXED)

    def ratio(size):
        return (size - FIXED) / len(texts[0])

    assert len(mounted.list('by-id')) == IMAGES
    subprocess.run(['find', mounted.path('images'), '-type', 'f'], stdout=subprocess.DEVNULL, check=True)
    after_walk = ratio(memory(mounted, 'VmRSS'))
    if not server:
        os.utime(path)
    unchanged = ratio(peak_of(mounted, lambda: refresh(mounted)))
    changed = [ratio(peak_of(mounted, lambda: change(i))) for i in (1, 2, 3)]
    measured = after_walk, unchanged, changed
    print(measured)
    assert after_walk <= MOST_AFTER_WALK, measured
    assert unchanged <= MOST_IN_REFRESH, measured
    assert max(changed) <= MOST_IN_CHANGE, measured


@pytest.mark.all
@pytest.mark.limit(900)
def test_bounds_of_many(mount, sim):
    """The same for 100,000, as far as their directories."""
    server = sim(None, '--rule', str(MANY))
    size = MANY * len(json.dumps(server.get('/v2/images?limit=1000')['images'], separators=(',', ':'))) / 1000
    mounted = mount(server.url, 'ttl=36000')
    assert len(mounted.list('by-id')) == MANY
    subprocess.run(['find', mounted.path('images'), '-maxdepth', '4'], stdout=subprocess.DEVNULL, check=True)
    after_walk = (memory(mounted, 'VmRSS') - FIXED) / size
    unchanged = (peak_of(mounted, lambda: refresh(mounted)) - FIXED) / size
    print(after_walk, unchanged)
    assert after_walk <= MOST_AFTER_WALK
    assert unchanged <= MOST_IN_REFRESH


@pytest.mark.all
@pytest.mark.limit(1800)
def test_a_thousand_refreshes(mount, sim):
    """Half of them bring nothing new, half another value in each image. Counted at the server: each look at
    status.json would be kept until the kernel forgets it."""
    texts = versions(1000)
    server = sim(texts[0])
    mounted = mount(server.url, 'ttl=3600', 'page_size=1000')
    subprocess.run(['find', mounted.path('images'), '-type', 'f'], stdout=subprocess.DEVNULL, check=True)
    requests = server.count()
    sizes = []
    for i in range(REFRESHES):
        if i % 2:
            server.update(texts[i // 2 % 2])
        before = server.count()
        mounted.signal(signal.SIGHUP)
        assert harness.wait_for(lambda: server.count() >= before + requests, 30)
        if i % 100 == 99:
            time.sleep(2.5)  # for what goes with the second telling
            sizes.append(memory(mounted, 'VmRSS'))
    print(sizes)
    assert max(sizes[2:]) - max(sizes[:2]) <= MOST_GROWTH, sizes


def at_rest(mounted):
    """The least while the old list goes, with the second telling."""
    sizes = []
    for _ in range(10):
        time.sleep(0.5)
        sizes.append(memory(mounted, 'VmRSS'))
    return min(sizes)


def churn(mounted, server, times):
    for _ in range(times):
        server.process.send_signal(signal.SIGHUP)
        refresh(mounted)
    return at_rest(mounted)


@pytest.mark.all
@pytest.mark.limit(900)
@pytest.mark.parametrize('names', ['/%d' % FEW, ''])
def test_ids_that_come_and_go(mount, sim, names):
    """Each refresh has other images altogether; their names are the same ones again, or other ones too."""
    server = sim(None, '--rule', '%d+%d%s' % (FEW, FEW, names))
    mounted = mount(server.url, 'ttl=3600')
    assert len(mounted.list('by-id')) == FEW
    before = churn(mounted, server, SETTLED)
    each = (churn(mounted, server, CHURNED) - before) / CHURNED / FEW
    print(each)
    assert each <= MOST_FOR_AN_ID
