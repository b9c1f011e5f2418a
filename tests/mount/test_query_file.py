# SPDX-License-Identifier: Apache-2.0
"""query/ of a file with records: the same criteria, answered out of the file alone."""
import os
import subprocess

import pytest

import criteria
import data
import harness
import queries
from queries import REFUSED, TAKEN, sample


@pytest.mark.limit(120)
@pytest.mark.parametrize('dialect', ['ims', 'glance'])
def test_every_parameter(mount, source_file, dialect):
    service = criteria.File(sample(dialect).images, dialect)
    mounted = mount(source_file(criteria.json_of(service)), 'dialect=' + dialect)
    wrong = []
    for text in TAKEN[dialect]:
        if criteria.offline_refusal(text, dialect):
            found, expected = harness.error_of(os.listdir, mounted.path('query', text)), 'EOPNOTSUPP'
        else:
            found, expected = queries.ids(mounted.path('query', text)), service.ids(text)
            if 'limit=' not in text and 'sort_key=' not in text:
                found, expected = sorted(found), sorted(expected)
        if found != expected:
            wrong.append((text, found, expected))
    assert not wrong, '%d: %s' % (len(wrong), wrong[:3])


@pytest.mark.parametrize('column, dialect', [(1, 'ims'), (1, None), (2, 'glance')])
def test_refused(mount, source_file, column, dialect):
    """A file is an IMS's unless somebody says otherwise."""
    options = ['dialect=' + dialect] if dialect else []
    mounted = mount(source_file(criteria.json_of(sample('ims'))), *options)
    wrong = []
    for row in REFUSED:
        expected = criteria.offline_refusal(row[0], dialect or 'ims') or 'OK'
        found = harness.error_of(os.listdir, mounted.path('query', row[0]))
        if found != expected:
            wrong.append((row[0], found, expected))
    assert not wrong, wrong


def test_the_file_changes(mount, source_file):
    path = source_file(data.response(data.records(10)))
    mounted = mount(path, 'ttl=1')
    assert len(queries.ids(mounted.path('query', 'protected=true'))) == 5
    with open(path + '.new', 'wb') as file:
        file.write(data.response(data.records(20)))
    os.rename(path + '.new', path)
    assert harness.wait_for(lambda: len(queries.ids(mounted.path('query', 'protected=true'))) == 10, 10)


@pytest.mark.parametrize('form', [data.response, data.array, data.lines])
def test_pages(mount, source_file, form):
    service = criteria.File(data.records(25))
    mounted = mount(source_file(form(service.images)))
    path, found = mounted.path('query', 'limit=10&sort_key=name'), []
    for links in (['first', 'next'], ['first', 'next'], ['first']):
        found += queries.ids(path)
        assert queries.links(path) == links
        path = os.path.realpath(os.path.join(path, 'next'))
    assert found == service.ids('sort_key=name')
    assert harness.error_of(os.listdir, mounted.path('query', 'limit=1&marker=nobody')) == 'EINVAL'


def test_named(mount, source_file):
    """Membership is the server's to tell."""
    service = criteria.File(sample('ims').images)
    mounted = mount(source_file(criteria.json_of(service)), 'project_id=' + queries.PROJECT,
                    'query=big:min_disk=100')
    for name, text in (('public', criteria.NAMED['ims']['public']), ('private', 'owner=' + queries.PROJECT),
                       ('big', 'min_disk=100')):
        assert sorted(queries.ids(mounted.path('query', name))) == sorted(service.ids(text)) != []
    assert mounted.list('query') == ['big', 'private', 'public']
    assert subprocess.run(['ls', mounted.path('query', 'big'), mounted.path('query', 'public')],
                          stdout=subprocess.DEVNULL).returncode == 0
    for name in ('shared-accepted', 'shared-pending'):
        assert harness.error_of(os.listdir, mounted.path('query', name)) == 'EOPNOTSUPP'
        assert name in mounted.status()['last_refused_query']


def test_names_that_can_work_only(mount, source_file):
    """Without a project nothing of one's own, with a file nothing of members."""
    mounted = mount(source_file(criteria.json_of(sample('ims'))), 'query=waiting:member_status=pending')
    assert mounted.list('query') == ['public']
    done = subprocess.run('ls %s/*' % mounted.path('query'), shell=True, stdout=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout
