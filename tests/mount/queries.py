# SPDX-License-Identifier: Apache-2.0
"""Criteria for tests: images that tell them apart, tables of what is taken and refused, and what a server was asked."""
import collections
import os
import re

import criteria
import data

PROJECT = 'ee' * 16
OTHER = 'dd' * 16
NAMES = ('plain', 'a&b=c', 'a/b', 'two words', '"quoted"', '100%41', 'a+b', '\u6d4b\u8bd5', 'x' * 200, '')
STATES = ('accepted', 'rejected', 'pending', None)
GPU = ('M60', 'V100', None)


def sample_record(i):
    """Image number i of the sample. No two attributes go through their values in step."""
    values = {
        'name': None if i == 33 else NAMES[i % len(NAMES)],
        'owner': PROJECT if i % 3 == 0 else OTHER,
        'status': ('active', 'active', 'queued', 'saving')[i // 2 % 4],
        'container_format': None if i % 9 == 4 else 'bare',
        'disk_format': ('zvhd2', 'qcow2', 'iso')[i // 3 % 3],
        'min_ram': (0, 1024, 2048, 4096)[i // 5 % 4],
        'min_disk': (40, 100)[i // 7 % 2],
        '__os_bit': ('64', '32')[i % 5 == 0],
        '__platform': ('CentOS', 'Red Hat', 'Windows')[i // 4 % 3],
        '__isregistered': 'true' if i % 11 else 'false',
        'protected': i % 4 < 2,
        'tags': [['x'], ['x', 'a=b'], [], ['', '\u6807\u7b7e'], ['a.b', 'a=b']][i % 5],
        '__whole_image': ('true', 'false', ..., True, 'True')[i // 2 % 5],
        '__system__cmkid': 'key-%d' % (i % 2) if i % 3 else ...,
        'virtual_env_type': ('FusionCompute', 'Ironic', 'DataImage')[i % 3],
        'enterprise_project_id': (..., '0', '', 'ep-1')[i // 3 % 4],
        '__support_arm': 'true' if i % 6 == 1 else ...,
        'architecture': ('x86_64', 'aarch64', ...)[i % 3],
        'size': None if i % 13 == 0 else 1000 * i,
        'os_hidden': True if i % 17 == 16 else False,
        'my_property': 'value %d' % (i % 4),
        '__support_kvm_gpu_type': GPU[i % 3] or ...,
        '__support_xen_gpu_type': GPU[i // 2 % 3] or ...,
        'updated_at': '2021-02-03T04:05:%02dZ' % (i // 2),
    }
    for k, name in enumerate(('kvm', 'xen', 'largememory', 'diskintensive', 'highperformance', 'xen_hana',
                              'kvm_infiniband', 'new_thing')):
        values['__support_' + name] = 'true' if (i + k) % (k + 2) == 0 else ...
    return data.record(i, **values)


def sample(dialect):
    """60 images of all kinds, shared in all member states, and with some that others keep to themselves."""
    images = [sample_record(i) for i in range(60)]
    for i, image in enumerate(images):
        if i % 10 == 7:
            image['visibility'] = 'community'
    members = {image['id']: [{'member_id': PROJECT, 'status': STATES[i // 4 % 4]}]
               for i, image in enumerate(images) if image['visibility'] == 'shared' and STATES[i // 4 % 4]}
    flavors = {'s6.large': [image['id'] for image in images[::3]]}
    return criteria.Service(images, dialect, PROJECT, members, flavors)


# Criteria that both dialects take. Each parameter comes with values that some images have and others have not.
SENT = [
    '__isregistered=true', '__isregistered=false', '__imagetype=gold', '__imagetype=market', 'protected=true',
    'protected=FALSE', 'visibility=public', 'visibility=private', 'visibility=shared', 'owner=' + PROJECT,
    'owner=' + OTHER, 'id=' + data.image_id(3), 'status=active', 'status=queued', 'name=plain', 'name=a%26b=c',
    'name=a%2Fb', 'name=two words', 'name="quoted"', 'name=100%2541', 'name=a+b', 'name=\u6d4b\u8bd5',
    'name=' + 'x' * 200, 'name=', 'container_format=bare', 'disk_format=iso', 'min_ram=0', 'min_ram=02048',
    'min_disk=100', '__os_bit=32', '__platform=Red Hat', '__platform=Windows', '__os_type=Linux', '__os_type=Windows',
    'tag=x', 'tag=a=b', 'tag=a.b', 'tag=', 'tag=\u6807\u7b7e', 'tag=x&tag=a=b', 'tag=a=b&tag=x&tag=x',
    '__support_kvm=true', '__support_xen=true', '__support_largememory=true', '__support_diskintensive=true',
    '__support_highperformance=true', '__support_xen_gpu_type=M60', '__support_kvm_gpu_type=V100',
    '__support_xen_hana=true', '__support_kvm_infiniband=true', '__support_new_thing=true',
    'updated_at=gt:2021-02-03T04:05:10Z', 'updated_at=gte:2021-02-03T04:05:10Z', 'updated_at=lt:2021-02-03T04:05:10Z',
    'updated_at=lte:2021-02-03 04:05:10', 'updated_at=eq:2021-02-03 04:05:10', 'updated_at=neq:2021-02-03T04:05:10Z',
    'updated_at=2021-02-03T04:05:10Z', 'created_at=gt:2040-03-04T05:59:30Z', 'create_at=gt:2040-03-04T05:59:30Z',
    'created_at=lte:2040-03-04 05:59:30',
    'member_status=accepted&visibility=shared', 'member_status=rejected&visibility=shared',
    'member_status=pending&visibility=shared', 'limit=1', 'limit=7&sort_key=name', 'limit=5&marker=' + data.image_id(8),
    'marker=' + data.image_id(20), 'marker=' + data.image_id(20) + '&sort_dir=asc&status=active',
    '__os_type=Linux&min_ram=0', '__imagetype=gold&status=active&protected=true&limit=3',
]
# In which the order shows; each has all that are listed.
SORTED = ['sort_key=%s&sort_dir=%s' % (key, way) for key in criteria.SORT_KEYS for way in ('asc', 'desc')] + [
    'sort_dir=asc', 'sort_key=name']
CLOUD = [
    '__whole_image=true', '__whole_image=False', '__system__cmkid=key-1', 'flavor_id=s6.large',
    'virtual_env_type=Ironic', 'enterprise_project_id=0', 'enterprise_project_id=ep-1', 'architecture=arm',
    'architecture=x86', '__imagetype=gold&__support_kvm=true&virtual_env_type=Ironic', 'flavor_id=s6.large&limit=2',
]
GLANCE = [
    'my_property=value 1', 'my_property=value%202&status=active', 'os_hidden=true', 'size_min=20000',
    'size_max=20000', 'size_min=9000&size_max=31000', 'visibility=community', 'visibility=all',
    'member_status=all&visibility=shared', 'architecture=aarch64', 'sort_key=updated_at&limit=9',
]
# (criteria, errno on ims, errno on glance); '': it is sent.
REFUSED = [
    ('foo', 'ENOENT', 'ENOENT'), ('status=active&', 'ENOENT', 'ENOENT'), ('a&b', 'ENOENT', 'ENOENT'),
    ('=x', 'EINVAL', 'EINVAL'), ('foo=bar', 'EINVAL', ''), ('offset=5', 'EINVAL', ''), ('__support_=x', 'EINVAL', ''),
    ('os_hidden=true', 'EINVAL', ''), ('size_min=5', 'EINVAL', ''), ('os_hidden=1', 'EINVAL', 'EINVAL'),
    ('status=a&status=b', 'EINVAL', 'EINVAL'), ('name=a&n%61me=a', 'EINVAL', 'EINVAL'), ('tag=a&tag=b', '', ''),
    ('min_ram=abc', 'EINVAL', 'EINVAL'), ('min_ram=', 'EINVAL', 'EINVAL'), ('min_ram=1.5', 'EINVAL', 'EINVAL'),
    ('min_disk=+1', 'EINVAL', 'EINVAL'), ('min_disk=-1', '', ''), ('limit=0', 'EINVAL', 'EINVAL'),
    ('limit=-1', 'EINVAL', 'EINVAL'), ('limit=1_0', 'EINVAL', 'EINVAL'), ('limit=' + '9' * 30, '', ''),
    ('protected=yes', 'EINVAL', 'EINVAL'), ('protected=True', '', ''), ('sort_dir=up', 'EINVAL', 'EINVAL'),
    ('sort_dir=ASC', 'EINVAL', 'EINVAL'), ('sort_key=__imagetype', 'EINVAL', 'EINVAL'),
    ('sort_key=updated_at', 'EINVAL', ''), ('sort_key=create_at', '', ''), ('member_status=foo', 'EINVAL', 'EINVAL'),
    ('member_status=all', 'EINVAL', ''), ('created_at=xx:2018-10-28T10:00:00Z', 'EINVAL', 'EINVAL'),
    ('created_at=gt:2018-10-28', 'EINVAL', 'EINVAL'), ('updated_at=lt:2018-13-28T10:00:00Z', 'EINVAL', 'EINVAL'),
    ('created_at=gt:2018-10-28T10:00:00', 'EINVAL', 'EINVAL'), ('created_at=GT:2018-10-28 10:00:00', 'EINVAL', 'EINVAL'),
    ('created_at=2018-10-28 10:00:00', '', ''), ('create_at=2018-10-28', 'EINVAL', 'EINVAL'),
    ('create_at=gt:2018-10-28T10:00:00Z&created_at=lt:2018-10-28T10:00:00Z', 'EINVAL', 'EINVAL'), ('__whole_image=true', '', 'EOPNOTSUPP'),
    ('__whole_image=1', 'EINVAL', 'EOPNOTSUPP'), ('flavor_id=x', '', 'EOPNOTSUPP'), ('architecture=mips', '', ''),
    ('visibility=gold', '', ''), ('__imagetype=silver', '', ''), ('__os_bit=128', '', ''), ('name=100%', '', ''),
]
TAKEN = {'ims': SENT + SORTED + CLOUD, 'glance': SENT + SORTED + GLANCE}

Request = collections.namedtuple('Request', 'call pairs status')
LOG_LINE = re.compile(r'\d+ \d+ GET \S*/v2/(images|cloudimages)(?:\?(\S*))? (\S+) \d+')


def requests(server):
    """The list requests of a Sim so far, without the tests' own; pairs in the order sent."""
    found = [LOG_LINE.fullmatch(line) for line in server.lines() if 'harness' not in line]
    return [Request(match[1], criteria.parse(match[2]), match[3]) for match in found if match]


def canonical(text):
    """What of the criteria goes to the server, as a set."""
    found = set()
    for name, value in criteria.parse(text):
        if name in criteria.BOOLEANS:
            value = value.lower()
        name = criteria.RENAMED.get(name, name)
        found.add((name, criteria.RENAMED.get(value, value) if name == 'sort_key' else value))
    return found


def selection(pairs):
    """Criteria without the page."""
    return {pair for pair in pairs if pair[0] not in ('limit', 'marker')}


def ids(path):
    """The ids of the images in a directory of a query, in the order of readdir."""
    return [name.rpartition('@')[2] for name in os.listdir(path) if '@' in name]


def links(path):
    """What else is there."""
    return sorted(name for name in os.listdir(path) if '@' not in name)
