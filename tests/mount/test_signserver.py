# SPDX-License-Identifier: Apache-2.0
"""The gateway that checks signatures: by the published vectors, and that it refuses."""
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import signserver
from rawserver import Reply
from signserver import Gateway, Key

pytestmark = pytest.mark.offline

HOST = 'ims.cn-north-4.myhuaweicloud.com'
PROJECT = '0123456789abcdef0123456789abcdef'
# method, target, signed headers, body, hash of the canonical request, signature; AccessKey and SecretKey. The first
# three are of the unit tests of Huawei Cloud's SDKs for Go and Python; the others were signed with the latter.
VECTORS = [
    ('GET', '/path?limit=1', {'x-sdk-date': '20060102T150405Z'}, b'',
     '85c3b7730f308aee452b16138a42a914397e43a8f0d732dfa521c0ef2afa98a4',
     '5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624'),
    ('GET', '/resources?size=1',
     {'host': 'service.endpoint.myhuaweicloud.com', 'x-sdk-date': '20200608T023900Z'}, b'',
     'de94dd1e1ccdb730b403ce35d7e14f7c7b04337f6def1c3a3a2ba936852b133f',
     'cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842'),
    ('POST', '/resources?size=1',
     {'host': 'service.endpoint.myhuaweicloud.com', 'x-sdk-date': '20200608T023900Z'}, b'{"name":"test","id":1}',
     '2b1b2515e48cb55e043ff2ec5b93d3f13ec287e1da1d7a2e4e14b0611a341969',
     '436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f'),
    ('GET', '/v2/cloudimages?__imagetype=gold&limit=500&protected=true&visibility=public',
     {'host': HOST, 'x-project-id': PROJECT, 'x-sdk-date': '20240101T000000Z'}, b'',
     '7c95b0b01c5e672e7d48a98356e710baa43f04bf0f84fd68242edf39d403d47a',
     '575b60aba50e1f250f8412926c86ae6010ba8acd09b339ed40db39d4dcfc4a2c'),
    ('GET', '/v2/cloudimages?limit=500&marker=bc6bed6e-ba3a-4447-afcc-449174a3eb52',
     {'host': HOST, 'x-project-id': PROJECT, 'x-sdk-date': '20240101T000000Z', 'x-security-token': 'TOKENTOKEN'}, b'',
     'f2bba372fe2125577deb3efbc0793386babf3d3bc8ef8f38961febdd1a7575fc',
     '3b638c7af93d4359fa3d5e08d8cfd311432605088fd52b4e8f4d2fddcf9e6936'),
    ('GET', '/v2/cloudimages?__platform=Oracle%20Linux&created_at=lt%3A2018-10-28T10%3A00%3A00Z'
     '&name=CentOS%207.3%2064bit%20vivado&tag=a%3Db',
     {'host': HOST, 'x-sdk-date': '20240101T000000Z'}, b'',
     '89ac3e4d8cfaa76fc4715d6e5f71d5893d2a03d3ae5816aa35cb22126c29d3a1',
     'a0b985feea7906f1c3d687aa69ad1734aa5c0ee193145735938801ba57a2a0d8'),
]


@pytest.mark.parametrize('method, target, headers, body, hashed, signature', VECTORS)
def test_published_vectors(method, target, headers, body, hashed, signature):
    canonical = signserver.canonical_request(method, target, headers, sorted(headers), body)
    text = signserver.string_to_sign(canonical, headers['x-sdk-date'])
    assert text == 'SDK-HMAC-SHA256\n%s\n%s' % (headers['x-sdk-date'], hashed)
    assert signserver.authorization(Key('AccessKey', 'SecretKey'), method, target, headers, body=body) == (
        'SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=%s, Signature=%s' % (';'.join(sorted(headers)), signature))


def test_published_canonical_query():
    pairs = [('limit', '1'), ('enable', 'true'), ('test', '一 (&=?!#%.*)'), ('path', '/tmp/123'),
             ('multi', '1'), ('multi', '3'), ('multi', '2')]
    assert signserver.canonical_query(pairs) == (
        'enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123'
        '&test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29')


def test_scoped_form():
    """One client's; no server has confirmed it."""
    headers = {'accept': 'application/json', 'host': 'ims.eu-de.otc.t-systems.com', 'x-sdk-date': '20240101T000000Z'}
    assert signserver.authorization(Key('AccessKey', 'SecretKey'), 'GET', '/v2/cloudimages?limit=500', headers,
                                    scoped=True) == (
        'SDK-HMAC-SHA256 Credential=AccessKey/20240101///sdk_request, SignedHeaders=accept;host;x-sdk-date, '
        'Signature=eccab6a78cd3c8bda296b517d59471a926ed5d80309beefbaa57e159b7258dde')


# --- What it takes and what it refuses ---

KEY = Key('AK', 'SK')
TEMPORARY = Key('AK', 'SK', 'TOKEN')


def served(raw, key=KEY, **named):
    gateway = Gateway(key, lambda request, n: Reply(b'{"images": []}'), project=PROJECT, **named)
    return raw(gateway), gateway


def ask(server, key, target='/v2/images', sent=None, scoped=False, off=0, without=(), **headers):
    """(status, answer); sent: what goes over the wire instead of the target that is signed."""
    signed = {'host': '127.0.0.1:%d' % server.port, 'x-project-id': PROJECT,
              'x-sdk-date': time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(time.time() + off))}
    if key.token:
        signed['x-security-token'] = key.token
    signed = {name: value for name, value in signed.items() if name not in without}
    signed['authorization'] = signserver.authorization(key, 'GET', target, signed, scoped)
    signed.update(headers)
    request = urllib.request.Request(server.url + (sent or target), headers=signed)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize('scoped', [False, True], ids=['plain', 'scoped'])
@pytest.mark.parametrize('key', [KEY, TEMPORARY], ids=['permanent', 'temporary'])
def test_good_requests(raw, key, scoped):
    server, gateway = served(raw, key)
    for target in ('/v2/images', '/v2/images?limit=1&marker=' + urllib.parse.quote('é/ +&=%*'), '/v2/images?b&a='):
        assert ask(server, key, target, scoped=scoped) == (200, {'images': []})
    assert [form for form, _ in gateway.seen] == ['scoped' if scoped else 'plain'] * 3
    assert gateway.refusals == []


BAD = {
    'another secret': (KEY, Key('AK', 'sk'), {}, 'verify aksk signature fail'),
    'another key': (KEY, Key('ak', 'SK'), {}, 'ak not exist'),
    'another query': (KEY, KEY, {'sent': '/v2/images?limit=2', 'target': '/v2/images?limit=1'}, 'signature fail'),
    'another path': (KEY, KEY, {'sent': '/v2/cloudimages'}, 'signature fail'),
    'another project': (KEY, KEY, {'x-project-id': 'f' * 32}, 'signature fail'),
    'no host': (KEY, KEY, {'without': ('host',)}, 'signature fail'),
    'no signature': (KEY, KEY, {'authorization': 'Bearer x'}, 'decrypt token fail'),
    'early': (KEY, KEY, {'off': -16 * 60}, 'too far off'),
    'late': (KEY, KEY, {'off': 16 * 60}, 'too far off'),
    'no date': (KEY, KEY, {'x-sdk-date': 'now'}, 'too far off'),
    'without the token': (TEMPORARY, KEY, {}, 'signature fail'),
    'another token': (TEMPORARY, Key('AK', 'SK', 'token'), {}, 'signature fail'),
    'a token too many': (KEY, TEMPORARY, {}, 'signature fail'),
    'another scope': (KEY, KEY, {'scoped': True, 'authorization': 'SDK-HMAC-SHA256 Credential=AK/20240101///sdk_request,'
                                 ' SignedHeaders=host;x-sdk-date, Signature=' + '0' * 64}, 'signature fail'),
}


@pytest.mark.parametrize('known, used, changes, reason', BAD.values(), ids=BAD.keys())
def test_bad_requests(raw, known, used, changes, reason):
    server, gateway = served(raw, known)
    status, answer = ask(server, used, **changes)
    assert status == 401
    assert answer['error_code'] == 'APIGW.0301'
    assert answer['error_msg'].startswith('Incorrect IAM authentication information: ')
    assert reason in answer['error_msg']
    assert gateway.seen == []


def test_almost_a_quarter_of_an_hour_is_allowed(raw):
    server, _ = served(raw)
    assert ask(server, KEY, off=14 * 60)[0] == ask(server, KEY, off=-14 * 60)[0] == 200


def test_a_form_that_is_not_taken(raw):
    server, _ = served(raw, forms=('plain',))
    assert ask(server, KEY)[0] == 200
    assert ask(server, KEY, scoped=True)[0] == 401


def test_five_wrong_ones_lock_the_key(raw):
    server, gateway = served(raw)
    for _ in range(4):
        assert ask(server, Key('AK', 'sk'))[0] == 401
    assert ask(server, KEY)[0] == 200  # not in a row
    for _ in range(5):
        assert ask(server, Key('AK', 'sk'))[0] == 401
    status, answer = ask(server, KEY)
    assert (status, 'reach the limit' in answer['error_msg']) == (401, True)


def test_projects(raw):
    server, _ = served(raw, projects={'eu-de': ['a'], 'eu-nl': ['b', 'c']})

    def ids(query):
        status, answer = ask(server, KEY, '/v3/projects' + query, without=('x-project-id',))
        return status, [project['id'] for project in answer['projects']]
    assert ids('?name=eu-de') == (200, ['a'])
    assert ids('?name=eu-nl') == (200, ['b', 'c'])
    assert ids('?name=x') == (200, [])
    assert ids('') == (200, ['a', 'b', 'c'])


def test_lists_are_a_projects(raw):
    server, _ = served(raw)
    assert ask(server, KEY, without=('x-project-id',))[0] == 403
