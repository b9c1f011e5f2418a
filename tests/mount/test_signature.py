# SPDX-License-Identifier: Apache-2.0
"""Requests signed with an access key and a secret key, checked by a gateway that is not imsfs (signserver.py)."""
import os
import signal
import time
import urllib.parse

import pytest

import data
import harness
from harness import MountFailed
from rawserver import Paged
from signserver import Gateway, Key

PROJECT = '0123456789abcdef0123456789abcdef'
# The fixture mount looks for harness.TOKEN in all that a mount prints: both secrets begin with it.
KEY = Key('ACCESSKEY0123456', harness.TOKEN + '-secret-key')
TEMPORARY = Key(KEY.access, KEY.secret, harness.TOKEN + '-security-token')
ITEMS = data.records(7)
IDS = sorted(item['id'] for item in ITEMS)


def environment(key, server=None, **changes):
    """The variables that Huawei Cloud's other tools read; with a server its project is to be looked up there."""
    values = {'HW_ACCESS_KEY': key.access, 'HW_SECRET_KEY': key.secret, 'HW_SECURITY_TOKEN': key.token,
              'HW_PROJECT_ID': None if server else PROJECT, 'HW_REGION_NAME': 'eu-de',
              'HW_AUTH_URL': server and server.url + '/v3'}
    return {**values, **changes}


def served(raw, key=KEY, items=ITEMS, size=3, link=None, **named):
    gateway = Gateway(key, Paged(items, size=size, link=link), project=PROJECT, **named)
    return raw(gateway), gateway


# --- It is let in ---

@pytest.mark.parametrize('form', ['plain', 'scoped'])
@pytest.mark.parametrize('key', [KEY, TEMPORARY], ids=['permanent', 'temporary'])
def test_keys(mount, raw, key, form):
    server, gateway = served(raw, key, forms=(form,))
    mounted = mount(server.url, 'signature=' + form, env=environment(key))
    assert mounted.list('by-id') == IDS
    names = 'host;x-project-id;x-sdk-date' + (';x-security-token' if key.token else '')
    assert gateway.seen == [(form, names)] * 3
    assert {request.headers['host'] for request in server.requests} == {'127.0.0.1:%d' % server.port}
    assert gateway.refusals == []


def test_plain_is_the_default(mount, raw):
    server, gateway = served(raw)
    assert mount(server.url, env=environment(KEY)).list('by-id') == IDS
    assert {form for form, _ in gateway.seen} == {'plain'}


ODD = ['a b', 'a+b', 'a/b?c=d&e=f', 'a%2Fb', '100%', '~-_.!*\'();:$,[]', 'é一😀', '"<>\\^`{|}', 'x=y', '#', '&', '=']


@pytest.mark.parametrize('form', ['plain', 'scoped'])
@pytest.mark.parametrize('quote', [urllib.parse.quote, urllib.parse.quote_plus], ids=['quote', 'quote_plus'])
def test_odd_markers(mount, raw, form, quote):
    """Each id is the marker of a page."""
    items = [data.record(i, id=one) for i, one in enumerate(ODD)]
    server, gateway = served(raw, items=items, size=1, forms=(form,),
                             link=lambda marker: '/v2/images?limit=1&marker=' + quote(marker, safe=''))
    mounted = mount(server.url, 'signature=' + form, 'page_size=1', env=environment(KEY))
    assert len(mounted.list('by-id')) == len(ODD)
    assert [request.value('marker') for request in server.lists()] == [None] + ODD
    assert gateway.refusals == []


def test_behind_a_prefix(mount, raw):
    server, gateway = served(raw)
    mounted = mount(server.url + '/a%20b/image/v2/', env=environment(KEY))
    assert mounted.list('by-id') == IDS
    assert server.lists()[0].path == '/a%20b/image/v2/images'
    assert gateway.refusals == []


# --- The project ---

def lookups(server):
    return [request for request in server.requests if request.path == '/v3/projects']


def test_the_project_is_looked_up_once(mount, raw):
    server, gateway = served(raw, projects={'eu-de': [PROJECT], 'eu-nl': ['f' * 32]})
    mounted = mount(server.url, env=environment(KEY, server))
    assert mounted.list('by-id') == IDS
    before = len(server.lists())
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: len(server.lists()) >= 2 * before, 10)
    assert [request.query for request in lookups(server)] == [[('name', 'eu-de')]]
    assert server.requests[0].path == '/v3/projects'
    assert 'x-project-id' not in server.requests[0].headers
    assert gateway.refusals == []


def test_a_project_of_another_name(mount, raw):
    server, _ = served(raw, projects={'eu-de': ['f' * 32], 'eu-de_é b': [PROJECT]})
    mounted = mount(server.url, env=environment(KEY, server, HW_PROJECT_NAME='eu-de_é b'))
    assert mounted.list('by-id') == IDS


def failure_of(mount, *arguments, **named):
    """The one line that imsfs ends with when it cannot mount."""
    with pytest.raises(MountFailed) as caught:
        mount(*arguments, **named)
    assert caught.value.status == 1
    lines = caught.value.lines()
    assert len(lines) == 1, lines
    assert harness.TOKEN not in lines[0]
    return lines[0]


@pytest.mark.parametrize('projects, said', [
    ({}, 'no project is called eu-de'),
    ({'eu-de': ['a', 'b']}, 'more than one project is called eu-de; there are: eu-de (a), eu-de (b)'),
], ids=['none', 'several'])
def test_not_exactly_one_project(mount, raw, projects, said):
    server, _ = served(raw, projects=projects)
    assert said in failure_of(mount, server.url, env=environment(KEY, server))
    assert len(server.requests) == 1


# --- It is not let in ---

WRONG = Key(KEY.access, harness.TOKEN + '-wrong-secret')


@pytest.mark.parametrize('look_up', [False, True], ids=['list', 'look-up'])
def test_wrong_keys_do_not_mount(mount, raw, look_up):
    server, _ = served(raw, projects={'eu-de': [PROJECT]})
    line = failure_of(mount, server.url, env=environment(WRONG, server if look_up else None))
    assert 'verify aksk signature fail' in line and 'check the access key' in line
    assert len(server.requests) == 1


@pytest.mark.parametrize('hours, said', [(1, 'minutes behind'), (-1, 'minutes ahead of')])
def test_a_clock_that_is_off_is_named(mount, raw, hours, said):
    server, gateway = served(raw)
    gateway.ahead = hours * 3600
    assert said in failure_of(mount, server.url, env=environment(KEY))


def use(mounted, seconds):
    """What users do who wonder: several commands a second, and a SIGHUP each second."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        for path in ('images', 'by-id', 'by-name'):
            harness.error_of(os.listdir, mounted.path(path))
        harness.error_of(mounted.read, 'by-id', IDS[0], 'name')
        if rounds % 4 == 0:
            mounted.signal(signal.SIGHUP)
        rounds += 1
        time.sleep(0.25)
    return rounds


@pytest.mark.parametrize('look_up', [False, True], ids=['list', 'look-up'])
def test_a_refused_signature_is_not_tried_again(mount, raw, look_up):
    server, _ = served(raw, projects={'eu-de': [PROJECT]})
    mounted = mount(server.url, 'lazy', 'ttl=1', env=environment(WRONG, server if look_up else None))
    assert harness.error_of(os.listdir, mounted.path('by-id')) == 'EACCES'
    assert use(mounted, 10) > 10
    assert harness.error_of(os.listdir, mounted.path('by-id')) == 'EACCES'
    assert 1 <= len(server.requests) <= 2
    assert 'the next try is in' in mounted.read('.imsfs', 'status.json').decode()


def test_keys_that_are_withdrawn(mount, raw):
    """The last good list stays, and the key is not locked."""
    server, gateway = served(raw)
    mounted = mount(server.url, 'ttl=1', env=environment(KEY))
    assert mounted.list('by-id') == IDS
    gateway.key = Key(KEY.access, 'another')
    before = len(server.requests)
    assert use(mounted, 10) > 10
    assert mounted.list('by-id') == IDS
    assert mounted.read('by-id', IDS[0], 'id').decode() == IDS[0] + '\n'
    assert len(gateway.refusals) == 1
    # One listing may have been under way.
    assert len(server.requests) - before <= 3
    assert 'the next try is in' in mounted.read('.imsfs', 'status.json').decode()


def test_keys_without_a_project(mount, raw):
    server, _ = served(raw)
    assert 'HW_PROJECT_ID' in failure_of(mount, server.url, env=environment(KEY, HW_PROJECT_ID=None,
                                                                            HW_REGION_NAME=None))
    assert server.requests == []


def test_an_open_network(mount):
    assert 'insecure_http' in failure_of(mount, 'http://192.0.2.1', env=environment(KEY))


# --- Secrets ---

PROC = ('cmdline', 'environ', 'comm', 'stat', 'status', 'mountinfo', 'mounts', 'maps', 'limits')


def exposed(mounted):
    """Everything that a mount shows, as bytes."""
    for pid in mounted.pids():
        for name in PROC:
            with open('/proc/%d/%s' % (pid, name), 'rb') as file:
                yield '/proc/PID/' + name, file.read()
    for path, node in harness.snapshot(mounted.point).items():
        yield path, path + (node.data or b'')
    yield 'status.json', mounted.read('.imsfs', 'status.json')
    yield 'stderr', mounted.stderr().encode()


@pytest.mark.parametrize('good', [True, False], ids=['accepted', 'refused'])
def test_the_secret_is_nowhere(mount, raw, good):
    server, gateway = served(raw, TEMPORARY, projects={'eu-de': [PROJECT]})
    mounted = mount(server.url, 'ttl=1', env=environment(TEMPORARY, server), arguments=('-d',))
    assert mounted.list('by-id') == IDS
    if not good:
        gateway.key = Key(KEY.access, 'another', 'another')
        mounted.signal(signal.SIGHUP)
        assert harness.wait_for(lambda: gateway.refusals, 10)
    found = dict(exposed(mounted))
    assert b'/v2/images' in found['stderr']  # it does tell what it does
    assert [name for name, text in found.items() if harness.TOKEN.encode() in text] == []
    signatures = [request.headers['authorization'].rpartition('=')[2] for request in server.requests]
    assert [name for name, text in found.items() for one in signatures if one.encode() in text] == []
