# SPDX-License-Identifier: Apache-2.0
"""Bodies that are too large, too slow, packed or cut: threats 7 to 12."""
import gzip
import zlib

import data
from case import Case, good, over
from rawserver import HANG, RESET, Reply, chunk, head

LARGE = over('max_body_bytes', 16 << 20)
BODY = data.response(data.records(4, name='came'))
CHUNKED = head(200, 'Transfer-Encoding: chunked', 'Content-Type: application/json')
SIZED = head(200, 'Content-Length: %d' % len(BODY), 'Content-Type: application/json')
NO_LIST = 'the answer is no list of images'
MEGABYTE = b' ' * (1 << 20)


def megabytes(count):
    return lambda: (MEGABYTE for _ in range(count))


def chunked_megabytes(count):
    return lambda: (chunk(MEGABYTE) for _ in range(count))


def packed(coding, body):
    return Reply(body, headers=(('Content-Encoding', coding),))


def bomb(megabytes_inside):
    packer = zlib.compressobj(9, wbits=31)
    return b''.join(packer.compress(MEGABYTE) for _ in range(megabytes_inside)) + packer.flush()


def zstd_bomb(megabytes_inside):
    """A frame with a window of 128 KiB, and blocks of as many times one byte."""
    blocks = megabytes_inside * 8
    return b'\x28\xb5\x2f\xfd\0\x38' + b''.join(
        (128 << 10 << 3 | 1 << 1 | (i == blocks - 1)).to_bytes(3, 'little') + b' ' for i in range(blocks))


def broken(name, *script, log='no answer', **more):
    return Case(name, 10, Reply(script=script), log=log, requests=(2, 4), **more)


LOGIN = b'<!DOCTYPE html><html><body><form action="/login"><input name="password"></form></body></html>'
CASES = [
    Case('2 GB announced', 7, Reply(script=(head(200, 'Content-Length: 2147483648'), megabytes(64))), log=LARGE),
    Case('9 EB announced', 7, Reply(script=(head(200, 'Content-Length: 9223372036854775807'), megabytes(64))),
         log=LARGE),
    Case('a length that overflows', 7,
         Reply(script=(head(200, 'Content-Length: 99999999999999999999999'), megabytes(64))), log=LARGE),
    Case('2 GB in chunks', 7, Reply(script=(CHUNKED, chunked_megabytes(2048))), log=LARGE),
    Case('2 GB without a length', 7, Reply(script=(head(200), megabytes(2048))), log=LARGE),
    Case('2 GB of digits', 7,
         Reply(script=(head(200), b'{"images": [', lambda: (b'1' * (1 << 20) for _ in range(2048)))), log=LARGE),
    Case('an error of 2 GB', 7, Reply(script=(head(404), megabytes(2048))), log=LARGE),

    Case('a bomb of 512 MB', 8, packed('gzip', bomb(512)), log=LARGE),
    Case('a bomb of 512 MB in zstd', 8, packed('zstd', zstd_bomb(512)), log=LARGE),
    Case('a bomb of a bomb', 8, packed('gzip, gzip', gzip.compress(bomb(64))), log='compressed more than once'),
    Case('five times gzip', 8, Reply(good(0), headers=(('Content-Encoding', 'gzip'),) * 5),
         log='compressed more than once'),
    Case('gzip as transfer and content coding', 8,
         Reply(script=(head(200, 'Transfer-Encoding: gzip, chunked', 'Content-Encoding: gzip'), chunk(bomb(1)),
                       chunk(b''))), log='compressed more than once'),
    Case('gzip that is none', 8, packed('gzip', BODY), cold='OK', shown=BODY, requests=(2, 2)),
    Case('gzip cut short', 8, packed('gzip', gzip.compress(BODY)[:-20]), requests=(1, 4), log='no '),
    Case('gzip with bytes behind', 8, packed('gzip', gzip.compress(BODY) + b'x' * 100), requests=(1, 4), log='no '),
    Case('gzip in 20,000 members', 8, packed('gzip', gzip.compress(b' ') * 20000), requests=(1, 4), log='no '),
    Case('a coding that nobody knows', 8, packed('imsfs', BODY), cold='OK', shown=BODY, requests=(1, 2)),
    Case('deflate', 8, packed('deflate', zlib.compress(BODY)), cold='OK', shown=BODY),
    Case('brotli that is none', 8, packed('br', b'\xff' * 1000), log=NO_LIST, requests=(2, 2)),

    Case('silence after the request', 9, Reply(hang=True), cold='ETIMEDOUT', options=('timeout=1',), after=0.9,
         log='no answer'),
    Case('silence in the status line', 9, Reply(script=(b'HTTP/1.1 2', HANG)), cold='ETIMEDOUT',
         options=('timeout=1',), after=0.9, log='no answer'),
    Case('silence after the headers', 9, Reply(BODY, stall=0), cold='ETIMEDOUT', options=('timeout=1',), after=0.9,
         log='no answer'),
    Case('silence in the body', 9, Reply(BODY, stall=100), cold='ETIMEDOUT', options=('timeout=1',), after=0.9,
         log='no answer'),
    Case('a body that drips', 9, Reply(BODY, drip=0.02), cold='ETIMEDOUT', options=('timeout=1',), after=0.9,
         log='no answer'),
    Case('headers that drip', 9,
         Reply(script=[step for byte in b'HTTP/1.1 200 OK\r\nA: ' + b'a' * 100 for step in (bytes([byte]), 0.02)]),
         cold='ETIMEDOUT', options=('timeout=1',), after=0.9, log='no answer'),
    Case('chunks that drip', 9, Reply(script=[CHUNKED] + [step for _ in range(200) for step in (chunk(b' '), 0.02)]),
         cold='ETIMEDOUT', options=('timeout=1',), after=0.9, log='no answer'),
    # A drip is taken for a broken connection after 10 s, and asked again.
    Case('a drip is cut before the deadline', 9, [Reply(BODY, drip=0.1), Reply(BODY)], cold='OK', shown=BODY,
         options=('timeout=25',), after=9.5, within=16, requests=(2, 2)),

    broken('a body shorter than announced', SIZED, BODY[:-100]),
    broken('a body of whole JSON, shorter than announced', head(200, 'Content-Length: 100'), b'{"images": []}'),
    broken('chunks without an end', CHUNKED, chunk(BODY)),
    broken('a chunk cut short', CHUNKED, b'%x\r\n' % len(BODY), BODY[:100]),
    broken('a chunk whose length is no number', CHUNKED, b'zz\r\n', BODY),
    broken('a reset in the body', SIZED, BODY[:100], 0.05, RESET),
    broken('a reset after the headers', SIZED, 0.05, RESET),
    Case('the end in the headers', 10, Reply(script=(b'HTTP/1.1 200 OK\r\nContent-Le',)), log=NO_LIST),
    broken('the end in the status line', b'HTTP/1.1 2'),
    Case('cut three times, then whole', 10, [Reply(BODY, cut=50)] * 2 + [Reply(BODY)], cold='OK', shown=BODY,
         requests=(3, 3)),
    Case('JSON cut where the connection may end', 10, Reply(script=(head(200), BODY[:-1])), log=NO_LIST),

    Case('a login page', 11,
         Reply(script=(head(200, 'Content-Type: text/html', 'Content-Length: %d' % len(LOGIN)), LOGIN), keep=True),
         log=r'no list of images: .*\(text/html\)'),
    Case('a login page that says it is JSON', 11, Reply(LOGIN), log=NO_LIST),
    Case('XML', 11, Reply(b'<?xml version="1.0"?><images/>'), log=NO_LIST),
    Case('an image', 11, Reply(b'\x89PNG\r\n\x1a\n' + bytes(range(256)) * 100), log=NO_LIST),
    Case('a list without a content type', 11,
         Reply(script=(head(200, 'Content-Length: %d' % len(BODY)), BODY), keep=True), cold='OK', shown=BODY),
    Case('a list that is called text', 11,
         Reply(script=(head(200, 'Content-Type: text/plain', 'Content-Length: %d' % len(BODY)), BODY), keep=True),
         cold='OK', shown=BODY),
    Case('a content type with a line of its own', 11,
         Reply(script=(head(200, 'Content-Type: a\x1b[31m\x07' + 'b' * 1000, 'Content-Length: 1'), b'x'), keep=True),
         log=NO_LIST),

    Case('204', 12, Reply(script=(head(204),), keep=True), log='HTTP 204'),
    Case('206', 12, Reply(BODY, 206, (('Content-Range', 'bytes 0-99/200'),)), log='HTTP 206'),
    Case('304', 12, Reply(script=(head(304, 'ETag: "x"'),), keep=True), log='HTTP 304'),
    Case('205', 12, Reply(b'', 205), log='HTTP 205'),
]
NO_LISTS = {
    'nothing': b'', 'a space': b' ', 'an empty object': b'{}', 'an empty array': b'[]',
    'images is null': b'{"images": null}', 'images is an object': b'{"images": {}}',
    'images is a string': b'{"images": "[]"}', 'a bare array': b'[{"id": "x"}]', 'a bare record': b'{"id": "x"}',
    'records a line': b'{"id": "x"}\n{"id": "y"}\n', 'null': b'null', 'a number': b'7',
    'an error with 200': b'{"error": {"message": "no", "code": "IMG.0001"}}',
    'images inside something': b'{"data": {"images": []}}',
}
CASES += [Case(name, 12, Reply(body), log=NO_LIST) for name, body in NO_LISTS.items()]
