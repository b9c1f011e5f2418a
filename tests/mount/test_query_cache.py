# SPDX-License-Identifier: Apache-2.0
"""Each query is a list of its own: how fresh it is, what it costs, and when it goes."""
import os
import signal
import threading
import time

import pytest

import criteria
import data
import harness
import queries
from queries import sample
from rawserver import Paged, Reply, error

MEBIBYTE = 1 << 20
SMALLEST = 1 << 16  # cache_max


def rows(mounted):
    """The queries of status.json by their criteria."""
    return {row['criteria']: row for row in mounted.status()['queries']}


def test_status(mount, sim):
    server = sim(criteria.json_of(sample('ims')))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600')
    assert mounted.status()['queries'] == []
    wanted = {text: len(queries.ids(mounted.path('query', text)))
              for text in ('status=active', 'limit=3', 'name=nobody')}
    assert harness.error_of(os.listdir, mounted.path('query', 'marker=nobody')) == 'EINVAL'
    found = rows(mounted)
    assert sorted(found) == sorted([*wanted, 'marker=nobody'])
    for text, count in wanted.items():
        row = found[text]
        assert (row['images'], row['failing'], row['requests']) == (count, False, 1), row
        assert not row['last_error'] and 0 <= row['age'] < 30
    assert found['marker=nobody']['failing'] and 'nobody' in found['marker=nobody']['last_error']
    assert not mounted.status()['failing']


def test_what_is_read_within_the_ttl_costs_nothing(mount, sim):
    server = sim(criteria.json_of(sample('ims')))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=3600')
    path = mounted.path('query', 'status=active')
    for _ in range(20):
        assert queries.ids(path)
        assert all(os.stat(os.path.join(path, name)) for name in os.listdir(path))
    assert len(queries.requests(server)) == 1


def test_a_change_is_seen(mount, sim):
    """In a directory that stays open as a path; the base list has its own time."""
    items = data.records(12)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1')
    path = mounted.path('query', 'protected=true')
    assert len(queries.ids(path)) == 6
    changed = mounted.path('query', 'protected=true', 'image-1@' + data.image_id(1), 'min_disk')
    with open(changed) as file:
        assert file.read() == '40\n'
    items[1]['min_disk'] = 77
    items[2]['protected'] = True
    items[3]['protected'] = False
    server.update(data.response(items))

    def seen():
        names = queries.ids(path)
        with open(changed) as file:
            return data.image_id(2) in names and data.image_id(3) not in names and file.read() == '77\n'
    assert harness.wait_for(seen, 10)
    assert harness.error_of(os.stat, os.path.join(path, 'image-3@' + data.image_id(3))) == 'ENOENT'


def test_a_change_is_seen_by_who_only_lists(mount, sim):
    """The kernel has the listing, and asks for the directory's attributes alone, which cost no request."""
    server = sim(data.response(data.records(12)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=4')
    paths = [mounted.path('query', text) for text in ('protected=true', 'sort_key=name', '%6eame=image-1')]
    for _ in range(2):
        assert [len(os.listdir(path)) for path in paths] == [6, 12, 1]
        time.sleep(1.5)  # by the second time the kernel was told twice what the listing changed
    server.update(data.response(data.records(0)))
    assert harness.wait_for(lambda: not any(os.listdir(path) for path in paths), 15)


def test_a_changed_page_moves_next(mount, sim):
    items = data.records(12)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1')
    link = mounted.path('query', 'limit=4', 'next')
    assert data.image_id(3) in os.readlink(link)
    server.update(data.response(items[1:]))
    assert harness.wait_for(lambda: data.image_id(4) in os.readlink(link), 10)
    server.update(data.response(items[1:4]))
    assert harness.wait_for(lambda: not os.path.lexists(link), 10)


def test_the_first_reader_of_next_after_a_pause(mount, sim):
    """Who waits for the renewal gets its `next`, whatever the kernel still has of the old one."""
    items = data.records(40)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1')
    links = {mounted.path('query', 'limit=%d' % limit, 'next'): limit for limit in range(2, 18)}
    numbers = [os.lstat(link).st_ino for link in links]

    def old(first):
        """What leads elsewhere than to the page behind the one that begins with this record."""
        targets = [(limit, os.readlink(link)) for link, limit in links.items()]
        return [found for found in targets if not found[1].endswith(data.image_id(first + found[0] - 1))]
    for first in range(5):
        server.update(data.response(items[first:]))
        time.sleep(2.5)  # the validity is over, and nobody has used the lists
        assert not old(first)
        assert not any(old(first) for _ in range(20))
        assert [os.lstat(link).st_ino for link in links] == numbers


def test_nobody_reads_nobody_asks(mount, sim):
    server = sim(criteria.json_of(sample('ims')))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1')
    for text in ('status=active', 'limit=2', 'tag=x'):
        queries.ids(mounted.path('query', text))
    time.sleep(2.5)
    before = server.count()
    time.sleep(3)
    assert server.count() == before


def test_one_listing_for_all_who_wait(mount, sim, readers):
    server = sim(criteria.json_of(sample('ims')), latency=300)
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=3600')
    started = [readers('ls', mounted.path('query', text)) for text in ('status=active', '%73tatus=active') * 20]
    assert [harness.end_of(process, 30) for process in started] == [0] * 40
    assert len(queries.requests(server)) == 1


def test_a_page_of_a_query_does_not_wait_for_the_whole_list(mount, sim, readers):
    """The lists take turns, a page each."""
    server = sim(data.response(data.records(200)), latency=200)
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'page_size=5', 'ttl=3600')
    walker = readers('find', mounted.path('images'))
    assert harness.wait_for(lambda: server.count() >= 2, 10)
    assert len(queries.ids(mounted.path('query', 'limit=3'))) == 3
    asked = queries.requests(server)
    assert len(asked) < 15 and walker.poll() is None
    mounted.signal(signal.SIGTERM)
    assert harness.end_of(walker, 10) is not None


def test_a_failed_query_leaves_the_rest_alone(mount, sim):
    server = sim(criteria.json_of(sample('ims')), '--fault', '2-=500')
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'timeout=3', 'page_size=100')
    assert harness.error_of(os.listdir, mounted.path('query', 'status=active')) == 'EIO'
    assert mounted.list('by-id') == sorted(sample('ims').ids(''))
    assert rows(mounted)['status=active']['failing']


def test_interrupted_and_unmounted(mount, sim, readers):
    server = sim(criteria.json_of(sample('ims')), '--fault', '*=hang')
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'timeout=50')
    first, second = (readers('ls', mounted.path('query', text)) for text in ('status=active', 'limit=2'))
    assert harness.waiting(first) and harness.waiting(second)
    first.send_signal(signal.SIGINT)
    assert harness.end_of(first, 1 + harness.SLACK) is not None
    mounted.signal(signal.SIGTERM)
    assert harness.end_of(second, 1 + harness.SLACK) not in (0, None)


def test_hung_queries_do_not_add_up(mount, sim, readers):
    """Each waits for its own timeout, not for that of those before it: most have sent nothing by then."""
    server = sim(criteria.json_of(sample('ims')), '--fault', '*=hang')
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'timeout=3')
    started = [readers('ls', mounted.path('query', 'min_ram=%d' % i)) for i in range(24)]
    assert 0 not in [harness.end_of(process, 30) for process in started]
    assert len(queries.requests(server)) <= 12  # some at a time


class Stuck(Paged):
    """Never answers to min_ram."""

    def __call__(self, request, number):
        return Reply(hang=True) if request.value('min_ram') else super().__call__(request, number)


@pytest.mark.parametrize('count', [1, 12])
def test_queries_that_hang_do_not_make_the_list_old(mount, raw, readers, count):
    """The list has several pages and is renewed all the same, within less than one timeout of theirs."""
    items = data.records(20)
    server = raw(Stuck(items, size=5))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1', 'timeout=50', 'page_size=5')
    started = [readers('ls', mounted.path('query', 'min_ram=%d' % i)) for i in range(count)]

    def asked(stuck):
        return len([r for r in server.lists() if (r.value('min_ram') is not None) == stuck])
    assert harness.wait_for(lambda: asked(True) == min(count, 3), 10)
    before = asked(False)
    server.handler.records = items[1:]
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 19, 20)
    server.handler.records = items
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 20, 20)
    assert asked(False) >= before + 2 * 4
    assert asked(True) == min(count, 3)  # so all of them hung meanwhile
    assert [process.poll() for process in started] == [None] * count
    mounted.signal(signal.SIGTERM)
    assert 0 not in [harness.end_of(process, 1 + harness.SLACK) for process in started]


def test_queries_that_nobody_waits_for_go_last(mount, raw):
    """After many that hang, whose readers have gone, the next reader does not wait for them all."""
    server = raw(Stuck(data.records(20)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'timeout=2')

    def stuck(i):
        assert harness.error_of(os.listdir, mounted.path('query', 'min_ram=%d' % i)) == 'ETIMEDOUT'
    threads = [threading.Thread(target=stuck, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = mounted.path('query', 'min_disk=40')
    assert harness.wait_for(lambda: harness.error_of(os.listdir, good) == 'OK', 50)
    asked = [request.value('min_disk') is not None for request in server.lists()]
    assert asked.index(True) < 40, asked  # the others come when there is nothing else to do


def test_readers_go_as_they_begin_to_wait(mount, sim, readers):
    """ThreadSanitizer sees it when a request is touched that an interrupt has ended."""
    server = sim(criteria.json_of(sample('ims')), '--fault', '*=hang')
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'timeout=50')
    for i in range(30):
        process = readers('ls', mounted.path('query', 'min_ram=%d' % i))
        harness.waiting(process, 0.03)
        process.kill()
        assert harness.end_of(process, 5 + harness.SLACK) is not None


def test_sighup_renews_queries(mount, sim):
    items = data.records(8)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600')
    path = mounted.path('query', 'protected=true')
    assert len(queries.ids(path)) == 4
    server.update(data.response(items[:4]))
    assert len(queries.ids(path)) == 4
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: len(queries.ids(path)) == 2, 10)


class Upgraded(Paged):
    """Of unknown kind: a Glance, until cloud is what /v2/cloudimages answers instead of 404."""
    cloud = None

    def __call__(self, request, number):
        if request.path.endswith('/v2/cloudimages') and self.cloud != 'list':
            return Reply(self.cloud, 200, (('Content-Type', 'text/html'),)) if self.cloud else error(404)
        return super().__call__(request, number)


def cloud_requests(server):
    return len([r for r in server.lists() if r.path.endswith('cloudimages')])


@pytest.mark.parametrize('ttl', [1, 3600])
def test_a_call_that_is_missing_is_asked_for_again(mount, raw, ttl):
    """When the ttl has passed, or at SIGHUP."""
    server = raw(Upgraded(data.records(4), ends=True))
    mounted = mount(server.url, 'ttl=%d' % ttl)
    path = mounted.path('query', 'flavor_id=s')
    assert queries.ids(mounted.path('query', 'color=red'))
    assert cloud_requests(server) == 1
    for _ in range(3):
        assert harness.error_of(os.listdir, path) == 'EOPNOTSUPP'
    assert ttl == 1 or cloud_requests(server) == 1
    server.handler.cloud = 'list'
    if ttl > 1:
        assert harness.error_of(os.listdir, path) == 'EOPNOTSUPP'
        mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: harness.error_of(os.listdir, path) == 'OK', 20)
    assert len(queries.ids(path)) == 4


def test_a_page_to_sign_in_at_is_no_ims(mount, raw):
    server = raw(Upgraded(data.records(4), ends=True))
    server.handler.cloud = b'<html>Please sign in</html>'
    mounted = mount(server.url, 'ttl=3600')
    assert harness.error_of(os.listdir, mounted.path('query', 'color=red')) == 'EIO'
    row = rows(mounted)['color=red']
    assert 'no list of images' in row['last_error'] and 'dialect=' in row['last_error']
    assert len(queries.ids(mounted.path('query', 'status=active'))) == 4
    server.handler.cloud = None
    assert harness.wait_for(lambda: harness.error_of(os.listdir, mounted.path('query', 'color=blue')) == 'OK', 10)


def test_a_query_whose_images_the_list_does_not_have(mount, raw):
    """The service's word: what it answers to criteria is shown, whatever its whole list says."""
    items = data.records(4)

    class Odd(Paged):
        def __call__(self, request, number):
            self.records = items[2:] if request.value('min_disk') else items[:2]
            return super().__call__(request, number)
    mounted = mount(raw(Odd(items)).url, 'dialect=ims')
    assert mounted.list('by-id') == [data.image_id(0), data.image_id(1)]
    assert sorted(queries.ids(mounted.path('query', 'min_disk=40'))) == [data.image_id(2), data.image_id(3)]
    assert mounted.read('query', 'min_disk=40', 'image-3@' + data.image_id(3), 'name') == b'image-3\n'


def used(mounted, text):
    """Reads a query with all that is in it."""
    path = mounted.path('query', text)
    for name in os.listdir(path):
        with open(os.path.join(path, name, 'image.json'), 'rb') as file:
            assert file.read()


@pytest.mark.limit(180)
def test_the_least_recently_used_go(mount, sim):
    """What is gone is asked for again; the base list and the last ones stay."""
    server = sim(data.response(data.records(300)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'page_size=1000', 'cache_max=%d' % SMALLEST)
    os.listdir(mounted.path('query', 'public'))
    texts = ['status=active&name=image-%d' % i for i in range(30)] + ['min_disk=40&min_ram=%d' % i for i in range(200)]
    for text in texts:
        used(mounted, text + '&visibility=public')
    whole = ['status=active&limit=%d' % (250 + i) for i in range(30)]
    for text in whole:
        assert len(queries.ids(mounted.path('query', text))) > 200
    kept = rows(mounted)
    assert len(kept) < len(texts) + len(whole)
    before = server.count()
    assert len(mounted.list('by-id')) == 300
    assert queries.ids(mounted.path('query', whole[-1])) and server.count() == before
    used(mounted, texts[0] + '&visibility=public')
    assert server.count() == before + 1
    assert {name for name in mounted.list('query') if '=' in name} <= {
        '&'.join(sorted(text.split('&'))) for text in rows(mounted)}


def test_an_evicted_directory_that_somebody_is_in(mount, sim, shell):
    """It was emptied and keeps its place: it is listed once more."""
    server = sim(data.response(data.records(300)))
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'page_size=1000', 'cache_max=%d' % SMALLEST)
    inside = shell(mounted.path('query', 'name=image-7'))
    for i in range(60):
        queries.ids(mounted.path('query', 'status=active&limit=%d' % (200 + i)))
    assert inside.run('ls').split() == [b'image-7@' + data.image_id(7).encode()]
    assert queries.ids(mounted.path('query', 'name=image-7')) == [data.image_id(7)]


def memory(mounted):
    """Resident, in bytes, of the one process."""
    pid, = mounted.pids()
    with open('/proc/%d/status' % pid) as file:
        return 1024 * int(next(line for line in file if line.startswith('VmRSS')).split()[1])


@pytest.mark.all
@pytest.mark.limit(1200)
def test_10000_queries(mount, sim):
    """Memory ends where the bound is; what was evicted leaves nothing; the base list stays."""
    server = sim(data.response(data.records(500)))
    bound = 16 * MEBIBYTE
    mounted = mount(server.url, 'dialect=ims', 'ttl=3600', 'page_size=1000', 'cache_max=%d' % bound)
    base, sizes = memory(mounted), []
    for i in range(10000):
        queries.ids(mounted.path('query', 'limit=%d' % (i + 1)))
        if i % 50 == 0:
            used(mounted, 'status=active&name=image-%d' % (i // 50))
        if i % 1000 == 999:
            sizes.append(memory(mounted))
    before = server.count()
    assert before >= 10000
    assert len(mounted.list('by-id')) == 500 and server.count() == before
    assert len(mounted.list('query')) < 5000
    assert max(sizes) - base < 1.1 * bound, (base, sizes)
    assert sizes[-1] - sizes[4] < 0.1 * bound, sizes


@pytest.mark.limit(120)
def test_many_readers_of_more_than_fits(mount, sim):
    """Each answer is right, while lists come, change and are emptied."""
    items = data.records(120)
    server = sim(data.response(items))
    mounted = mount(server.url, 'dialect=ims', 'ttl=1', 'cache_max=%d' % SMALLEST)
    wrong, good = [], []

    def read(start):
        for i in range(start, start + 150):
            name = 'image-%d' % (i % 120)
            path = mounted.path('query', ('name=%s', 'name=%s&limit=5', '%%6eame=%s')[i % 3] % name)
            try:
                found = queries.ids(path)
                with open(os.path.join(path, name + '@' + data.image_id(i % 120), 'name')) as file:
                    found.append(file.read())
            except OSError as error:
                found = error.errno
            expected = [data.image_id(i % 120), name + '\n']
            (good if found == expected else wrong).append((path, found))

    threads = [threading.Thread(target=read, args=(k * 37,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(mounted)) < 240  # or nothing was evicted
    assert good and not wrong, (len(wrong), wrong[:5])
