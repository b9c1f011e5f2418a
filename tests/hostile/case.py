# SPDX-License-Identifier: Apache-2.0
"""What a row of the table is, and the good lists before and after it."""
import dataclasses
import json

import data
import harness
from rawserver import Reply


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    name: str
    threat: int            # see threats.py
    script: object         # a Reply, a list of them (the last one repeats), or handler(request, n)
    cold: str = 'EIO'      # a regular expression: what a reader gets who has no list yet; OK: what came is shown
    warm: str = None       # what one gets who has a list, "stale" or "OK"; default: stale for an error
    held: bool = False     # who refuses so is not asked again for a minute, whatever he would say
    log: str = None        # a regular expression for the one line that tells of the failure, or for a warning
    shown: bytes = None    # the records that are shown then, as JSON; default: the script's body
    names: tuple = None    # or only what by-id has, where the whole tree would be large
    skipped: int = 0       # records that are not shown, as status.json counts them
    after: float = 0       # seconds that one try takes at least ...
    within: float = 4      # ... and at most
    requests: tuple = (1, 1)  # for pages, at least and at most, of one try
    options: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)  # in the home directory
    greeting: tuple = None    # the server's while it is hostile; see rawserver
    tls: str = None           # the certificate while it is hostile; then the mount's URL is https
    alpn: bool = False        # the server offers HTTP/2
    sign_in: object = None    # as script, for POST /v3/auth/tokens; then the mount signs in with a password
    source: str = None        # where the mount looks for the server, with {port}
    never: bool = False       # there can be no list, neither before nor afterwards
    memory: int = 16 << 20    # bytes that may stay
    peak: int = 120 << 20     # bytes at any time

    def __str__(self):
        return '%02d %s' % (self.threat, self.name)


@dataclasses.dataclass(frozen=True)
class Run:
    case: Case
    warm: bool

    def __str__(self):
        return '%s-%s' % (self.case, 'warm' if self.warm else 'cold')


def good(number):
    """The records of a good list: each number has another one. Few files, as they are all read often."""
    return data.response([{'id': 'one', 'name': 'good %d' % number, 'status': 'active'},
                          {'id': 'two', 'min_ram': number}])


def good_reply(number):
    return Reply(good(number))


def page(items, marker=None, **more):
    """One page; items as JSON already, or values."""
    if not isinstance(items, bytes):
        items = json.dumps(items).encode()
    link = b', "next": %s' % json.dumps('/v2/images?marker=' + marker).encode() if marker is not None else b''
    return Reply(b'{"images": %s%s}' % (items, link), **more)


def listing(*records):
    """A list of these records, spelled as they are."""
    return Reply(b'{"images": [%s]}' % b', '.join(records))


def over(limit, most):
    """What is logged of what goes beyond a limit: by which option that would be raised."""
    return r'more [^;]* than %s=%d allows( at byte \d+)?; raise the limit' % (limit, most)


OLD = 'old'  # of Case.tls: a good certificate, but no TLS that we speak
SECRETS = {'OS_TOKEN': harness.TOKEN}
