# SPDX-License-Identifier: Apache-2.0
"""A record that came before is not read again; but a single byte makes it another one."""
import os
import signal

import pytest

import harness
import reference

RECORD = (b'{"id":"aaaa-%d","name":"one","status":"active","min_ram":1024,"size":-1.50e3,"protected":true,'
          b'"checksum":null,"tags":["a","b"],"deep":{"x":[1,{"y":"z"}]},"escaped":"\\u0041\\n","twice":1,"twice":2}')
# What the record has -> what it has afterwards, and back again.
CHANGES = {
    'string': (b'"one"', b'"onf"'),
    'number': (b'1024', b'1025'),
    'spelling of a number': (b'1.50e3', b'1.50E3'),
    'boolean': (b'true', b'false'),
    'null': (b'null', b'0'),
    'element': (b'["a","b"]', b'["a","c"]'),
    'order': (b'["a","b"]', b'["b","a"]'),
    'deep inside': (b'"y":"z"', b'"y":"Z"'),
    'key': (b'"size"', b'"sizf"'),
    'spelling of a letter': (b'\\u0041', b'\\u0042'),
    'the same letter spelled in another way': (b'\\u0041', b'A'),
    'the last of two': (b'"twice":2', b'"twice":3'),
    'the first of two': (b'"twice":1', b'"twice":3'),
    'space in a string': (b'"one"', b'"o ne"'),
    'another attribute': (b'"min_ram"', b'"":1,"min_ram"'),
    'white space alone': (b'":', b'" :\t'),
    'id': (b'aaaa', b'bbbb'),
}


def response(change=None):
    records = [RECORD % number for number in range(3)]
    if change:
        assert change[0] in records[1]
        records[1] = records[1].replace(*change)
    return b'{"images": [%s]}' % b', '.join(records)


def refresh(mounted, update, text):
    """Two listings of it, of which the second brings nothing new, and the mount shows just that."""
    for _ in range(2):
        update(text)
        before = mounted.status()['lists_published']
        mounted.signal(signal.SIGHUP)
        harness.wait_for(lambda: mounted.status()['lists_published'] > before, 10)
    tree = reference.build(text)
    harness.wait_for(lambda: harness.differences(tree, harness.snapshot(mounted.point)) == [], 10)
    assert harness.differences(tree, harness.snapshot(mounted.point)) == []


@pytest.mark.parametrize('change', CHANGES)
def test_a_changed_byte_is_seen(mount, source_file, change):
    path = source_file(response())

    def update(text):
        with open(path + '.new', 'wb') as file:
            file.write(text)
        os.rename(path + '.new', path)
    mounted = mount(path, 'ttl=3600')
    for text in (response(CHANGES[change]), response()):
        refresh(mounted, update, text)


def test_what_is_counted_is_counted_again(mount, sim):
    text = response(CHANGES['another attribute'])
    server = sim(text)
    mounted = mount(server.url, 'ttl=3600')
    assert mounted.status()['attributes_without_file'] == 1
    refresh(mounted, server.update, text)
    assert mounted.status()['attributes_without_file'] == 1


@pytest.mark.parametrize('change', ['number', 'white space alone', 'id'])
def test_over_http(mount, sim, change):
    server = sim(response())
    mounted = mount(server.url, 'ttl=3600')
    for text in (response(CHANGES[change]), response()):
        refresh(mounted, server.update, text)
