# SPDX-License-Identifier: Apache-2.0
"""limit=N is one page of the server's, and next and first lead from page to page."""
import os
import subprocess

import pytest

import criteria
import data
import harness
import queries
from queries import sample

WALK = '''
cd -P "$1" || exit 3
while :; do
    ls -U || exit 4
    echo --page
    [ -L next ] || break
    cd -P next || exit 5
done
pwd -P
cd -P first || exit 6
pwd -P
'''


def walk(path):
    """(ids of each page, the last directory, where its link first leads)."""
    done = subprocess.run(['dash', '-c', WALK, 'walk', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, (done.returncode, done.stderr)
    *pages, ends = done.stdout.decode().split('--page\n')
    last, first = ends.splitlines()
    return [[name.rpartition('@')[2] for name in page.split() if '@' in name] for page in pages], last, first


def many(count):
    """Names in another order than ids and times; some repeat."""
    return [data.record(i, name='n%04d' % (i * 7919 % count // 2)) for i in range(count)]


@pytest.mark.limit(180)
@pytest.mark.parametrize('api, exact', [('images', False), ('images', True), ('cloudimages', False)])
def test_walk(mount, sim, api, exact):
    """2,000 images in order, each once, one request a page. The last page of cloudimages is empty, and that of a
    native call that promises a next page whenever one is full."""
    service = criteria.Service(many(2000))
    server = sim(criteria.json_of(service), *(['--exact-next'] if exact else []))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'api=' + api, 'ttl=3600')
    text = 'limit=25&sort_key=name&sort_dir=asc'
    pages, last, first = walk(mounted.path('query', text))
    assert [id for page in pages for id in page] == service.ids('sort_key=name&sort_dir=asc', api)
    assert [len(page) for page in pages] == [25] * 80 + ([] if exact else [0])
    asked = queries.requests(server)
    assert len(asked) == len(pages) and {one.call for one in asked} == {api}
    assert 'marker=' in last and first.endswith('/' + '&'.join(sorted(text.split('&'))))


@pytest.mark.parametrize('text', ['limit=7', 'limit=7&sort_key=size', 'limit=7&sort_dir=asc', '__os_type=Linux&limit=1',
                                  'limit=7&tag=a=b&tag=x', 'limit=5&name=a%2Fb',
                                  'limit=3&created_at=gt:2000-01-01 00:00:00'])
@pytest.mark.parametrize('dialect, api', [('ims', 'images'), ('ims', 'cloudimages'), ('glance', 'images')])
def test_walks_of_all_kinds(mount, sim, text, dialect, api):
    service = sample(dialect)
    server = sim(criteria.json_of(service), *(['--no-cloudimages'] if dialect == 'glance' else []))
    mounted = mount(server.url, 'lazy', 'dialect=' + dialect, 'api=' + api, 'ttl=3600')
    pages, last, first = walk(mounted.path('query', text))
    assert [id for page in pages for id in page] == service.ids('&'.join(
        piece for piece in text.split('&') if not piece.startswith('limit=')), api)
    assert len(queries.requests(server)) == len(pages)
    assert os.path.samefile(first, mounted.path('query', os.path.basename(first)))


def test_links(mount, sim):
    service = sample('ims')
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=3600')
    assert queries.links(mounted.path('query', 'status=active')) == []
    assert queries.links(mounted.path('query', 'status=active&sort_key=name')) == []
    text = 'limit=4&status=active'
    assert queries.links(mounted.path('query', text)) == ['first', 'next']
    page = service.ids(text)
    assert os.readlink(mounted.path('query', text, 'first')) == '../' + text
    target = os.readlink(mounted.path('query', text, 'next'))
    assert target.startswith('../') and criteria.parse(target[3:]) == criteria.parse(text[:8] + 'marker=' + page[-1] +
                                                                                     text[7:])
    before = server.count()
    assert os.lstat(mounted.path('query', text, 'next')).st_size == len(target)
    assert os.path.isdir(mounted.path('query', text, 'next'))
    assert server.count() == before  # looking at where it leads asks nobody
    assert queries.ids(mounted.path('query', text, 'next')) == service.ids(text + '&marker=' + page[-1])
    assert server.count() == before + 1


def test_a_next_page_whose_name_is_too_long(mount, sim):
    """With the marker the criteria are no name any more. That there is more must show all the same."""
    tag = 't' * 220
    server = sim(data.response([data.record(i, tags=[tag]) for i in range(3)]))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=3600')
    path = mounted.path('query', 'limit=2&tag=' + tag)
    assert queries.links(path) == ['first', 'next'] and len(queries.ids(path)) == 2
    assert len(os.path.basename(os.readlink(path + '/next'))) > 255
    before = server.count()
    assert harness.error_of(os.stat, path + '/next') == harness.error_of(os.listdir, path + '/next') == 'ENAMETOOLONG'
    assert server.count() == before


@pytest.mark.parametrize('api', ['images', 'cloudimages'])
def test_next_is_found_without_a_listing(mount, sim, api):
    """By name, in a directory that nobody has read."""
    server = sim(criteria.json_of(sample('ims')))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'api=' + api)
    assert os.readlink(mounted.path('query', 'limit=5', 'first')) == '../limit=5'
    assert os.readlink(mounted.path('query', 'limit=5', 'next')).startswith('../limit=5&marker=')
    assert server.count() == 1


def test_no_next_page(mount, sim):
    """Nothing follows a page that is not full, nor one that is empty."""
    server = sim(criteria.json_of(sample('ims')))
    mounted = mount(server.url, 'lazy', 'dialect=ims')
    for text in ('limit=1000', 'limit=5&name=nobody', 'limit=' + '9' * 30):
        assert queries.links(mounted.path('query', text)) == ['first'], text
        assert harness.error_of(os.readlink, mounted.path('query', text, 'next')) == 'ENOENT'
    assert server.count() == 3


def test_a_shorter_page_than_asked_for(mount, sim):
    """The server cuts the limit: it is one page all the same, and the next one follows it."""
    service = sample('ims')
    server = sim(criteria.json_of(service), **{'limit-max': 10})
    mounted = mount(server.url, 'lazy', 'dialect=ims')
    pages, _, _ = walk(mounted.path('query', 'limit=500'))
    assert [id for page in pages for id in page] == service.ids('')
    assert {len(page) for page in pages[:-1]} == {10} and len(queries.requests(server)) == len(pages)


def test_images_called_next(mount, sim):
    """Names of images always have an @, so that no image is a link."""
    service = criteria.Service([data.record(i, name=name) for i, name in enumerate(['next', 'first', '..', ''])])
    mounted = mount(sim(criteria.json_of(service)).url, 'dialect=ims')
    found = mounted.list('query', 'limit=4')
    assert {'next@' + data.image_id(0), 'first@' + data.image_id(1), '@' + data.image_id(3)} < set(found)
    assert len(found) == 6
