# SPDX-License-Identifier: Apache-2.0
"""What is emptied because others need the room is still there for those who use it: it is listed once more."""
import os
import threading
import time

import pytest

import data
import harness
import queries
from rawserver import Paged

SMALLEST = 1 << 16  # cache_max


class Other(Paged):
    """A service whose queries answer with images that its whole list does not have; they change with `min_disk`."""

    def __init__(self, items, others):
        super().__init__(items)
        self.items, self.others = items, others

    def __call__(self, request, number):
        self.records = self.others if request.value('name') == 'x' else self.items
        return super().__call__(request, number)


def held(mounted):
    return sum('=' in name for name in mounted.list('query'))


@pytest.fixture
def crowded(mount, sim):
    """A mount with room for few lists, and what makes all others go."""
    items = data.records(300)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'page_size=1000', 'cache_max=%d' % SMALLEST)

    def push(start=0):
        for i in range(30):
            queries.ids(mounted.path('query', 'status=active&limit=%d' % (200 + start + i)))
        assert harness.wait_for(lambda: held(mounted) <= 1, 30)  # nothing goes before the kernel was told of it
    return mounted, server, push


def fd_of(path, *flags):
    return os.open(path, os.O_RDONLY | sum(flags))


def test_an_open_file_and_an_open_directory(crowded):
    mounted, server, push = crowded
    path = mounted.path('query', 'name=image-7')
    name, = os.listdir(path)
    size = os.stat(os.path.join(path, name, 'image.json')).st_size
    file, directory = fd_of(os.path.join(path, name, 'image.json')), fd_of(path, os.O_DIRECTORY)
    image = fd_of(os.path.join(path, name), os.O_DIRECTORY)
    push()
    before = server.count()
    assert len(os.pread(file, 1 << 16, 0)) == size
    assert os.listdir(directory) == [name]
    assert 'image.json' in os.listdir(image)
    assert server.count() == before + 1
    for fd in (file, directory, image):
        os.close(fd)


def test_an_open_file_of_an_image_that_only_the_query_has(mount, raw):
    """Its version is the same after another listing, though nothing was kept of the first."""
    items = data.records(300)
    mounted = mount(raw(Other(items[:290], items[290:])).url, 'dialect=ims', 'ttl=3600', 'page_size=1000',
                    'cache_max=%d' % SMALLEST)
    path = mounted.path('query', 'name=x', 'image-295@' + data.image_id(295))
    file = fd_of(os.path.join(path, 'image.json'))
    for i in range(30):
        queries.ids(mounted.path('query', 'limit=%d' % (200 + i)))
    assert data.image_id(295).encode() in os.pread(file, 1 << 16, 0)
    os.close(file)


def test_a_working_directory(crowded, shell):
    mounted, server, push = crowded
    name, = os.listdir(mounted.path('query', 'name=image-7'))
    inside = shell(mounted.path('query', 'name=image-7', name))
    push()
    before = server.count()
    assert inside.run('cat id').strip() == data.image_id(7).encode()
    assert server.count() == before + 1


def test_a_reader_half_way_through_a_page(crowded):
    """In the server's order, and with many entries, so that the kernel asks several times."""
    mounted, server, push = crowded
    path = mounted.path('query', 'limit=290&sort_key=name&sort_dir=asc')
    expected = queries.ids(path)
    push()
    with os.scandir(path) as entries:
        found = [next(entries).name for _ in range(5)]
        push(40)
        found += [entry.name for entry in entries]
    found = [name.rpartition('@')[2] for name in found if '@' in name]
    assert found == [i for i in expected] and len(found) == 290


@pytest.mark.limit(120)
def test_two_who_list_more_than_fits(crowded):
    mounted, _, _ = crowded
    errors = []

    def lister(first):
        for i in range(150):
            try:
                assert len(queries.ids(mounted.path('query', 'limit=%d' % (first + i % 40)))) == first + i % 40
            except (OSError, AssertionError) as error:
                errors.append((i, error))

    threads = [threading.Thread(target=lister, args=(first,)) for first in (140, 149)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, (len(errors), errors[:3])


@pytest.mark.limit(120)
def test_grep_while_others_list(crowded, readers):
    mounted, _, push = crowded
    grep = readers('grep', '-rc', 'image-', mounted.path('query', 'limit=60'))
    for i in range(4):
        push(40 * i)
    out, err = grep.communicate(timeout=100)
    assert grep.returncode == 0 and not err, err[:300]


@pytest.mark.limit(240)
def test_looking_up_takes_nothing_away(mount, sim):
    """Anybody may stat() any criteria, as often as he likes."""
    server = sim(data.response(data.records(20)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600')
    path = mounted.path('query', 'name=image-7')
    name, = os.listdir(path)
    directory = fd_of(path, os.O_DIRECTORY)
    file = fd_of(os.path.join(path, name, 'image.json'))
    before = server.count()
    for i in range(9000):
        os.stat(mounted.path('query', 'min_ram=%d' % i))
    assert os.listdir(directory) == os.listdir(path) == [name]
    assert os.pread(file, 1 << 16, 0)
    assert server.count() == before
    os.close(file)
    os.close(directory)


def test_what_was_only_looked_up_is_not_listed(mount, sim):
    server = sim(data.response(data.records(20)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600')
    named = mounted.list('query')
    for i in range(300):
        os.stat(mounted.path('query', 'min_ram=%d' % i))
    assert mounted.list('query') == named and mounted.status()['queries'] == []
    os.listdir(mounted.path('query', 'min_ram=7'))
    assert mounted.list('query') == sorted([*named, 'min_ram=7'])
    assert [row['criteria'] for row in mounted.status()['queries']] == ['min_ram=7']


def test_what_was_emptied_is_not_listed(crowded):
    mounted, _, push = crowded
    named = [name for name in mounted.list('query') if '=' not in name]
    os.listdir(mounted.path('query', 'name=image-7'))
    for name in named:
        os.listdir(mounted.path('query', name))
    assert 'name=image-7' in mounted.list('query')
    push()
    assert 'name=image-7' not in mounted.list('query') and set(named) < set(mounted.list('query'))
    rows = [row['criteria'] for row in mounted.status()['queries']]
    assert rows and 'name=image-7' not in rows and not set(named) & set(rows)
    path = mounted.path('query', 'name=image-7')
    assert harness.wait_for(lambda: os.listdir(path) and 'name=image-7' in mounted.list('query'), 10)


def test_a_change_while_a_list_was_empty(mount, sim):
    """The kernel still has the old listings of the query and of its images, and nothing to compare them with."""
    items = data.records(300)
    server = sim(data.response(items))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=1', 'page_size=1000', 'cache_max=%d' % SMALLEST)
    path, link = mounted.path('query', 'min_disk=40'), mounted.path('query', 'limit=4', 'next')
    image = os.path.join(path, 'image-7@' + data.image_id(7))
    kept = fd_of(image, os.O_DIRECTORY)
    assert 'fresh' not in os.listdir(image) and len(os.listdir(path)) == 300
    assert data.image_id(3) in os.readlink(link)
    for i in range(30):
        queries.ids(mounted.path('query', 'limit=%d' % (200 + i)))
    assert not {'min_disk=40', 'limit=4'} & set(mounted.list('query'))
    items[7]['fresh'] = 'yes'  # nothing else: no time tells it
    server.update(data.response(items[1:]))
    time.sleep(1.1)
    assert len(os.listdir(path)) == 299
    assert 'fresh' in os.listdir(image) and mounted.read('query', 'min_disk=40', os.path.basename(image), 'fresh')
    assert harness.wait_for(lambda: data.image_id(4) in os.readlink(link), 10)
    os.close(kept)


def test_status_that_nobody_forgets(mount, sim):
    """Each look-up makes a text; one that is open for long enough is dropped."""
    server = sim(data.response(data.records(20)))
    mounted = mount(server.url, 'dialect=ims')
    path = mounted.path('.imsfs', 'status.json')
    held = [fd_of(path) for _ in range(100)]
    assert all(os.pread(fd, 1 << 20, 0).endswith(b'}\n') for fd in held)
    for fd in held:
        os.close(fd)
    assert harness.error_of(os.stat, mounted.path('.imsfs', 'nothing')) == 'ENOENT'
