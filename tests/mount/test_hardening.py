# SPDX-License-Identifier: Apache-2.0
"""What a mount gives up: rights, capabilities, files, descriptors; and that all still works without them."""
import ctypes
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

import data
import harness
from rawserver import Paged

ITEMS = data.records(5)
DAC_READ_SEARCH = 1 << 2
LANDLOCK = ctypes.CDLL(None).syscall(444, None, 0, 1)  # landlock_create_ruleset: which version there is
root = pytest.mark.skipif(os.getuid() != 0, reason='the capabilities of root')
landlock = pytest.mark.skipif(LANDLOCK < 1, reason='this kernel has no Landlock')
no_tsan = pytest.mark.skipif(harness.built_with('libtsan.so'), reason='TSan has a thread that starts before us')


def fields(path):
    with open(path) as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def threads(mounted):
    pid, = mounted.pids()
    found = [fields(path) for path in glob.glob('/proc/%d/task/*/status' % pid)]
    assert len(found) > 5
    return found


def capabilities(mounted):
    """Those of all threads, of every kind."""
    return {int(thread[name], 16) for thread in threads(mounted)
            for name in ('CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb')}


def keepers(mounted):
    pid, = mounted.pids()
    with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


@no_tsan
def test_no_new_privileges(mount, raw):
    mounted = mount(raw(Paged(ITEMS)).url)
    assert {thread['NoNewPrivs'] for thread in threads(mounted)} == {'1'}
    assert len(mounted.list('by-id')) == 5


@no_tsan
@root
def test_no_capability_is_left(mount, raw):
    assert capabilities(mount(raw(Paged(ITEMS)).url)) == {0}


@no_tsan
@root
def test_of_a_file_the_right_to_read_it_is_left(mount, source_file):
    path = source_file(data.response(ITEMS))
    os.chown(path, pwd.getpwnam('nobody').pw_uid, -1)
    os.chmod(path, 0o600)
    mounted = mount(path, 'ttl=1')
    assert capabilities(mounted) == {0, DAC_READ_SEARCH}
    with open(path + '.new', 'wb') as file:
        file.write(data.response(data.records(7)))
    os.chown(path + '.new', pwd.getpwnam('nobody').pw_uid, -1)
    os.chmod(path + '.new', 0o600)
    os.rename(path + '.new', path)
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 7, 10)


def test_process_settings(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)))
    pid, = mounted.pids()
    with open('/proc/%d/limits' % pid) as limits:
        assert re.search(r'Max core file size +0 +0 ', limits.read())
    assert fields('/proc/%d/status' % pid)['Umask'] == '0077'


def test_nobody_reads_our_memory(mount, source_file, directory):
    """What is not dumpable belongs to root in /proc, whoever runs it."""
    if os.getuid():
        pytest.skip('the suite runs as a user already')
    helper = shutil.which('fusermount3')
    if not helper or not os.stat(helper).st_mode & 0o4000:
        pytest.skip('fusermount3 is not setuid here')
    mounted = mount(source_file(data.response(ITEMS)))
    pid, = mounted.pids()
    os.setresuid(-1, 65534, 0)  # no capability is effective
    try:
        assert harness.error_of(open, '/proc/%d/environ' % pid) == 'EACCES'
        assert harness.error_of(open, '/proc/%d/mem' % pid) == 'EACCES'
    finally:
        os.setresuid(-1, 0, 0)


def test_inherited_descriptors_are_closed(mount, source_file, directory):
    mounted = harness.Mount(directory(), source_file(data.response(ITEMS)))
    mounted.command = ['sh', '-c', 'exec "$@" 9</etc/hostname', 'sh', *mounted.command]
    try:
        mounted.start()
        pid, = mounted.pids()
        open_files = [os.readlink(path) for path in glob.glob('/proc/%d/fd/*' % pid)]
        assert '/etc/hostname' not in open_files and len(open_files) > 5
    finally:
        assert mounted.stop()


@landlock
@pytest.mark.parametrize('option, shown', [((), 5), (('nosandbox',), 7)])
def test_other_files_are_out_of_reach(mount, source_file, option, shown):
    """What stands in the source's place is a link to elsewhere now."""
    path, elsewhere = source_file(data.response(ITEMS)), source_file(data.response(data.records(7)))
    mounted = mount(path, 'ttl=1', *option)
    assert len(mounted.list('by-id')) == 5
    os.unlink(path)
    os.symlink(elsewhere, path)
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: mounted.status()['failing'] or len(mounted.list('by-id')) == 7, 10)
    assert len(mounted.list('by-id')) == shown
    if shown == 5:
        assert 'Permission denied' in mounted.status()['last_error']


def test_nosandbox_keeps_all(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)), 'nosandbox')
    assert {thread['NoNewPrivs'] for thread in threads(mounted)} == {fields('/proc/self/status')['NoNewPrivs']}
    assert {thread['CapEff'] for thread in threads(mounted)} == {fields('/proc/self/status')['CapEff']}
    assert not keepers(mounted)


def test_a_command_keeps_its_rights(mount, raw, directory):
    """A token may come from a program that needs any of them."""
    place = str(directory())
    out = place + '/rights'
    with open(place + '/token', 'w') as file:
        file.write(harness.TOKEN)
    mounted = mount(raw(Paged(ITEMS)).url,
                    'token_command=grep NoNewPrivs /proc/self/status > %s; cat %s/token' % (out, place))
    assert len(mounted.list('by-id')) == 5
    with open(out) as file:
        assert file.read().split()[1] == fields('/proc/self/status')['NoNewPrivs']


@pytest.mark.parametrize('background', [False, True])
def test_the_keeper_has_nothing_of_ours(mount, source_file, background):
    mounted = mount(source_file(data.response(ITEMS)), background=background)
    keeper, = keepers(mounted)
    links = {os.readlink(path) for path in glob.glob('/proc/%d/fd/*' % keeper)}
    assert len(links) == 2 and '/dev/null' in links and any(link.startswith('socket:') for link in links)
    with open('/proc/%d/cmdline' % keeper, 'rb') as file:
        assert file.read().rstrip(b'\0') == b'imsfs-keeper'  # and nothing of ours
    with open('/proc/%d/comm' % keeper) as file:
        assert file.read() == 'imsfs-keeper\n'
    assert os.readlink('/proc/%d/cwd' % keeper) == '/'


@pytest.mark.parametrize('ended_by', [signal.SIGTERM, signal.SIGKILL])
def test_the_keeper_ends_with_us(mount, source_file, ended_by):
    mounted = mount(source_file(data.response(ITEMS)))
    keeper, = keepers(mounted)
    os.kill(keeper, signal.SIGTERM)  # a supervisor may send it to all of us
    os.kill(keeper, signal.SIGHUP)
    pid, = mounted.pids()
    os.kill(pid, ended_by)
    mounted.process.wait(10)
    assert harness.wait_for(lambda: not os.path.exists('/proc/%d' % keeper), 10)
    assert mounted.mounted() == (ended_by == signal.SIGKILL)
    harness.clear(mounted.point)


@root
def test_what_is_mounted_over_it_stays_where_we_may_not_look(mount, raw, directory):
    """Without capabilities nobody looks into a directory that is another's."""
    place = directory()
    mounted = mount(raw(Paged(ITEMS)).url, work=place)
    os.chown(place, pwd.getpwnam('nobody').pw_uid, -1)
    os.chmod(place, 0o700)
    subprocess.run(['mount', '-t', 'tmpfs', 'above', mounted.point], check=True)
    try:
        mounted.signal(signal.SIGTERM)
        assert mounted.process.wait(10) == 1 and 'something is mounted over it; remove it with' in mounted.stderr()
        assert harness.mounts()[mounted.point][1] == 'tmpfs'
    finally:
        subprocess.run(['umount', '-l', mounted.point], check=True)
    harness.clear(mounted.point)


def test_without_the_keeper_the_mount_stays(mount, source_file):
    """It works on, but ends as a dead one; that is a failure, and the log has the command that removes it."""
    mounted = mount(source_file(data.response(ITEMS)))
    keeper, = keepers(mounted)
    os.kill(keeper, signal.SIGKILL)
    assert len(mounted.list('by-id')) == 5
    mounted.signal(signal.SIGTERM)
    assert mounted.process.wait(10) == 1 and mounted.mounted()
    command, = re.findall('imsfs-keeper was killed; remove it with: (.*), or use -o recover', mounted.stderr())
    assert subprocess.run(command, shell=True).returncode == 0
    assert not mounted.mounted()


def test_without_the_keeper_anybody_else_may_unmount_it(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)))
    keeper, = keepers(mounted)
    os.kill(keeper, signal.SIGKILL)
    subprocess.run(['fusermount3', '-u', mounted.point], check=True)
    assert mounted.process.wait(10) == 0
    assert 'dead mount' not in mounted.stderr()
