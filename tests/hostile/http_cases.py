# SPDX-License-Identifier: Apache-2.0
"""Refusals, broken servers, odd headers and HTTP/2: threats 26 in messages, 28 to 34; and Keystone."""
import data
import foreign
import http2
import runner
from case import Case, over
from harness import TOKEN
from rawserver import Paged, Reply, error, head

ITEMS = data.records(4, name='came')
SHOWN = data.response(ITEMS)
BODY = SHOWN
TRIES = (2, 4)
PAGE = b'<!DOCTYPE html><html><title>503</title><body>We are sorry</body></html>'
CHUNKED = head(200, 'Transfer-Encoding: chunked')
HEADERS = over('max_header_bytes', 64 << 10)


def with_headers(reply, *headers):
    return Reply(reply.body, reply.status, headers)


def late(first, *others):
    """The first page is good, with a next, and then come the others."""
    return [Reply(b'{"images": [{"id": "a"}], "next": "/v2/images?marker=a"}'), first, *others]


def one_in_ten(status):
    return lambda request, n: error(status) if n % 10 == 1 else Paged(ITEMS, size=1)(request, n)


def endless(piece):
    def pieces():
        while True:
            yield piece
    return pieces


def endless_numbered():
    number = 0
    while True:
        number += 1
        yield b'X-%d: y\r\n' % number * 100


def h2(name, *script, reply=None, **more):
    return Case(name, 34, [reply or Reply(BODY, script=script), *more.pop('then', [Reply(BODY)])], tls='good',
                alpn=True, **more)


def keystone(name, sign_in, log, **more):
    more = {'cold': 'EIO', 'requests': (0, 0), **more}
    return Case(name, more.pop('threat', 28), None, sign_in=sign_in, log=log, **more)


def held(name, sign_in, log, **more):
    """The same question would be answered in the same way, so it is not asked again at once."""
    return keystone(name, sign_in, log, held=True, **more)


def catalog(url):
    return [{'type': 'image', 'endpoints': [{'interface': 'public', 'region_id': 'R', 'url': url}]}]


def signed_in(**changes):
    return runner.signed_in('http://127.0.0.1:1', TOKEN, **changes)


CASES = [
    Case('401', 28, error(401), cold='EACCES', log='HTTP 401'),
    Case('401 with a challenge', 28,
         Reply(b'{}', 401, (('WWW-Authenticate', 'Basic realm="x"'), ('WWW-Authenticate', 'Negotiate'))),
         cold='EACCES', log='HTTP 401'),
    Case('401 that repeats the token', 28, error(401, 'bad token ' + TOKEN), cold='EACCES', log=r'bad token \*+'),
    Case('407', 28, Reply(b'{}', 407, (('Proxy-Authenticate', 'Basic realm="x"'),)), log='HTTP 407'),
    Case('401 on the second page', 29, late(error(401)), cold='EACCES', log='HTTP 401', requests=(2, 2)),
    Case('401 once, to who can sign in', 29, [error(401), Reply(BODY)], cold='EACCES', warm='OK', held=True,
         shown=SHOWN, log='', sign_in=True, requests=(1, 2)),
    Case('401 on the second page, to who can sign in', 29,
         [Reply(b'{"images": [{"id": "a"}], "next": "/v2/images?marker=a"}'), error(401),
          Reply(b'{"images": [{"id": "b"}]}')], cold='OK', shown=b'[{"id": "a"}, {"id": "b"}]', sign_in=True,
         log='signed in', requests=(3, 3)),
    # A token that has only just been given is not asked for again.
    Case('401 each time, to who can sign in', 28, error(401), cold='EACCES', held=True, log='HTTP 401', sign_in=True,
         requests=(1, 2)),
    Case('403', 30, error(403), cold='EACCES', log='HTTP 403'),
    Case('404', 30, error(404), log='HTTP 404'),
    Case('410', 30, error(410), log='HTTP 410'),
    Case('400', 30, error(400), cold='EINVAL', log='HTTP 400', requests=(1, 2)),
    Case('403 on the second page', 30, late(error(403)), cold='EACCES', log='HTTP 403', requests=(2, 2)),
    Case('404 on the second page', 30, late(error(404)), log='HTTP 404', requests=(2, 2)),
    Case('418', 30, error(418), log='HTTP 418'),
    Case('414', 30, error(414), cold='ENAMETOOLONG', log='HTTP 414'),
    Case('999', 30, error(999), log='HTTP 999'),
    Case('500', 32, error(500), log='HTTP 500'),
    Case('501', 32, error(501), log='HTTP 501'),
    Case('503 on the second page, once', 32,
         lambda request, n: error(503) if n == 2 else Paged(ITEMS, size=2)(request, n), cold='OK', shown=SHOWN,
         requests=(4, 4)),
    Case('a status page', 32,
         Reply(script=(head(503, 'Content-Type: text/html', 'Retry-After: 3600', 'Content-Length: %d' % len(PAGE)),
                       PAGE), keep=True), log='HTTP 503: 503 We are sorry;'),
    Case('a message with escapes and lines', 26, error(500, 'a\nb\x1b[31mc\r\nimsfs: fine\x07\u202e\x9b'),
         log=r'HTTP 500: a'),
    Case('a message of a megabyte', 26, error(500, 'm' * 1000000), log=r'HTTP 500: .*m+\.\.\.'),
    Case('a request id with escapes', 26, with_headers(error(500), ('X-Request-Id', 'req-1\x1b[31m')),
         log=r'\(request req-1\)'),
    Case('a message that is no text', 26, Reply(b'{"error": {"message": {"a": []}, "code": 7}}', 500), log='HTTP 500'),
    Case('a reason with escapes', 26,
         Reply(script=(b'HTTP/1.1 500 \x1b[31m' + b'R' * 5000 + b'\r\nContent-Length: 0\r\n\r\n',), keep=True),
         log='HTTP 500'),

    Case('endless 100 Continue', 33, Reply(script=(endless(head(100) * 100),)), log=HEADERS),
    Case('endless 103 Early Hints', 33,
         Reply(script=(endless(head(103, 'Link: <%s>; rel=preload' % foreign.HOST.url)),)), log=HEADERS),
    Case('endless headers', 33, Reply(script=(b'HTTP/1.1 200 OK\r\n', endless_numbered)), log=HEADERS),
    Case('an endless header', 33, Reply(script=(b'HTTP/1.1 200 OK\r\nX: ', endless(b'x' * 10000))), log=HEADERS),
    Case('an endless status line', 33, Reply(script=(b'HTTP/1.1 200 ', endless(b'x' * 10000))), log=HEADERS),
    Case('a header of 300 kB', 33, with_headers(Reply(BODY), ('X', 'x' * 300000)), log=HEADERS),
    Case('a header of 60 kB', 33, with_headers(Reply(BODY), ('X', 'x' * 60000)), cold='OK', shown=SHOWN),
    Case('10,000 headers', 33, with_headers(Reply(BODY), *[('X-%d' % i, 'y') for i in range(10000)]), log=HEADERS),
    Case('endless trailers', 33, Reply(script=(CHUNKED, b'5\r\n     \r\n0\r\n', endless_numbered)), log=HEADERS),
    Case('an endless chunk extension', 33, Reply(script=(CHUNKED, b'5;', endless(b'x' * 10000))), cold='EIO|ETIMEDOUT',
         log='no answer', options=('timeout=1',), requests=(1, 4)),
    Case('three interim answers', 33,
         Reply(script=(head(100), head(102), head(103), head(200, 'Content-Length: %d' % len(BODY)), BODY), keep=True),
         cold='OK', shown=SHOWN),
    Case('two lengths', 33, Reply(script=(head(200, 'Content-Length: 5', 'Content-Length: %d' % len(BODY)), BODY)),
         cold='OK', shown=SHOWN),
    Case('a negative length', 33, Reply(script=(head(200, 'Content-Length: -5'), BODY)), log='no answer',
         requests=(1, 4)),
    Case('a header without a colon', 33,
         Reply(script=(head(200, 'X', 'Content-Length: %d' % len(BODY)), BODY), keep=True), cold='OK|EIO', shown=SHOWN,
         log='', requests=(1, 4)),
    Case('a NUL in a header', 33,
         Reply(script=(head(200, 'X: a\0b', 'Content-Length: %d' % len(BODY)), BODY), keep=True), cold='EIO',
         log='no answer', requests=(1, 4)),
    Case('a second answer behind', 33,
         Reply(script=(head(200, 'Content-Length: %d' % len(BODY)), BODY, head(200, 'Content-Length: 1'), b'x'),
               keep=True), cold='OK', shown=SHOWN),
    Case('cookies', 33,
         with_headers(Reply(b'{"images": []}'), *[('Set-Cookie', 'a%d=b; Domain=127.0.0.1' % i) for i in range(100)]),
         cold='OK', shown=b'[]'),

    Case('HTTP/1.0', 34, Reply(script=(b'HTTP/1.0 200 OK\r\n\r\n', BODY)), cold='OK', shown=SHOWN),
    Case('HTTP/0.9', 34, Reply(script=(BODY,)), log='no answer', requests=(1, 4)),
    Case('HTTP/9.9', 34, Reply(script=(b'HTTP/9.9 200 OK\r\n\r\n', BODY)), log='no answer', requests=(1, 4)),
    Case('switching protocols', 34, Reply(script=(head(101, 'Upgrade: h2c', 'Connection: Upgrade'), b'x' * 100)),
         cold='EIO|ETIMEDOUT', log='', requests=(1, 4)),
    Case('close after each answer', 34, with_headers(Reply(BODY), ('Connection', 'close')), cold='OK', shown=SHOWN),
    h2('HTTP/2', reply=Reply(BODY), cold='OK', shown=SHOWN),
    h2('HTTP/2: GOAWAY behind the answer', http2.GOAWAY, cold='OK', shown=SHOWN),
    h2('HTTP/2: GOAWAY before the answer', http2.GOAWAY_BEFORE, cold='OK', shown=SHOWN, requests=(2, 2)),
    h2('HTTP/2: REFUSED_STREAM', http2.REFUSE, cold='OK', shown=SHOWN, requests=(2, 2)),
    h2('HTTP/2: CANCEL in the body', http2.CANCEL, cold='OK', shown=SHOWN, requests=(2, 2)),
    h2('HTTP/2: no frames', http2.GARBAGE, cold='OK', shown=SHOWN, requests=(2, 2)),
    h2('HTTP/2: the end in the body', reply=Reply(BODY, cut=100), cold='OK', shown=SHOWN, requests=(2, 2)),
    h2('HTTP/2: silence in the body', reply=Reply(BODY, stall=100), cold='ETIMEDOUT', options=('timeout=1',),
       after=0.9, log='no answer'),
    h2('HTTP/2: a redirect', reply=Reply(b'', 302, (('Location', foreign.HOST.url),)),
       log='redirects are never followed'),
    h2('HTTP/2: CANCEL each time', http2.CANCEL, then=[], log='no answer', requests=TRIES),
    Case('HTTP/2 that falls back to 1.1', 34, Reply(BODY), cold='OK', shown=SHOWN, tls='good'),

    keystone('a redirect of the sign-in', Reply(b'', 302, (('Location', foreign.HOST.url + '/v3/auth/tokens'),)),
             'redirects are never followed', threat=4),
    keystone('a sign-in of 2 GB', Reply(script=(head(201), lambda: (b' ' * (1 << 20) for _ in range(2048)))),
             over('max_body_bytes', 16 << 20), threat=7),
    keystone('a sign-in that never ends', Reply(hang=True), 'no answer', cold='ETIMEDOUT', threat=9,
             options=('timeout=1',), after=0.9),
    keystone('a sign-in cut short', Reply(b'{"token": {}}', 201, cut=5), 'no answer', threat=10),
    held('a login page for a sign-in', Reply(b'<html>', 200), 'is not JSON', threat=11),
    held('a sign-in without a token', Reply(signed_in().body, 201), 'has no token'),
    held('a token with an escape', Reply(signed_in().body, 201, (('X-Subject-Token', 'a\x1bb'),)), 'has no token'),
    held('a token of 60 kB', Reply(signed_in().body, 201, (('X-Subject-Token', 't' * 60000),)), 'has no token'),
    held('a sign-in of depth 100,000',
         Reply(b'{"token": ' + b'[' * 100000 + b']' * 100000 + b'}', 201, (('X-Subject-Token', TOKEN),)),
         'is not JSON', threat=6),
    held('a catalog without images', signed_in(catalog=[]), 'has no image service'),
    held('a catalog that is a number', signed_in(catalog=7), 'has no image service'),
    held('a catalog that leads to a file', signed_in(catalog=catalog('file:///etc/passwd')), 'must start with https',
         threat=3),
    held('a catalog that leads away without TLS', signed_in(catalog=catalog('http://ims.example.com/')), 'unencrypted',
         cold='EACCES', threat=3),
    held('a catalog with a user in the address',
         signed_in(catalog=catalog('http://user:word@%s/' % foreign.HOST.address)), 'must not hold a user', threat=3),
    held('a catalog with a line break', signed_in(catalog=catalog('http://127.0.0.1:1/\r\nX: y')),
         'must be written as %XX', threat=3),
    keystone('500 to a sign-in', error(500), 'HTTP 500', threat=32),
]
AFTER = {'5': '5', 'a billion': '1000000000', '2^70': str(1 << 70), 'negative': '-5',
         'a date': 'Wed, 01 Jan 2098 00:00:00 GMT', 'a date gone by': 'Thu, 01 Jan 1970 00:00:00 GMT',
         'garbage': 'soon', 'nothing': '', 'a fraction': '0.5'}
CASES += [Case('%d with Retry-After: %s' % (status, name), 31, with_headers(error(status), ('Retry-After', value)),
               log='HTTP %d' % status, requests=(1, 4)) for status in (429, 503) for name, value in AFTER.items()]
CASES += [Case('%d each time' % status, 32, error(status), log='HTTP %d' % status, requests=TRIES)
          for status in (502, 504)]
CASES += [Case('%d on each tenth' % status, 32, one_in_ten(status), cold='OK', shown=SHOWN, requests=(6, 6))
          for status in (502, 503, 504)]
CASES += [Case('429 with Retry-After: 1, then good', 31, [with_headers(error(429), ('Retry-After', '1')), Reply(BODY)],
               cold='OK', shown=SHOWN, after=0.9, requests=(2, 2), log=None)]
