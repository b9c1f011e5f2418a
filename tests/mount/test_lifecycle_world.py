# SPDX-License-Identifier: Apache-2.0
"""The clock jumps, the name service is dead."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

import data
import harness
from rawserver import Paged

AT_ONCE = 1 + harness.SLACK
YEARS = 10 * 365 * 86400
LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'


@pytest.mark.skipif(not os.path.exists(LIBFAKETIME), reason='faketime is not installed')
@pytest.mark.skipif(harness.built_with('libtsan.so') or harness.built_with('AddressSanitizer'),
                    reason='TSan, and the ASan that clang links in, do not start below libfaketime')
def test_the_wall_clock_jumps(mount, raw, directory):
    """Ten years ahead, and back, and ten years behind: what is valid stays so, and what ends, ends."""
    work = directory()
    offset = work / 'offset'

    def jump(seconds):
        (work / 'new').write_text('%+d\n' % seconds)
        os.rename(work / 'new', offset)
    jump(0)
    records = data.records(5)
    server = raw(lambda request, n: Paged(records)(request, n))
    mounted = mount(server.url, 'ttl=3', work=work, env={
        'LD_PRELOAD': LIBFAKETIME, 'FAKETIME_TIMESTAMP_FILE': str(offset), 'FAKETIME_NO_CACHE': '1',
        'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'ASAN_OPTIONS': 'verify_asan_link_order=0'})
    for seconds in (YEARS, 0, -YEARS):
        mounted.list('by-id')
        listings = mounted.status()['listings']
        jump(seconds)
        now = mounted.status()
        assert now['listings'] == listings and len(mounted.list('by-id')) == len(records)
        records.append(data.record(len(records)))
        assert harness.wait_for(lambda: len(mounted.list('by-id')) == len(records), 4 + harness.SLACK)
        assert mounted.status()['listings'] == listings + 1


@pytest.fixture
def silent_dns(directory):
    """Words that start a command where only a name server is that never answers."""
    if os.geteuid() or not shutil.which('unshare') or not shutil.which('ip'):
        pytest.skip('needs root, unshare and ip')
    config = directory() / 'resolv.conf'
    config.write_text('nameserver 127.0.0.1\n')
    script = ('mount --bind %s /etc/resolv.conf && ip link set lo up && '
              '{ /usr/bin/python3 -c "import socket; s = socket.socket(type=socket.SOCK_DGRAM); '
              's.bind((\'127.0.0.1\', 53)); print(0, flush=True); s.recv(1); print(1, flush=True); import time; time.sleep(60)" '
              '> %s/asked & echo $! > %s/server; until [ -s %s/asked ]; do sleep 0.02; done; exec "$@"; }') % (
                  config, config.parent, config.parent, config.parent)
    yield ['unshare', '-mn', 'sh', '-c', script, 'sh'], config.parent
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((config.parent / 'server').read_text()), signal.SIGKILL)


def inside(mounted, *command):
    """A reader where the mount is seen."""
    return harness.reader('nsenter', '-m', '-t', str(mounted.process.pid), *command)


def mount_points(pid):
    with open('/proc/%d/mountinfo' % pid) as table:
        return [line.split()[4] for line in table]


@pytest.mark.parametrize('end', ['wait', 'interrupt', 'SIGTERM', 'unmount'])
def test_a_name_server_that_never_answers(silent_dns, directory, end):
    """Readers fail within the deadline; they, the mount and imsfs can be ended at once."""
    wrapper, work = silent_dns
    # libcurl leaves its thread that asks; the memory of that one LeakSanitizer cannot look at.
    mounted = harness.Mount(directory(), 'http://images.example', 'lazy', 'timeout=%d' % (2 if end == 'wait' else 50),
                            env={'ASAN_OPTIONS': 'detect_leaks=0'})
    os.mkdir(mounted.point)
    with open(mounted.errors, 'wb') as errors:
        mounted.process = subprocess.Popen(wrapper + mounted.command, stderr=errors, env=mounted.env, cwd='/')
    process = mounted.process
    try:
        assert harness.wait_for(lambda: mounted.point in mount_points(process.pid), 20), mounted.stderr()
        start = time.monotonic()
        reader = inside(mounted, 'ls', mounted.path('by-id'))
        assert harness.wait_for(lambda: '1' in (work / 'asked').read_text(), 10)
        if end == 'wait':
            out, why = reader.communicate(timeout=10)
            assert b'timed out' in why or b'No route to host' in why or b'unreachable' in why, why
            assert time.monotonic() - start < 2 + 2 * harness.SLACK
        else:
            assert harness.waiting(reader)
        if end == 'interrupt':
            reader.send_signal(signal.SIGINT)
        elif end == 'unmount':
            subprocess.run(['nsenter', '-m', '-t', str(process.pid), 'umount', '-l', mounted.point], check=True)
        if end in ('wait', 'interrupt', 'SIGTERM'):
            if end == 'interrupt':
                assert harness.end_of(reader, AT_ONCE) is not None
            process.send_signal(signal.SIGTERM)
        assert harness.end_of(process, AT_ONCE) == 0
        assert harness.end_of(reader, AT_ONCE) is not None
        assert not mounted.reports()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
