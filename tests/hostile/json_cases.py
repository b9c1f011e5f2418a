# SPDX-License-Identifier: Apache-2.0
"""JSON that is too much, or none: threats 5, 6, 13, 14, 17, 18, 23 and 27."""
from case import Case, listing, over
from rawserver import Reply

NO_LIST = 'the answer is no list of images'
SKIPPED = 'records are not shown'
RECORDS = over('max_records', 100000)
REST = (b'{"id":"before","name":"n"}', b'{"id":"after","name":"n"}')
ONLY_REST = listing(*REST).body


def with_record(record):
    """The record between two good ones."""
    return listing(REST[0], record, REST[1])


def with_value(value):
    return with_record(b'{"id":"x","name":"n","value":%s}' % value)


def without(name, threat, record, **more):
    """A record that is left out, and costs no other one."""
    return Case(name, threat, with_record(record), cold='OK', shown=ONLY_REST, log=SKIPPED, skipped=1, **more)


def nested(depth, inside=b''):
    return b'[' * depth + inside + b']' * depth


CASES = [
    Case('100,001 records', 5, Reply(b'{"images": [' + b','.join([b'{"id":"a"}'] * 100001) + b']}'), log=RECORDS,
         memory=32 << 20, within=10),
    Case('a million records', 5, Reply(b'{"images": [' + b','.join([b'{}'] * 1000000) + b']}'), log=RECORDS),
    Case('two million numbers', 5, Reply(b'{"images": [' + b','.join([b'1'] * 2000000) + b']}'), log=RECORDS),
    Case('15 MB of empty arrays', 5, Reply(b'{"images": [' + b','.join([b'[]'] * 5000000) + b']}'), log=RECORDS),
    Case('15 MB of empty arrays beside', 5,
         Reply(b'{"x": [' + b','.join([b'[]'] * 5000000) + b'], "images": [{"id":"a"}]}'),
         log=over('max_nodes', 100000)),
    Case('more than max_images', 5, listing(*[b'{"id":"%d"}' % i for i in range(60)]), log=over('max_images', 50),
         options=('max_images=50',)),

    without('depth 65', 6, b'{"id":"x","v":%s}' % nested(64)),
    without('depth 100,000', 6, b'{"id":"x","v":%s}' % nested(100000)),
    Case('depth 64', 6, with_value(nested(62, b'7')), cold='OK'),
    Case('depth 1,000,000 and no end', 6, Reply(b'{"images": ' + b'[' * 1000000), log=NO_LIST),
    Case('objects to depth 1,000,000', 6, Reply(b'{"images": [' + b'{"a":' * 1000000), log=NO_LIST),
    Case('depth beside the list', 6, Reply(b'{"x": %s, "images": []}' % nested(1000000)), cold='OK|EIO', shown=b'[]',
         log=''),
    Case('braces that do not fit', 6, Reply(b'{"images": [{"id":"x","v":' + b'[{' * 30 + b']}' * 30 + b'}]}'),
         log=NO_LIST),

    Case('an empty list', 13, Reply(b'{"images": []}'), cold='OK', shown=b'[]'),
    Case('an empty list with spaces', 13, Reply(b' \r\n{ "images" :\t[ ] ,\n"first": "/v2/images" } \n'), cold='OK',
         shown=b'[]'),
    Case('an empty list, twice', 13, Reply(b'{"images": [], "images": []}'), log='more than one "images"'),

    Case('garbage behind', 14, Reply(ONLY_REST + b'x'), log=NO_LIST),
    Case('a second document behind', 14, Reply(ONLY_REST + ONLY_REST), log=NO_LIST),
    Case('a NUL behind', 14, Reply(ONLY_REST + b'\0'), log=NO_LIST),
    Case('a BOM before', 14, Reply(b'\xef\xbb\xbf' + ONLY_REST), log=NO_LIST),
    Case('UTF-16', 14, Reply(ONLY_REST.decode().encode('utf-16')), log=NO_LIST),
    Case('a comment', 14, Reply(b'/* */' + ONLY_REST), log=NO_LIST),
    Case('no end', 14, Reply(ONLY_REST[:-1]), log=NO_LIST),
    Case('the end in a string', 14, Reply(b'{"images": [{"id": "x'), log=NO_LIST),
    Case('the end in an escape', 14, Reply(b'{"images": [{"id": "x\\'), log=NO_LIST),
    Case('single quotes', 14, Reply(b"{'images': []}"), log=NO_LIST),

    Case('\\u0000 in a value', 17, with_value(b'"a\\u0000b"'), cold='OK'),
    Case('\\u0000 in a name', 17, with_record(b'{"id":"x","name":"a\\u0000b"}'), cold='OK'),
    Case('\\u0000 in an id', 17, with_record(b'{"id":"a\\u0000b","name":"n"}'), cold='OK'),
    Case('\\u0000 in a key', 17, with_record(b'{"id":"x","a\\u0000b":"v"}'), cold='OK'),
    Case('a raw control byte', 17, with_value(b'"a\x01b"'), cold='OK'),
    Case('a raw line break', 17, with_value(b'"a\nb"'), cold='OK'),

    Case('a lone high surrogate', 18, with_value(b'"\\ud800x"'), cold='OK'),
    Case('a lone low surrogate', 18, with_value(b'"x\\udc00"'), cold='OK'),
    Case('surrogates in the wrong order', 18, with_value(b'"\\udc00\\ud800"'), cold='OK'),
    Case('UTF-8 for a surrogate', 18, with_value(b'"\xed\xa0\x80"'), cold='OK'),
    Case('overlong UTF-8', 18, with_value(b'"\xc0\xaf\xe0\x80\xaf"'), cold='OK'),
    Case('UTF-8 cut short', 18, with_value(b'"\xe2\x82"'), cold='OK'),
    Case('UTF-8 beyond Unicode', 18, with_value(b'"\xf4\x90\x80\x80\xff\xfe"'), cold='OK'),
    Case('bytes that are no UTF-8 in a name', 18, with_record(b'{"id":"x","name":"caf\xe9 \xff\xc0\xaf"}'), cold='OK'),
    Case('bytes that are no UTF-8 in an id', 18, with_record(b'{"id":"\xff\xfe"}'), cold='OK'),
    Case('bytes that are no UTF-8 in a key', 18, with_record(b'{"id":"x","\xff":"v"}'), cold='OK'),

    Case('400,000 attributes in one record', 27,
         with_record(b'{"id":"x",%s}' % b','.join(b'"a%d":1' % i for i in range(400000))), cold='OK', shown=ONLY_REST,
         log=SKIPPED, skipped=1),
    without('a value of 10 MB', 27, b'{"id":"x","v":"%s"}' % (b'v' * 10000000)),
    without('a record of 4 MiB and a byte', 27, b'{"id":"x","v":"%s"}' % (b'v' * ((4 << 20) - 15))),
    Case('a value of 1 MiB', 27, with_value(b'"%s"' % (b'v' * ((1 << 20) - 2))), cold='OK', memory=40 << 20),
    without('a value of 1 MiB and a byte', 27, b'{"id":"x","v":"%s"}' % (b'v' * ((1 << 20) - 1))),
    without('200,000 elements in a value', 27, b'{"id":"x","tags":[%s]}' % b','.join([b'1'] * 200000)),
    Case('20,000 elements in a value', 27, with_value(b'[%s]' % b','.join([b'"t"'] * 20000)), cold='OK'),
]
NO_VALUES = {
    'NaN': b'NaN', 'Infinity': b'-Infinity', 'with a leading zero': b'007', 'with a leading plus': b'+1',
    'with a leading point': b'.5', 'with a point behind': b'5.', 'in hex': b'0x10', 'True': b'True',
    'cut short': b'nul', 'with a comma behind': b'[1,]', 'with two commas': b'[1,,2]', 'without a colon': b'{"a" 1}',
    'with a bad escape': b'"\\x41"', 'with half an escape': b'"\\u12"', 'that is missing': b'',
}
CASES += [Case('value ' + name, 14, with_value(value), log=NO_LIST) for name, value in NO_VALUES.items()]
NUMBERS = {
    '2^53 and 1': b'9007199254740993', '2^63': b'9223372036854775808', '2^64': b'18446744073709551616',
    '1e400': b'1e400', '-0': b'-0', '-0.0e-0': b'-0.0e-0', 'of 400 digits': b'7' * 400,
    'of 100,000 digits': b'3' * 100000, 'with zeros behind': b'1.5000', '1E+2': b'1E+2', '1e-400': b'1e-400',
}
CASES += [Case('number ' + name, 23, with_value(value), cold='OK') for name, value in NUMBERS.items()]
