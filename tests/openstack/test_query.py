# SPDX-License-Identifier: Apache-2.0
"""query/ on a real Glance: filters, pages, and what two projects share in all member states."""
import os
import urllib.parse

import pytest

import accounts
import harness
from cloud import NAMES, OPS, OTHER

STATES = ('accepted', 'rejected', 'pending')


@pytest.fixture
def mounted(signed, cloud):
    return signed(None, 'page_size=50', 'ttl=3600', env=accounts.variables(cloud.keystone, OPS))


def ids(path):
    return [name.rpartition('@')[2] for name in os.listdir(path) if '@' in name]


def listed(cloud, user, **filters):
    """What Glance answers the user itself: {id: record}."""
    return {record['id']: record for record in cloud.services[user].list(**filters)}


def of_others(cloud, user, found):
    own = cloud.project_id(user)
    return sorted(record['name'] for record in found.values() if record['owner'] != own)


def names_of(state, sharer='by ops'):
    return ['%s %s %d' % (state, sharer, i) for i in range(4)]


def test_all_named_ones_are_listed(mounted):
    assert mounted.list('query') == ['private', 'public', 'shared-accepted', 'shared-pending', 'shared-rejected']


def test_public(mounted, cloud):
    found = listed(cloud, OPS, visibility='public')
    assert sorted(ids(mounted.path('query', 'public'))) == sorted(found)
    assert sorted(record['name'] for record in found.values()) == ['public %d' % i for i in range(8)]


def test_private(mounted, cloud):
    own = cloud.project_id(OPS)
    expected = [record['id'] for record in listed(cloud, OPS).values() if record['owner'] == own]
    assert sorted(ids(mounted.path('query', 'private'))) == sorted(expected) != []


@pytest.mark.parametrize('user, extra', [(OPS, ['for ops']), (OTHER, [])])
@pytest.mark.parametrize('state', STATES)
def test_shared(signed, cloud, user, extra, state):
    """Both projects share with each other. One's own are in Glance's answer; only what is pending goes without."""
    mounted = signed(None, 'ttl=3600', env=accounts.variables(cloud.keystone, user))
    answer = listed(cloud, user, member_status=state, visibility='shared')
    own = {key for key, record in answer.items() if record['owner'] == cloud.project_id(user)}
    assert own  # or leaving them out could not be seen
    found = set(ids(mounted.path('query', 'shared-' + state)))
    assert found == set(answer) - (own if state == 'pending' else set())
    names = names_of(state, 'by ops' if user is OPS else 'by other')
    assert of_others(cloud, user, {key: answer[key] for key in found}) == sorted(
        names + (extra if state == 'accepted' else []))


def test_pending_and_rejected_ones_are_nowhere_else(mounted, cloud):
    hidden = {key for state in ('pending', 'rejected')
              for key, record in listed(cloud, OPS, member_status=state, visibility='shared').items()
              if record['owner'] != cloud.project_id(OPS)}
    assert len(hidden) == 8
    assert hidden <= set(ids(mounted.path('query', 'shared-pending')) + ids(mounted.path('query', 'shared-rejected')))
    assert not hidden & set(mounted.list('by-id'))


@pytest.mark.parametrize('filters', [
    {'status': 'active'}, {'status': 'deactivated'}, {'os_distro': 'ubuntu'}, {'architecture': 'aarch64'},
    {'tag': 'golden'}, {'tag': 'k=v=w'}, {'tag': 'a/b'}, {'tag': ''}, {'min_disk': '20'}, {'protected': 'true'},
    {'os_hidden': 'true'}, {'visibility': 'community'}, {'visibility': 'all'}, {'size_min': '1'}, {'size_max': '40'},
    {'member_status': 'all', 'visibility': 'shared'}, {'a/b': 'slash'}, {'empty': ''}, {'quote"': '\\"'},
    {'os_type': 'linux'}, {'disk_format': 'qcow2', 'os_version': '12'},
], ids=str)
def test_filters(mounted, cloud, filters):
    text = urllib.parse.urlencode(filters, quote_via=urllib.parse.quote, safe=':')
    expected = listed(cloud, OPS, **filters)
    assert sorted(ids(mounted.path('query', text))) == sorted(expected)
    assert expected


@pytest.mark.limit(120)
def test_odd_names(mounted, cloud):
    wrong = []
    for name in NAMES:
        text = 'name=' + urllib.parse.quote(name or '', safe='')
        if name is None or len(urllib.parse.unquote(text).encode()) > 250 or len(text) > 255:
            continue
        found, expected = sorted(ids(mounted.path('query', text))), sorted(listed(cloud, OPS, name=name))
        if found != expected:
            wrong.append((name, found, expected))
    assert not wrong, wrong


@pytest.mark.parametrize('text, error', [
    ('visibility=gold', 'EINVAL'), ('marker=no-such-image', 'EINVAL'), ('created_at=xx:2020-01-01T00:00:00Z', 'EINVAL'),
    ('flavor_id=x', 'EOPNOTSUPP'), ('__whole_image=true', 'EOPNOTSUPP'), ('foo', 'ENOENT'), ('sort_key=__os', 'EINVAL'),
])
def test_refused(mounted, text, error):
    assert harness.error_of(os.listdir, mounted.path('query', text)) == error


@pytest.mark.parametrize('text', ['limit=20&sort_key=name&sort_dir=asc', 'limit=20', 'limit=7&tag=golden'])
def test_walk(mounted, cloud, text):
    """By next, from page to page, in Glance's order."""
    filters = dict(pair.split('=') for pair in text.split('&'))
    found, path = [], mounted.path('query', text)
    while os.path.isdir(path):
        found.append(ids(path))
        path = os.path.realpath(os.path.join(path, 'next')) if os.path.islink(os.path.join(path, 'next')) else ''
    filters['limit'] = '200'
    expected = [record['id'] for record in cloud.services[OPS].list(**filters)]
    assert [key for page in found for key in page] == expected
    assert {len(page) for page in found[:-1]} == {int(text.split('&')[0][6:])}


def test_two_tags_over_several_pages(mounted, cloud):
    """Glance's own links keep one of them."""
    found = ids(mounted.path('query', 'tag=a&tag=b'))
    expected = [key for key, record in listed(cloud, OPS, tag='a').items() if 'b' in record['tags']]
    assert sorted(found) == sorted(expected) != []


def test_filter_of_a_mount(signed, cloud):
    mounted = signed(None, 'filter=os_distro=debian', env=accounts.variables(cloud.keystone, OPS))
    expected = listed(cloud, OPS, os_distro='debian')
    assert mounted.list('by-id') == sorted(expected)
    assert sorted(ids(mounted.path('query', 'tag=golden'))) == sorted(
        key for key, record in expected.items() if 'golden' in record['tags'])
