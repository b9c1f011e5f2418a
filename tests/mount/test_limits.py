# SPDX-License-Identifier: Apache-2.0
"""The limits of what is taken from a service: what is exactly at one is shown, one more is not; with a list at hand, and
without. Each is told by its option's name, in the log and in `.imsfs/status.json`."""
import dataclasses
import gzip
import json

import pytest

import data
import harness
from rawserver import Reply

ITEMS = data.records(4)
IDS = [item['id'] for item in ITEMS]
ANOTHER = data.record(9)


def page(*items, **members):
    return json.dumps({'images': list(items), **members}, separators=(',', ':')).encode()


def with_value(length):
    """A record of which one value has so many bytes of JSON."""
    return data.record(9, note='x' * (length - 2))


def padded_page(length):
    body = page(*ITEMS)
    return body + b' ' * (length - len(body))


def with_header(length):
    """An answer whose status line and headers have so many bytes."""
    head = len('HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\nX-Pad: \r\n' %
               len(page(*ITEMS)))
    return [Reply(page(*ITEMS), headers=(('X-Pad', 'x' * (length - head)),))]


def in_pages(count):
    """The images, one a page."""
    items = data.records(count)
    return [Reply(page(item, **({'next': '/v2/images?marker=' + item['id']} if item is not items[-1] else {})))
            for item in items]


def padded_record(length):
    text = json.dumps(ANOTHER)
    return Reply(page(*ITEMS)[:-2] + b',' + (text[:-1] + ' ' * (length - len(text)) + '}').encode() + b']}')


def with_attributes(count):
    return data.record(9, **{'extra%d' % i: i for i in range(count - len(ANOTHER))})


def values_in(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return sum(1 + values_in(one) for one in inner)


def with_values(count):
    return data.record(9, more=[0] * (count - values_in(ANOTHER) - 1))


def with_depth(depth):
    value = 1
    for _ in range(depth - 1):
        value = [value]
    return data.record(9, deep=value)


@dataclasses.dataclass
class Case:
    limit: int
    answer: object  # what it takes to be at a size -> the replies of one listing
    skips: bool = False  # the record alone


def one(make):
    return lambda size: [Reply(page(*ITEMS, make(size)))]


CASES = {
    'max_body_bytes': Case(8192, lambda size: [Reply(padded_page(size))]),
    'max_header_bytes': Case(2048, with_header),
    'max_pages': Case(3, in_pages),
    'max_images': Case(7, lambda size: [Reply(page(*data.records(size)))]),
    'max_records': Case(6, lambda size: [Reply(page(*data.records(size - 1), ITEMS[0]))]),
    'max_record_bytes': Case(2048, lambda size: [padded_record(size)], True),
    'max_attributes': Case(40, one(with_attributes), True),
    'max_value_bytes': Case(512, one(with_value), True),
    'max_nodes': Case(60, one(with_values), True),
    'max_depth': Case(9, one(with_depth), True),
}


class Listings:
    """A handler: each request for a first page begins the next of these listings; the last one stays."""

    def __init__(self, *listings):
        self.listings = list(listings)
        self.begun = 0

    def __call__(self, request, n):
        marker = request.value('marker')
        if marker is None:
            self.begun += 1
        replies = self.listings[min(self.begun, len(self.listings)) - 1]
        return replies[[None, *(item['id'] for item in data.records(9))].index(marker)]


def ids_of(mounted):
    return mounted.list('by-id')


def over(mounted):
    return {name: n for name, n in mounted.status()['over_limits'].items() if n}


def renew(mounted, listings, seconds=10):
    """One more listing, to its end."""
    wanted = listings.begun + 1
    mounted.signal(harness.signal.SIGHUP)
    assert harness.wait_for(lambda: listings.begun >= wanted and not mounted.status()['listing_now'], seconds)


@pytest.mark.parametrize('name', CASES)
def test_exactly_at_the_limit(mount, raw, name):
    case = CASES[name]
    listings = Listings(case.answer(case.limit))
    mounted = mount(raw(listings).url, '%s=%d' % (name, case.limit), 'lazy')
    for _ in range(2):  # cold, and with a list
        names = ids_of(mounted)
        assert len(names) == (case.limit if name == 'max_images' else case.limit - 1 if name == 'max_records' else
                              3 if name == 'max_pages' else 5 if case.skips else 4)
        assert not over(mounted) and not mounted.status()['failing'] and mounted.status()['skipped'] == 0
        renew(mounted, listings)


@pytest.mark.parametrize('name', CASES)
def test_one_more_cold(mount, raw, name):
    case = CASES[name]
    listings = Listings(case.answer(case.limit + 1), [Reply(page(*ITEMS))])
    mounted = mount(raw(listings).url, '%s=%d' % (name, case.limit), 'lazy', 'ttl=3600')
    if case.skips:
        assert ids_of(mounted) == IDS
        assert mounted.status()['skipped'] == 1
    else:
        assert harness.error_of(ids_of, mounted) == 'EIO'
        assert '%s=%d allows' % (name, case.limit) in mounted.status()['last_error']
        assert 'raise the limit' in mounted.status()['last_error']
    assert over(mounted) == {name: 1}
    assert harness.wait_for(lambda: name in mounted.stderr(), 1 + harness.SLACK)  # nobody waits for the log
    renew(mounted, listings)
    assert ids_of(mounted) == IDS
    assert (mounted.status()['skipped'], mounted.status()['failing']) == (0, False)


@pytest.mark.parametrize('name', CASES)
def test_one_more_with_a_list(mount, raw, name):
    case = CASES[name]
    good = [Reply(page(*ITEMS))]
    listings = Listings(good, case.answer(case.limit + 1), good)
    mounted = mount(raw(listings).url, '%s=%d' % (name, case.limit), 'ttl=3600')
    assert ids_of(mounted) == IDS
    renew(mounted, listings)
    assert ids_of(mounted) == IDS  # the old list, or the new one without the record
    status = mounted.status()
    assert (status['failing'], status['skipped']) == (not case.skips, case.skips)
    assert over(mounted) == {name: 1}
    assert harness.wait_for(lambda: name in mounted.stderr(), 1 + harness.SLACK)  # nobody waits for the log
    renew(mounted, listings)
    assert ids_of(mounted) == IDS
    assert (mounted.status()['skipped'], mounted.status()['failing']) == (0, False)


@pytest.mark.parametrize('length, error', [(100000, 'OK'), (100001, 'EIO')])
def test_a_body_counts_as_it_is_unpacked(mount, raw, length, error):
    packed = Reply(gzip.compress(padded_page(length)), headers=(('Content-Encoding', 'gzip'),))
    assert len(packed.body) < 10000
    mounted = mount(raw([packed]).url, 'max_body_bytes=100000', 'lazy')
    assert harness.error_of(ids_of, mounted) == error
    assert over(mounted) == ({} if error == 'OK' else {'max_body_bytes': 1})


@pytest.mark.parametrize('name', [name for name, case in CASES.items() if case.skips])
def test_of_a_file(mount, source_file, name):
    case = CASES[name]
    for more in (0, 1):
        body = case.answer(case.limit + more)[0].body
        mounted = mount(source_file(body), '%s=%d' % (name, case.limit))
        assert len(ids_of(mounted)) == 5 - more
        assert over(mounted) == ({name: 1} if more else {})


def test_a_file_has_no_pages(mount, source_file):
    mounted = mount(source_file(page(*ITEMS)), 'max_records=1', 'max_pages=1', 'max_body_bytes=4k')
    assert ids_of(mounted) == IDS and not over(mounted)


def test_what_is_read_of_too_large_a_body_is_bounded(mount, raw):
    """It is cut off at the limit, and not asked for again at once."""
    served = []

    def answer(request, n):
        served.append(n)
        return Reply(b'{"images":[' + b' ' * (8 << 20))
    mounted = mount(raw(answer).url, 'max_body_bytes=1M', 'lazy')
    assert harness.error_of(ids_of, mounted) == 'EIO'
    assert mounted.status()['bytes'] <= (1 << 20) + (128 << 10)
    assert len(served) == 1


def test_the_smallest_max_nodes_takes_a_page(mount, sim):
    """What stands around the records is within it, whatever becomes of them."""
    server = sim(data.response(data.records(3)))
    with pytest.raises(harness.MountFailed) as failed:
        mount(server.url, 'max_nodes=15')
    assert failed.value.status == 2
    assert not mount(server.url, 'max_nodes=16').status()['failing']
