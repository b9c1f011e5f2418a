# SPDX-License-Identifier: Apache-2.0
"""The errno table: what a reader of a cold mount gets for each answer of the server."""
import os
import socket
import time

import pytest

import data
import foreign
import harness
from rawserver import Paged, Reply, error

ITEMS = data.records(5)
GOOD = Paged(ITEMS)
AT_ONCE = [(401, 'EACCES'), (403, 'EACCES'), (404, 'EIO'), (414, 'ENAMETOOLONG'), (500, 'EIO'), (501, 'EIO'),
           (418, 'EIO'), (204, 'EIO'), (206, 'EIO'), (304, 'EIO')]
RETRIED = [429, 502, 503, 504]


def cold_error(mounted, path='images'):
    return harness.error_of(os.listdir, mounted.path(path))


@pytest.mark.parametrize('status, name', AT_ONCE)
def test_at_once(mount, raw, status, name):
    server = raw([error(status)] if status >= 400 else [Reply(status=status)])
    mounted = mount(server.url, 'lazy', 'timeout=10')
    assert cold_error(mounted) == name
    assert len(server.lists()) == 1
    assert cold_error(mounted, 'by-id') == name
    assert harness.error_of(os.stat, mounted.path('by-id', 'x')) == name
    assert len(server.lists()) <= 2  # meanwhile readers are answered at once


def test_400_is_asked_again_without_our_limit(mount, raw):
    server = raw([error(400)])
    mounted = mount(server.url, 'lazy')
    assert cold_error(mounted) == 'EINVAL'
    assert [request.value('limit') for request in server.lists()] == ['1000', None]


@pytest.mark.parametrize('status', RETRIED)
def test_after_retries(mount, raw, status):
    server = raw([error(status)])
    mounted = mount(server.url, 'lazy', 'timeout=10')
    start = time.monotonic()
    assert cold_error(mounted) == 'EIO'
    assert time.monotonic() - start < 10 + harness.SLACK
    assert 2 <= len(server.lists()) <= 20


@pytest.mark.parametrize('fault', [error(status) for status in RETRIED] + [Reply(reset=True), Reply(b'{"ima', cut=2)],
                         ids=lambda fault: str(fault.status) + ('cut' if fault.cut or fault.reset else ''))
def test_a_retry_that_succeeds_is_not_seen(mount, raw, fault):
    server = raw(Paged(ITEMS, faults={1: fault, 2: fault}))
    mounted = mount(server.url, 'timeout=15')
    assert len(mounted.list('by-id')) == 5
    assert len(server.lists()) == 3


def test_retry_after_is_honoured(mount, raw):
    slow = error(429)
    slow.headers = (('Retry-After', '2'),)
    server = raw(Paged(ITEMS, faults={1: slow}))
    mounted = mount(server.url, 'timeout=20')
    assert len(mounted.list('by-id')) == 5
    first, second = [request.time for request in server.lists()]
    assert 1.9 < second - first


@pytest.mark.parametrize('value', ['100000', '-5', 'soon', '99999999999999999999'])
def test_retry_after_is_clamped(mount, raw, value):
    slow = error(503)
    slow.headers = (('Retry-After', value),)
    mounted = mount(raw([slow]).url, 'lazy', 'timeout=3')
    start = time.monotonic()
    assert cold_error(mounted) in ('EIO', 'ETIMEDOUT')
    assert time.monotonic() - start < 3 + harness.SLACK


@pytest.mark.parametrize('status', [300, 301, 302, 303, 307, 308])
def test_redirects_are_not_followed(mount, raw, status):
    server = raw([Reply(status=status, headers=(('Location', foreign.HOST.url + '/v2/images'),))])
    mounted = mount(server.url, 'lazy', env={'OS_TOKEN': harness.TOKEN})
    assert cold_error(mounted) == 'EIO'
    assert len(server.lists()) == 1


def test_refused(mount):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    mounted = mount('http://127.0.0.1:%d' % port, 'lazy', 'timeout=3')
    start = time.monotonic()
    assert cold_error(mounted) == 'EHOSTUNREACH'
    assert time.monotonic() - start < 3 + harness.SLACK


def test_no_such_host(mount):
    mounted = mount('http://no-such-host.invalid:1', 'lazy', 'timeout=3')
    assert cold_error(mounted) in ('EHOSTUNREACH', 'ETIMEDOUT')


def test_tls_to_a_server_that_has_none(mount, raw):
    mounted = mount(raw(GOOD).url.replace('http:', 'https:'), 'lazy', 'timeout=3')
    assert cold_error(mounted) == 'EHOSTUNREACH'


SILENT = {'hang': Reply(hang=True), 'after the headers': Reply(b'{"images": []}', stall=0),
          'in the body': Reply(b'{"images": []}', stall=5), 'drip': Reply(b' ' * 1000 + b'{"images": []}', drip=0.3)}


@pytest.mark.parametrize('reply', SILENT.values(), ids=SILENT.keys())
def test_deadline(mount, raw, reply):
    mounted = mount(raw([reply]).url, 'lazy', 'timeout=2')
    start = time.monotonic()
    assert cold_error(mounted) == 'ETIMEDOUT'
    assert 1.5 < time.monotonic() - start < 2 + harness.SLACK


def test_each_good_page_starts_the_clock_again(mount, sim):
    server = sim(data.response(data.records(50)), latency=700)
    mounted = mount(server.url, 'lazy', 'page_size=10', 'timeout=2')
    assert len(mounted.list('by-id')) == 50


def test_list_timeout_bounds_the_whole(mount, sim):
    server = sim(data.response(data.records(50)), latency=700)
    mounted = mount(server.url, 'lazy', 'page_size=2', 'timeout=2', 'list_timeout=3')
    start = time.monotonic()
    assert cold_error(mounted, 'by-id') == 'ETIMEDOUT'
    assert time.monotonic() - start < 4 + harness.SLACK


BAD_BODIES = {
    'empty': b'', 'html': b'<html>login</html>', 'object': b'{}', 'array': b'[]', 'null': b'{"images": null}',
    'images is an object': b'{"images": {}}', 'cut': b'{"images": [{"id": "x"}', 'behind': b'{"images": []} x',
    'number': b'7', 'nul': b'{"images": []}\0',
}


@pytest.mark.parametrize('body', BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bodies_that_are_no_list(mount, raw, body):
    mounted = mount(raw([Reply(body)]).url, 'lazy', 'timeout=5')
    assert cold_error(mounted) == 'EIO'


def test_deep_nesting(mount, raw):
    """Refused, or one record less; in any case the other image is as it was, or there is an error."""
    deep = b'[' * 100000 + b']' * 100000
    mounted = mount(raw([Reply(b'{"images": [{"id": "x"}, {"id": "y", "deep": ' + deep + b'}]}')]).url, 'lazy')
    error_name = cold_error(mounted, 'by-id')
    assert error_name == 'EIO' or mounted.list('by-id') == ['x'] and mounted.status()['skipped'] == 1


def test_names_that_need_no_list_are_there_without_a_server(mount, raw):
    mounted = mount(raw([Reply(hang=True)]).url, 'lazy', 'timeout=20')
    start = time.monotonic()
    assert {'images', 'by-id', 'by-name', 'by-imagetype', 'by-platform', 'by-status'} <= set(mounted.list())
    assert os.path.isdir(mounted.path('images')) and os.path.isdir(mounted.path('by-name'))
    assert mounted.status()['images'] == 0
    assert time.monotonic() - start < harness.SLACK


def test_a_cold_error_heals(mount, raw):
    server = raw(Paged(ITEMS, faults={1: error(500)}))
    mounted = mount(server.url, 'lazy', 'ttl=60')
    assert cold_error(mounted) == 'EIO'
    assert harness.wait_for(lambda: cold_error(mounted) == 'OK', 5, 0.1)
    assert len(mounted.list('by-id')) == 5
