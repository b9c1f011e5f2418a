# SPDX-License-Identifier: Apache-2.0
"""A mount whose process was killed: it is recognised, the command to remove it is told, and -o recover does that."""
import os
import signal
import subprocess

import pytest

import data
import harness

AT_ONCE = 1 + harness.SLACK


@pytest.fixture
def five(source_file):
    return source_file(data.response(data.records(5)))


def kill(mounted):
    mounted.signal(signal.SIGKILL)
    mounted.process.wait()
    assert harness.wait_for(lambda: harness.error_of(os.statvfs, mounted.point) == 'ENOTCONN', AT_ONCE)


@pytest.mark.parametrize('background', [False, True], ids=['-f', 'background'])
def test_recover(mount, five, directory, background):
    work = directory()
    kill(mount(five, work=work))
    again = mount(five, 'recover', work=work, background=background)
    # Between the dead mount and the next there is an empty directory.
    assert harness.wait_for(lambda: harness.error_of(os.listdir, again.path('by-id')) == 'OK', 20)
    assert len(again.list('by-id')) == 5
    table = [line for line in open('/proc/self/mountinfo') if ' %s ' % again.point in line]
    assert len(table) == 1, table
    assert again.stop()  # else the first one, which ends first, finds something at its directory


def test_recover_with_somebody_inside(mount, five, directory, shell):
    work = directory()
    dead = mount(five, work=work)
    inside = shell(dead.path('by-id', data.image_id(1)))
    kill(dead)
    again = mount(five, 'recover', work=work, background=True)
    assert len(again.list('by-id')) == 5
    assert b'not connected' in inside.run('cat name')
    assert again.stop()


def refused(mount, *arguments, **named):
    with pytest.raises(harness.MountFailed) as failed:
        mount(*arguments, **named)
    line, = failed.value.lines()
    assert failed.value.status == 1
    return line


def test_recover_refuses_a_living_mount(mount, five, directory):
    work, other = directory(), directory()
    mounted = mount(five, work=work)
    assert 'mounted here already' in refused(mount, five, 'recover', work=other, point=mounted.point, background=True)
    assert len(mounted.list('by-id')) == 5


@pytest.mark.parametrize('name', ['mnt', "it's $(HOME)"])
def test_a_dead_mount_tells_the_command(mount, five, directory, name):
    """That of who reads it; and it works as it is written."""
    work = directory()
    dead = mount(five, work=work, point=os.path.join(work, name))
    kill(dead)
    line = refused(mount, five, work=directory(), point=dead.point, background=True)
    assert line.endswith(', or use -o recover')
    command = line[line.index('with: ') + 6:line.index(', or use')]
    assert command.split()[0] == ('fusermount3' if os.geteuid() else 'umount')
    assert subprocess.run(command, shell=True).returncode == 0
    assert not dead.mounted()
