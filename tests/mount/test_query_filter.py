# SPDX-License-Identifier: Apache-2.0
"""-o filter=: the whole mount, and every query, has only what it lets pass."""
import os
import subprocess

import pytest

import criteria
import harness
import queries
from queries import PROJECT, sample


@pytest.mark.parametrize('dialect, api', [('ims', 'images'), ('ims', 'cloudimages'), ('glance', 'images')])
@pytest.mark.parametrize('text', ['__os_type=Linux', 'protected=true&status=active', 'tag=x', 'name=a%26b=c'])
def test_filter(mount, sim, dialect, api, text):
    service = sample(dialect)
    server = sim(criteria.json_of(service), *(['--no-cloudimages'] if dialect == 'glance' else []))
    mounted = mount(server.url, 'dialect=' + dialect, 'api=' + api, 'page_size=20', 'filter=' + text)
    assert mounted.list('by-id') == sorted(service.ids(text, api)) != []
    for more in ('min_disk=40', 'tag=a=b', 'limit=4&sort_key=name'):
        both = text + '&' + more
        assert sorted(queries.ids(mounted.path('query', more))) == sorted(service.ids(both, api)), more
    for one in queries.requests(server):
        assert set(criteria.parse(text)) <= set(one.pairs)


def test_another_value_is_refused(mount, sim):
    service = sample('ims')
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'filter=status=active&tag=x')
    for text in ('status=queued', '%73tatus=ACTIVE', 'limit=2&status='):
        assert harness.error_of(os.stat, mounted.path('query', text)) == 'EINVAL'
    assert 'status' in str(mounted.status()['last_refused_query'])
    assert server.count() == 0
    assert sorted(queries.ids(mounted.path('query', 'status=active'))) == sorted(service.ids('status=active&tag=x'))
    assert sorted(queries.ids(mounted.path('query', 'tag=a=b'))) == sorted(
        service.ids('status=active&tag=x&tag=a=b'))


def test_names_are_without_the_filter(mount, sim):
    """It goes without saying, so links can be followed and names are listed however long it is."""
    service = sample('ims')
    long = 'name=%s&status=active' % ('x' * 200)
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'dialect=ims', 'filter=' + long, 'query=mine:limit=1&sort_key=name', 'ttl=3600')
    text = '__isregistered=true&limit=1&tag=\u6807\u7b7e'
    for spelling in (text, 'status=active&' + text, 'tag=\u6807\u7b7e&__isregistered=%74rue&limit=1'):
        path = mounted.path('query', spelling)
        assert queries.ids(path) == service.ids(long + '&' + text) != []
        assert os.readlink(path + '/first') == '../' + text
        assert criteria.parse(os.readlink(path + '/next')[3:])[0] == ('__isregistered', 'true')
        assert len(os.listdir(path + '/next')) and len(os.readlink(path + '/next')) < 120
    assert os.readlink(mounted.path('query', 'mine', 'first')) == '../limit=1&sort_key=name'
    assert queries.ids(mounted.path('query', 'status=active')) == mounted.list('by-id')
    listed = [name for name in mounted.list('query') if '=' in name]
    assert text in listed and not any('name=' in name for name in listed if 'limit' in name)
    rows = [row['criteria'] for row in mounted.status()['queries'] if '=' in row['criteria']]
    assert rows and all('name=' + 'x' * 200 in row for row in rows)  # what the service is asked


def test_a_filter_of_cloudimages_moves_the_list_there(mount, sim):
    service = sample('ims')
    server = sim(criteria.json_of(service))
    mounted = mount(server.url, 'filter=virtual_env_type=Ironic', 'ttl=3600')
    assert mounted.list('by-id') == sorted(service.ids('virtual_env_type=Ironic')) != []
    assert mounted.status()['api'] == 'cloudimages'
    assert {one.call for one in queries.requests(server)} == {'cloudimages'}
    assert sorted(queries.ids(mounted.path('query', 'status=active'))) == sorted(
        service.ids('virtual_env_type=Ironic&status=active'))
    assert {one.call for one in queries.requests(server)} == {'cloudimages'}


def test_a_filter_that_a_glance_does_not_have(sim, tmp_path):
    """One line and no mount."""
    server = sim(criteria.json_of(sample('glance')), '--no-cloudimages')
    (tmp_path / 'mnt').mkdir()
    done = subprocess.run([harness.IMSFS, '-o', 'filter=virtual_env_type=Ironic', server.url, tmp_path / 'mnt'],
                          capture_output=True, env=harness.environment(str(tmp_path / 'sanitizer')), timeout=30)
    assert done.returncode == 1 and done.stderr.count(b'\n') == 1 and b'virtual_env_type' in done.stderr
    assert str(tmp_path / 'mnt') not in harness.mounts()


def test_named_queries_are_filtered(mount, sim):
    service = sample('ims')
    mounted = mount(sim(criteria.json_of(service)).url, 'dialect=ims', 'project_id=' + PROJECT, 'filter=min_disk=40')
    for name, text in criteria.NAMED['ims'].items():
        both = text.format(project=PROJECT) + '&min_disk=40'
        assert sorted(queries.ids(mounted.path('query', name))) == sorted(service.ids(both)), name


@pytest.mark.offline
@pytest.mark.parametrize('text', ['limit=5', 'marker=x', 'sort_key=name', 'sort_dir=asc', 'status', 'min_ram=x', '=',
                                  'tag=x&limit=1', 'os_type=Linux', 'member_status=pending'])
def test_what_restricts_nothing(text, tmp_path):
    done = subprocess.run([harness.IMSFS, '-o', 'filter=' + text, tmp_path / 'no.json', tmp_path / 'no'],
                          capture_output=True, env=harness.environment(str(tmp_path / 'sanitizer')))
    assert done.returncode == 2 and done.stderr.count(b'\n') == 1, done


def test_several_filtered_mounts_of_a_file(mount, source_file):
    service = sample('ims')
    path = source_file(criteria.json_of(service))
    for text in ('__os_type=Windows', '__os_type=Linux&protected=true'):
        mounted = mount(path, 'filter=' + text)
        wanted = criteria.File(service.images).ids(text)
        assert mounted.list('by-id') == sorted(wanted) != []
        assert sorted(queries.ids(mounted.path('query', 'min_disk=40'))) == sorted(
            criteria.File(service.images).ids(text + '&min_disk=40'))
