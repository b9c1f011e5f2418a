# SPDX-License-Identifier: Apache-2.0
"""However a mount ends, nothing of it is left: no process, no mount, no reader that waits."""
import os
import signal
import subprocess

import pytest

import data
import harness
from rawserver import Reply

AT_ONCE = 1 + harness.SLACK
PATHS = ['images', 'by-id', 'by-id/' + data.image_id(1), 'by-name/image-1']
root_only = pytest.mark.skipif(os.geteuid() != 0, reason='only root may do that')


@pytest.fixture
def five(source_file):
    return source_file(data.response(data.records(5)))


@pytest.fixture
def hanging(mount, raw):
    """A cold mount whose server never answers."""
    return mount(raw([Reply(hang=True)]).url, 'lazy', 'timeout=50')


def connection_of(point):
    """The mount's directory in fusectl."""
    with open('/proc/self/mountinfo') as table:  # to stat it might wait
        device, = [line.split()[2] for line in table if line.split()[4] == point]
    return '/sys/fs/fuse/connections/' + device.split(':')[1]


def force(point):
    subprocess.run(['umount', '-f', point], stderr=subprocess.DEVNULL)  # it says busy, and ends the connection


def abort(point):
    if not os.path.ismount('/sys/fs/fuse/connections'):
        subprocess.run(['mount', '-t', 'fusectl', 'fusectl', '/sys/fs/fuse/connections'], check=True)
    with open(connection_of(point) + '/abort', 'w') as file:
        file.write('1')


ENDS = [force, abort,
        lambda point: subprocess.run(['umount', '-l', point], check=True),
        lambda point: subprocess.run(['fusermount3', '-uz', point], check=True)]


@root_only
@pytest.mark.parametrize('end', ENDS, ids=['force', 'abort', 'lazy', 'lazy-fusermount3'])
@pytest.mark.parametrize('background', [False, True], ids=['-f', 'background'])
def test_ended_by_force_with_readers_waiting(mount, raw, readers, end, background):
    mounted = mount(raw([Reply(hang=True)]).url, 'lazy', 'timeout=50', background=background)
    started = [readers('ls', mounted.path(path)) for path in PATHS]
    assert harness.waiting(started[-1])
    end(mounted.point)
    assert all(harness.end_of(process, AT_ONCE) not in (0, None) for process in started)
    assert mounted.gone(AT_ONCE)
    assert background or mounted.process.returncode == 0


@root_only
@pytest.mark.parametrize('end', [force, abort], ids=['force', 'abort'])
def test_ended_by_force_with_somebody_inside(mount, five, shell, end):
    mounted = mount(five)
    shell(mounted.path('by-id', data.image_id(1)))
    end(mounted.point)
    assert mounted.gone(AT_ONCE)


def test_a_parent_renamed_as_soon_as_it_is_mounted(five, directory):
    """Whoever is answered may rename it at once, before imsfs is done with its start."""
    work = directory()
    point = work / 'parent' / 'mnt'
    point.mkdir(parents=True)
    before = point.stat().st_dev
    process = subprocess.Popen([harness.IMSFS, '-f', str(five), str(point)])
    while point.stat().st_dev == before and process.poll() is None:
        pass
    (work / 'parent').rename(work / 'moved')
    there = str(work / 'moved' / 'mnt')
    try:
        assert len(os.listdir(there + '/by-id')) == 5
        process.send_signal(signal.SIGTERM)
        assert harness.end_of(process, AT_ONCE) == 0
        assert there not in harness.mounts()
    finally:
        harness.clear(there)
        process.kill()
        process.wait()


def test_a_parent_renamed_while_mounted(mount, five, directory):
    """The mount has moved with it, and ends where it is."""
    work = directory()
    (work / 'parent').mkdir()
    mounted = mount(five, work=work, point=str(work / 'parent' / 'mnt'))
    (work / 'parent').rename(work / 'moved')
    there = str(work / 'moved' / 'mnt')
    assert len(os.listdir(there + '/by-id')) == 5
    mounted.process.send_signal(signal.SIGTERM)
    try:
        assert harness.wait_for(lambda: there not in harness.mounts(), AT_ONCE)
        assert harness.end_of(mounted.process, AT_ONCE) == 0
    finally:
        harness.clear(there)


@root_only
def test_a_second_place_ends_as_well(mount, five, directory):
    mounted = mount(five)
    other = str(directory())
    subprocess.run(['mount', '--bind', mounted.path('by-id'), other], check=True)
    assert len(os.listdir(other)) == 5
    assert mounted.stop()
    try:
        assert other not in harness.mounts()
    finally:
        harness.clear(other)


@root_only
def test_another_one_with_our_old_number_stays(mount, five):
    """Who mounts next gets the device number of what went, here before the old daemon has seen that it is gone."""
    first = mount(five, background=True)  # ready when this returns
    number = os.stat(first.point).st_dev
    first.signal(signal.SIGSTOP)
    try:
        subprocess.run(['umount', '-l', first.point], check=True)
        others = (mount(five) for _ in range(9))
        heir = next((other for other in others if os.stat(other.point).st_dev == number), None)
    finally:
        first.signal(signal.SIGCONT)
    assert harness.wait_for(lambda: not first.pids(), AT_ONCE)
    if not heir:
        pytest.skip('somebody else has the number')
    assert len(os.listdir(heir.path('by-id'))) == 5
    assert heir.stop()
