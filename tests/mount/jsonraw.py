# SPDX-License-Identifier: Apache-2.0
"""A JSON reader that keeps every token's bytes, for the reference: what the server sent is what counts.

Values are Token (string, number or literal, with its raw bytes), list, or Object (key token and value, in order,
duplicates kept). The input is trusted to be well-formed, strings may hold any bytes.
"""
import re

TOKEN = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[\[\]{}:,])', re.S)
NOT_SPACE = re.compile(rb'[^ \t\r\n]')
ESCAPE = re.compile(rb'\\u([dD][89abAB]..)\\u([dD][c-fC-F]..)|\\u(....)|\\(.)', re.S)
SIMPLE = {b'b': b'\b', b'f': b'\f', b'n': b'\n', b'r': b'\r', b't': b'\t'}


class Token(bytes):
    """The raw bytes of a string, a number, true, false or null."""

    @property
    def is_string(self):
        return self.startswith(b'"')


class Object(list):
    """Pairs of a key token and a value."""


def unescape(token):
    """The bytes that a string token stands for."""
    def one(match):
        high, low, code, char = match.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00).encode()
        if code is None:
            return SIMPLE.get(char, char)
        number = int(code, 16)
        return chr(0xFFFD if 0xD800 <= number <= 0xDFFF else number).encode()
    return ESCAPE.sub(one, token[1:-1])


def mended(token):
    """A token as valid JSON: bytes that are not UTF-8 replaced, raw control bytes escaped."""
    text = token.decode('utf-8', 'replace')
    return re.sub('[\0-\x1f]', lambda m: '\\u%04x' % ord(m[0]), text).encode()


class Reader:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def more(self):
        return bool(NOT_SPACE.search(self.text, self.at))

    def take(self):
        match = TOKEN.match(self.text, self.at)
        if not match:
            raise ValueError('not JSON at byte %d' % self.at)
        self.at = match.end()
        return match[1]

    def items(self, close, one):
        """The members up to the closing bracket; one() reads a member from its first token."""
        token = self.take()
        while token != close:
            yield one(token)
            token = self.take()
            if token == b',':
                token = self.take()

    def member(self, token):
        key = Token(token)
        self.take()  # the colon
        return key, self.value()

    def value(self, token=None):
        token = token or self.take()
        if token == b'[':
            return list(self.items(b']', self.value))
        if token == b'{':
            return Object(self.items(b'}', self.member))
        return Token(token)


def parse(text):
    return Reader(text).value()


def records(text):
    """The records of a list response, a bare array, or one record after the other."""
    reader = Reader(text)
    found = []
    while reader.more():
        found.append(reader.value())
    if len(found) == 1 and not isinstance(found[0], Object):
        return found[0]
    if len(found) == 1:
        for key, value in found[0]:
            if unescape(key) == b'images' and isinstance(value, list):
                return list(value)
    return found


def compact(value):
    if isinstance(value, Object):
        return b'{' + b','.join(mended(k) + b':' + compact(v) for k, v in value) + b'}'
    if isinstance(value, list):
        return b'[' + b','.join(compact(v) for v in value) + b']'
    return mended(value)


def pretty(value, indent=0):
    if not isinstance(value, list) or not value:
        return compact(value)
    inner, outer = b'\n' + b'  ' * (indent + 1), b'\n' + b'  ' * indent
    if isinstance(value, Object):
        parts = [mended(k) + b': ' + pretty(v, indent + 1) for k, v in value]
        return b'{' + inner + (b',' + inner).join(parts) + outer + b'}'
    return b'[' + inner + (b',' + inner).join(pretty(v, indent + 1) for v in value) + outer + b']'


def raw_text(value):
    """A value as it came, without the spaces."""
    if isinstance(value, Object):
        return b'{' + b','.join(k + b':' + raw_text(v) for k, v in value) + b'}'
    if isinstance(value, list):
        return b'[' + b','.join(map(raw_text, value)) + b']'
    return bytes(value)
