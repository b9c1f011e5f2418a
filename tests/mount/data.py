# SPDX-License-Identifier: Apache-2.0
"""Records for tests: small, deterministic, all in the open."""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
GENERATOR = os.path.join(HERE, '..', 'gen-images')
TYPES = (('gold', 'public'), ('private', 'private'), ('shared', 'shared'), ('market', 'public'))
PLATFORMS = ('CentOS', 'Ubuntu', 'EulerOS', 'Windows')


def image_id(i):
    return '%08x-0000-4000-8000-%012x' % (i, i)


def record(i, **changes):
    """Image number i; a change to None is null, to ... removes the attribute. Newer ones have lower numbers."""
    imagetype, visibility = TYPES[i % len(TYPES)]
    value = {
        'id': image_id(i),
        'name': 'image-%d' % i,
        'status': 'active',
        'visibility': visibility,
        '__imagetype': imagetype,
        '__platform': PLATFORMS[i // 3 % len(PLATFORMS)],
        '__os_type': 'Windows' if i % 7 == 0 else 'Linux',
        '__isregistered': 'true',
        'created_at': '20%02d-03-04T05:%02d:%02dZ' % (40 - i // 3600 % 20, 59 - i // 60 % 60, 59 - i % 60),
        'updated_at': '2041-03-04T05:%02d:%02dZ' % (i // 60 % 60, i % 60),
        'min_ram': 1024 * i,
        'min_disk': 40,
        'size': 9007199254740993 + i,
        'virtual_size': None,
        'protected': bool(i % 2),
        'tags': ['even' if i % 2 == 0 else 'odd', 'third=%d' % (i % 3)],
        'checksum': '',
    }
    value.update(changes)
    return {key: v for key, v in value.items() if v is not ...}


def records(count, **changes):
    return [record(i, **changes) for i in range(count)]


def response(items):
    return json.dumps({'images': items, 'schema': '/v2/schemas/images'}, ensure_ascii=False).encode()


def array(items):
    return json.dumps(items, indent=1).encode()


def lines(items):
    return b''.join(json.dumps(item).encode() + b'\n' for item in items)


def generated(count, *options):
    """What the project's own generator writes."""
    return subprocess.run([GENERATOR, '-n', str(count), *options], check=True, stdout=subprocess.PIPE).stdout
