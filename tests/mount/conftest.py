# SPDX-License-Identifier: Apache-2.0
"""Fixtures: factories that clean up after themselves, a time limit for each test, gates."""
import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'bench')]

import foreign  # noqa: E402
import harness  # noqa: E402
import rawserver  # noqa: E402

LIVE = []  # mounts that a watchdog may have to kill


def pytest_configure(config):
    config.addinivalue_line('markers', 'all: large; runs when IMSFS_TEST_ALL is set (tests/run --all)')
    config.addinivalue_line('markers', 'limit(seconds): how long the test may take (default 60), at the usual slack')
    config.addinivalue_line('markers', 'offline: needs neither the binaries nor /dev/fuse')


def pytest_collection_modifyitems(config, items):
    reason = None
    if not os.path.exists('/dev/fuse'):
        reason = 'no /dev/fuse: mounts cannot be tested here'
    for item in items:
        if item.get_closest_marker('all') and not os.environ.get('IMSFS_TEST_ALL'):
            item.add_marker(pytest.mark.skip(reason='large: tests/run --all runs it'))
        if reason and not item.get_closest_marker('offline'):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_sessionstart(session):
    # A shell starts what runs in its background without SIGINT, and readers would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not os.path.exists(harness.IMSFS):
        print('%s is not built: tests that mount will fail' % harness.IMSFS)


@pytest.fixture(autouse=True)
def limit(request):
    """SIGALRM ends a test that takes too long; a call that not even that ends has its mount killed."""
    marker = request.node.get_closest_marker('limit')
    seconds = round((marker.args[0] if marker else 60) * max(harness.SLACK / harness.USUAL_SLACK, 1))

    def on_alarm(number, frame):
        pytest.fail('over the limit of %d s' % seconds)

    watchdog = threading.Timer(seconds + 3, lambda: [mount.destroy() for mount in list(LIVE)])
    watchdog.daemon = True
    old = signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    watchdog.start()
    yield
    watchdog.cancel()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


@pytest.fixture(autouse=True)
def foreign_host():
    """After each test, when all that it started is gone: nobody may have gone where hostile answers lead."""
    foreign.HOST.visits()
    yield
    visits = foreign.HOST.visits()
    assert not visits, 'connections to the foreign host: %r' % visits


@pytest.fixture
def directory(tmp_path):
    """Makes a new directory for each mount and each server."""
    counter = iter(range(100))

    def make():
        path = tmp_path / str(next(counter))
        path.mkdir()
        return path
    return make


@pytest.fixture
def mount(directory):
    """mount(source, 'ttl=1', ..., env=..., background=...) starts one imsfs."""
    started = []

    def start(source, *options, work=None, seconds=30, **named):
        one = harness.Mount(work or directory(), source, *options, **named)
        started.append(one)
        LIVE.append(one)
        return one.start(seconds)

    yield start
    # The newest first: it may be at the place of one that was killed.
    dirty = [one.point for one in reversed(started) if not one.stop()]
    reports = ''.join(one.reports() for one in started)
    leaks = sorted({place for one in started for place in one.leaks})
    for one in started:
        LIVE.remove(one)
    assert not reports, reports
    assert not leaks, 'secrets can be seen: %s' % leaks
    assert not dirty, 'SIGTERM left something: %s' % dirty


@pytest.fixture
def sim(directory):
    """sim(data, '--no-cloudimages', latency=..., ...) starts one ims-sim."""
    started = []

    def start(data, *options, **named):
        started.append(harness.Sim(directory(), data, *options, **named))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def raw():
    """raw(handler or list of replies, port=0, tls=None, greeting=None) starts one scripted server."""
    started = []

    def start(handler, *arguments, **named):
        started.append(rawserver.RawServer(handler, *arguments, **named))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def source_file(directory):
    """source_file(data, name) writes a file to mount."""
    def write(data, name='images.json'):
        path = directory() / name
        path.write_bytes(data)
        return str(path)
    return write


@pytest.fixture
def shell():
    started = []

    def start(path):
        started.append(harness.Shell(path))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def readers():
    """readers('ls', path) starts a process that reads, and ends it if the test does not."""
    started = []

    def start(*command):
        started.append(harness.reader(*command))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel until its mount ends
            one.communicate(timeout=3)
