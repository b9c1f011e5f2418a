# SPDX-License-Identifier: Apache-2.0
"""What a list call answers to criteria, computed from the records by the documents and nothing else.

Service.answer(text) gives the records that query/<text> must show, refusal(text, dialect) the error of what is
refused without a request. It shares no code with imsfs or ims-sim, though both must agree with it.
"""
import datetime
import json
import re
import urllib.parse

# The parameters of "Querying Images (Native OpenStack API)", GET /v2/images.
NATIVE = '''__isregistered __imagetype protected visibility owner id status name container_format disk_format min_ram
    min_disk __os_bit __platform marker limit sort_key sort_dir __os_type tag member_status __support_kvm __support_xen
    __support_largememory __support_diskintensive __support_highperformance __support_xen_gpu_type
    __support_kvm_gpu_type __support_xen_hana __support_kvm_infiniband created_at updated_at'''.split()
# What "Querying Images", GET /v2/cloudimages, has beyond them, in all its versions.
CLOUD_ONLY = '__whole_image __system__cmkid flavor_id virtual_env_type enterprise_project_id architecture'.split()
# What a plain Glance has beyond the native ones.
GLANCE_ONLY = 'os_hidden size_min size_max'.split()
SERVER_ONLY = 'member_status flavor_id'.split()

INTEGERS = ('min_ram', 'min_disk', 'size_min', 'size_max')
BOOLEANS = ('protected', '__whole_image', 'os_hidden')
TIMES = ('created_at', 'updated_at')
PAGING = ('marker', 'limit', 'sort_key', 'sort_dir')
SORT_KEYS = ('name', 'container_format', 'disk_format', 'status', 'id', 'size', 'created_at', 'create_at')
RENAMED = {'create_at': 'created_at'}  # one of the documents calls it so
MEMBER_STATUS = ('accepted', 'rejected', 'pending')
TIME_FORMS = ('%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S')
OPERATORS = {
    'gt': lambda a, b: a > b, 'gte': lambda a, b: a >= b, 'lt': lambda a, b: a < b,
    'lte': lambda a, b: a <= b, 'eq': lambda a, b: a == b, 'neq': lambda a, b: a != b,
}

# The documents' common query methods; {project} is the caller's. On a plain Glance there are no image types.
NAMED = {
    'ims': {
        'public': '__imagetype=gold&visibility=public&protected=true',
        'private': 'owner={project}',
        'shared-accepted': 'member_status=accepted&visibility=shared&__imagetype=shared',
        'shared-rejected': 'member_status=rejected&visibility=shared&__imagetype=shared',
        'shared-pending': 'member_status=pending&visibility=shared&__imagetype=shared',
    },
    'glance': {
        'public': 'visibility=public',
        'private': 'owner={project}',
        'shared-accepted': 'member_status=accepted&visibility=shared',
        'shared-rejected': 'member_status=rejected&visibility=shared',
        'shared-pending': 'member_status=pending&visibility=shared',
    },
}


def decode(text):
    """%XX once, as UTF-8; '+' is a plus, an invalid % itself."""
    return urllib.parse.unquote(text, errors='surrogateescape')


def parse(text):
    """[(name, value)]. A piece without '=' is a KeyError."""
    pairs = []
    for piece in text.split('&') if text else []:
        name, equals, value = piece.partition('=')
        if not equals:
            raise KeyError(piece)
        pairs.append((decode(name), decode(value)))
    return pairs


def query_string(pairs):
    """For a URL."""
    return '&'.join('%s=%s' % tuple(urllib.parse.quote(word, safe='', errors='surrogateescape') for word in pair)
                    for pair in pairs)


def time_of(text):
    """Seconds since 1970 of one of the documented forms, None for anything else."""
    for form in TIME_FORMS:
        try:
            moment = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except (ValueError, TypeError):
            continue
        if moment.strftime(form) == text:
            return int(moment.timestamp())
    return None


def operator_of(value):
    """(comparison, time); a time alone is eq. The time is None when the value is bad."""
    word, colon, rest = value.partition(':')
    if colon and word in OPERATORS:
        return OPERATORS[word], time_of(rest)
    return OPERATORS['eq'], time_of(value)


def is_value(name, value, dialect):
    """False for what is refused before anybody is asked."""
    glance = dialect == 'glance'
    if name in INTEGERS:
        return bool(re.fullmatch(r'-?[0-9]+', value))
    if name == 'limit':
        return bool(re.fullmatch(r'[0-9]+', value)) and int(value) >= 1
    if name in BOOLEANS:
        return value.lower() in ('true', 'false')
    if name in TIMES:
        return operator_of(value)[1] is not None
    if name == 'sort_dir':
        return value in ('asc', 'desc')
    if name == 'sort_key':
        return value in SORT_KEYS or glance and value == 'updated_at'
    if name == 'member_status':
        return value in MEMBER_STATUS or glance and value == 'all'
    return True


def is_support(name):
    return name.startswith('__support_') and name != '__support_'


def refusal(text, dialect):
    """The name of the errno that criteria get without a request; None: they are sent."""
    try:
        pairs = parse(text)
    except KeyError:
        return 'ENOENT'
    pairs = [(RENAMED.get(name, name), value) for name, value in pairs]
    names = [name for name, _ in pairs if name != 'tag']
    if '' in names or len(names) != len(set(names)):
        return 'EINVAL'
    for name, value in pairs:
        known = name in NATIVE or is_support(name)
        if dialect == 'ims' and not known and name not in CLOUD_ONLY:
            return 'EINVAL'
        if dialect == 'glance' and name in CLOUD_ONLY and name != 'architecture':
            return 'EOPNOTSUPP'
        if not is_value(name, value, dialect):
            return 'EINVAL'
    return None


def offline_refusal(text, dialect):
    """The same with a file as SOURCE, where nobody can be asked."""
    refused = refusal(text, dialect)
    if not refused and any(name in SERVER_ONLY for name, _ in parse(text)):
        return 'EOPNOTSUPP'
    return refused


def call_of(text, dialect, api='images'):
    """Which call the criteria must go to, on a mount of api."""
    cloud_only = any(name in CLOUD_ONLY for name, _ in parse(text))
    if dialect == 'glance':
        return 'images'
    return 'cloudimages' if cloud_only else api


def text_of(record, name):
    """An attribute as text, None where the record has none."""
    value = record.get(name)
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return value if value is None or isinstance(value, str) else str(value)


def is_true(record, name):
    return (text_of(record, name) or '').lower() == 'true'


def number_of(record, name):
    text = text_of(record, name)
    return int(text) if text is not None and re.fullmatch(r'-?[0-9]+', text) else None


class Service:
    """An image service with these records, as this caller sees it."""

    def __init__(self, images, dialect='ims', project='', members=None, flavors=None):
        self.images = images
        self.dialect = dialect
        self.project = project
        self.members = members or {}
        self.flavors = flavors or {}

    def data(self):
        """What ims-sim takes."""
        value = {'images': self.images, 'members': self.members, 'flavors': self.flavors}
        return {**value, 'project_id': self.project} if self.project else value

    def is_own(self, record):
        return bool(self.project) and record.get('owner') == self.project

    def membership(self, record):
        """The caller's, in somebody else's image; None: it is not a member."""
        found = [m['status'] for m in self.members.get(record['id'], []) if m['member_id'] == self.project]
        return found[-1] if found else None

    def is_listed(self, record, wanted, call):
        """Whether the service would show it at all; wanted: the criteria as a dictionary."""
        visibility = record.get('visibility')
        if record.get('os_hidden') is True and 'os_hidden' not in wanted:
            return False
        if call == 'cloudimages' and '__isregistered' not in wanted and not is_true(record, '__isregistered'):
            return False
        if not self.project or self.is_own(record):
            return True
        if visibility == 'shared':
            status = self.membership(record)
            return bool(status) and wanted.get('member_status', 'accepted') in (status, 'all')
        if visibility == 'community':
            return wanted.get('visibility') in ('community', 'all')
        return visibility != 'private'

    def holds(self, record, name, value, call):
        """One criterion."""
        if name in PAGING:
            return True
        if name in CLOUD_ONLY and call == 'images':  # a property of that name, on a plain Glance
            return text_of(record, name) == value
        special = getattr(self, 'holds_' + name, None)
        if special:
            return special(record, value)
        if name in INTEGERS:
            return number_of(record, name) == int(value)
        if name in BOOLEANS:
            return is_true(record, name) == (value.lower() == 'true')
        if name in TIMES:
            compare, wanted = operator_of(value)
            have = time_of(text_of(record, name))
            return have is not None and compare(have, wanted)
        return text_of(record, name) == value

    def holds_tag(self, record, value):
        return value in (record.get('tags') or [])

    def holds_visibility(self, record, value):
        return value == 'all' or text_of(record, 'visibility') == value

    def holds_member_status(self, record, value):
        if text_of(record, 'visibility') != 'shared':
            return True
        if self.is_own(record):
            return self.dialect == 'glance'
        status = self.membership(record)
        return bool(status) and value in (status, 'all')

    def holds_flavor_id(self, record, value):
        return record['id'] in self.flavors.get(value, [])

    def holds_architecture(self, record, value):
        return value == ('arm' if is_true(record, '__support_arm') else 'x86')

    def holds_enterprise_project_id(self, record, value):
        have = text_of(record, 'enterprise_project_id')
        if have is None:
            have = text_of(record, '_sys_enterprise_project_id')
        return value in (have or '0', 'all_granted_eps')

    def holds_size_min(self, record, value):
        size = number_of(record, 'size')
        return size is not None and size >= int(value)

    def holds_size_max(self, record, value):
        size = number_of(record, 'size')
        return size is not None and size <= int(value)

    def ordered(self, images, wanted):
        key = wanted.get('sort_key', 'created_at').replace('create_at', 'created_at')

        def value(record, name):
            if name == 'size':
                have = number_of(record, name)
            elif name in TIMES:
                have = time_of(text_of(record, name))
            else:
                have = text_of(record, name)
                have = None if have is None else have.encode()
            return (False,) if have is None else (True, have)  # what is absent is the lowest

        return sorted(images, key=lambda r: (value(r, key), value(r, 'created_at'), value(r, 'id')),
                      reverse=wanted.get('sort_dir') != 'asc')

    def answer(self, text, api='images', call=None):
        """The records for the criteria, in order: a page with limit, everything else without."""
        pairs = [(RENAMED.get(name, name), value) for name, value in parse(text)]
        wanted = dict(pairs)
        call = call or call_of(text, self.dialect, api)
        found = self.ordered(self.images, wanted)
        if 'marker' in wanted:
            found = found[[r['id'] for r in found].index(wanted['marker']) + 1:]
        found = [r for r in found if self.is_listed(r, wanted, call) and
                 all(self.holds(r, name, value, call) for name, value in pairs)]
        return found[:int(wanted['limit'])] if 'limit' in wanted else found

    def ids(self, text, api='images', call=None):
        return [record['id'] for record in self.answer(text, api, call)]

    def named(self, name):
        """The ids that query/<name> must have."""
        found = self.answer(NAMED[self.dialect][name].format(project=self.project))
        if self.dialect == 'glance' and name == 'shared-pending':
            found = [r for r in found if not self.is_own(r)]
        return [r['id'] for r in found]


class File(Service):
    """A file with these records. Whoever has it sees all of it."""

    def is_listed(self, record, wanted, call):
        return True


def json_of(service):
    """The data of a service, for ims-sim or as a file."""
    return json.dumps(service.data(), ensure_ascii=False).encode()
