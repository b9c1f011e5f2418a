# SPDX-License-Identifier: Apache-2.0
"""The reference itself, against answers worked out by hand."""
import pytest

import harness
import jsonraw
import reference

pytestmark = pytest.mark.offline


@pytest.mark.parametrize('value, name', [
    (b'CentOS 7.3 64bit', b'CentOS 7.3 64bit'),
    (b'a/b', b'a%2Fb'),
    (b'.', b'%2E'),
    (b'..', b'%2E%2E'),
    (b'...', b'...'),
    (b'100%', b'100%'),
    (b'%zz %4 %41', b'%zz %4 %2541'),
    (b'a\nb\x1b[31m\x7f', b'a%0Ab%1B[31m%7F'),
    ('\x85\u200e\ufeff\u061c'.encode(), b'%C2%85%E2%80%8E%EF%BB%BF%D8%9C'),
    ('\u6d4b\u8bd5 \U0001f600'.encode(), '\u6d4b\u8bd5 \U0001f600'.encode()),
    (b'\xff\xc3(', b'%FF%C3('),
    (b'a\0b', b'a%00b'),
    (b'x' * 255, b'x' * 255),
    (b'x' * 256, b'x' * 246 + b'~%08x' % reference.fnv1a(b'x' * 256)),
    ('\u6d4b'.encode() * 255, '\u6d4b'.encode() * 82 + b'~%08x' % reference.fnv1a('\u6d4b'.encode() * 255)),
    (b'x' * 245 + b'//////', b'x' * 245 + b'~%08x' % reference.fnv1a(b'x' * 245 + b'//////')),
])
def test_component(value, name):
    assert reference.component(value) == name


def test_fnv1a():
    assert reference.fnv1a(b'') == 0x811C9DC5
    assert reference.fnv1a(b'foobar') == 0xBF9CF968


@pytest.mark.parametrize('token, data', [
    (b'"text"', b'text\n'),
    (b'"ends\\n"', b'ends\n'),
    (b'""', b'\n'),
    (b'"\\u0000\\ud83d\\ude00\\ud800x\\\\u0041\\/"', b'\0\xf0\x9f\x98\x80\xef\xbf\xbdx\\u0041/\n'),
    (b'"\xff"', b'\xff\n'),
    (b'9007199254740993', b'9007199254740993\n'),
    (b'1.0E+400', b'1.0E+400\n'),
    (b'-0', b'-0\n'),
    (b'true', b'true\n'),
    (b'null', b''),
    (b'[]', b''),
    (b'["a", 1, null, "b\\n", true]', b'a\n1\nb\ntrue\n'),
    (b'{"a" : [1 , 2], "b":{}}', b'{"a":[1,2],"b":{}}\n'),
    (b'{"a":"\xff\x01"}', b'{"a":"\xef\xbf\xbd\\u0001"}\n'),
])
def test_content(token, data):
    assert reference.content(jsonraw.parse(token)) == data


def test_image_json():
    record = jsonraw.parse(b'{"id":"\\u0041","n":1.50,"e":{},"l":[],"t":["x",{"k":null}],"bad":"\xf0\x9f(\x02"}')
    assert jsonraw.pretty(record) == (
        b'{\n  "id": "\\u0041",\n  "n": 1.50,\n  "e": {},\n  "l": [],\n  "t": [\n    "x",\n    {\n'
        b'      "k": null\n    }\n  ],\n  "bad": "\xef\xbf\xbd(\\u0002"\n}')


@pytest.mark.parametrize('text, seconds', [
    (b'"1970-01-01T00:00:00Z"', 0),
    (b'"2018-09-06T14:03:27Z"', 1536242607),
    (b'"2018-09-06 14:03:27.987654"', 1536242607),
    (b'"2018-09-06T16:03:27+02:00"', 1536242607),
    (b'"1601-01-01T00:00:00Z"', -11644473600),
    (b'"2018-13-06T14:03:27Z"', None),
    (b'"yesterday"', None),
    (b'null', None),
    (b'17', None),
])
def test_timestamp(text, seconds):
    assert reference.timestamp(jsonraw.parse(text)) == seconds


@pytest.mark.parametrize('text', [
    b'{"schema": "s", "images": [{"id": "a"}, {"id": "b"}]}',
    b'[{"id": "a"}, {"id": "b"}]',
    b'{"id": "a"}\n{"id": "b"}\n',
])
def test_shapes(text):
    assert [image.id for image in reference.images(text)] == [b'a', b'b']


def test_ids():
    text = b'[{"id": ""}, {"id": 5}, {}, {"id": null}, 7, {"id": "a@b"}, {"id": ".."}, {"id": "x", "name": "first"},'
    text += b'{"id": "x", "name": "second"}, {"id": "' + b'y' * 129 + b'"}, {"id": "' + b'/' * 42 + b'"}]'
    images = reference.images(text)
    assert [image.id for image in images] == [b'a%40b', b'%2E%2E', b'x', b'%2F' * 42]
    assert images[2].name == b'first'


@pytest.mark.parametrize('visibility, imagetype, group', [
    ('public', 'gold', b'gold'), ('public', 'market', b'market'), ('public', 'private', b'public'),
    ('private', 'private', b'private'), ('private', 'shared', b'shared'), ('private', 'gold', b'private'),
    ('shared', 'shared', b'shared'), ('shared', 'gold', b'shared'), ('community', 'gold', b'community'),
    (None, 'gold', b'gold'), ('public', None, b'public'), (None, None, b'none'),
])
def test_imagetype(visibility, imagetype, group):
    record = jsonraw.Object([(jsonraw.Token(b'"id"'), jsonraw.Token(b'"x"'))])
    for key, value in ((b'"visibility"', visibility), (b'"__imagetype"', imagetype)):
        if value:
            record.append((jsonraw.Token(key), jsonraw.Token(b'"%s"' % value.encode())))
    assert reference.Image(record).level(b'imagetype') == group


def test_small_tree():
    text = b'[{"id":"x","name":"a/b","status":"active","os_distro":"Q","visibility":"private","tags":["t",""]}]'
    tree = reference.build(text, views=['tags'])
    place = b'images/private/Q/active/a%2Fb@x'
    links = {path: node.data for path, node in tree.items() if node.kind == 'l'}
    assert links == {
        b'by-id/x': b'../' + place,
        b'by-name/a%2Fb/x': b'../../' + place,
        b'by-imagetype/private/a%2Fb@x': b'../../' + place,
        b'by-platform/Q/a%2Fb@x': b'../../' + place,
        b'by-status/active/a%2Fb@x': b'../../' + place,
        b'by-tags/t/a%2Fb@x': b'../../' + place,
        b'by-tags/none/a%2Fb@x': b'../../' + place,
    }
    assert sorted(p for p, node in tree.items() if node.kind == 'f') == sorted(
        place + b'/' + name
        for name in (b'id', b'name', b'status', b'os_distro', b'visibility', b'tags', b'image.json'))
    assert tree[place + b'/tags'].data == b't\n\n'
    assert reference.build(b'[]').keys() == {
        b'images', b'by-id', b'by-name', b'by-imagetype', b'by-platform', b'by-status'}


def test_long_name_leaves_room_for_the_id():
    image = reference.Image(jsonraw.parse(b'{"id":"' + b'i' * 100 + b'","name":"' + b'n' * 300 + b'"}'))
    assert image.directory == b'n' * 154 + b'@' + b'i' * 100


def test_snapshot_of_a_copied_tree_is_the_tree(tmp_path):
    text = b'[{"id":"x","name":"a","updated_at":"2018-09-06T14:03:27Z","created_at":"2017-01-01T00:00:00Z"}]'
    tree = reference.build(text)
    harness.materialize(tree, tmp_path)
    assert harness.differences(tree, harness.snapshot(tmp_path)) == []


def test_snapshot_tells_what_differs(tmp_path):
    tree = reference.build(b'[{"id":"x","name":"a","status":"active"}]')
    harness.materialize(tree, tmp_path)
    place = tmp_path / 'images/none/none/active/a@x'
    (place / 'status').write_bytes(b'deleted\n')
    (place / 'more').write_bytes(b'')
    (tmp_path / 'by-id/x').unlink()
    found = '\n'.join(harness.differences(tree, harness.snapshot(tmp_path)))
    assert "missing: b'by-id/x'" in found and '/more' in found and 'deleted' in found
