# SPDX-License-Identifier: Apache-2.0
"""The scripted server itself."""
import http.client
import json
import threading
import urllib.error
import urllib.request

import pytest

import data
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
