# SPDX-License-Identifier: Apache-2.0
"""An API gateway that checks signatures (SDK-HMAC-SHA256), as Huawei Cloud's and Open Telekom Cloud's do.

Written from the published rules and not from imsfs, so that an error must be made twice to go unseen;
test_signserver.py proves it by the published vectors. Gateway is a handler for rawserver.RawServer: it refuses what is
not signed well, answers /v3/projects itself and gives the rest to the handler behind it.
"""
import calendar
import dataclasses
import email.utils
import hashlib
import hmac
import json
import re
import time
import urllib.parse

from rawserver import Reply

ALGORITHM = 'SDK-HMAC-SHA256'
SKEW = 15 * 60
LOCK_AFTER = 5  # wrong signatures in a row
AUTHORIZATION = re.compile(
    ALGORITHM + r' (?:Access=(?P<access>[^,/]+)|Credential=(?P<scoped>[^,/]+)/(?P<scope>[^,]+)), '
    r'SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})')


@dataclasses.dataclass
class Key:
    access: str
    secret: str
    token: str = None  # of a temporary key


# --- The rules ---

def encode(text):
    return urllib.parse.quote(text, safe='-_.~', errors='surrogateescape')


def canonical_path(path):
    segments = [encode(segment) for segment in urllib.parse.unquote(path, errors='surrogateescape').split('/')]
    joined = '/'.join(segments)
    return joined if joined.endswith('/') else joined + '/'


def canonical_query(pairs, scoped=False):
    """pairs: (name, value), decoded. The scoped form sorts names without regard to case."""
    def order(pair):
        name, value = (text.encode(errors='surrogateescape') for text in pair)
        return (name.lower() if scoped else name, name, value)
    return '&'.join('%s=%s' % (encode(name), encode(value)) for name, value in sorted(pairs, key=order))


def canonical_request(method, target, headers, names, body=b'', scoped=False):
    """headers: lower-case name -> value; names: those that are signed, sorted."""
    parts = urllib.parse.urlsplit(target)
    pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True, errors='surrogateescape')
    lines = ''.join('%s:%s\n' % (name, headers[name].strip()) for name in names)
    return '\n'.join([method, canonical_path(parts.path), canonical_query(pairs, scoped), lines, ';'.join(names),
                      hashlib.sha256(body).hexdigest()])


def string_to_sign(canonical, date, scope=None):
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    return '\n'.join([ALGORITHM, date] + ([scope] if scope else []) + [hashed])


def signing_key(secret, scope=None):
    """The secret itself, or what the scope (day/region/service/sdk_request) makes of it."""
    if not scope:
        return secret.encode()
    key = b'SDK' + secret.encode()
    for part in scope.split('/'):
        key = hmac.digest(key, part.encode(), 'sha256')
    return key


def signature(secret, text, scope=None):
    return hmac.new(signing_key(secret, scope), text.encode(), 'sha256').hexdigest()


def authorization(key, method, target, headers, scoped=False, body=b''):
    """What a client sends; headers must have x-sdk-date."""
    scope = headers['x-sdk-date'][:8] + '///sdk_request' if scoped else None
    names = sorted(headers)
    text = string_to_sign(canonical_request(method, target, headers, names, body, scoped), headers['x-sdk-date'], scope)
    who = 'Credential=%s/%s' % (key.access, scope) if scoped else 'Access=' + key.access
    return '%s %s, SignedHeaders=%s, Signature=%s' % (ALGORITHM, who, ';'.join(names), signature(key.secret, text, scope))


# --- The gateway ---

class Refused(Exception):
    """What the gateway says after "Incorrect IAM authentication information: "."""


def is_off(date, now):
    try:
        return abs(calendar.timegm(time.strptime(date, '%Y%m%dT%H%M%SZ')) - now) > SKEW
    except ValueError:
        return True


class Gateway:
    """behind: the handler of requests that are signed well; project: what X-Project-Id must be there;
    projects: name -> ids, for /v3/projects; forms: which ones are taken."""

    def __init__(self, key, behind, project=None, projects=None, forms=('plain', 'scoped'), prefix=''):
        self.key = key
        self.behind = behind
        self.project = project
        self.projects = projects or {}
        self.forms = forms
        self.prefix = prefix + '/v3/projects'
        self.ahead = 0  # seconds that our clock is ahead
        self.wrong = 0  # in a row
        self.seen = []  # (form, names of signed headers) of each good request
        self.refusals = []

    def __call__(self, request, n):
        try:
            self.check(request)
        except Refused as reason:
            self.refusals.append(str(reason))
            return self.reply(401, {'error_msg': 'Incorrect IAM authentication information: %s' % reason,
                                    'error_code': 'APIGW.0301', 'request_id': 'request-%d' % n})
        if request.path == self.prefix:
            return self.reply(200, self.list_projects(request.value('name')))
        if request.headers.get('x-project-id') != self.project:
            return self.reply(403, {'error_msg': 'The project is not yours', 'error_code': 'APIGW.0303'})
        return self.behind(request, n)

    def reply(self, status, answer):
        date = email.utils.formatdate(time.time() + self.ahead, usegmt=True)
        return Reply(json.dumps(answer).encode(), status, (('Date', date),))

    def list_projects(self, name):
        found = [{'id': one, 'name': named, 'enabled': True, 'domain_id': 'd0'}
                 for named, ids in self.projects.items() for one in ids if name in (None, named)]
        return {'projects': found, 'links': {'self': 'https://iam.example.com/v3/projects'}}

    def check(self, request):
        if self.wrong >= LOCK_AFTER:
            raise Refused('AK access failed to reach the limit,forbidden.')
        match = AUTHORIZATION.fullmatch(request.headers.get('authorization', ''))
        if not match:
            raise Refused('decrypt token fail')
        if (match['access'] or match['scoped']) != self.key.access:
            raise Refused('Get secretKey failed,ak:******,err:ak not exist')
        try:
            self.check_signature(request, match)
        except Refused:
            self.wrong += 1
            raise
        self.wrong = 0
        self.seen.append(('scoped' if match['scope'] else 'plain', match['names']))

    def check_signature(self, request, match):
        headers, names, scope = request.headers, match['names'].split(';'), match['scope']
        wrong = Refused('verify aksk signature fail')
        date = headers.get('x-sdk-date', '')
        needed = {'host', 'x-sdk-date'} | ({'x-security-token'} if self.key.token else set())
        if ('scoped' if scope else 'plain') not in self.forms:
            raise wrong
        if not needed <= set(names) <= set(headers) or names != sorted(set(names)):
            raise wrong
        if is_off(date, time.time() + self.ahead):
            raise Refused('verify aksk signature fail, x-sdk-date is too far off')
        if scope and scope != date[:8] + '///sdk_request':
            raise wrong
        if headers.get('x-security-token') != self.key.token:
            raise wrong
        text = string_to_sign(canonical_request(request.method, request.target, headers, names, scoped=bool(scope)),
                              date, scope)
        if not hmac.compare_digest(signature(self.key.secret, text, scope), match['signature']):
            raise wrong
