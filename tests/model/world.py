# SPDX-License-Identifier: Apache-2.0
"""The outside of a mount: an image service, or a file, whose list changes, and all that it ever said.

A listing of the service is one list, whatever changes meanwhile: each page comes from the list that its first page came
from. So what the mount may show is always one of the lists that were told in whole.
"""
import collections
import json
import os
import random
import threading
import time
import urllib.parse

import reference
from rawserver import RawServer, Reply, error

IDS = ['i%d' % i for i in range(8)] + ['a@b', '..', 'a/b', '%41', '\u6d4b', 'x' * 128]
STATES = ('active', 'active', 'queued', '', None, '..', 'a/b')
TYPES = (('gold', 'public'), ('private', 'private'), ('gold', 'private'), (None, 'shared'))
MEEK, HOSTILE = 'a-', 'a/.\x01%@~'
FILTERS = ('status', 'name', 'visibility')  # the criteria that the service knows
FIRST_WAIT = 0.15  # for the first page, when later ones are asked for beside it

Told = collections.namedtuple('Told', 'version begin end')


def a_name(chance):
    """Few enough that they meet, and among them what breaks names."""
    kind = chance.randrange(13)
    if kind == 12:
        return chance.choice('ab\u6d4b/') * chance.choice((60, 200, 255, 256, 300))
    letters, least = (HOSTILE, 0) if kind > 9 else (MEEK, 1)
    return ''.join(chance.choice(letters) for _ in range(chance.randint(least, 3)))


def a_text(chance):
    """Of no page of memory, of one or of several; each part tells where it is."""
    size = chance.choice((0, 1, 40, 4095, 4096, 9000))
    word = '%d.' % chance.randrange(1000)
    return ''.join('%s%d,' % (word, i) for i in range(size // 6 + 1))[:size]


def a_record(chance, name):
    imagetype, visibility = chance.choice(TYPES)
    record = {
        'id': name, 'name': a_name(chance), 'status': chance.choice(STATES), 'visibility': visibility,
        '__imagetype': imagetype, '__platform': a_name(chance), 'text': a_text(chance),
        'tags': [a_name(chance) for _ in range(chance.randrange(3))],
        'created_at': '2020-01-01T00:00:%02dZ' % chance.randrange(60),
        'updated_at': '2021-01-01T00:00:%02dZ' % chance.randrange(60), 'size': 2 ** 60 + chance.randrange(9),
    }
    for _ in range(chance.randrange(3)):
        record[a_name(chance)] = chance.choice((None, True, 1, [], {'a': 'b'}, 'x', a_name(chance)))
    if chance.random() < 0.2:
        del record[chance.choice(('name', 'status', 'updated_at', '__platform'))]
    return record


class State:
    """One list. Trees are made when somebody asks for them."""

    def __init__(self, records, since):
        self.records = records
        self.since = since
        self.text = json.dumps(records).encode()
        self._trees = {}

    def selected(self, filters):
        """The records that a query of these criteria has, in their order."""
        return [r for r in self.records
                if all(isinstance(r.get(k), str) and r[k] == v for k, v in filters)]

    def tree(self, filters=()):
        """Path -> node: below the mount point, or, with criteria, below the query's directory."""
        if filters not in self._trees:
            self._trees[filters] = self._query_tree(filters) if filters else reference.build(self.text, ['tags'])
        return self._trees[filters]

    def _query_tree(self, filters):
        tree = reference.Tree()
        for image in reference.images(json.dumps(self.selected(filters)).encode()):
            tree[image.directory] = reference.Node('d', None, *image.times)
            for name, data in image.files().items():
                tree[image.directory + b'/' + name] = reference.Node('f', data, *image.times)
        return tree


class World:
    """All lists there have been. Whoever changes it and the service's threads share the lock."""

    def __init__(self, chance):
        self.lock = threading.Condition()
        count = chance.choice((0, 1, 3, 5, 8))
        self.states = []
        self._publish([a_record(chance, name) for name in chance.sample(IDS, count)])

    def _publish(self, records):
        self.states.append(State(records, time.monotonic()))

    @property
    def newest(self):
        return self.states[-1]

    def change(self, make):
        """make(records) gives the next list."""
        with self.lock:
            self._publish(make([dict(r) for r in self.newest.records]))
            self.changed()

    def changed(self):
        pass

    def has_told_newest(self):
        return True

    def close(self):
        pass


class Service(World):
    """The list by HTTP. told: criteria -> the listings that were told in whole, in their order."""

    def __init__(self, chance, page, parallel=False, lie=None):
        super().__init__(chance)
        self.page = page
        self.parallel = parallel
        self.lie = lie  # lie(records): what is told instead, for a model that must find out
        self.told = collections.defaultdict(list)
        self.faults = []       # what becomes of the next requests
        self.faulted = {}      # criteria -> when a fault was last told
        self.gate = None
        self.begun = collections.defaultdict(list)  # criteria -> (version, begin) of listings, until one is told
        self._open = {}        # criteria -> Listing, the last one
        self.server = RawServer(self._answer)
        self.source = self.server.url

    def close(self):
        self.server.close()

    def fail(self, kinds):
        with self.lock:
            self.faults = list(kinds)

    def last_fault(self, filters):
        with self.lock:
            return self.faulted.get(filters, float('-inf'))

    def has_told_newest(self):
        told = self.heard()
        return bool(told) and told[-1].version == len(self.states) - 1

    def heard(self, filters=()):
        with self.lock:
            return list(self.told[filters])

    def heard_in_part(self, filters=()):
        """(version, begin) of the first listings: they are shown while they grow, also what came of one that failed."""
        with self.lock:
            return list(self.begun[filters])

    def _fault(self, filters, body):
        kind = self.faults.pop(0)
        self.faulted[filters] = time.monotonic()
        return {'forbidden': error(403), 'missing': error(404), 'busy': Reply(b'', 503, (('Retry-After', '0'),)),
                'garbage': Reply(b'<html>'), 'odd': Reply(b'{"images": {}}'), 'reset': Reply(reset=True),
                'cut': Reply(body, cut=len(body) // 2)}[kind]

    def _answer(self, request, n):
        marker = request.value('marker')
        filters = tuple(sorted(pair for pair in request.query if pair[0] in FILTERS))
        with self.lock:
            if marker is None:
                self._open[filters] = Listing(len(self.states) - 1, self.newest.selected(filters))
                if not self.told[filters]:
                    self.begun[filters].append((len(self.states) - 1, time.monotonic()))
                self.lock.notify_all()
            elif self.parallel:
                self.lock.wait_for(lambda: filters in self._open and not self._open[filters].told, FIRST_WAIT)
            reply = self._page(filters, marker, min(self.page, int(request.value('limit') or 25)))
            reply.gate = self.gate
            return reply

    def _page(self, filters, marker, size):
        listing = self._open.get(filters)
        if not listing or marker is not None and marker not in listing.ids:
            return error(400)
        start = listing.ids.index(marker) + 1 if marker is not None else 0
        part = listing.records[start:start + size]
        answer = {'images': self.lie(part) if self.lie else part}
        if len(part) == size:
            answer['next'] = '/v2/images?marker=' + urllib.parse.quote(part[-1]['id'], safe='')
        body = json.dumps(answer).encode()
        if self.faults:
            return self._fault(filters, body)
        if listing.tell(start, len(part), len(part) < size):
            self.told[filters].append(Told(listing.version, listing.begin, time.monotonic()))
        return Reply(body)


class Listing:
    """One that is under way, its pages in any order."""

    def __init__(self, version, records):
        self.version = version
        self.records = records
        self.ids = [record['id'] for record in records]
        self.begin = time.monotonic()
        self.left = {*range(len(records)), 'end'}
        self.told = False

    def tell(self, start, count, end):
        """Whether with these the whole is told, for the first time."""
        self.left -= {*range(start, start + count)} | ({'end'} if end else set())
        first = not self.left and not self.told
        self.told |= first
        return first


class File(World):
    """The list in a file, which is replaced."""

    def __init__(self, chance, directory):
        self.source = os.path.join(str(directory), 'images.json')
        super().__init__(chance)
        self.changed()

    def changed(self):
        fresh = self.source + '.new'
        with open(fresh, 'wb') as file:
            file.write(self.newest.text)
        os.rename(fresh, self.source)
