# SPDX-License-Identifier: Apache-2.0
"""What a mount must show, computed from the JSON text by the rules of the manual and nothing else.

build(text) gives {path below the mount point: Node}, all in bytes. It shares no code with imsfs.
"""
import collections
import datetime
import re

import jsonraw

# kind: 'd', 'f' or 'l'; data: a file's bytes or a link's target; times in seconds, None where not promised
Node = collections.namedtuple('Node', 'kind data mtime atime', defaults=(None, None, None))

TYPES_OF_VISIBILITY = {
    b'public': (b'gold', b'market'),
    b'private': (b'private', b'shared'),
    b'shared': (b'shared',),
}
DECEPTIVE = set(range(0x20)) | set(range(0x7F, 0xA0)) | set(range(0x202A, 0x202F)) | set(
    range(0x2066, 0x206A)) | {0x61C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF, ord('/')}
HEX_PAIR = re.compile('[0-9a-fA-F]{2}')
TIME = re.compile(rb'(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))?')


def fnv1a(value):
    code = 0x811C9DC5
    for byte in value:
        code = (code ^ byte) * 0x01000193 & 0xFFFFFFFF
    return code


def pieces(value, extra=''):
    """The encoded form of each character of a value; a byte that is not UTF-8 is a character of its own."""
    if value in (b'.', b'..'):
        return [b'%2E'] * len(value)
    text = value.decode('utf-8', 'surrogateescape')
    result = []
    for i, char in enumerate(text):
        escape = (ord(char) in DECEPTIVE or 0xDC80 <= ord(char) <= 0xDCFF or char in extra or
                  char == '%' and HEX_PAIR.match(text, i + 1))
        raw = char.encode('utf-8', 'surrogateescape')
        result.append(b''.join(b'%%%02X' % byte for byte in raw) if escape else raw)
    return result


def cut(parts, limit):
    """As many whole pieces as fit."""
    out = b''
    for part in parts:
        if len(out) + len(part) > limit:
            break
        out += part
    return out


def component(value):
    parts = pieces(value)
    whole = b''.join(parts)
    return whole if len(whole) <= 255 else cut(parts, 246) + b'~%08x' % fnv1a(value)


def attribute_name(key):
    return b'image%2Ejson' if key == b'image.json' else component(key)


def text_of(value):
    """A value for a group or a name; b'' where the record has none."""
    if value is None or value == b'null':
        return b''
    if isinstance(value, list):
        return jsonraw.compact(value)
    return jsonraw.unescape(value) if value.is_string else bytes(value)


def with_newline(data):
    return data if data.endswith(b'\n') else data + b'\n'


def content(value):
    if value == b'null':
        return b''
    if isinstance(value, jsonraw.Object):
        return with_newline(jsonraw.compact(value))
    if isinstance(value, list):
        return b''.join(content(element) for element in value)
    return with_newline(jsonraw.unescape(value) if value.is_string else bytes(value))


def timestamp(value):
    """Seconds since 1970, or None for what is no time."""
    match = value is not None and not isinstance(value, list) and TIME.fullmatch(text_of(value))
    if not match:
        return None
    try:
        moment = datetime.datetime(*map(int, match.groups()[:6]), tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    seconds = int((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds())
    if match[7]:
        offset = int(match[8]) * 3600 + int(match[9]) * 60
        seconds += -offset if match[7] == b'+' else offset
    return seconds


class Image:
    """One record; id is b'' where it is not usable."""

    def __init__(self, record):
        self.record = record
        self.values = {}
        for key, value in record:
            self.values[jsonraw.unescape(key)] = value
        raw = self.values.get(b'id')
        usable = isinstance(raw, jsonraw.Token) and raw.is_string
        self.id = b''.join(pieces(jsonraw.unescape(raw), '@')) if usable else b''
        if len(self.id) > 128:
            self.id = b''
        self.name = text_of(self.values.get(b'name'))
        created = timestamp(self.values.get(b'created_at'))
        updated = timestamp(self.values.get(b'updated_at'))
        self.times = (created if updated is None else updated, created)

    @property
    def directory(self):
        return cut(pieces(self.name), 254 - len(self.id)) + b'@' + self.id

    def text(self, key):
        return text_of(self.values.get(key))

    def imagetype(self):
        visibility, imagetype = self.text(b'visibility'), self.text(b'__imagetype')
        if not visibility or imagetype in TYPES_OF_VISIBILITY.get(visibility, ()):
            return imagetype
        return visibility

    def platform(self):
        return self.text(b'__platform') or self.text(b'os_distro')

    def level(self, name):
        special = {b'imagetype': self.imagetype, b'platform': self.platform}.get(name)
        return component((special() if special else self.text(name)) or b'none')

    def groups(self, attribute):
        """The group directories of a view: one for a scalar, one for each element of an array."""
        value = self.values.get(attribute)
        if attribute in (b'imagetype', b'platform') or not isinstance(value, list) or isinstance(
                value, jsonraw.Object):
            return [self.level(attribute)]
        names = [component(text_of(element) or b'none') for element in value]
        return list(dict.fromkeys(names or [b'none']))

    def files(self):
        """File name -> bytes; of two keys with one name the first has the file."""
        found = {}
        for key, value in self.values.items():
            name = attribute_name(key)
            if name and name not in found:
                found[name] = content(value)
        found[b'image.json'] = jsonraw.pretty(self.record) + b'\n'
        return found


def decode_option(value):
    """%XX in a value of -o by= and -o layout= is a byte."""
    return re.sub(rb'%([0-9a-fA-F]{2})', lambda m: bytes([int(m[1], 16)]), value)


def images(text):
    """The images that are shown: usable ids, the first record of each."""
    found = {}
    for record in jsonraw.records(text):
        if isinstance(record, jsonraw.Object):
            image = Image(record)
            if image.id and image.id not in found:
                found[image.id] = image
    return list(found.values())


class Tree(dict):
    def directory(self, path):
        """A directory and all above it."""
        while path and path not in self:
            self[path] = Node('d')
            path = path.rpartition(b'/')[0]

    def link(self, path, image, place):
        parent = path.rpartition(b'/')[0]
        self.directory(parent)
        self[path] = Node('l', b'../' * (parent.count(b'/') + 1) + place, *image.times)


def build(text, views=(), layout='imagetype/platform/status'):
    """The whole tree. views: the values of -o by=; layout: the value of -o layout=."""
    tree = Tree()
    levels = [decode_option(level) for level in layout.encode().split(b'/')]
    attributes = [b'imagetype', b'platform', b'status'] + [decode_option(v.encode()) for v in views]
    names = {attribute: component(b'by-' + attribute.lstrip(b'_')) for attribute in attributes}
    for top in [b'images', b'by-id', b'by-name', *names.values()]:
        tree.directory(top)
    for image in images(text):
        group = b'/'.join([b'images'] + [image.level(level) for level in levels])
        place = group + b'/' + image.directory
        tree.directory(group)
        tree[place] = Node('d', None, *image.times)
        for name, data in image.files().items():
            tree[place + b'/' + name] = Node('f', data, *image.times)
        tree.link(b'by-id/' + image.id, image, place)
        tree.link(b'by-name/' + component(image.name or b'none') + b'/' + image.id, image, place)
        for attribute, view in names.items():
            for value in image.groups(attribute):
                tree.link(view + b'/' + value + b'/' + image.directory, image, place)
    return tree
