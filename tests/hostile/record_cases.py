# SPDX-License-Identifier: Apache-2.0
"""Records that are well-formed and mean harm: threats 16, 19 to 22, 24 to 26."""
from case import Case, listing
from json_cases import ONLY_REST, SKIPPED, with_record, with_value

BAD_IDS = {'that is missing': b'{"name":"n"}', 'that is empty': b'{"id":""}', 'that is null': b'{"id":null}',
           'that is a number': b'{"id":7}', 'that is an array': b'{"id":["a"]}',
           'that is an object': b'{"id":{"a":"b"}}', 'of 129 bytes': b'{"id":"%s"}' % (b'z' * 129),
           'of 129 bytes when it is escaped': b'{"id":"%s"}' % (b'@' * 43),
           'of 5,000 bytes': b'{"id":"%s"}' % (b'z' * 5000)}
ODD_IDS = {'..': b'..', '.': b'.', 'with slashes': b'../../etc/passwd', 'with an at sign': b'a@b',
           'with a line break': b'a\\nb', 'of 128 bytes': b'z' * 128, 'that is a directory': b'by-id',
           'with an escape': b'%2e%2E%41'}
NO_RECORDS = {'a number': b'7', 'null': b'null', 'a string': b'"x"', 'an array': b'[{"id":"x"}]', 'true': b'true'}
NAMES = {
    'a point': b'.', 'two points': b'..', 'nothing': b'', 'a slash': b'/', 'with slashes': b'a/../../b',
    'three points': b'...', 'with a leading dash': b'-rf *', 'with spaces around': b' a ',
    'with a line break': b'a\\nb', 'with a tab': b'a\\tb', 'with escapes': b'50%25 %2F 100%', 'none': b'none',
    'that is a tilde': b'~', 'of 255 slashes': b'/' * 255,
}
LONG_NAMES = {
    'of 255 bytes': b'n' * 255, 'of 256 bytes': b'n' * 256,
    'of 1,020 bytes in 255 characters': '\U0001f600'.encode() * 255, 'of 100,000 bytes': b'n' * 100000,
    'that is cut in a character': b'a' + '\u6d4b'.encode() * 100, 'that is cut in an escape': b'a' + b'/' * 100,
}
TWINS = {
    'two of a name': [b'same', b'same'],
    'two that are equal when they are cut': [b'x' * 300 + b'1', b'x' * 300 + b'2'],
    'one that looks like the other escaped': [b'a/b', b'a%2Fb', b'a%252Fb'],
    'upper and lower case': [b'Name', b'name', b'NAME'],
    'composed and decomposed': ['\u00e9'.encode(), 'e\u0301'.encode()],
    'one with the id of the other': [b'a', b'a@i0', b'a@i1'],
}
KEYS = {
    'an empty one': b'', 'with a slash': b'a/b', 'two points': b'..', 'one point': b'.', 'of 1,000 bytes': b'k' * 1000,
    'image.json': b'image.json', 'image%2Ejson': b'image%2Ejson', 'with a line break': b'a\\nb',
    'with an escape': b'\\u001b[31m', 'that has it escaped': b'n\\u0061me', 'id': b'id',
}
SIZES = {'negative': b'-1', 'a float': b'1.5e3', 'a string': b'"12"', '2^63': b'9223372036854775808',
         'an object': b'{"a":1}', 'true': b'true'}
TIMES = {
    'year 0': b'0000-01-01T00:00:00Z', 'year 1,000,000': b'1000000-01-01T00:00:00Z',
    'year 9999': b'9999-12-31T23:59:59Z', 'month 13': b'2024-13-01T00:00:00Z', '30 February': b'2024-02-30T00:00:00Z',
    'garbage': b'yesterday', 'nothing': b'', 'before 1970': b'1969-12-31T23:59:59Z',
    'an offset of 99 hours': b'2024-01-01T00:00:00+99:99', 'with a line break': b'2024-01-01T00:00:00Z\\n',
    'a leap second': b'2016-12-31T23:59:60Z',
}
SIGNS = {
    'a terminal escape': b'\\u001b[31mred\\u001b]0;title\\u0007', 'a C1 control': b'\\u009b31m', 'DEL': b'a\\u007fb',
    'right to left': b'\\u202egpj.exe', 'isolates': b'\\u2066a\\u2069', 'a line separator': b'a\\u2028b\\u2029c',
    'a carriage return': b'good\\rbad', 'a BOM inside': b'a\\ufeffb',
}


def named(name):
    return with_record(b'{"id":"x","name":"%s","status":"%s","__platform":"%s"}' % (name, name, name))


def same_key(times):
    """A record with the id besides."""
    return b'{"id":"x",%s}' % b','.join(b'"k":%d' % i for i in range(times))


CASES = [Case('an id ' + name, 16, with_record(record), cold='OK', shown=ONLY_REST, log=SKIPPED, skipped=1)
         for name, record in BAD_IDS.items()]
CASES += [Case('an id ' + name, 16, with_record(b'{"id":"%s","name":"n"}' % value), cold='OK')
          for name, value in ODD_IDS.items()]
CASES += [Case('a record that is ' + name, 16, with_record(record), cold='OK', shown=ONLY_REST, log=SKIPPED, skipped=1)
          for name, record in NO_RECORDS.items()]
CASES += [Case('a name: ' + name, 19, named(value), cold='OK') for name, value in NAMES.items()]
CASES += [Case('a name ' + name, 20, named(value), cold='OK') for name, value in LONG_NAMES.items()]
CASES += [Case('names: ' + name, 21,
               listing(*[b'{"id":"i%d","name":"%s"}' % (i, value) for i, value in enumerate(values)]), cold='OK')
          for name, values in TWINS.items()]
CASES += [
    Case('10,000 of a name', 21, listing(*[b'{"id":"i%05d","name":"same"}' % i for i in range(10000)]), cold='OK',
         names=tuple('i%05d' % i for i in range(10000)), memory=64 << 20),
]
CASES += [Case('a key: ' + name, 22, with_record(b'{"id":"x","name":"n","%s":"value"}' % key), cold='OK')
          for name, key in KEYS.items()]
CASES += [
    Case('a key 999 times', 22, with_record(same_key(999)), cold='OK'),
    Case('a key 1,000 times', 22, with_record(same_key(1000)), cold='OK', shown=ONLY_REST, log=SKIPPED, skipped=1),
    Case('a name and an id twice', 22, with_record(b'{"id":"no","id":"x","name":"no","name":"n"}'), cold='OK'),
    Case('two keys with one file name', 22,
         with_record(b'{"id":"x","a/b":"first","a%2Fb":"second","a%252Fb":"third"}'), cold='OK'),
]
CASES += [Case('a size that is ' + name, 24, with_record(b'{"id":"x","size":%s,"min_disk":%s}' % (size, size)),
               cold='OK') for name, size in SIZES.items()]
CASES += [Case('a time: ' + name, 25, with_record(b'{"id":"x","created_at":"%s","updated_at":"%s"}' % (time, time)),
               cold='OK') for name, time in TIMES.items()]
CASES += [Case('a time that is no string', 25, with_record(b'{"id":"x","created_at":7,"updated_at":[]}'), cold='OK')]
CASES += [Case('signs: ' + name, 26, named(signs), cold='OK') for name, signs in SIGNS.items()]
CASES += [Case('signs in a value: ' + name, 26, with_value(b'"%s"' % signs), cold='OK')
          for name, signs in SIGNS.items()]
