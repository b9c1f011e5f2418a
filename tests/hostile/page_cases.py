# SPDX-License-Identifier: Apache-2.0
"""Ways from page to page that do not end, lead back or lead away: threats 1 to 3, and 15 across pages."""
import data
import foreign
from case import Case, listing, over, page
from rawserver import Paged, Reply, error

ITEMS = data.records(6)
IDS = tuple(item['id'] for item in ITEMS)
BACK = 'the pages lead back to one that came before'
NOTHING_NEW = 'page after page brings no image that did not come before'
FOREIGN_LINKS = {
    'to another host': 'http://{host}/v2/images?marker={marker}',
    'to another host by https': 'https://{host}/v2/images?marker={marker}',
    'without a scheme': '//{host}/v2/images?marker={marker}',
    'with three slashes': '///{host}/v2/images?marker={marker}',
    'behind an at sign': '@{host}/v2/images?x=y&marker={marker}',
    'with a user': 'https://user:word@{host}/?marker={marker}',
    'with backslashes': '\\\\{host}\\v2?marker={marker}',
    'with a line break': '/v2/images?marker={marker}&x=\r\nHost: {host}\r\n\r\nGET / HTTP/1.1',
    'to a file': 'file:///etc/passwd?marker={marker}',
    'to gopher': 'gopher://{host}/_GET?marker={marker}',
    'above the root': '/../../..//{host}/v2/images?marker={marker}',
    'above the root, escaped': '/%2e%2e/%2f{host}/?marker={marker}',
    'with a fragment': '/v2/images?marker={marker}#@{host}/',
    'of another call': '/v2/schemas/images?marker={marker}&limit=1&visibility=public',
}


def paged(link):
    return Paged(ITEMS, size=2, link=lambda marker: link.format(host=foreign.HOST.address, marker=marker))


def numbered(request, n):
    """Endless pages that are good, each with one image and a link to the next."""
    return page([data.record(n)], 'm%d' % n)


def same_images(request, n):
    return page(ITEMS[:2], 'm%d' % n)


def empty_pages(request, n):
    return page([], 'm%d' % n)


def changing(request, n):
    """An image is deleted between two pages, so its id is no marker any more, again and again."""
    return error(400, 'marker not found') if request.value('marker') else page(ITEMS[:2], ITEMS[1]['id'])


def inserted(request, n):
    """An image comes between two pages, so one comes twice."""
    return page(ITEMS[:3], ITEMS[2]['id']) if n == 1 else page(ITEMS[2:])


CASES = [
    Case('next is the page itself', 1, page(ITEMS, 'A'), log=BACK, requests=(2, 3)),
    Case('a cycle of two', 1, [page(ITEMS[:2], 'A'), page(ITEMS[2:4], 'B'), page(ITEMS[4:], 'A')], log=BACK,
         requests=(3, 4)),
    Case('a cycle of five', 1, [page([item], 'm%d' % (i % 5)) for i, item in enumerate(ITEMS)], log=BACK,
         requests=(6, 7)),
    Case('a cycle to the first page', 1, [page(ITEMS[:2], 'A'), page(ITEMS[2:4], '')], log='no marker',
         requests=(2, 3)),
    Case('a cycle of markers spelled in other ways', 1,
         [page(ITEMS[:1], 'a'), page(ITEMS[1:2], '%61'), page(ITEMS[2:3], 'a')], log=BACK, requests=(2, 4)),
    Case('endless pages of the same images', 2, same_images, log=NOTHING_NEW, requests=(3, 20)),
    Case('endless empty pages', 2, empty_pages, log=NOTHING_NEW, requests=(3, 20)),
    Case('endless pages of new images', 2, numbered, log=over('max_images', 50), requests=(50, 53),
         options=('max_images=50',)),
    Case('more than max_pages', 2, numbered, log=over('max_pages', 5), requests=(5, 7), options=('max_pages=5',)),
    Case('endless pages within max_images', 2, numbered, cold='ETIMEDOUT', log='not complete after 1 s', after=0.9,
         requests=(5, 100000), options=('list_timeout=1',), names=(), memory=48 << 20),
    Case('endless vanishing markers', 2, changing, log='images vanish while the list is read', requests=(6, 6)),
    Case('next without a marker', 3, Paged(ITEMS, size=2, link=lambda marker: '/v2/images'), log='has no marker'),
    Case('next with an empty marker', 3, Paged(ITEMS, size=2, link=lambda marker: '/v2/images?marker='),
         log='has no marker'),
    Case('next with a marker of 100,000 bytes', 3, page(ITEMS, 'm' * 100000),
         log='marker of the next page is too long'),
    Case('next with a NUL in the marker', 3, page(ITEMS, 'a%00b'), log='has a NUL byte'),
    Case('next is a number', 3, Reply(b'{"images": [], "next": 7}'), log='"next" is not a string'),
    Case('next is an object', 3, Reply(b'{"images": [], "next": {"href": "/v2/images?marker=x"}}'),
         log='"next" is not a string'),
    Case('duplicate ids in one page', 15, listing(b'{"id":"a","name":"first"}', b'{"id":"a","name":"second"}'),
         cold='OK'),
    Case('duplicate ids across pages', 15, inserted, cold='OK', shown=data.response(ITEMS), requests=(2, 2)),
    Case('one id a thousand times', 15, listing(*[b'{"id":"a","name":"%d"}' % i for i in range(1000)]), cold='OK'),
]
CASES += [Case('next ' + name, 3, paged(link), cold='OK', shown=data.response(ITEMS), requests=(4, 4))
          for name, link in FOREIGN_LINKS.items()]
