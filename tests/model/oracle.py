# SPDX-License-Identifier: Apache-2.0
"""Which lists a mount may show at a moment, and whether what a reader saw is in one of them.

A use of a path may show each list that was the newest of those told within the last validity, max(ttl, 2 d); while the
service fails, the last one. SLOP is what a busy machine may add to each time: between the service's last byte and the
end of the listing in imsfs, and between an answer and its reader.
"""
import posixpath

import harness

SLOP = harness.SLACK / 4
GONE = ('ENOENT', 'ESTALE')


class Wrong(Exception):
    """What was seen is in no list that may be shown."""


class Oracle:
    def __init__(self, world, ttl, timeout):
        self.world = world
        self.timeout = timeout
        self.ttl = ttl
        self.floor = 0  # of the mount's own list: no earlier one may be shown any more

    def states(self, begin, end, filters=()):
        """The lists that a use between two moments may show. Empty: none was told yet."""
        with self.world.lock:
            known = list(self.world.states)
        if not hasattr(self.world, 'told'):
            return self._of_a_file(known, begin)
        told = [one for one in self.world.heard(filters) if one.end <= end]
        failing = self.failing(begin, filters)
        allowed = []
        if not told or told[0].end > begin:
            allowed += [version for version, began in self.world.heard_in_part(filters) if began <= end]
        for i, one in enumerate(told):
            valid = one.end + max(self.ttl, 2 * (one.end - one.begin + SLOP)) + SLOP
            replaced = told[i + 1].end + SLOP if i + 1 < len(told) else None
            if valid >= begin or (failing and (replaced is None or replaced >= begin)):
                allowed.append(one.version)
        return [known[v] for v in sorted(set(allowed)) if filters or v >= self.floor]

    def _of_a_file(self, known, begin):
        window = max(self.ttl, 2 * SLOP) + 2 * SLOP
        ends = [state.since for state in known[1:]] + [float('inf')]
        return [state for v, (state, end) in enumerate(zip(known, ends)) if end >= begin - window and v >= self.floor]

    def failing(self, begin, filters):
        """Whether imsfs may still be told that the service fails: its next try, and the end of that."""
        return self.world.last_fault(filters) > begin - 2 * self.ttl - self.timeout - SLOP

    def settled(self):
        """The newest list was seen everywhere, or one that nobody can tell from it."""
        states = self.world.states
        self.floor = len(states) - 1
        while self.floor and states[self.floor - 1].tree() == states[-1].tree():
            self.floor -= 1

    def may_fail(self, begin, filters):
        """Whether a query's first listing may have failed for a reader."""
        return bool(filters) and hasattr(self.world, 'told') and (
            self.failing(begin, filters))


def resolve(tree, path):
    """The path's node with all links on its way followed, its own too. None: it leads nowhere."""
    for _ in range(8):
        done = b''
        for part in path.split(b'/'):
            here = posixpath.join(done, part)
            node = tree.get(here)
            if node is None:
                return None
            if node.kind == 'l':
                rest = path[len(here):].lstrip(b'/')
                path = posixpath.normpath(posixpath.join(done, node.data, rest))
                break
            done = here
        else:
            return tree[path]
    return None


def children(tree, directory):
    prefix = directory + b'/' if directory else b''
    return {path[len(prefix):] for path in tree
            if path.startswith(prefix) and path != directory and b'/' not in path[len(prefix):]}


def check_node(what, nodes, error, found):
    """nodes: what each list that may be shown has there, None for nothing. found(node): what a reader saw fits it."""
    if error in GONE:
        if None not in nodes:
            raise Wrong('%s: %s, but every list has it' % (what, error))
    elif error != 'OK':
        raise Wrong('%s: %s' % (what, error))
    elif not any(node is not None and found(node) for node in nodes):
        kinds = [node and (node.kind, node.mtime, node.data and (len(node.data), node.data[:60])) for node in nodes]
        raise Wrong('%s: in no list that may be shown; these have %r' % (what, kinds))


def check_names(what, listings, names, extra=()):
    """names: those of one listing of a directory; listings: what each list that may be shown has there, None: no such
    directory. What all have must be there, and nothing that none has."""
    there = [one for one in listings if one is not None]
    if len(names) != len(set(names)):
        raise Wrong('%s: twice: %r' % (what, sorted(n for n in set(names) if names.count(n) > 1)))
    if not there:
        raise Wrong('%s: no list that may be shown has this directory' % what)
    strange = set(names) - set().union(*there) - set(extra)
    if strange:
        raise Wrong('%s: not expected: %r' % (what, sorted(strange)))
    missing = set.intersection(*there) - set(names) if len(there) == len(listings) else ()
    if missing:
        raise Wrong('%s: missing: %r' % (what, sorted(missing)))
