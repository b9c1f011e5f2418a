# SPDX-License-Identifier: Apache-2.0
"""What the tests ask of Keystone and Glance themselves: plain requests, as the API references have them."""
import base64
import hashlib
import hmac
import json
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback only


class Refused(Exception):
    """A status that the test did not expect."""


def request(method, url, body=None, token=None, kind='application/json', wanted=range(200, 300)):
    """(headers, body: parsed if it is JSON)"""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {'Accept': 'application/json', **({'X-Auth-Token': token} if token else {}),
               **({'Content-Type': kind} if data is not None else {})}
    try:
        with OPENER.open(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
            text, status = answer.read(), answer.status
            headers = answer.headers
    except urllib.error.HTTPError as error:
        text, status, headers = error.read(), error.code, error.headers
    if status not in wanted:
        raise Refused('%s %s: %d %s' % (method, url, status, text.decode(errors='replace')[:500]))
    return headers, json.loads(text) if headers.get_content_type() == 'application/json' and text else text


def raw(url, token):
    """The bytes of an answer, as they are."""
    with OPENER.open(urllib.request.Request(url, headers={'X-Auth-Token': token}), timeout=60) as answer:
        return answer.read()


class Keystone:
    """root: without /v3."""

    def __init__(self, root, token=None):
        self.root = root
        self.token = token

    def call(self, method, path, body=None, **named):
        return request(method, self.root + '/v3' + path, body, self.token, **named)[1]

    def make(self, kind, **fields):
        """Something new, as it is then."""
        return self.call('POST', '/%ss' % kind, {kind: fields})[kind]

    def sign_in(self, user, scope=True):
        """The token of a User of the cloud; without a scope for no project."""
        body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': {
            'name': user.name, 'domain': {'name': user.domain}, 'password': user.password}}}}}
        if scope:
            body['auth']['scope'] = {'project': {'name': user.project, 'domain': {'name': user.project_domain}}}
        else:
            body['auth']['scope'] = 'unscoped'
        return request('POST', self.root + '/v3/auth/tokens', body)[0]['X-Subject-Token']


class Glance:
    def __init__(self, root, token):
        self.root = root
        self.token = token

    def call(self, method, path, body=None, **named):
        return request(method, self.root + '/v2' + path, body, self.token, **named)[1]

    def image(self, id):
        return self.call('GET', '/images/' + id)

    def list(self, **criteria):
        """All pages."""
        found, marker = [], {}
        while True:
            page = self.call('GET', '/images?' + urllib.parse.urlencode({'limit': 200, **criteria, **marker}))
            found += page['images']
            if 'next' not in page:
                return found
            marker = {'marker': found[-1]['id']}


def passcode(secret, moment=None):
    """What an authenticator shows for the secret (RFC 6238: SHA-1, six digits, 30 s)."""
    key = base64.b32decode(secret)
    count = struct.pack('>Q', int(time.time() if moment is None else moment) // 30)
    digest = hmac.new(key, count, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000)
