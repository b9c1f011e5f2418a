# SPDX-License-Identifier: Apache-2.0
"""Names that strangers choose: every one is listed, can be looked up, and is read."""
import os

import pytest

import data
import harness
import jsonraw
import reference

NAMES = {
    'slash': b'"a/b"', 'newline': b'"a\\nb"', 'escape': b'"\\u001b[31mred"', 'dotdot': b'".."', 'dot': b'"."',
    'empty': b'""', 'null': b'null', 'chinese': '"{}"'.format('\u6d4b' * 255).encode(), 'nul': b'"a\\u0000b"',
    'latin': b'"caf\xe9"', 'overlong': b'"\xc0\xaf"', 'surrogate': b'"\\ud800x"', 'twin': b'"same"',
    'twin2': b'"same"', 'number': b'17', 'true': b'true', 'object': b'{"a": "/"}', 'at': b'"a@b@c"',
    'percent': b'"50%25 100%"', 'rtl': '"\u202egpj.exe"'.encode(), 'space': b'" "', 'dash': b'"-rf"',
    'long': b'"' + b'n' * 4000 + b'"', 'none': b'"none"', 'raw-control': b'"a\x01b"', 'tilde': b'"~"',
    'bom': b'"\\ufefftext"', 'emoji': b'"\\ud83d\\ude00"', 'slashes': b'"' + b'/' * 255 + b'"', 'array': b'["x","y"]',
}
KEYS = [b'"a/b"', b'".."', b'""', b'"image.json"', b'"image%2Ejson"', b'"k\\nk"', b'"\xff"', b'"\\u0000"',
        b'"' + b'x' * 255 + b'"', b'"' + b'x' * 255 + b'1"', b'"' + b'x' * 255 + b'2"',
        '"{}"'.format('\u6d4b' * 90).encode()]


def records_with(names):
    return [b'{"id":"%s","status":"active","name":%s}' % (i.encode(), name) for i, name in names.items()]


def mount_text(mount, source_file, text, *options):
    mounted = mount(source_file(text), *options)
    assert harness.differences(reference.build(text), harness.snapshot(mounted.point)) == []
    return mounted


def test_image_names(mount, source_file):
    text = b'[' + b','.join(records_with(NAMES)) + b']'
    mounted = mount_text(mount, source_file, text)
    assert len(mounted.list('by-id')) == len(NAMES)
    assert mounted.list('by-name', 'same') == ['twin', 'twin2']
    assert mounted.list('by-name', 'none') == ['empty', 'none', 'null']


def test_every_name_can_be_looked_up_cold(mount, source_file):
    """Without a listing before, so that the kernel asks for each name by itself."""
    text = b'[' + b','.join(records_with(NAMES)) + b']'
    mounted = mount(source_file(text))
    point = os.fsencode(mounted.point)
    for path, node in reference.build(text).items():
        if node.kind == 'f':
            with open(os.path.join(point, path), 'rb') as file:
                assert file.read() == node.data
        elif node.kind == 'l':
            assert os.readlink(os.path.join(point, path)) == node.data
            assert os.path.isdir(os.path.join(point, path))


def test_attribute_names(mount, source_file):
    members = b','.join(b'%s:"value %d"' % (key, i) for i, key in enumerate(KEYS))
    mounted = mount_text(mount, source_file, b'[{"id":"x",' + members + b'}]')
    place = ('by-id', 'x')
    assert len(mounted.list(*place)) == len(KEYS) - 1 + 2  # "" has no file; id and image.json
    assert mounted.read(*place, 'image%2Ejson') == b'value 3\n'


def test_two_keys_with_one_file_name(mount, source_file):
    long = b'k' * 300
    shown = reference.component(long)
    text = b'[{"id":"x","%s":"first","%s":"second"}]' % (long, shown)
    mounted = mount_text(mount, source_file, text)
    assert mounted.read('by-id', 'x', os.fsdecode(shown)) == b'first\n'


def test_duplicate_keys(mount, source_file):
    text = b'[{"id":"x","a":1,"name":"old","a":2,"name":"new","\\u0061":3}]'
    mounted = mount_text(mount, source_file, text)
    assert mounted.read('by-id', 'x', 'a') == b'3\n'
    assert mounted.list('by-name') == ['new']


def test_group_names(mount, source_file):
    groups = [b'"a/b"', b'".."', b'""', b'null', b'"none"', b'7', b'"\\u001b"', b'"' + b'g' * 300 + b'"',
              b'["x","y"]', b'"\xff"', b'false', b'"@"']
    text = b'[' + b','.join(b'{"id":"i%d","__platform":%s}' % (i, g) for i, g in enumerate(groups)) + b']'
    mounted = mount_text(mount, source_file, text)
    assert len(mounted.list('by-id')) == len(groups)


def test_ids(mount, source_file):
    ids = [b'"a@b"', b'"a/b"', b'".."', b'"' + b'z' * 128 + b'"', b'"' + b'@' * 42 + b'"', b'"\\ud83d\\ude00"',
           b'"\xff"']
    bad = [b'""', b'null', b'7', b'"' + b'z' * 129 + b'"', b'"' + b'@' * 43 + b'"', b'["a"]']
    shown = b','.join(b'{"id":%s,"name":"n@n"}' % i for i in ids + bad)
    text = b'[' + shown + b',{"name":"no id"},{"id":"..","name":"2"}]'
    mounted = mount_text(mount, source_file, text)
    assert len(mounted.list('by-id')) == len(ids)
    status = mounted.status()
    assert status['images'] == len(ids)
    assert status['skipped'] >= len(bad) + 1


def test_odd_values_cost_no_other_image(mount, source_file):
    values = [b'-0', b'1e400', b'0.1000', b'123456789012345678901234567890', b'[[1,[2]],{}]', b'{"a":{"b":[]}}',
              b'"\\u0000"', b'"\\ud800"', b'"\xff\xfe"', b'"a\x02b"', b'null', b'[null,"",false]', b'"two\\nlines\\n"']
    text = b'[' + b','.join(b'{"id":"i%d","value":%s}' % (i, v) for i, v in enumerate(values)) + b']'
    mount_text(mount, source_file, text)


@pytest.mark.parametrize('name', ['no such', '.git', 'a/b/c', 'x' * 255, '%2E%2E', '\udcff'])
def test_absent_names(mount, source_file, name):
    mounted = mount(source_file(data.response(data.records(3))))
    for view in ('images', 'by-id', 'by-name', 'by-status', 'images/gold'):
        assert harness.error_of(os.stat, mounted.path(view, name)) == 'ENOENT'


def test_a_name_over_255_bytes(mount, source_file):
    mounted = mount(source_file(data.response(data.records(3))))
    assert harness.error_of(os.stat, mounted.path('by-id', 'x' * 256)) == 'ENAMETOOLONG'


def test_the_id_follows_the_last_at(mount, source_file):
    text = b'[' + b','.join(records_with(NAMES)) + b']'
    mounted = mount(source_file(text))
    found = [os.fsencode(name).rpartition(b'@')[2] for name in mounted.list('images', 'none', 'none', 'active')]
    assert sorted(found) == sorted(i.encode() for i in NAMES)
    assert len(jsonraw.records(text)) == len(found)
