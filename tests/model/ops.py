# SPDX-License-Identifier: Apache-2.0
"""The operations of a sequence: on the list, and on the mount.

Each is a name and a number that all its choices come from, so that a sequence without some of them is one still.
Sequence runs them one after the other and raises Wrong for what no list tells.
"""
import os
import random
import signal
import subprocess
import threading
import time

import harness
import world
from oracle import Oracle, Wrong, check_names, check_node, children, resolve
from readdir import Directory

QUERIES = ('status=active', 'status=queued', 'visibility=public', 'visibility=private', 'name=a', 'name=-', 'name=')
TIMEOUT = 5
LONGEST = TIMEOUT + 2 * harness.SLACK  # of any use of a path
AT_ONCE = 1 + harness.SLACK  # for a reader who is interrupted
HELD = 4
FAULTS = ('forbidden', 'missing', 'busy', 'garbage', 'odd', 'reset', 'cut')
# How often each comes.
WEIGHTS = {
    'add': 6, 'remove': 5, 'change': 8, 'rename': 4, 'shuffle': 2, 'clear': 1, 'fail': 3,
    'list': 12, 'read': 16, 'stat': 12, 'follow': 14, 'readlink': 5, 'absent': 5, 'query': 8, 'query_read': 6,
    'open_dir': 4, 'read_dir': 8, 'seek_dir': 4, 'open_file': 4, 'read_file': 8, 'hold': 3, 'relative': 8,
    'forget': 2, 'status': 1, 'interrupt': 1, 'hup': 3, 'wait': 1,
}


def make(seed, count):
    """The operations of a sequence."""
    chance = random.Random('operations %s' % seed)
    return [(name, chance.getrandbits(32)) for name in chance.choices(list(WEIGHTS), WEIGHTS.values(), k=count)]


def outcome(call, *arguments, **options):
    """(name of the errno or 'OK', result or None)"""
    result = []
    error = harness.error_of(lambda: result.append(call(*arguments, **options)))
    return error, result[0] if result else None


def read_all(path, chance, dir_fd=None):
    """A file's bytes: what fstat says of its size, and a few pieces of it as (offset, bytes)."""
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    try:
        return os.fstat(fd).st_size, pieces(fd, chance)
    finally:
        os.close(fd)


def pieces(fd, chance):
    ways = [[(0, 1 << 20)], [(0, 7), (7, 1 << 20)]]
    at = chance.choice((0, 1, 4095, 4096, 8192, 10000))
    ways += [[(at, chance.choice((1, 100, 4096, 5000)))], [(at, 10), (0, 10)]]
    return [(offset, size, os.pread(fd, size, offset)) for offset, size in chance.choice(ways)]


def fits(node, size, parts):
    """Whether all pieces are of this one file."""
    return node.kind == 'f' and size == len(node.data) and all(
        data == node.data[offset:offset + length] for offset, length, data in parts)


class Open:
    """A handle that stays open, with the lists that it may show."""

    def __init__(self, path, handle, first):
        self.path = path
        self.handle = handle
        self.first = first  # number of the earliest list
        self.names = []     # of a directory: (place, name)
        self.nodes = []     # of a file: what it may be


class Sequence:
    def __init__(self, mount, outside, ttl, faults):
        self.mount = mount
        self.world = outside
        self.ttl = ttl
        self.oracle = Oracle(outside, ttl, TIMEOUT)
        self.point = os.fsencode(mount.point)
        self.faults = faults
        self.files, self.directories, self.places = [], [], []
        self.queries = set()

    def run(self, operations):
        """Index of the operation at hand is in self.at when it raises."""
        for self.at, (name, number) in enumerate(operations):
            begin = time.monotonic()
            getattr(self, name)(random.Random(number))
            took = time.monotonic() - begin
            if name not in ('hup', 'wait', 'interrupt') and took > LONGEST:
                raise Wrong('%s took %.1f s' % (name, took))
        self.at = len(operations)
        self.hup(None)

    def close(self):
        for one in self.files + self.places:
            os.close(one.handle)
        for one in self.directories:
            one.handle.close()

    # --- The list ---

    def add(self, chance):
        def make_list(records):
            free = [i for i in world.IDS if i not in [r['id'] for r in records]]
            if free:
                at = chance.choice((0, len(records), chance.randint(0, len(records))))
                records.insert(at, world.a_record(chance, chance.choice(free)))
            return records
        self.world.change(make_list)

    def remove(self, chance):
        def make_list(records):
            if records:
                del records[chance.randrange(len(records))]
            return records
        self.world.change(make_list)

    def change(self, chance, key=None):
        """Another value for an attribute, or one that comes or goes; often without another updated_at."""
        def make_list(records):
            if records:
                record = chance.choice(records)
                other = world.a_record(chance, record['id'])
                name = key or chance.choice(sorted(set(record) | set(other)))
                if name in other:
                    record[name] = other[name]
                elif name != 'id':
                    record.pop(name, None)
            return records
        self.world.change(make_list)

    def rename(self, chance):
        self.change(chance, 'name')

    def shuffle(self, chance):
        self.world.change(lambda records: chance.sample(records, len(records)))

    def clear(self, chance):
        self.world.change(lambda records: [])

    def fail(self, chance):
        if self.faults and self.world.heard():  # readers of a first list are told of its failure
            self.world.fail(chance.choices(FAULTS, k=chance.choice((1, 1, 2, 5))))

    # --- Uses of paths ---

    def tree_of(self, chance):
        """Any list that there was, mostly the newest."""
        states = self.world.states
        return chance.choice([states[-1]] * 4 + states[-3:] + [chance.choice(states)]).tree()

    def path_of(self, chance, kinds):
        """A path of these kinds, and below which place: some views are much larger than others."""
        tree = self.tree_of(chance)
        tops = sorted(path for path in tree if b'/' not in path)
        top = chance.choice([b'images'] * 3 + tops)
        found = sorted(p for p, node in tree.items() if node.kind in kinds and (p + b'/').startswith(top + b'/'))
        return chance.choice(found) if found else None

    def seen(self, begin):
        """The trees that may be shown to a use that began then and has ended."""
        states = self.oracle.states(begin, time.monotonic())
        if not states:
            raise Wrong('the model has no list to show: told %r, now %.3f to %.3f, not before %d' % (
                self.world.heard()[-4:], begin, time.monotonic(), self.oracle.floor))
        return [state.tree() for state in states]

    def use(self, what, path, call, *arguments, found, at=resolve):
        """One use of a path below the mount point; at(tree, path): the node that it leads to."""
        begin = time.monotonic()
        error, result = outcome(call, os.path.join(self.point, path), *arguments)
        nodes = [at(tree, path) for tree in self.seen(begin)]
        check_node('%s %r gave %.300r' % (what, path, result or error), nodes, error, lambda node: found(node, result))

    def list(self, chance):
        path = self.path_of(chance, 'd')
        begin = time.monotonic()
        error, names = outcome(os.listdir, os.path.join(self.point, path))
        trees = self.seen(begin)
        if error != 'OK':
            check_node('list %r' % path, [tree.get(path) for tree in trees], error, None)
        else:
            check_names('list %r' % path, [children(t, path) if path in t else None for t in trees], names)

    def read(self, chance):
        path = self.path_of(chance, 'f')
        if path:
            self.use('read', path, read_all, chance, found=lambda node, got: fits(node, *got))

    def follow(self, chance):
        """Through a link of a view to one of the files behind it."""
        link = self.path_of(chance, 'l')
        if not link:
            return
        path = link + b'/' + chance.choice((b'id', b'name', b'status', b'text', b'image.json', b'tags'))
        self.use('read', path, read_all, chance, found=lambda node, got: fits(node, *got))

    def stat(self, chance):
        path = self.path_of(chance, 'dfl')
        size = {'f': lambda n: len(n.data), 'l': lambda n: len(n.data)}

        def found(node, got):
            kind = {0o04: 'd', 0o10: 'f', 0o12: 'l'}[got.st_mode >> 12]
            return kind == node.kind and (kind == 'd' or got.st_size == size[kind](node)) and (
                node.mtime in (None, int(got.st_mtime // 1)))
        self.use('stat', path, os.lstat, found=found, at=lambda tree, p: tree.get(p))

    def readlink(self, chance):
        path = self.path_of(chance, 'l')
        if path:
            self.use('readlink', path, os.readlink, found=lambda node, got: node.kind == 'l' and node.data == got,
                     at=lambda tree, p: tree.get(p))

    def absent(self, chance):
        """A name that is perhaps not there, also to have the kernel keep that."""
        path = self.path_of(chance, 'd')
        name = chance.choice((b'nothing', b'i1', b'a@i2', b'%2F', b'none', b'id', b'image.json', b'x' * 255))
        self.use('lstat', os.path.join(path, name), os.lstat, found=lambda node, got: True,
                 at=lambda tree, p: tree.get(p))

    def status(self, chance):
        self.mount.status()

    # --- Queries ---

    def query_of(self, chance):
        text = chance.choice(QUERIES)
        self.queries.add(text)
        return os.path.join(self.point, b'query', text.encode()), (tuple(text.split('=')),)

    def query(self, chance):
        self.list_query(*self.query_of(chance))

    def list_query(self, path, filters):
        begin = time.monotonic()
        error, names = outcome(os.listdir, path)
        if error != 'OK':
            if not self.oracle.may_fail(begin, filters):
                raise Wrong('list %r: %s' % (path, error))
            return
        trees = [state.tree(filters) for state in self.oracle.states(begin, time.monotonic(), filters)]
        check_names('list %r' % path, [children(tree, b'') for tree in trees], names)

    def query_read(self, chance):
        directory, filters = self.query_of(chance)
        tree = chance.choice(self.world.states[-3:]).tree(filters)
        found = sorted(p for p, node in tree.items() if node.kind == 'f')
        if not found:
            return
        path = chance.choice(found)
        begin = time.monotonic()
        error, got = outcome(read_all, os.path.join(directory, path), chance)
        if error not in ('OK', 'ENOENT') and self.oracle.may_fail(begin, filters):
            return
        nodes = [state.tree(filters).get(path) for state in self.oracle.states(begin, time.monotonic(), filters)]
        check_node('read %r in query %r' % (path, filters), nodes, error, lambda node: fits(node, *got))

    # --- Handles that stay open while the list changes ---

    def keep(self, where, path, handle, begin):
        states = self.oracle.states(begin, time.monotonic())
        where.append(Open(path, handle, self.world.states.index(states[0])))
        if len(where) > HELD:
            old = where.pop(0)
            old.handle.close() if isinstance(old.handle, Directory) else os.close(old.handle)
        return states

    def open_dir(self, chance):
        path = self.path_of(chance, 'd')
        begin = time.monotonic()
        error, handle = outcome(Directory, os.path.join(self.point, path))
        check_node('opendir %r' % path, [t.get(path) for t in self.seen(begin)], error, lambda n: n.kind == 'd')
        if handle:
            self.keep(self.directories, path, handle, begin)

    def read_dir(self, chance):
        if not self.directories:
            return
        one = chance.choice(self.directories)
        for _ in range(chance.choice((1, 3, 100))):
            error, entry = outcome(one.handle.next)
            if error != 'OK' or entry is None:
                break
            one.names.append(entry)
        trees = [state.tree() for state in self.world.states[one.first:]]
        places = [self.place_of(tree, one) for tree in trees]
        if error != 'OK':
            check_node('readdir %r' % one.path, [tree.get(place) for tree, place in zip(trees, places)], error, None)
            return
        listings = [children(tree, place) if place in tree else None for tree, place in zip(trees, places)]
        names = [name for _, name in one.names]
        rest = set() if entry is None else set().union(*filter(None, listings)) - set(names)
        check_names('readdir %r' % one.path, listings, names + sorted(rest))

    def seek_dir(self, chance):
        """Back to where it once was, or to its start."""
        if self.directories:
            one = chance.choice(self.directories)
            if one.names:
                at = chance.randrange(len(one.names))
                one.handle.seek(one.names[at][0])
                del one.names[at:]

    def open_file(self, chance):
        path = self.path_of(chance, 'f')
        if not path:
            return
        begin = time.monotonic()
        error, fd = outcome(os.open, os.path.join(self.point, path), os.O_RDONLY)
        nodes = [tree.get(path) for tree in self.seen(begin)]
        check_node('open %r' % path, nodes, error, lambda node: node.kind == 'f')
        if fd is not None:
            self.keep(self.files, path, fd, begin)
            self.files[-1].nodes = [node for node in nodes if node]

    def read_file(self, chance):
        """What was read of one handle must all be of one content."""
        if not self.files:
            return
        one = chance.choice(self.files)
        error, parts = outcome(pieces, one.handle, chance)
        if error == 'ESTALE':
            trees = [state.tree() for state in self.world.states[one.first:]]
            if all(tree.get(one.path) == one.nodes[0] for tree in trees):
                raise Wrong('read of an open %r: ESTALE, but it never changed' % one.path)
            return
        if error != 'OK':
            raise Wrong('read of an open %r: %s' % (one.path, error))
        nodes = [node for node in one.nodes if fits(node, len(node.data), parts)]
        if not nodes:
            raise Wrong('read of an open %r: %.300r is not of what it was' % (one.path, parts))
        one.nodes = nodes

    def hold(self, chance):
        """A working directory, in effect."""
        path = self.path_of(chance, 'd')
        begin = time.monotonic()
        error, fd = outcome(os.open, os.path.join(self.point, path), os.O_PATH | os.O_DIRECTORY)
        check_node('hold %r' % path, [t.get(path) for t in self.seen(begin)], error, lambda n: n.kind == 'd')
        if fd is not None:
            self.keep(self.places, path, fd, begin)

    @staticmethod
    def place_of(tree, one):
        """Where a directory that is held is in a list: an image stays the same one wherever it goes."""
        if one.path.count(b'/') != 4:
            return one.path
        link = tree.get(b'by-id/' + one.path.rpartition(b'@')[2])
        return link.data[3:] if link else b'nowhere'

    def relative(self, chance):
        if not self.places:
            return
        one = chance.choice(self.places)
        tree = self.tree_of(chance)
        names = sorted(children(tree, one.path)) or [b'text']
        name = chance.choice(names)
        begin = time.monotonic()
        error, got = outcome(os.stat, name, dir_fd=one.handle, follow_symlinks=False)
        nodes = [t.get(os.path.join(self.place_of(t, one), name)) for t in self.seen(begin)]
        check_node('stat %r inside %r' % (name, one.path), nodes, error,
                   lambda n: n.kind != 'f' or got.st_size == len(n.data))

    def forget(self, chance):
        """Has the kernel drop a file's pages."""
        for one in self.files:
            os.posix_fadvise(one.handle, 0, 0, os.POSIX_FADV_DONTNEED)

    # --- Time and signals ---

    def interrupt(self, chance):
        """^C of a reader who may be waiting."""
        gate = threading.Event()
        if self.world.__class__ is world.Service:
            self.world.gate = gate
        try:
            path, _ = self.query_of(chance)
            reader = subprocess.Popen(['ls', path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.choice((0, 0.01, 0.03)))
            reader.send_signal(chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL)))
            if harness.end_of(reader, AT_ONCE) is None:
                reader.kill()
                raise Wrong('an interrupted reader goes on waiting')
        finally:
            self.world.gate = None
            gate.set()

    def hup(self, chance):
        """The newest list must be everywhere, soon."""
        if self.faults:
            self.world.fail([])
        self.mount.process.send_signal(signal.SIGHUP)
        self.settle()

    def wait(self, chance):
        """The same by itself, when the TTL has passed."""
        if self.faults:
            self.world.fail([])
        time.sleep(self.ttl)
        self.settle()

    def settle(self):
        expected = self.world.newest.tree()
        if not harness.wait_for(lambda: not self.differences(expected) and self.world.has_told_newest(), LONGEST, 0.05):
            raise Wrong('after a renewal: %s %s' % ('' if self.world.has_told_newest() else 'it did not ask for the newest list',
                                                 '\n'.join(self.differences(expected))))
        self.oracle.settled()
        for text in sorted(self.queries):
            path, filters = os.path.join(self.point, b'query', text.encode()), (tuple(text.split('=')),)
            newest = children(self.world.newest.tree(filters), b'')
            if not harness.wait_for(lambda: self.names(path) == newest, LONGEST, step=0.05):
                raise Wrong('query %s after a renewal: %r, expected %r' % (text, self.names(path), newest))

    @staticmethod
    def names(path):
        error, names = outcome(os.listdir, path)
        return set(names) if names is not None else error

    def differences(self, expected):
        error, tree = outcome(harness.snapshot, self.point)
        return ['%s while walking' % error] if error != 'OK' else harness.differences(expected, tree)
