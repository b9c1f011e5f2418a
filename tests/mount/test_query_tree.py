# SPDX-License-Identifier: Apache-2.0
"""A query's directory is a directory as those in images/, and nothing that walks the mount meets it."""
import collections
import os
import subprocess

import pytest

import criteria
import data
import harness
import jsonraw
import queries
import rawserver
import reference
from queries import sample

QUERIES = ['status=active', 'limit=5', 'sort_key=name&__os_type=Linux', 'flavor_id=s6.large', 'tag=x&tag=a=b',
           'member_status=pending&visibility=shared']


def output(*command, **named):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **named).stdout


def expected(images):
    """What is below a query with these images, as harness.snapshot() tells it."""
    tree = {}
    for image in images:
        tree[image.directory] = reference.Node('d', None, *image.times)
        for name, value in image.files().items():
            tree[image.directory + b'/' + name] = reference.Node('f', value, *image.times)
    return tree


@pytest.mark.parametrize('text', [text for text in QUERIES if 'limit' not in text] + ['name=nobody'])
def test_contents(mount, sim, text):
    service = sample('ims')
    mounted = mount(sim(criteria.json_of(service)).url, 'dialect=ims', 'page_size=7')
    found = harness.snapshot(mounted.path('query', text) + '/')
    images = reference.images(data.response(service.answer(text)))
    assert not harness.differences(expected(images), found)


@pytest.mark.limit(120)
def test_odd_images(mount, raw):
    """What owners can store, as the reference has it; the server answers all of it to anything."""
    text = data.generated(60, '--odd')
    body = b'{"images": [' + b','.join(map(jsonraw.raw_text, jsonraw.records(text))) + b']}'
    mounted = mount(raw([rawserver.Reply(body)]).url, 'lazy')
    found = harness.snapshot(mounted.path('query', 'status=active') + '/')
    tree = expected(reference.images(body))
    assert len(tree) > 1000 and not harness.differences(tree, found)


@pytest.mark.parametrize('text', ['status=active', 'limit=20'])
def test_tools(mount, sim, text):
    """grep -r, find, ls -l and tar inside see each image once, and make one listing in all."""
    service = sample('ims')
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'ttl=3600')
    where, count = mounted.path('query', text) + '/', len(service.ids(text))
    links = 2 if 'limit' in text else 0
    assert output('find', where, '-name', 'image.json').count(b'\n') == count
    assert output('grep', '-rl', '--include=image.json', '"id"', where).count(b'\n') == count
    assert output('ls', '-l', where).count(b'\n') == 1 + count + links
    archive = subprocess.Popen(['tar', '-C', where, '-cf', '-', '.'], stdout=subprocess.PIPE)
    names = output('tar', '-tf', '-', stdin=archive.stdout).decode().splitlines()
    archive.stdout.close()
    assert archive.wait() == 0
    assert sum(name.endswith('/image.json') for name in names) == count
    assert len(queries.requests(server)) == 1


def test_paths_from_inside(mount, sim, shell):
    service = sample('ims')
    mounted = mount(sim(criteria.json_of(service)).url, 'dialect=ims')
    inside = shell(mounted.path('query', 'limit=3'))
    assert inside.run('pwd -P').decode().strip() == mounted.path('.imsfs', 'query', 'limit=3')
    first = service.answer('limit=3')[0]
    assert inside.run('cat *@%s/status' % first['id']).decode().strip() == first['status']
    inside.run('cd *@%s' % first['id'])
    assert inside.run('cat id').decode().strip() == first['id']
    assert b'first' in inside.run('ls ..') and b'limit=3' in inside.run('ls ../..')
    assert inside.run('ls ../../../..').split() == [os.fsencode(name) for name in mounted.list()]


def roots(mounted):
    """What recursive tools meet from the root: how often each image."""
    found = output('find', mounted.point, '-name', 'image.json').decode().split('\n')[:-1]
    grepped = output('grep', '-rl', '--include=image.json', '"id"', mounted.point).decode().split('\n')[:-1]
    archive = subprocess.Popen(['tar', '-C', mounted.point, '-cf', '-', '.'], stdout=subprocess.PIPE)
    packed = output('tar', '-tf', '-', stdin=archive.stdout).decode().splitlines()
    archive.stdout.close()
    assert archive.wait() == 0
    packed = [name for name in packed if name.endswith('/image.json')]
    assert len(found) == len(grepped) == len(packed)
    return collections.Counter(path.split('/')[-2].rpartition('@')[2] for path in found + grepped + packed)


@pytest.mark.limit(120)
def test_the_root_does_not_lead_to_queries(mount, sim):
    service = sample('ims')
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'page_size=20', 'ttl=3600')
    unused = roots(mounted)
    pages = server.count()
    for text in QUERIES:
        os.listdir(mounted.path('query', text))
    before = server.count()
    assert roots(mounted) == unused == {id: 3 for id in service.ids('')}
    assert server.count() == before
    fresh = mount(server.url, 'lazy', 'dialect=ims', 'page_size=20', 'ttl=3600')
    for text in QUERIES:
        os.listdir(fresh.path('query', text))
    before = server.count()
    assert roots(fresh) == unused
    assert server.count() - before == pages


def test_inodes(mount, sim):
    """An image below a query is not the one in images/, and stays what it is."""
    service = sample('ims')
    mounted = mount(sim(criteria.json_of(service)).url, 'dialect=ims')
    key = service.ids('status=active&__os_type=Linux')[0]
    paths = [mounted.path('by-id', key)]
    for text in ('status=active', 'status=active&__os_type=Linux', '__os_type=Linux'):
        found = [name for name in os.listdir(mounted.path('query', text)) if name.endswith(key)]
        paths += [mounted.path('query', text, name) for name in found]
    assert len(paths) == 4
    for inner in ('', 'image.json', 'id'):
        numbers = [os.stat(os.path.join(path, inner)).st_ino for path in paths]
        assert len(set(numbers)) == len(paths)
        assert numbers == [os.stat(os.path.join(path, inner)).st_ino for path in paths]


def test_nothing_can_be_changed(mount, sim):
    mounted = mount(sim(criteria.json_of(sample('ims'))).url, 'dialect=ims')
    where = mounted.path('query', 'limit=2')
    inner = os.path.join(where, [name for name in os.listdir(where) if '@' in name][0])
    assert harness.error_of(os.mkdir, mounted.path('query', 'limit=9')) in ('EROFS', 'EEXIST')
    for call, path in ((os.mkdir, where + '/x'), (os.rmdir, inner), (os.unlink, where + '/first'),
                       (os.unlink, inner + '/id'), (os.rmdir, where)):
        assert harness.error_of(call, path) == 'EROFS', (call, path)
    assert os.stat(where).st_mode & 0o777 == 0o555 and os.stat(inner + '/id').st_mode & 0o777 == 0o444
