# SPDX-License-Identifier: Apache-2.0
"""The scripted server itself."""
import http.client
import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

import data
import foreign
import rawserver
from rawserver import Paged, Reply

pytestmark = pytest.mark.offline


def get(server, target):
    with urllib.request.urlopen(server.url + target, timeout=5) as answer:
        return json.load(answer)


def test_pages_until_there_is_no_next(raw):
    server = raw(Paged(data.records(6), size=3))
    page = get(server, '/v2/images?limit=1000')
    assert [record['id'] for record in page['images']] == [data.image_id(i) for i in range(3)]
    page = get(server, page['next'] + '&limit=3')
    assert len(page['images']) == 3
    page = get(server, page['next'] + '&limit=3')
    assert page['images'] == [] and 'next' not in page
    assert len(server.lists()) == 3


def test_a_script_and_its_faults(raw):
    server = raw([rawserver.error(503), Reply(b'{}')])
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server, '/v2/images')
    assert caught.value.code == 503
    assert get(server, '/v2/images') == {} == get(server, '/v2/images')


@pytest.mark.parametrize('reply', [Reply(b'{"images": []}', cut=5), Reply(reset=True)])
def test_broken_answers(raw, reply):
    server = raw([reply])
    with pytest.raises((OSError, http.client.HTTPException)):
        get(server, '/v2/images')


def test_a_gate_holds_the_answer(raw):
    gate = threading.Event()
    server = raw([Reply(b'{}', gate=gate)])
    threading.Timer(0.2, gate.set).start()
    assert get(server, '/') == {}
    assert gate.is_set()


def test_a_closed_server_refuses(raw):
    server = raw([Reply(hang=True)])
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=5)
    connection.request('GET', '/')
    threading.Timer(0.2, server.close).start()
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.getresponse()
    with pytest.raises(OSError):
        get(server, '/')


def test_a_script_sends_what_it_says(raw):
    steps = (rawserver.head(200, 'Transfer-Encoding: chunked'), rawserver.chunk(b'{"a":'), 0.05,
             lambda: iter([rawserver.chunk(b' 1'), rawserver.chunk(b'}')]), rawserver.chunk(b''))
    server = raw([Reply(script=steps, keep=True)])
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=5)
    for _ in range(2):
        connection.request('GET', '/')
        assert json.load(connection.getresponse()) == {'a': 1}
    connection.close()
    assert server.connections == 1


@pytest.mark.parametrize('end', [rawserver.RESET, 0])
def test_a_greeting_comes_before_any_request(raw, end):
    server = raw([Reply(b'{}')], greeting=(b'220 hello\r\n', 0.2, end))
    with socket.create_connection(('127.0.0.1', server.port), timeout=5) as connection:
        assert connection.recv(100) == b'220 hello\r\n'
        if end is rawserver.RESET:
            with pytest.raises(ConnectionResetError):
                connection.recv(100)
        else:
            assert connection.recv(100) == b''
    assert not server.requests


def test_who_goes_to_the_foreign_host_is_seen():
    assert foreign.HOST.visits() == []
    with pytest.raises(OSError):
        urllib.request.urlopen(foreign.HOST.url + '/stolen', timeout=0.1)
    visits = foreign.HOST.visits()
    assert len(visits) == 1 and visits[0].startswith(b'GET /stolen')
