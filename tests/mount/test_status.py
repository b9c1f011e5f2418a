# SPDX-License-Identifier: Apache-2.0
"""`.imsfs/status.json`: what it has, and that it is true."""
import os
import re
import time

import pytest

import data
import harness
from rawserver import Paged, error

FIELDS = {'version', 'source', 'api', 'page_size', 'images', 'skipped', 'pages', 'requests', 'age', 'expires_in',
          'ttl_effective', 'last_error', 'last_error_at'}
ITEMS = data.records(30)


def test_fields_of_http(mount, raw):
    server = raw(Paged(ITEMS))
    mounted = mount(server.url, 'page_size=10', 'ttl=60')
    mounted.list('by-id')
    status = mounted.status()
    assert FIELDS <= set(status)
    assert re.match(r'\d+\.\d+', status['version'])
    assert str(server.port) in status['source']
    assert (status['api'], status['page_size'], status['images']) == ('images', 10, 30)
    assert (status['pages'], status['requests'], status['skipped']) == (4, 4, 0)
    assert 0 <= status['age'] < 5 and 54 < status['expires_in'] <= 60
    assert status['ttl_effective'] == 60
    assert not status['last_error']


def test_requests_of_the_kernel(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)), 'ttl=3600')
    before = mounted.status()['kernel_requests']
    assert before['INIT'] == 1 and 'READDIRPLUS' not in before
    mounted.list('by-id')
    after = mounted.status()['kernel_requests']
    assert after['READDIRPLUS'] >= 1 and after['LOOKUP'] > before['LOOKUP']
    assert after['INIT'] == 1


def test_fields_of_a_file(mount, source_file):
    path = source_file(data.response(ITEMS + [{'id': ''}, {'name': 'x'}, 7]))
    mounted = mount(path)
    mounted.list('by-id')
    status = mounted.status()
    assert FIELDS - {'page_size'} <= set(status)
    assert (status['source'], status['api'], status['images'], status['skipped']) == (path, 'file', 30, 3)


def test_before_the_first_listing(mount, raw):
    status = mount(raw(Paged(ITEMS)).url, 'lazy').status()
    assert (status['images'], status['requests'], status['age']) == (0, 0, None)


def test_retries_count_as_requests(mount, raw):
    mounted = mount(raw(Paged(ITEMS, faults={1: error(503)})).url)
    mounted.list('by-id')
    status = mounted.status()
    assert (status['pages'], status['requests']) == (1, 2)


def test_age_grows_and_expiry_falls(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)), 'ttl=60')
    mounted.list('by-id')
    first = mounted.status()
    time.sleep(2.2)
    second = mounted.status()
    assert 1.5 < second['age'] - first['age'] < 2.2 + harness.SLACK
    assert 1.5 < first['expires_in'] - second['expires_in'] < 2.2 + harness.SLACK


def test_last_error_and_when(mount, raw):
    mounted = mount(raw([error(403, 'frozen')]).url, 'lazy')
    assert harness.error_of(os.listdir, mounted.path('images')) == 'EACCES'
    status = mounted.status()
    assert 'frozen' in status['last_error']
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', status['last_error_at'])


def test_size_and_bytes_agree_on_every_look(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)), 'ttl=1')
    path = mounted.path('.imsfs', 'status.json')
    for _ in range(20):
        with open(path, 'rb') as file:
            size = os.fstat(file.fileno()).st_size
            text = file.read()
        assert len(text) == size and text.endswith(b'}\n')
        mounted.list('by-id')
        time.sleep(0.1)


def test_number_of_its_inode_stays(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)))
    numbers = {os.stat(mounted.path('.imsfs', 'status.json')).st_ino for _ in range(5)}
    assert len(numbers) == 1


@pytest.mark.parametrize('source', ['http://somebody:secret@127.0.0.1:1', 'http://127.0.0.1:1/?token=secret'])
def test_a_source_with_a_secret_is_refused_or_hidden(directory, source):
    mounted = harness.Mount(directory(), source, 'lazy')
    try:
        mounted.start()
        assert 'secret' not in mounted.read('.imsfs', 'status.json').decode()
    except harness.MountFailed:
        pass
    finally:
        mounted.stop()
    assert 'secret' not in mounted.stderr()
