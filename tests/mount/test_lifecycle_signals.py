# SPDX-License-Identifier: Apache-2.0
"""Signals at any moment: SIGTERM ends all within a second, SIGKILL leaves what can be mounted again, others do no harm."""
import os
import random
import signal
import subprocess
import time

import pytest

import data
import harness
from rawserver import Paged, Reply

AT_ONCE = 1 + harness.SLACK
LARGE = [pytest.mark.all, pytest.mark.limit(900)]
RECORDS = data.records(250)
FIVE = data.response(data.records(5))


def long_page():
    """It takes seconds to decode."""
    page = b','.join(FIVE[FIVE.index(b'[') + 1:FIVE.rindex(b']')].replace(b'-0000-', b'-%04x-' % i)
                     for i in range(5000))
    return b'{"images": [' + page + b']}'


LONG_PAGE = long_page()


def first(request, n):
    return Reply(hang=True)


def second(request, n):
    return Paged(RECORDS, size=100)(request, n) if n == 1 else Reply(hang=True)


def good(request, n):
    return Paged(RECORDS)(request, n)


def decoding(request, n):
    return Reply(LONG_PAGE)


# name: what the server answers, options, a command of a reader ({} is the mount)
PHASES = {
    'sign-in': (good, ['lazy', 'token_command=sleep 60', 'insecure_http'], 'ls {}/by-id'),
    'first request': (first, ['lazy'], 'ls {}/by-id'),
    'paging': (second, ['lazy', 'page_size=100'], 'ls {}/by-id'),
    'parked readers': (first, ['lazy'], 'for i in 1 2 3 4 5 6 7 8 9; do ls {}/by-id & done; wait'),
    'decoding': (decoding, ['lazy'], 'ls {}/by-id'),
    'refresh': (second, ['ttl=0.2', 'page_size=250'], 'while ls {}/by-id; do :; done'),
    'renewing': (good, ['ttl=0.1'], 'while find {}/by-name; do :; done'),
    'idle': (good, [], 'ls {}/by-id'),
    'storing': (good, [], 'while grep -r x {}/images; do :; done'),
}
CASES = [(phase, 'once') for phase in PHASES]
CASES += [(phase, end) for phase in ('paging', 'idle', 'storing') for end in ('twice', 'with umount')]


@pytest.mark.parametrize('points', [5, pytest.param(20, marks=LARGE)])
@pytest.mark.parametrize('phase, end', CASES)
def test_sigterm(mount, raw, phase, end, points):
    """At points chosen by a seed, which the name tells."""
    handler, options, command = PHASES[phase]
    seed = random.Random(phase + end)
    for _ in range(points):
        server = raw(handler)
        mounted = mount(server.url, 'timeout=50', *options)
        reader = subprocess.Popen(['sh', '-c', command.format(mounted.point)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(seed.uniform(0, 0.6))
        if end == 'with umount':
            subprocess.run(['fusermount3', '-uz', mounted.point], check=True)
        mounted.signal(signal.SIGTERM)
        if end == 'twice':
            mounted.signal(signal.SIGTERM)
        assert mounted.gone(AT_ONCE), phase
        assert mounted.process.returncode == 0
        assert harness.end_of(reader, AT_ONCE) is not None
        server.close()


@pytest.mark.parametrize('number', [signal.SIGUSR1, signal.SIGPIPE, signal.SIGHUP, signal.SIGCONT],
                         ids=lambda number: number.name)
def test_others_do_no_harm(mount, raw, number):
    mounted = mount(raw(good).url, background=True)
    for _ in range(20):
        mounted.signal(number)
        assert len(mounted.list('by-id')) == 250
    assert mounted.stop()


def gone_by_force(one):
    """It may have forked while somebody looked."""
    one.signal(signal.SIGKILL)
    return not harness.processes_of(one.point)


@pytest.mark.parametrize('times', [25, pytest.param(250, marks=LARGE)])
@pytest.mark.parametrize('part', range(4))
def test_killed_and_mounted_again(source_file, directory, part, times):
    """In whatever it was doing, starting included."""
    seed = random.Random(part)
    path = source_file(FIVE)
    work = directory()
    one = harness.Mount(work, path, 'recover', background=True)
    os.mkdir(one.point)
    reports = ''
    try:
        for _ in range(times):
            starting = subprocess.Popen(one.command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=one.env)
            if seed.random() < 0.5:
                starting.wait()
            reader = subprocess.Popen(['grep', '-r', 'x', one.point + '/images'], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            time.sleep(seed.uniform(0, 0.2))
            one.signal(signal.SIGKILL)
            starting.wait()
            assert harness.wait_for(lambda: gone_by_force(one), AT_ONCE)
            assert harness.end_of(reader, AT_ONCE) is not None
        one.start()
        assert len(one.list('by-id')) == 5
        reports = one.reports()
        assert one.stop()
    finally:
        one.destroy()
    assert 'ERROR: ' not in reports, reports  # a leak check that was killed complains, too
    assert one.point not in harness.mounts()


@pytest.mark.parametrize('part', range(2))
def test_the_parent_is_killed_when_the_child_is_ready(source_file, directory, part):
    """A mount that works, or none."""
    seed = random.Random(part)
    path = source_file(FIVE)
    one = harness.Mount(directory(), path, background=True)
    os.mkdir(one.point)
    try:
        start = time.monotonic()
        subprocess.run(one.command, env=one.env, check=True)
        usual = time.monotonic() - start
        assert one.stop()
        for _ in range(15):
            parent = subprocess.Popen(one.command, env=one.env)
            time.sleep(usual * seed.uniform(0.6, 1.1))
            parent.kill()
            parent.wait()
            if harness.wait_for(lambda: not one.pids(), 0.5):
                assert not one.mounted()
            else:
                assert len(one.list('by-id')) == 5
                assert one.stop()
    finally:
        one.destroy()


def test_suspended_for_longer_than_the_list_is_valid(mount, raw, readers):
    """Readers wait; afterwards it is renewed once, and not once for each."""
    server = raw(good)
    mounted = mount(server.url, 'ttl=2', 'timeout=50')
    assert len(mounted.list('by-id')) == 250
    before = len(server.lists())
    mounted.process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    started = [readers('ls', mounted.path('by-name')) for _ in range(20)]
    assert harness.waiting(started[-1], 0.3)
    mounted.process.send_signal(signal.SIGCONT)
    for process in started:
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0 and len(out.split()) == 250
    assert before + 1 <= len(server.lists()) <= before + 2  # one, and a second if all took longer than its lease
