# SPDX-License-Identifier: Apache-2.0
"""Readers that wait for the server can be interrupted, and the mount ends although they wait."""
import os
import signal
import subprocess
import threading

import pytest

import data
import harness
from rawserver import Paged, Reply

AT_ONCE = 1 + harness.SLACK
PATHS = ['images', 'by-id', 'by-id/' + data.image_id(1), 'by-name/image-1', 'images/gold/CentOS/active']


@pytest.fixture
def hanging(mount, raw):
    """A cold mount whose server never answers."""
    server = raw([Reply(hang=True)])
    return mount(server.url, 'lazy', 'timeout=50')


def start_waiting(readers, mounted, paths=PATHS):
    started = [readers('ls', mounted.path(path)) for path in paths]
    assert harness.waiting(started[-1], 0.7)
    assert [process.poll() for process in started] == [None] * len(started)
    return started


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize('path', PATHS)
def test_a_waiting_reader_ends_at_once(hanging, readers, path, number):
    process, = start_waiting(readers, hanging, [path])
    process.send_signal(number)
    assert harness.end_of(process, AT_ONCE) is not None
    assert hanging.status()['images'] == 0


def test_the_others_go_on_waiting_and_get_the_list(mount, raw, readers):
    gate = threading.Event()
    pages = Paged(data.records(5))

    def handler(request, n):
        reply = pages(request, n)
        reply.gate = gate
        return reply
    server = raw(handler)
    mounted = mount(server.url, 'lazy', 'timeout=50')
    started = start_waiting(readers, mounted, ['images', 'by-id', 'by-name', 'by-id'])
    for process in started[1:3]:
        process.send_signal(signal.SIGINT)
        assert harness.end_of(process, AT_ONCE) is not None
    gate.set()
    assert [harness.end_of(process, 10) for process in (started[0], started[3])] == [0, 0]
    assert started[3].communicate()[0].split() == [data.image_id(i).encode() for i in range(5)]
    assert len(server.lists()) == 1


@pytest.mark.parametrize('paths', [['by-id', 'by-id'], ['by-id', PATHS[2]], [PATHS[2], 'by-id'],
                                   [PATHS[2], 'by-id/another']], ids=lambda paths: '+'.join(p[:8] for p in paths))
def test_a_reader_behind_another_in_one_directory_ends_at_once(hanging, readers, paths):
    """The kernel must not queue them: a queue of its own could not be interrupted (FUSE_PARALLEL_DIROPS)."""
    first, = start_waiting(readers, hanging, paths[:1])
    second, = start_waiting(readers, hanging, paths[1:])
    for process in (second, first):
        process.kill()
        assert harness.end_of(process, AT_ONCE) is not None


def test_all_interrupted_then_read_again(mount, raw, readers):
    gate = threading.Event()
    server = raw(lambda request, n: Reply(data.response(data.records(3)), gate=gate))
    mounted = mount(server.url, 'lazy', 'timeout=50')
    for process in start_waiting(readers, mounted):
        process.kill()
        assert harness.end_of(process, AT_ONCE) is not None
    gate.set()
    assert len(mounted.list('by-id')) == 3


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('background', [False, True])
def test_a_signal_ends_the_mount_with_readers_waiting(mount, raw, readers, background, number):
    mounted = mount(raw([Reply(hang=True)]).url, 'lazy', 'timeout=50', background=background)
    started = start_waiting(readers, mounted)
    mounted.signal(number)
    assert mounted.gone(AT_ONCE)
    assert all(harness.end_of(process, AT_ONCE) not in (0, None) for process in started)
    if not background:
        assert mounted.process.returncode == 0


def test_a_lazy_unmount_with_readers_waiting(hanging, readers):
    started = start_waiting(readers, hanging)
    subprocess.run(['fusermount3', '-uz', hanging.point], check=True)
    assert hanging.gone(AT_ONCE)
    assert all(harness.end_of(process, AT_ONCE) not in (0, None) for process in started)


def test_unmount_of_a_hanging_mount_with_none_inside(hanging, readers):
    process, = start_waiting(readers, hanging, ['images'])
    process.kill()
    assert harness.end_of(process, AT_ONCE) is not None
    subprocess.run(['fusermount3', '-u', hanging.point], check=True)
    assert hanging.gone(AT_ONCE)


@pytest.mark.parametrize('command', [['fusermount3', '-u'], ['umount']])
@pytest.mark.parametrize('background', [False, True])
def test_unmount(mount, source_file, command, background):
    if command[0] == 'umount' and os.getuid():
        pytest.skip('umount needs root')
    mounted = mount(source_file(data.response(data.records(5))), background=background)
    assert len(mounted.list('by-id')) == 5
    subprocess.run([*command, mounted.point], check=True)
    assert mounted.gone(AT_ONCE)
    if not background:
        assert mounted.process.returncode == 0


def test_unmount_is_refused_with_somebody_inside(mount, source_file, shell):
    mounted = mount(source_file(data.response(data.records(5))))
    inside = shell(mounted.path('by-id', data.image_id(2)))
    assert subprocess.run(['fusermount3', '-u', mounted.point], stderr=subprocess.DEVNULL).returncode != 0
    assert inside.run('cat name') == b'image-2\n'


def test_sigterm_with_an_open_file(mount, source_file):
    mounted = mount(source_file(data.response(data.records(5))))
    fd = os.open(mounted.path('by-id', data.image_id(2), 'name'), os.O_RDONLY)
    mounted.signal(signal.SIGTERM)
    assert mounted.gone(AT_ONCE)
    assert harness.error_of(os.close, fd) in ('OK', 'ENOTCONN')  # the file system has gone


@pytest.mark.skipif(os.geteuid() != 0, reason='only root mounts a tmpfs')
def test_what_lies_below_stays_mounted(mount, source_file, tmp_path):
    """Unmounted lazily while somebody is inside, the daemon ends; it must not unmount what is at its path now."""
    below = tmp_path / 'mnt'
    below.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', 'below', below], check=True)
    try:
        mounted = mount(source_file(data.response(data.records(5))), work=tmp_path)
        assert harness.wait_for(lambda: harness.mounts()[str(below)][1] == 'fuse.imsfs', 10)
        directory = os.open(mounted.path('by-id'), os.O_RDONLY)
        subprocess.run(['umount', '-l', below], check=True)
        assert harness.wait_for(lambda: mounted.process.poll() is not None, AT_ONCE)
        os.close(directory)
        assert harness.mounts()[str(below)][1] == 'tmpfs'
    finally:
        subprocess.run(['umount', '-l', below], check=True)


def test_ten_mounts_one_after_the_other(mount, source_file):
    path = source_file(data.response(data.records(5)))
    for _ in range(10):
        mounted = mount(path, background=True)
        assert len(mounted.list('images')) == 4
        assert mounted.stop()
