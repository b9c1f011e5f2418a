# SPDX-License-Identifier: Apache-2.0
"""Nothing can be written; modes, owners, flags and reads as the manual says."""
import os
import stat
import time

import pytest

import data
import harness
import reference

ITEMS = data.records(12)
TEXT = data.response(ITEMS)


@pytest.fixture
def mounted(mount, source_file):
    return mount(source_file(TEXT))


def mutations(point):
    """Name -> a call that would change something."""
    image = os.path.join(point, 'by-id', data.image_id(1))
    file, new = os.path.join(image, 'name'), os.path.join(image, 'new')
    opened = {name: lambda flags=flags: os.close(os.open(file, flags)) for name, flags in (
        ('O_WRONLY', os.O_WRONLY), ('O_RDWR', os.O_RDWR), ('O_TRUNC', os.O_RDONLY | os.O_TRUNC),
        ('O_APPEND', os.O_WRONLY | os.O_APPEND))}
    return {
        **opened,
        'O_CREAT': lambda: os.close(os.open(new, os.O_CREAT | os.O_WRONLY)),
        'O_TMPFILE': lambda: os.close(os.open(image, os.O_TMPFILE | os.O_RDWR)),
        'truncate': lambda: os.truncate(file, 0),
        'unlink': lambda: os.unlink(file),
        'unlink of a link': lambda: os.unlink(os.path.join(point, 'by-id', data.image_id(1))),
        'rmdir': lambda: os.rmdir(os.path.join(point, 'by-id')),
        'mkdir': lambda: os.mkdir(new),
        'mkdir at the top': lambda: os.mkdir(os.path.join(point, 'new')),
        'mknod': lambda: os.mknod(new),
        'mkfifo': lambda: os.mkfifo(new),
        'symlink': lambda: os.symlink('x', new),
        'link': lambda: os.link(file, new),
        'rename': lambda: os.rename(file, new),
        'rename of a directory': lambda: os.rename(os.path.join(point, 'by-id'), os.path.join(point, 'other')),
        'chmod': lambda: os.chmod(file, 0o777),
        'chmod of a directory': lambda: os.chmod(image, 0o777),
        'chown': lambda: os.chown(file, 1, 1),
        'lchown': lambda: os.lchown(os.path.join(point, 'by-id', data.image_id(1)), 1, 1),
        'utime': lambda: os.utime(file),
        'setxattr': lambda: os.setxattr(file, 'user.x', b'1'),
        'removexattr': lambda: os.removexattr(file, 'user.x'),
    }


def test_every_change_is_refused(mounted):
    before = harness.snapshot(mounted.point)
    results = {name: harness.error_of(call) for name, call in mutations(mounted.point).items()}
    assert {name: result for name, result in results.items() if result != 'EROFS'} == {}
    assert harness.snapshot(mounted.point) == before


def test_modes_and_owner(mounted):
    modes, owners = {}, set()
    for path in list(harness.snapshot(mounted.point)) + [b'.imsfs', b'.imsfs/status.json', b'']:
        found = os.lstat(os.path.join(os.fsencode(mounted.point), path))
        modes.setdefault(stat.S_IFMT(found.st_mode), set()).add(stat.S_IMODE(found.st_mode))
        owners.add((found.st_uid, found.st_gid))
    assert modes[stat.S_IFDIR] == {0o555} and modes[stat.S_IFREG] == {0o444}
    assert owners == {(os.getuid(), os.getgid())}


def test_uid_gid_umask(mount, source_file):
    mounted = mount(source_file(TEXT), 'uid=123', 'gid=456', 'umask=027')
    found = os.stat(mounted.path('by-id', data.image_id(1), 'name'))
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (123, 456, 0o440)
    assert stat.S_IMODE(os.stat(mounted.path('by-id')).st_mode) == 0o550


@pytest.mark.parametrize('options', [(), ('rw', 'suid', 'dev', 'exec')])
def test_mount_flags(mount, source_file, options):
    mounted = mount(source_file(TEXT), *options)
    flags, kind, _ = harness.mounts()[mounted.point]
    assert {'ro', 'nosuid', 'nodev', 'noexec'} <= set(flags)
    assert kind == 'fuse.imsfs'


def test_statfs(mounted):
    mounted.list('by-id')
    found = os.statvfs(mounted.point)
    assert found.f_files == len(ITEMS)
    assert found.f_namemax == 255
    assert found.f_flag & os.ST_RDONLY


def test_reads_at_offsets(mounted):
    path = mounted.path('by-id', data.image_id(1), 'image.json')
    whole = mounted.read('by-id', data.image_id(1), 'image.json')
    fd = os.open(path, os.O_RDONLY)
    try:
        for offset in (*range(0, len(whole), 37), len(whole) - 1, len(whole), len(whole) + 1, len(whole) + 10000):
            for size in (1, 16, 4096, len(whole)):
                assert os.pread(fd, size, offset) == whole[offset:offset + size]
    finally:
        os.close(fd)


def test_a_large_file(mount, source_file):
    value = ''.join('%08d' % i for i in range(60000))
    mounted = mount(source_file(data.response([data.record(0, big=value)])))
    path = mounted.path('by-id', data.image_id(0), 'big')
    assert os.stat(path).st_size == len(value) + 1
    with open(path) as file:
        file.seek(300000)
        assert file.read(10) == value[300000:300010]
        file.seek(0)
        assert file.read() == value + '\n'


def test_no_attribute_is_executable_and_none_runs(mounted):
    path = mounted.path('by-id', data.image_id(1), 'name')
    assert not os.access(path, os.X_OK)
    assert harness.error_of(os.execv, path, ['x']) == 'EACCES'
    assert not os.access(path, os.W_OK) and not os.access(mounted.path('by-id'), os.W_OK)


def test_wrong_kinds(mounted):
    file = mounted.path('by-id', data.image_id(1), 'name')
    link = mounted.path('by-id', data.image_id(1))
    assert harness.error_of(os.listdir, file) == 'ENOTDIR'
    assert harness.error_of(os.readlink, file) == 'EINVAL'
    assert harness.error_of(os.stat, file + '/x') == 'ENOTDIR'
    assert harness.error_of(lambda: os.pread(os.open(mounted.path('images'), os.O_RDONLY), 1, 0)) == 'EISDIR'
    assert os.path.isdir(link) and os.path.islink(link)


def test_inode_numbers_are_unique_and_stable(mount, source_file):
    path = source_file(TEXT)
    mounted = mount(path, 'ttl=1')
    tree = reference.build(TEXT)

    def numbers():
        return {p: os.lstat(os.path.join(os.fsencode(mounted.point), p)).st_ino for p in tree}
    first = numbers()
    assert len(set(first.values())) == len(first) and 0 not in first.values()
    time.sleep(1.5)
    os.utime(path)
    assert numbers() == first


def test_imsfs_is_found_and_not_listed(mounted):
    assert '.imsfs' not in mounted.list()
    assert 'status.json' in mounted.list('.imsfs')


def test_dot_entries_and_seeking(mounted):
    """As readdir(3) users see it: rewinding gives the same again."""
    fd = os.open(mounted.path('by-id'), os.O_RDONLY)
    try:
        first = os.listdir(fd)
        os.lseek(fd, 0, os.SEEK_SET)
        assert os.listdir(fd) == first and len(first) == len(set(first)) == len(ITEMS)
    finally:
        os.close(fd)
