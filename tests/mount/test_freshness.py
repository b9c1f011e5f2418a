# SPDX-License-Identifier: Apache-2.0
"""A change on the server is seen everywhere within the TTL, and nothing else changes."""
import os
import time

import pytest

import data
import harness
import reference

TTL = 1
ITEMS = data.records(24)


def expire(mounted):
    """Waits for as long as a change may go unseen: the next use of a path must show it. Names show before the first list
    is whole, and its age counts from then."""
    effective = harness.wait_for(lambda: mounted.status()['ttl_effective'], 10)
    assert TTL <= effective < 3 * TTL
    time.sleep(effective + 0.2)


def changed(number, **changes):
    """The records with one of them changed, as its owner would: updated_at too."""
    items = list(ITEMS)
    items[number] = data.record(number, updated_at='2042-01-01T00:00:00Z', **changes)
    return items


CHANGES = {
    'deleted': ITEMS[:5] + ITEMS[6:],
    'added': [data.record(100)] + ITEMS,
    'renamed': changed(5, name='another name'),
    'status': changed(5, status='deactivated'),
    'type': changed(5, __imagetype='private', visibility='private'),
    'content': changed(5, min_ram=7),
    'attribute added': changed(5, colour='red'),
    'attribute gone': changed(5, checksum=...),
    'last of its group': [item for item in ITEMS if item['__imagetype'] != 'shared'],
    'all gone': [],
}


def inodes(tree, root):
    """An identity for each node that does not depend on where it is -> its inode number."""
    found = {}
    for path, node in tree.items():
        parts = path.split(b'/')
        number = os.lstat(os.path.join(os.fsencode(root), path)).st_ino
        ids = [part.rpartition(b'@')[2] for part in parts if b'@' in part]
        inside = parts[0] == b'images' and ids
        found[(b'image', ids[0], parts[5] if len(parts) > 5 else b'') if inside else path] = number
    return found


def directory_times(root, tree):
    return {path: os.lstat(os.path.join(os.fsencode(root), path)).st_mtime_ns
            for path, node in tree.items() if node.kind == 'd'}


def children(tree, directory):
    prefix = directory + b'/'
    return {path for path in tree if path.startswith(prefix) and b'/' not in path[len(prefix):]}


def check_change(mounted, update, before, after):
    """Takes the mount from one list to the other; the use after one TTL must already show it."""
    old, new = reference.build(before), reference.build(after)
    assert harness.differences(old, harness.snapshot(mounted.point)) == []
    old_inodes, old_times = inodes(old, mounted.point), directory_times(mounted.point, old)
    update(after)
    expire(mounted)
    assert harness.differences(new, harness.snapshot(mounted.point)) == []
    new_inodes, new_times = inodes(new, mounted.point), directory_times(mounted.point, new)
    assert {k: v for k, v in old_inodes.items() if k in new_inodes and new_inodes[k] != v} == {}
    assert len(set(new_inodes.values())) == len(new_inodes)
    for path in set(old_times) & set(new_times):
        if not (path.startswith(b'images/') and b'@' in path):
            same = children(old, path) == children(new, path)
            assert new_times[path] >= old_times[path], path
            assert same or new_times[path] > old_times[path], path


@pytest.mark.parametrize('change', CHANGES)
def test_change_over_http(mount, sim, change):
    before = data.response(ITEMS)
    server = sim(before)
    check_change(mount(server.url, 'ttl=%d' % TTL), server.update, before, data.response(CHANGES[change]))


@pytest.mark.parametrize('change', ['added', 'status', 'deleted'])
def test_change_back_and_forth(mount, sim, change):
    before, after = data.response(ITEMS), data.response(CHANGES[change])
    server = sim(before)
    mounted = mount(server.url, 'ttl=%d' % TTL)
    check_change(mounted, server.update, before, after)
    check_change(mounted, server.update, after, before)


@pytest.mark.parametrize('change', ['renamed', 'all gone'])
def test_change_of_a_file(mount, source_file, change):
    before = data.response(ITEMS)
    path = source_file(before)

    def update(text):
        with open(path + '.new', 'wb') as file:
            file.write(text)
        os.rename(path + '.new', path)
    check_change(mount(path, 'ttl=%d' % TTL), update, before, data.response(CHANGES[change]))


def test_change_under_a_steady_reader(mount, sim):
    """As above, with use all the time, so that the renewal is the one in the background."""
    server = sim(data.response(ITEMS))
    mounted = mount(server.url, 'ttl=2')
    path = mounted.path('by-id', ITEMS[5]['id'], 'min_ram')
    for value in (7, 8):
        server.update(data.response(changed(5, min_ram=value)))
        end = time.monotonic() + 2.2
        while time.monotonic() < end:
            with open(path, 'rb') as file:
                seen = file.read()
            time.sleep(0.05)
        assert seen == b'%d\n' % value


def test_a_shell_inside_an_image_sees_a_change(mount, sim, shell):
    server = sim(data.response(ITEMS))
    mounted = mount(server.url, 'ttl=%d' % TTL)
    inside = shell(mounted.path('by-id', ITEMS[5]['id']))
    assert inside.run('cat min_ram name') == b'5120\nimage-5\n'
    number = inside.run('stat -c %i . name')
    server.update(data.response(changed(5, min_ram=7, name='new', colour='red')))
    expire(mounted)
    assert inside.run('cat min_ram name colour') == b'7\nnew\nred\n'
    assert b'colour' in inside.run('ls')
    assert inside.run('stat -c %i . name') == number


def test_a_shell_inside_an_image_that_moves(mount, sim, shell):
    server = sim(data.response(ITEMS))
    mounted = mount(server.url, 'ttl=%d' % TTL)
    inside = shell(mounted.path('by-id', ITEMS[5]['id']))
    assert inside.run('cat status') == b'active\n'
    server.update(data.response(CHANGES['status']))
    expire(mounted)
    assert inside.run('cat status') == b'deactivated\n'
    assert b'image.json' in inside.run('ls')


def test_a_shell_inside_an_image_that_is_deleted(mount, sim, shell):
    server = sim(data.response(ITEMS))
    mounted = mount(server.url, 'ttl=%d' % TTL)
    inside = shell(mounted.path('by-id', ITEMS[5]['id']))
    assert inside.run('cat status') == b'active\n'
    server.update(data.response(CHANGES['deleted']))
    expire(mounted)
    assert b'active' not in inside.run('cat status').splitlines()
    assert inside.run('cat status; echo $?').splitlines()[-1] == b'1'
    assert harness.error_of(os.stat, mounted.path('by-id', ITEMS[5]['id'])) == 'ENOENT'
    server.update(data.response(ITEMS))
    expire(mounted)
    assert mounted.read('by-id', ITEMS[5]['id'], 'status') == b'active\n'


def test_a_name_that_was_absent_appears(mount, sim):
    server = sim(data.response(ITEMS))
    mounted = mount(server.url, 'ttl=%d' % TTL)
    path = mounted.path('by-id', data.image_id(100), 'name')
    for _ in range(3):
        assert harness.error_of(os.stat, path) == 'ENOENT'
    server.update(data.response(CHANGES['added']))
    expire(mounted)
    assert open(path).read() == 'image-100\n'


def test_an_open_directory_shows_each_entry_at_most_once(mount, sim):
    many = data.records(600, __imagetype='gold', visibility='public', __platform='P')
    server = sim(data.response(many))
    mounted = mount(server.url, 'ttl=%d' % TTL)
    group = mounted.path('images', 'gold', 'P', 'active')
    with os.scandir(group) as entries:
        seen = [next(entries).name for _ in range(10)]
        server.update(data.response(many[:300] + [data.record(900, __imagetype='gold', visibility='public',
                                                              __platform='P')]))
        expire(mounted)
        assert len(os.listdir(group)) == 301
        seen += [entry.name for entry in entries]
    assert len(seen) == len(set(seen))
    stay = {'image-%d@%s' % (i, data.image_id(i)) for i in range(300)}
    assert stay <= set(seen)
