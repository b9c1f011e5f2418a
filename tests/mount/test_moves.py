# SPDX-License-Identifier: Apache-2.0
"""An image that moves from one directory to another is met at every moment by whoever comes through a link."""
import multiprocessing
import os
import time

import pytest

import harness
import measure
from rawserver import Paged

IMAGES = 4
READERS = 3
MOVES = 120
CALM = 0.01  # seconds between two moves
STATUSES = ('active', 'queued')


def lookups(mounted):
    return measure.traffic(mounted.status()).get('LOOKUP', 0)


def records(version):
    """All have the same status, another one in each version: so the directory of the other is gone."""
    return [{'id': 'i%d' % i, 'name': 'n', 'status': STATUSES[version % 2], '__imagetype': 'private', '__platform': 'P'}
            for i in range(IMAGES)]


def place(version, image):
    return 'images/private/P/%s/n@i%d' % (STATUSES[version % 2], image)


class Moving:
    """A service whose images move."""

    def __init__(self):
        self.version = 0

    def __call__(self, request, n):
        return Paged(records(self.version))(request, n)

    def move(self, mounted):
        """Returns when the new list is shown."""
        self.version += 1
        assert harness.wait_for(measure.renewal(mounted.status, mounted.signal), 30, 0.005)

    def move_for_all(self, mounted):
        """Returns when the kernel was told, too."""
        old = mounted.path(place(self.version, 0))
        self.move(mounted)
        assert harness.wait_for(lambda: harness.error_of(os.stat, old) == 'ENOENT', 30)


@pytest.fixture
def moving(mount, raw):
    """The service and its mount, which looks for a new list only when it is told to."""
    service = Moving()
    return service, mount(raw(service).url, 'ttl=3600', 'dialect=glance')


def walk(directory, paths, there, going, results):
    """Stats and opens these again and again. Tells how often, and what went wrong: there: all are there; else the error must
    say that one is not."""
    os.chdir(directory)
    used, failed = 0, []
    while going.value and len(failed) < 100:
        for path in paths:
            for call in (os.stat, lambda path: os.close(os.open(path, os.O_RDONLY))):
                found = harness.error_of(call, path)
                if found not in (('OK',) if there else ('OK', 'ENOENT')):
                    failed.append('%s: %s' % (path, found))
                used += 1
    results.put((used, failed))


def walks_while_it_moves(moving, paths, there):
    """What went wrong with READERS processes that walk while all images move MOVES times."""
    service, mounted = moving
    going = multiprocessing.Value('b', 1)
    results = multiprocessing.Queue()
    readers = [multiprocessing.Process(target=walk, args=(mounted.point, paths, there, going, results), daemon=True)
               for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(MOVES):
            service.move(mounted)
            time.sleep(CALM)
    finally:
        going.value = 0
        told = [results.get(timeout=30) for _ in readers]
        for reader in readers:
            reader.join()
    assert all(used > MOVES or failed for used, failed in told)
    lines = [line for _, failed in told for line in failed]
    # Whoever is met by a second move while he walks again is told ESTALE. That is rare.
    rare = len(lines) * 1000 < sum(used for used, _ in told)
    return [line for line in lines if not (rare and line.endswith('ESTALE'))]


@pytest.mark.parametrize('link', ['by-id/i%d', 'by-name/n/i%d'])
def test_through_a_link_it_is_always_there(moving, link):
    assert not walks_while_it_moves(moving, [link % i + '/id' for i in range(IMAGES)], True)


def test_many_at_its_old_place_learn_that_it_is_not_there(moving):
    """However many are sent back at the same time."""
    paths = [place(version, image) + '/id' for image in range(IMAGES) for version in range(2)]
    assert not walks_while_it_moves(moving, paths, False)


@pytest.mark.parametrize('old', ['images/private/P/%s/n@i0/id', 'images/private/P/%s'])
def test_whoever_comes_to_an_old_place_walks_again(moving, old):
    """The kernel looks up all of the path once more, and who then still asks for the old place means it."""
    service, mounted = moving
    path = mounted.path(old % 'active')
    os.stat(path)
    service.move_for_all(mounted)
    for call in (os.stat, lambda path: os.open(path, os.O_RDONLY)):
        before = lookups(mounted)
        assert harness.error_of(call, path) == 'ENOENT'
        assert lookups(mounted) - before >= 5  # 3 of them when it walks once, and one looks at the status
    assert os.stat(mounted.path('by-id/i0/id'))


@pytest.mark.parametrize('stays_in', ['images/private/P/active', 'images/private/P'])
def test_whoever_is_in_an_old_place_is_told(moving, stays_in):
    """From within a directory that went the way leads nowhere, and from without there is no such directory."""
    service, mounted = moving
    os.stat(mounted.path(place(0, 0)))
    directory = os.open(mounted.path(stays_in), os.O_RDONLY | os.O_DIRECTORY)
    try:
        service.move_for_all(mounted)
        relative = os.path.relpath(place(0, 0), stays_in)
        for _ in range(3):
            assert harness.error_of(os.stat, relative, dir_fd=directory) in ('ENOENT', 'ESTALE')
            assert harness.error_of(os.open, mounted.path(place(0, 0)), os.O_RDONLY) == 'ENOENT'
    finally:
        os.close(directory)
