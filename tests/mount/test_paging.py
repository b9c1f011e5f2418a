# SPDX-License-Identifier: Apache-2.0
"""Paging against servers that are wrong, hostile, or change in the middle."""
import json
import os

import pytest

import data
import foreign
import harness
from rawserver import Paged, Reply, error

ITEMS = data.records(30)
IDS = sorted(item['id'] for item in ITEMS)


def page(items, marker=None):
    answer = {'images': items}
    if marker is not None:
        answer['next'] = '/v2/images?marker=' + marker
    return Reply(json.dumps(answer).encode())


def queries(server):
    return [request.query for request in server.lists()]


def test_the_first_request(mount, raw):
    server = raw(Paged(ITEMS))
    mount(server.url).list('by-id')
    assert server.lists()[0].method == 'GET'
    assert server.lists()[0].path == '/v2/images'
    assert queries(server)[0] == [('limit', '1000')]


def test_the_first_request_of_cloudimages(mount, raw):
    server = raw(Paged(ITEMS))
    mounted = mount(server.url, 'api=cloudimages', 'page_size=10')
    assert mounted.list('by-id') == IDS
    assert {request.path for request in server.lists()} == {'/v2/cloudimages'}
    markers = [request.value('marker') for request in server.lists()]
    assert markers == [None, ITEMS[9]['id'], ITEMS[19]['id'], ITEMS[29]['id']]


@pytest.mark.parametrize('suffix', ['', '/', '/v2', '/v2/', '/image', '/image/v2', '/a/b/'])
def test_a_path_prefix_survives(mount, raw, suffix):
    server = raw(Paged(ITEMS, link=lambda marker: '/v2/images?marker=' + marker))
    mounted = mount(server.url + suffix, 'page_size=10')
    assert mounted.list('by-id') == IDS
    prefix = suffix.rstrip('/')
    prefix = prefix[:-3] if prefix.endswith('/v2') else prefix
    assert {request.path for request in server.requests} == {prefix + '/v2/images'}


def test_a_short_page_is_not_the_end(mount, raw):
    """The server clamps the limit: only a missing next ends the list."""
    server = raw(Paged(ITEMS, size=7))
    assert mount(server.url, 'page_size=1000').list('by-id') == IDS
    assert len(server.lists()) == 5


def test_a_full_last_page_without_next_is_the_end(mount, raw):
    server = raw(Paged(ITEMS, ends=True))
    assert mount(server.url, 'page_size=10').list('by-id') == IDS
    assert len(server.lists()) == 3


LINKS = ['http://{host}/v2/images?marker={marker}', '//{host}/v2/images?marker={marker}',
         'https://user@{host}/?marker={marker}', 'file:///etc/passwd?marker={marker}',
         '\\\\{host}\\v2?marker={marker}', '/v2/images?marker={marker}&limit=1&visibility=public#x',
         '?marker={marker}', '@{host}/v2/images?x=y&marker={marker}']


@pytest.mark.parametrize('link', LINKS)
def test_next_leads_to_no_other_host(mount, raw, link):
    server = raw(Paged(ITEMS, link=lambda marker: link.format(host=foreign.HOST.address, marker=marker)))
    mounted = mount(server.url, 'page_size=10', env={'OS_TOKEN': harness.TOKEN})
    assert mounted.list('by-id') == IDS
    assert {request.path for request in server.requests} == {'/v2/images'}
    assert {tuple(sorted(dict(query))) for query in queries(server)[1:]} == {('limit', 'marker')}


@pytest.mark.parametrize('link', ['/v2/images', '/v2/images?marker=', 'x' * 100000, '/v2/images?limit=10'])
def test_next_without_a_marker(mount, raw, link):
    """Nothing to go on from: an error, or the last id; but never a list that passes for complete."""
    server = raw(Paged(ITEMS, link=lambda marker: link))
    mounted = mount(server.url, 'lazy', 'page_size=10')
    if harness.error_of(os.listdir, mounted.path('by-id')) == 'OK':
        assert mounted.list('by-id') == IDS
    assert len(server.lists()) < 20


def failing_list(mounted):
    """The error of a cold listing, and what came before it."""
    names = []

    def run():
        with os.scandir(mounted.path('by-id')) as entries:
            for entry in entries:
                names.append(entry.name)
    return harness.error_of(run), sorted(names)


def test_a_repeated_marker(mount, raw):
    server = raw([page(ITEMS[:10], 'A'), page(ITEMS[10:20], 'B'), page(ITEMS[20:], 'A'), page(ITEMS, 'A')])
    name, names = failing_list(mount(server.url, 'lazy'))
    assert name == 'EIO' and set(names) <= set(IDS)
    assert len(server.lists()) == 3


def test_a_page_that_brings_nothing_new(mount, raw):
    """As what is updated meanwhile comes again where updated_at sorts; also on the last page."""
    server = raw([page(ITEMS[:10], 'A'), page(ITEMS[:10], 'B'), page(ITEMS[10:], 'C'), page(ITEMS[:2])])
    assert failing_list(mount(server.url, 'lazy')) == ('OK', sorted(IDS))
    assert len(server.lists()) == 4


def test_markers_are_not_made_up_for_ever(mount, raw):
    server = raw(lambda request, n: page(ITEMS[:10], 'm%d' % n))
    assert failing_list(mount(server.url, 'lazy'))[0] == 'EIO'
    assert len(server.lists()) == 18  # one with news, 16 that may be without, and one too many


def test_cloudimages_that_ignores_the_marker(mount, raw):
    server = raw([page(ITEMS)])
    assert failing_list(mount(server.url, 'lazy', 'api=cloudimages'))[0] == 'EIO'
    assert len(server.lists()) == 2


def test_a_page_that_overlaps(mount, raw):
    """An insert between two pages shifts them: each image once, the first record of it."""
    again = [{**ITEMS[9], 'name': 'second'}]
    server = raw([page(ITEMS[:10], 'A'), page(again + ITEMS[10:], 'B'), page([])])
    mounted = mount(server.url)
    assert mounted.list('by-id') == IDS
    assert mounted.read('by-id', ITEMS[9]['id'], 'name') == b'image-9\n'


def test_an_empty_page_with_next(mount, raw):
    """As Glance sends when a filter drops all of a page: the list goes on, or fails; it does not end."""
    server = raw([page(ITEMS[:10], 'A'), page([], 'B'), page(ITEMS[10:])])
    mounted = mount(server.url, 'lazy')
    name, names = failing_list(mounted)
    assert (name, names) == ('OK', IDS) or name == 'EIO'


def test_max_images(mount, raw):
    server = raw(Paged(ITEMS))
    assert failing_list(mount(server.url, 'lazy', 'page_size=10', 'max_images=20'))[0] != 'OK'
    assert len(server.lists()) <= 3


def test_an_endless_list_is_bounded(mount, raw):
    def endless(request, n):
        return page(data.records(100 * n)[-100:], 'm%d' % n)
    server = raw(endless)
    assert failing_list(mount(server.url, 'lazy', 'max_images=1000'))[0] != 'OK'
    assert len(server.lists()) <= 11


def test_a_marker_that_has_vanished_starts_over(mount, raw):
    server = raw(Paged(ITEMS, faults={2: error(400, 'No image found with ID x')}))
    mounted = mount(server.url, 'page_size=10')
    assert mounted.list('by-id') == IDS
    markers = [request.value('marker') for request in server.lists()]
    assert markers[:3] == [None, ITEMS[9]['id'], None]


def test_it_starts_over_at_most_twice(mount, raw):
    def vanishing(request, n):
        return error(400) if request.value('marker') else page(ITEMS[:10], 'gone')
    server = raw(vanishing)
    assert failing_list(mount(server.url, 'lazy', 'page_size=10'))[0] != 'OK'
    assert len([r for r in server.lists() if r.value('marker') is None]) == 3


def test_without_our_limit_after_a_400(mount, raw):
    """The service accepts no limit: all pages are asked for without it."""
    def strict(request, n):
        return error(400, 'limit is invalid') if request.value('limit') else Paged(ITEMS, size=7)(request, n)
    server = raw(strict)
    assert mount(server.url).list('by-id') == IDS
    assert [request.value('limit') for request in server.lists()][:3] == ['1000', None, None]


@pytest.mark.parametrize('marker', ['a b', 'a&b=c', 'a%2Fb', 'a+b', '\u6d4b', 'a#b', '../..'])
def test_markers_are_escaped(mount, raw, marker):
    items = [{**ITEMS[0], 'id': marker}] + ITEMS[1:3]
    for api in ('images', 'cloudimages'):
        server = raw(Paged(items, size=1, link=lambda m: '/v2/images?marker=' + harness.urllib.parse.quote(m, '')))
        mounted = mount(server.url, 'api=' + api, 'page_size=1')
        assert len(mounted.list('by-id')) == 3
        assert server.lists()[1].value('marker') == marker
