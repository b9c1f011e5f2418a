# SPDX-License-Identifier: Apache-2.0
"""query/ of a mount: each criterion shows what the service answers, and only what must be asked is asked."""
import os
import signal
import subprocess
import time

import pytest

import criteria
import data
import harness
import queries
from queries import PROJECT, REFUSED, SENT, TAKEN, sample

KINDS = [('ims', 'images'), ('ims', 'cloudimages'), ('glance', 'images')]
ERRORS = {1: 'ims', 2: 'glance'}


def serve(sim, service, *options):
    flags = ['--no-cloudimages'] if service.dialect == 'glance' else []
    return sim(criteria.json_of(service), *flags, *options)


def mount_whole(mount, *arguments):
    """A mount that has its whole list, so that requests from now on are for queries."""
    mounted = mount(*arguments)
    mounted.list('by-id')
    return mounted


def wrong_requests(asked, text, api, dialect):
    """What of the requests for one query should not be; '' when all is well."""
    call, wanted = criteria.call_of(text, dialect, api), queries.canonical(text)
    if not asked or any(one.call != call for one in asked):
        return 'calls: %s, not %s' % ([one.call for one in asked], call)
    if any(queries.selection(one.pairs) != queries.selection(wanted) for one in asked):
        return 'sent: %s' % asked
    if 'limit=' in text:
        return '' if len(asked) == 1 and set(asked[0].pairs) == wanted else 'more than the page: %s' % asked
    return '' if len({str(one) for one in asked}) == len(asked) else 'asked twice: %s' % asked


@pytest.mark.limit(180)
@pytest.mark.parametrize('dialect, api', KINDS)
def test_every_parameter(mount, sim, dialect, api):
    service = sample(dialect)
    server = serve(sim, service)
    mounted = mount_whole(mount, server.url, 'dialect=' + dialect, 'api=' + api, 'page_size=20', 'ttl=3600')
    wrong, known = [], []
    for text in TAKEN[dialect]:
        before = len(queries.requests(server))
        found, expected = queries.ids(mounted.path('query', text)), service.ids(text, api)
        asked = queries.requests(server)[before:]
        problem = asked if queries.canonical(text) in known else wrong_requests(asked, text, api, dialect)
        known.append(queries.canonical(text))
        if 'limit=' not in text and 'sort_key=' not in text:
            found, expected = sorted(found), sorted(expected)
        if found != expected or problem:
            wrong.append((text, found, expected, problem))
    assert not wrong, '%d: %s' % (len(wrong), wrong[:3])


@pytest.mark.limit(120)
@pytest.mark.parametrize('column, api', [(1, 'images'), (1, 'cloudimages'), (2, 'images')])
def test_refused_ones_cost_nothing(mount, sim, column, api):
    dialect = ERRORS[column]
    server = serve(sim, sample(dialect))
    mounted = mount_whole(mount, server.url, 'dialect=' + dialect, 'api=' + api, 'ttl=3600')
    before = server.count()
    wrong = []
    for row in REFUSED:
        looked_up = harness.error_of(os.stat, mounted.path('query', row[0]))
        if looked_up != (row[column] or 'OK'):
            wrong.append((row[0], looked_up, row[column]))
        if row[column] and harness.error_of(os.listdir, mounted.path('query', row[0])) != row[column]:
            wrong.append((row[0], 'listed'))
    assert not wrong, wrong
    assert server.count() == before  # looking up what is taken costs nothing either


def test_without_an_equals_sign_nothing_is_there(mount, sim):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy')
    for name in ('foo', 'status', 'a&b', '.hidden', 'next', 'first', 'status=active&'):
        assert harness.error_of(os.stat, mounted.path('query', name)) == 'ENOENT'
    assert server.count() == 0


@pytest.mark.parametrize('dialect', ['ims', 'glance'])
def test_the_status_tells_what_was_refused(mount, sim, dialect):
    mounted = mount(serve(sim, sample(dialect)).url, 'dialect=' + dialect)
    assert mounted.status()['dialect'] == dialect
    assert not mounted.status()['last_refused_query']
    for text, words in (('min_ram=much', ('min_ram', 'integer')), ('sort_dir=up', ('sort_dir', 'asc', 'desc')),
                        ('created_at=yesterday', ('created_at', 'gte'))):
        assert harness.error_of(os.stat, mounted.path('query', text)) == 'EINVAL'
        assert not [word for word in words if word not in str(mounted.status()['last_refused_query'])]
    assert 'min_ram' in mounted.stderr()  # of the others the log may say nothing: they come too soon


@pytest.mark.parametrize('text, status, error', [
    ('visibility=gold', 400, 'EINVAL'), ('marker=' + data.image_id(999), 400, 'EINVAL'),
])
def test_refused_by_the_server(mount, sim, text, status, error):
    server = serve(sim, sample('glance'))
    mounted = mount_whole(mount, server.url, 'dialect=glance', 'ttl=60')
    before = len(queries.requests(server))
    assert os.stat(mounted.path('query', text))
    assert [harness.error_of(os.listdir, mounted.path('query', text)) for _ in range(3)] == [error] * 3
    asked = queries.requests(server)[before:]
    assert 1 <= len(asked) <= 2 and {one.status for one in asked} == {str(status)}  # 2: a second has passed
    assert mounted.list('by-id') and not mounted.status()['failing']


def probes(server):
    return [one for one in queries.requests(server) if one.call == 'cloudimages' and one.pairs == [('limit', '1')]]


@pytest.mark.parametrize('text, error', [('flavor_id=s6.large', 'EOPNOTSUPP'), ('my_property=value 1', 'OK'),
                                         ('public', 'OK'), ('shared-pending', 'OK')])
def test_glance_is_found_out_once(mount, sim, text, error):
    """By a probe, when somebody needs to know; SIGHUP forgets what it told."""
    server = serve(sim, sample('glance'))
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'project_id=' + PROJECT)
    assert queries.ids(mounted.path('query', 'status=active')) and not probes(server)
    assert harness.error_of(os.listdir, mounted.path('query', text)) == error
    assert len(probes(server)) == 1
    for other in ('__whole_image=true', 'flavor_id=x', text):
        harness.error_of(os.listdir, mounted.path('query', other))
    assert len(probes(server)) == 1 and mounted.status()['dialect'] == 'glance'
    assert harness.error_of(os.stat, mounted.path('query', '__system__cmkid=x')) == 'EOPNOTSUPP'
    mounted.signal(signal.SIGHUP)
    harness.wait_for(lambda: mounted.status()['dialect'] != 'glance' or len(probes(server)) > 1, 10)
    harness.error_of(os.listdir, mounted.path('query', '__system__cmkid=y'))
    assert len(probes(server)) > 1


@pytest.mark.parametrize('text, error', [('foo=bar', 'EINVAL'), ('os_hidden=true', 'EINVAL'),
                                         ('sort_key=updated_at', 'EINVAL')])
def test_ims_is_found_out_once(mount, sim, text, error):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy', 'ttl=3600')
    assert harness.error_of(os.listdir, mounted.path('query', text)) == error
    assert [one.call for one in queries.requests(server)] == ['cloudimages'] and len(probes(server)) == 1
    assert harness.error_of(os.stat, mounted.path('query', 'other=x')) == 'EINVAL'
    assert queries.ids(mounted.path('query', '__whole_image=true'))
    assert len(probes(server)) == 1 and mounted.status()['dialect'] == 'ims'


@pytest.mark.parametrize('dialect', ['ims', 'glance'])
@pytest.mark.parametrize('said', [True, False])
def test_named(mount, sim, dialect, said):
    service = sample(dialect)
    server = serve(sim, service)
    options = ['dialect=' + dialect] if said else []
    mounted = mount(server.url, 'ttl=3600', 'project_id=' + PROJECT, 'query=mine:status=queued&tag=x', *options)
    names = list(criteria.NAMED[dialect])
    assert mounted.list('query') == sorted([*names, 'mine'])
    for name in names:
        found = queries.ids(mounted.path('query', name))
        assert found and sorted(found) == sorted(service.named(name)), name
    assert sorted(queries.ids(mounted.path('query', 'mine'))) == sorted(service.ids('status=queued&tag=x'))
    assert len(queries.requests(server)) > len(names)


@pytest.mark.parametrize('dialect', ['ims', 'glance'])
def test_pending_and_rejected_ones_are_nowhere_else(mount, sim, dialect):
    service = sample(dialect)
    mounted = mount(serve(sim, service).url, 'dialect=' + dialect, 'project_id=' + PROJECT)
    other = {id for id in service.named('shared-pending') + service.named('shared-rejected')}
    other -= {record['id'] for record in service.images if service.is_own(record)}
    assert other and other <= set(queries.ids(mounted.path('query', 'shared-pending')) +
                                  queries.ids(mounted.path('query', 'shared-rejected')))
    assert mounted.list('by-id') == sorted(service.ids(''))
    assert not other & set(mounted.list('by-id'))
    found = subprocess.run(['find', mounted.point], check=True, stdout=subprocess.PIPE).stdout.decode()
    assert not [id for id in other if id in found]


def test_private_needs_the_project(mount, sim):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy', 'dialect=ims')
    assert 'public' in mounted.list('query') and 'private' not in mounted.list('query')
    assert harness.error_of(os.listdir, mounted.path('query', 'private')) == 'EOPNOTSUPP'
    assert server.count() == 0


@pytest.mark.parametrize('dialect, error, calls', [('glance', 'EOPNOTSUPP', ['cloudimages']),
                                                   ('ims', 'OK', ['cloudimages', 'images'])])
def test_pending_needs_the_project_where_that_is_found_out(mount, sim, dialect, error, calls):
    """Only the probe tells; then nothing more is sent, and the reason is that of a refused name."""
    server = serve(sim, sample(dialect))
    mounted = mount(server.url, 'lazy', 'ttl=3600')
    path = mounted.path('query', 'shared-pending')
    assert harness.error_of(os.listdir, path) == error
    assert [one.call for one in queries.requests(server)] == calls
    why = [row['last_error'] for row in mounted.status()['queries'] if row['criteria'] == 'shared-pending']
    expected = 'shared-pending: needs the project id: sign in, OS_PROJECT_ID or -o project_id='
    assert why == [expected if error != 'OK' else None]
    assert harness.error_of(os.listdir, path) == error
    assert [one.call for one in queries.requests(server)] == calls


def test_spellings_share_a_listing(mount, sim):
    service = sample('ims')
    server = serve(sim, service)
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'dialect=ims')
    spellings = ['__os_type=Linux&protected=true', 'protected=TRUE&__os_type=Linux', '__os_type=%4Cinux&protected=True',
                 '%5f_os_type=Linux&protected=true']
    found = [sorted(queries.ids(mounted.path('query', text))) for text in spellings]
    assert found == [sorted(service.ids(spellings[0]))] * len(spellings)
    assert len({os.stat(mounted.path('query', text)).st_ino for text in spellings}) == len(spellings)
    assert len(queries.requests(server)) == 1
    assert [name for name in mounted.list('query') if '=' in name] == spellings[:1]
    for text in spellings:  # each stays what it is
        assert os.path.realpath(mounted.path('query', text)).endswith('/' + text)


def test_tags_and_sort_keys_have_one_form(mount, sim):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'dialect=ims')
    for text in ('tag=x&tag=a=b', 'tag=a=b&tag=x', 'sort_key=create_at&limit=3', 'limit=3&sort_key=created_at'):
        assert queries.ids(mounted.path('query', text))
    for text in ('create_at=gt:2040-03-04T05:59:30Z', 'created_at=gt:2040-03-04T05:59:30Z'):
        assert queries.ids(mounted.path('query', text))
    assert [one.pairs for one in queries.requests(server)][2:] == [[('created_at', 'gt:2040-03-04T05:59:30Z'),
                                                                   ('limit', '1000')]]
    assert [name for name in mounted.list('query') if '=' in name] == [
        'created_at=gt:2040-03-04T05:59:30Z', 'limit=3&sort_key=created_at', 'tag=a=b&tag=x']


@pytest.mark.parametrize('options', [['dialect=ims'], []])
def test_listing_the_queries_makes_no_request(mount, sim, options):
    service = sample('ims')
    server = serve(sim, service)
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'project_id=' + PROJECT, *options)
    assert os.readlink(mounted.path('query')) == '.imsfs/query'
    listed = subprocess.run(['ls', '-l', mounted.path('query') + '/'], check=True, stdout=subprocess.PIPE).stdout
    assert len(listed.splitlines()) == 1 + len(criteria.NAMED['ims'])
    assert server.count() == 0
    for text in ('limit=2', 'status=active'):
        assert queries.ids(mounted.path('query', text))
    before = server.count()
    listed = subprocess.run(['ls', '-l', mounted.path('query') + '/'], check=True, stdout=subprocess.PIPE).stdout
    assert len(listed.splitlines()) == 3 + len(criteria.NAMED['ims'])
    assert server.count() == before


def test_listing_the_queries_renews_none(mount, sim):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy', 'ttl=1', 'project_id=' + PROJECT)
    names = ['limit=2', 'public']
    found = [queries.ids(mounted.path('query', name)) for name in names]
    count = server.count()
    for _ in range(4):
        time.sleep(0.6)
        subprocess.run(['ls', '-l', mounted.path('query') + '/'], check=True, stdout=subprocess.PIPE)
    assert server.count() == count
    one = os.path.join(mounted.path('query', names[0]), os.listdir(mounted.path('query', names[0]))[0])
    count = server.count()
    time.sleep(1.5)
    os.stat(one)
    assert server.count() > count
    assert [queries.ids(mounted.path('query', name)) for name in names] == found


ODD = ['name=a%26b=c', 'name=a%2Fb', 'name=two words', 'name="quoted"', 'name=100%2541', 'name=a+b', 'name=a%2Bb',
       'name=\u6d4b\u8bd5', 'name=%e6%b5%8b%E8%AF%95', 'name=' + 'x' * 200, 'tag=%E6%A0%87%E7%AD%BE', 'name=100%',
       "name=it's", 'name=$(touch x)`', 'name=a\nb', 'name=%00', 'name=..', 'name=\\', 'name=#?', 'name=%zz']


@pytest.mark.parametrize('text', ODD)
def test_odd_criteria(mount, sim, text):
    """Sent as they were meant, shown under a name that leads there again."""
    service = sample('ims')
    server = serve(sim, service)
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'dialect=ims')
    assert sorted(queries.ids(mounted.path('query', text))) == sorted(service.ids(text))
    asked = queries.requests(server)
    assert {pair for one in asked for pair in queries.selection(one.pairs)} == set(criteria.parse(text))
    shown, = [name for name in mounted.list('query') if '=' in name]
    assert criteria.parse(shown) == criteria.parse(text)
    assert sorted(queries.ids(mounted.path('query', shown))) == sorted(service.ids(text))
    assert len(queries.requests(server)) == len(asked)


def test_long_criteria(mount, sim):
    server = serve(sim, sample('ims'))
    mounted = mount(server.url, 'lazy', 'dialect=ims')
    for length, error in ((200, 'OK'), (255, 'OK'), (256, 'ENAMETOOLONG'), (1000, 'ENAMETOOLONG')):
        text = 'name=' + 'x' * (length - 5)
        assert harness.error_of(os.stat, mounted.path('query', text)) == error, length
        text = 'name=' + '\u00fc' * ((length - 5) // 2) + 'x' * ((length - 5) % 2)
        assert harness.error_of(os.listdir, mounted.path('query', text)) == error, length


@pytest.mark.parametrize('api', ['images', 'cloudimages'])
def test_the_documents_sixth_method(mount, sim, api):
    text = '__imagetype=gold&__support_kvm=true&virtual_env_type=Ironic'
    service = sample('ims')
    server = serve(sim, service)
    mounted = mount(server.url, 'lazy', 'dialect=ims', 'api=' + api)
    assert sorted(queries.ids(mounted.path('query', text))) == sorted(service.ids(text, api)) != []
    assert {one.call for one in queries.requests(server)} == {'cloudimages'}


def test_what_a_query_does_not_have(mount, sim):
    mounted = mount(serve(sim, sample('ims')).url, 'dialect=ims')
    for name in ('nothing', 'plain@' + data.image_id(999), 'next', 'image.json'):
        assert harness.error_of(os.stat, mounted.path('query', 'status=active', name)) == 'ENOENT'


@pytest.mark.parametrize('text', [text for text in SENT if 'marker' in text])
def test_marker_starts_anywhere(mount, sim, text):
    service = sample('ims')
    mounted = mount(serve(sim, service).url, 'dialect=ims', 'page_size=7')
    found = queries.ids(mounted.path('query', text + '&sort_key=name'))
    assert found == service.ids(text + '&sort_key=name')


def test_named_queries_are_listed_once_after_hup(mount, sim):
    """The dialect is forgotten then, and found out again with the list that is in use."""
    service = sample('ims')
    server = serve(sim, service)
    mounted = mount(server.url, 'lazy', 'ttl=3600', 'project_id=' + PROJECT)
    assert queries.ids(mounted.path('query', 'public'))
    assert sorted(mounted.list('query')) == sorted(criteria.NAMED['ims'])
    assert mounted.status()['dialect'] == 'ims'
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: len(probes(server)) == 2, 10)
    assert sorted(mounted.list('query')) == sorted(criteria.NAMED['ims'])
