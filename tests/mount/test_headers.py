# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire besides the query, and that the token goes nowhere else."""
import os
import stat

import pytest

import data
import foreign
import harness
from rawserver import Paged, error

ITEMS = data.records(30)
TOKEN = {'OS_TOKEN': harness.TOKEN}


def headers_of(raw, mount, *options, env=None):
    server = raw(Paged(ITEMS))
    mount(server.url, 'page_size=10', *options, env=env).list('by-id')
    assert len(server.lists()) == 4
    return [request.headers for request in server.lists()]


def test_accept_is_json_and_nothing_else(mount, raw):
    assert {headers.get('accept') for headers in headers_of(raw, mount)} == {'application/json'}


@pytest.mark.parametrize('env', [TOKEN, {'OS_AUTH_TOKEN': harness.TOKEN}], ids=['OS_TOKEN', 'OS_AUTH_TOKEN'])
def test_token_of_the_environment(mount, raw, env):
    assert {headers.get('x-auth-token') for headers in headers_of(raw, mount, env=env)} == {harness.TOKEN}


@pytest.mark.parametrize('end', ['', '\n', '\r\n'])
def test_token_file(mount, raw, tmp_path, end):
    path = tmp_path / 'token'
    path.write_text(harness.TOKEN + end)
    path.chmod(0o600)
    found = headers_of(raw, mount, 'token_file=%s' % path)
    assert {headers.get('x-auth-token') for headers in found} == {harness.TOKEN}


def test_no_token(mount, raw):
    assert {headers.get('x-auth-token') for headers in headers_of(raw, mount)} == {None}


@pytest.mark.parametrize('options, value', [((), None), (('api_version=v2.1',), 'v2.1')])
def test_api_version(mount, raw, options, value):
    assert {headers.get('x-api-version') for headers in headers_of(raw, mount, *options)} == {value}


def test_no_proxy_no_netrc(mount, raw, tmp_path):
    """Neither of them may see a token that is not meant for it."""
    (tmp_path / '.netrc').write_text('default login somebody password secret\n')
    (tmp_path / '.netrc').chmod(0o600)
    env = {'HOME': str(tmp_path), **TOKEN}
    env.update({name: foreign.HOST.url for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY')})
    found = headers_of(raw, mount, env={**env, 'no_proxy': None})
    assert {headers.get('authorization') for headers in found} == {None}


def test_the_token_is_shown_nowhere(mount, raw):
    server = raw(Paged(ITEMS, faults={n: error(401, 'bad token ' + harness.TOKEN) for n in range(2, 50)}))
    mounted = mount(server.url, 'ttl=1', env=TOKEN, arguments=('-d',))
    tree = harness.snapshot(mounted.point)
    harness.time.sleep(1.2)
    mounted.list('by-id')
    assert harness.wait_for(lambda: mounted.status()['last_error'], 5)
    secret = harness.TOKEN.encode()
    assert secret not in mounted.read('.imsfs', 'status.json')
    assert not [path for path, node in tree.items() if secret in path or secret in (node.data or b'')]
    assert harness.TOKEN not in mounted.stderr()
    for pid in mounted.pids():
        with open('/proc/%d/cmdline' % pid, 'rb') as file:
            assert secret not in file.read()


def test_a_token_that_is_no_header(mount, raw, tmp_path):
    """A line break in a token must not become a header of its own."""
    path = tmp_path / 'token'
    path.write_text('abc\r\nX-Evil: 1\r\n')
    path.chmod(0o600)
    server = raw(Paged(ITEMS))
    try:
        mount(server.url, 'token_file=%s' % path).list('by-id')
    except (OSError, harness.MountFailed):
        pass
    assert not [request for request in server.requests if 'x-evil' in request.headers]


def test_a_sim_that_wants_a_token(mount, sim):
    server = sim(data.response(ITEMS), token=harness.TOKEN)
    mounted = mount(server.url, env=TOKEN)
    assert len(mounted.list('by-id')) == 30
    assert stat.S_ISDIR(os.stat(mounted.path('by-id', ITEMS[0]['id'])).st_mode)


def test_a_sim_below_a_prefix(mount, sim):
    server = sim(data.response(ITEMS), prefix='/image/service')
    assert len(mount(server.url, 'page_size=7').list('by-id')) == 30
