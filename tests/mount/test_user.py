# SPDX-License-Identifier: Apache-2.0
"""No root is needed: a mount by somebody else, through fusermount3."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest

import data
import harness


@pytest.fixture
def place():
    """A directory that nobody owns, in a place that nobody can reach."""
    if os.getuid():
        pytest.skip('the suite runs as a user already')
    helper = shutil.which('fusermount3')
    if not helper or not os.stat(helper).st_mode & 0o4000:
        pytest.skip('fusermount3 is not setuid here')
    if not os.path.exists('/etc/mtab'):
        pytest.skip('there is no /etc/mtab, without which fusermount3 lets nobody unmount')
    if subprocess.run(['test', '-x', harness.IMSFS], user='nobody').returncode:
        pytest.skip('nobody cannot run ' + harness.IMSFS)
    path = tempfile.mkdtemp(prefix='imsfs-nobody-')
    os.chown(path, pwd.getpwnam('nobody').pw_uid, -1)
    os.mkdir(path + '/mnt')
    os.chown(path + '/mnt', pwd.getpwnam('nobody').pw_uid, -1)
    with open(path + '/images.json', 'wb') as file:
        file.write(data.response(data.records(5)))
    os.chmod(path + '/images.json', 0o644)
    yield path
    shutil.rmtree(path)


def as_nobody(*command):
    return subprocess.run(command, user='nobody', group='nogroup', extra_groups=[], capture_output=True, cwd='/')


def start(mount, place):
    try:
        return mount(place + '/images.json', 'ttl=1', work=place, user='nobody')
    except harness.MountFailed as failed:
        if '/dev/fuse' in failed.stderr or 'fusermount3' in failed.stderr:
            pytest.skip('fusermount3 does not let nobody mount here: ' + failed.stderr.strip())
        raise


def test_mount_as_nobody(place, mount):
    mounted = start(mount, place)
    point = mounted.point
    assert len(as_nobody('ls', point + '/by-id').stdout.split()) == 5
    assert as_nobody('cat', point + '/by-id/' + data.image_id(1) + '/name').stdout == b'image-1\n'
    owner = as_nobody('stat', '-c', '%U %a', point + '/by-id/' + data.image_id(1) + '/name').stdout
    assert owner == b'nobody 444\n'
    assert {'ro', 'nosuid', 'nodev', 'noexec'} <= set(harness.mounts()[point][0])
    assert harness.error_of(os.listdir, point) == 'EACCES'  # not even root, without allow_other
    assert as_nobody('fusermount3', '-u', point).returncode == 0
    assert mounted.gone(1 + harness.SLACK)


def test_sigterm_as_nobody(place, mount):
    mounted = start(mount, place)
    assert mounted.stop()


def test_a_dead_mount_of_nobody(place, mount):
    """Somebody else is told the command of a user, and -o recover uses it."""
    dead = start(mount, place)
    dead.signal(signal.SIGKILL)
    dead.process.wait()
    assert harness.wait_for(lambda: as_nobody('stat', '-f', dead.point).returncode, 5)
    again = as_nobody(harness.IMSFS, place + '/images.json', dead.point)
    assert again.returncode == 1 and b"fusermount3 -u '" in again.stderr and b'-o recover' in again.stderr
    again = as_nobody(harness.IMSFS, '-o', 'recover', place + '/images.json', dead.point)
    assert again.returncode == 0, again.stderr
    assert len(as_nobody('ls', dead.point + '/by-id').stdout.split()) == 5
    assert as_nobody('fusermount3', '-u', dead.point).returncode == 0


def refused(*command):
    """The last line: fusermount3 may have said something before."""
    result = as_nobody(*command)
    assert result.returncode == 1, result
    return result.stderr.splitlines()[-1].decode()


def test_a_living_mount_of_nobody(place, mount):
    mounted = start(mount, place)
    for options in ([], ['-o', 'nonempty']):
        assert 'mounted here already' in refused(harness.IMSFS, *options, place + '/images.json', mounted.point)


@pytest.mark.parametrize('before, options, word', [
    (['setpriv', '--no-new-privs'], [], 'no_new_privs'),
    ([], ['-o', 'allow_other'], 'user_allow_other'),
    ([], ['-o', 'allow_root'], 'user_allow_other'),
])
def test_what_fusermount3_needs(place, before, options, word):
    with open('/etc/fuse.conf') as conf:
        if options and '\nuser_allow_other' in '\n' + conf.read():
            pytest.skip('users may let others in here')
    assert word in refused(*before, harness.IMSFS, *options, place + '/images.json', place + '/mnt')


def test_a_parent_renamed_as_nobody(place, mount):
    """fusermount3 unmounts what libfuse does not find any more."""
    os.mkdir(place + '/parent')
    os.mkdir(place + '/parent/mnt')
    for path in (place + '/parent', place + '/parent/mnt'):
        os.chown(path, pwd.getpwnam('nobody').pw_uid, -1)
    mounted = mount(place + '/images.json', work=place, user='nobody', point=place + '/parent/mnt')
    os.rename(place + '/parent', place + '/moved')
    mounted.process.send_signal(signal.SIGTERM)
    assert harness.end_of(mounted.process, 1 + harness.SLACK) == 0
    assert place + '/moved/mnt' not in harness.mounts()
    os.rename(place + '/moved', place + '/parent')


@pytest.mark.parametrize('options', ['-u', '-uz'])
def test_fusermount3_with_somebody_inside(place, mount, options):
    mounted = start(mount, place)
    inside = subprocess.Popen(['sh', '-c', 'cd "$0" && exec sleep 60', mounted.point], user='nobody',
                              group='nogroup', extra_groups=[])
    try:
        assert harness.wait_for(lambda: os.readlink('/proc/%d/cwd' % inside.pid) == mounted.point, 5)
        status = as_nobody('fusermount3', options, mounted.point).returncode
        if options == '-u':
            assert status and len(as_nobody('ls', mounted.point + '/by-id').stdout.split()) == 5
        else:
            assert status == 0 and mounted.gone(1 + harness.SLACK)
    finally:
        inside.kill()
        inside.wait()
