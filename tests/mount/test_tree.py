# SPDX-License-Identifier: Apache-2.0
"""The whole tree, byte for byte, against the reference; for each kind of source."""
import pytest

import data
import harness
import jsonraw
import rawserver
import reference

LARGE = 10000


def check(mounted, text, **options):
    expected = reference.build(text, **options)
    assert harness.differences(expected, harness.snapshot(mounted.point)) == []
    return expected


def registered(text):
    """What /v2/cloudimages lists of a response without criteria."""
    records = [r for r in jsonraw.records(text) if reference.Image(r).text(b'__isregistered') == b'true']
    return jsonraw.compact(records)


@pytest.mark.parametrize('form', [data.response, data.array, data.lines])
def test_file(mount, source_file, form):
    text = form(data.records(60))
    check(mount(source_file(text)), text)


@pytest.mark.parametrize('name', ['images.ndjson', 'images.jsonl', 'no suffix'])
def test_file_of_any_name(mount, source_file, name):
    text = data.lines(data.records(3))
    check(mount(source_file(text, name)), text)


@pytest.mark.parametrize('text', [b'[]', b'{"images": []}'])
def test_empty_list(mount, source_file, text):
    check(mount(source_file(text)), text)


def test_file_of_odd_records(mount, source_file):
    text = data.generated(300, '--odd')
    check(mount(source_file(text)), text)


@pytest.mark.limit(120)
def test_file_of_1000(mount, source_file):
    text = data.generated(1000)
    assert len(reference.images(text)) == 1000
    check(mount(source_file(text)), text)


@pytest.mark.parametrize('size', [1, 7, 25, 500, 1000])
@pytest.mark.limit(120)
def test_page_sizes(mount, sim, size):
    text = data.generated(300)
    check(mount(sim(text).url, 'page_size=%d' % size), text)


@pytest.mark.parametrize('size', [7, 500])
@pytest.mark.limit(120)
def test_page_sizes_of_cloudimages(mount, sim, size):
    text = data.generated(300)
    check(mount(sim(text).url, 'api=cloudimages', 'page_size=%d' % size), registered(text))


@pytest.mark.parametrize('api', ['images', 'cloudimages'])
@pytest.mark.limit(180)
def test_1000_over_http(mount, sim, api):
    text = data.generated(1000)
    check(mount(sim(text).url, 'api=' + api), registered(text) if api == 'cloudimages' else text)


@pytest.mark.limit(120)
def test_odd_records_over_http(mount, raw):
    """The records go over the wire as they are in the text; a simulator might mend them."""
    text = data.generated(200, '--odd')
    records = jsonraw.records(text)
    body = b'{"images": [' + b','.join(jsonraw.raw_text(record) for record in records) + b']}'
    check(mount(raw([rawserver.Reply(body)]).url), body)


@pytest.mark.all
@pytest.mark.limit(900)
@pytest.mark.parametrize('api', ['file', 'images', 'cloudimages'])
def test_10000(mount, sim, source_file, api):
    text = data.generated(LARGE)
    if api == 'file':
        check(mount(source_file(text)), text)
    else:
        check(mount(sim(text).url, 'api=' + api), registered(text) if api == 'cloudimages' else text)


@pytest.mark.parametrize('views', [['tags'], ['__os_type', 'min_ram'], ['a%2Fb', 'absent'], ['protected']])
def test_views(mount, source_file, views):
    items = data.records(20) + [
        data.record(20, tags=[]), data.record(21, tags=None), data.record(22, tags='word'),
        data.record(23, tags=['twice', 'twice', '', None, 'a/b', '..']), data.record(24, tags=...),
        data.record(25, **{'a/b': 'slash'}), data.record(26, tags=[{'key': 'k', 'value': 'v'}, 7, ['x']])]
    text = data.response(items)
    check(mount(source_file(text), *['by=' + view for view in views]), text, views=views)


@pytest.mark.parametrize('layout', ['status', 'platform/imagetype', 'id', '__os_type/min_ram/tags', 'a%2Fb/absent'])
def test_layouts(mount, source_file, layout):
    text = data.response(data.records(20) + [data.record(20, **{'a/b': 'slash', 'tags': ['a/b', 'c']})])
    check(mount(source_file(text), 'layout=' + layout), text, layout=layout)


def test_an_array_of_a_view_is_found_under_each_element(mount, source_file):
    text = data.response([data.record(0, tags=['a', 'b'])])
    mounted = mount(source_file(text), 'by=tags')
    assert mounted.list('by-tags') == ['a', 'b']
    assert mounted.read('by-tags', 'b', 'image-0@' + data.image_id(0), 'name') == b'image-0\n'


def test_recursive_tools_meet_each_image_once(mount, source_file, readers):
    text = data.response(data.records(10))
    mounted = mount(source_file(text))
    out = readers('grep', '-rlx', 'image-3', mounted.point).communicate()[0].splitlines()
    assert sorted(line.rsplit(b'/', 1)[1] for line in out) == [b'name']
