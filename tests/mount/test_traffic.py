# SPDX-License-Identifier: Apache-2.0
"""What the kernel asks for and is given unasked, counted: the first time, once more within one lease, and after a refresh.
No times: tests/bench/run has those."""
import os
import subprocess
import time

import pytest

import data
import harness
import measure

PASSES = 5  # the kernel reclaims pages when it likes: the best of so many counts
IMAGES = 200
AGAIN = 1.3  # the kernel is told of a change once more after a second
STATFS = {'STATFS'}  # find asks for the kind of file system, and nothing keeps the answer
COMMANDS = {
    'find': ['find', '.', '-type', 'f'],
    'stat': ['find', '.', '-type', 'f', '-printf', '%s\n'],
    'cat': ['find', '.', '-name', 'name', '-exec', 'cat', '{}', '+'],
    'grep': ['grep', '-r', 'no-such-text', '.'],
}
READING = ('cat', 'grep')  # the others are neither asked for contents nor given any
VIEWS = 5  # so many links to an image
UNCHANGED_LINKS = 40  # requests in by-*; by-name has more directories
LINKS = ['find', *('by-' + view for view in ('id', 'name', 'imagetype', 'platform', 'status')), '-printf', '%s %l\n']


class Counter:
    """The requests and stores that something costs, without those of looking at the count."""

    def __init__(self, mounted, source=None):
        self.mounted = mounted
        self.source = source
        measure.look(self)

    def requests(self):
        return measure.traffic(self.mounted.status())

    def during(self, act, *arguments, **named):
        before, own = measure.look(self)
        act(*arguments, **named)
        return measure.difference(before, self.requests(), own)

    def run(self, command, directory='images'):
        def act():
            out = subprocess.run(command, cwd=self.mounted.path(directory), stdout=subprocess.PIPE, check=False)
            assert out.returncode == (1 if command[0] == 'grep' else 0)
        return self.during(act)

    def renew(self, items=None):
        """The source is read again; with these records, else as it is. The kernel was told of it twice."""
        if items is not None:
            with open(self.source + '.new', 'wb') as file:
                file.write(data.response(items))
            os.rename(self.source + '.new', self.source)
        else:
            os.utime(self.source)
        assert harness.wait_for(measure.renewal(self.mounted.status, self.mounted.signal), 30)
        time.sleep(AGAIN)

    def unchanged_limit(self):
        """Three requests for each directory above the images, and one for each 100 images."""
        found = subprocess.run(['find', 'images', '-maxdepth', '3', '-type', 'd'], cwd=self.mounted.point, check=True,
                               stdout=subprocess.PIPE)
        return 3 * len(found.stdout.splitlines()) + IMAGES // 100


def total(counts):
    return sum(count for kind, count in counts.items() if kind not in STATFS)


def fewest(act, limit):
    """Of what act() counts, again and again; it ends when the limit holds."""
    counts = act()
    for _ in range(PASSES - 1):
        if total(counts) <= limit:
            break
        counts = min(counts, act(), key=total)
    return counts


@pytest.fixture
def counter(mount, source_file):
    return Counter(mount(source_file(data.generated(100)), 'ttl=3600'))


@pytest.fixture
def renewed(mount, source_file):
    """Of records whose directories are few beside the images, so that a request for each image shows."""
    source = source_file(data.response(data.records(IMAGES)))
    return Counter(mount(source, 'ttl=3600'), source)


# --- Within one lease ---

@pytest.mark.parametrize('name', COMMANDS)
def test_a_second_walk_asks_for_nothing(counter, name):
    cold = counter.run(COMMANDS[name])
    assert cold['READDIRPLUS'] >= 100
    assert (cold.get('READ', 0) + cold.get(measure.STORES, 0) > 0) == (name in READING), cold
    counts = fewest(lambda: counter.run(COMMANDS[name]), 0)
    assert set(counts) <= STATFS, counts


def test_a_cold_walk_asks_once(counter):
    """READDIRPLUS tells all that a walk asks of files, so there is no LOOKUP and no GETATTR for each."""
    images = len(os.listdir(counter.mounted.path('by-id')))
    counts = counter.run(COMMANDS['stat'])
    assert counts.get('LOOKUP', 0) + counts.get('GETATTR', 0) < 10, counts
    assert 2 * images <= counts['READDIRPLUS'] < 4 * images + 200, counts
    assert 'READ' not in counts and counts.get('OPEN', 0) <= 1


def test_a_long_list_costs_no_more_than_its_entries(mount, source_file):
    """ls -l of n entries: READDIRPLUS, and the same few others whatever n is."""
    others = []
    for images in 10, 1000:
        items = data.records(images, status='active', visibility='private', __imagetype='private', __platform='Debian')
        counter = Counter(mount(source_file(data.response(items)), 'ttl=3600'))
        counts = counter.run(['ls', '-l', 'private/Debian/active'])
        assert 2 <= counts.pop('READDIRPLUS') < 2 + images / 20
        others.append(counts)
    assert others[0] == others[1] and total(others[0]) <= 8, others


# --- After a refresh ---

@pytest.mark.parametrize('name', ['find', 'grep'])
def test_an_unchanged_list_costs_its_directories(renewed, name):
    """What lists the directories above the images anew renews the leases of all images."""
    renewed.run(COMMANDS[name])
    limit = renewed.unchanged_limit()

    def once():
        renewed.renew()
        return renewed.run(COMMANDS[name])
    assert limit < IMAGES // 2
    counts = fewest(once, limit)
    assert 0 < total(counts) <= limit, counts


@pytest.mark.parametrize('command, where', [(COMMANDS['grep'], 'images'), (LINKS, '.')], ids=['images', 'links'])
def test_leases_that_ended_cost_directories_too(mount, source_file, command, where):
    """The same without a signal: the walk itself has the list renewed."""
    counter = Counter(mount(source_file(data.response(data.records(IMAGES))), 'ttl=2'))
    counter.run(command, where)
    limit = counter.unchanged_limit() if where == 'images' else UNCHANGED_LINKS

    def once():
        time.sleep(2.3)
        return counter.run(command, where)
    counts = fewest(once, limit)
    assert 0 < total(counts) <= limit, counts


def moved(items, turn):
    items[5]['status'] = ('saving', 'queued', 'killed')[turn % 3]


CHANGES = {
    'value': lambda items, turn: items[5].update(min_ram=turn),
    'attribute': lambda items, turn: items[5].update({'more-%d' % turn: 'x'}),
    'name': lambda items, turn: items[5].update(name='other-%d' % turn),
    'status': moved,
    'added': lambda items, turn: items.append(data.record(IMAGES + turn)),
    'removed': lambda items, turn: items.pop(9),
}


@pytest.fixture(scope='module')
def plain():
    """What walk() below costs after a renewal of the unchanged list: counted by the first who needs it."""
    return []


def count_plain(walk, limit):
    """The least of at least two, for the first of them may come while the kernel is told again."""
    best = walk()
    for _ in range(PASSES):
        best = min(best, walk(), key=lambda counts: total(counts[0]) + total(counts[1]))
        if total(best[0]) <= limit and total(best[1]) <= UNCHANGED_LINKS:
            return best
    pytest.fail('an unchanged list: %s' % (best,))


@pytest.mark.parametrize('change', CHANGES)
def test_one_changed_image_costs_what_is_its_own(renewed, plain, change):
    """Beside what an unchanged list costs: its directory, its files, its groups, its links."""
    items = data.records(IMAGES)
    files = len(items[5]) + 4

    def walk(turn=None):
        if turn is not None:
            CHANGES[change](items, turn)
        renewed.renew(items if turn is not None else None)
        return renewed.run(COMMANDS['grep']), renewed.run(LINKS, '.')

    def fits(counts):
        images, links = counts
        more = {kind: images.get(kind, 0) - plain[0].get(kind, 0) for kind in images}
        contents = max(more.pop('READ', 0), more.pop(measure.STORES, 0))
        return (contents <= files and sum(more.values()) <= 6 and links.get('READLINK', 0) <= VIEWS and
                total(links) - total(plain[1]) <= 2 * VIEWS + 16)
    renewed.run(COMMANDS['grep'])
    renewed.run(LINKS, '.')
    if not plain:
        plain += count_plain(walk, renewed.unchanged_limit())
    tries = []
    while len(tries) < PASSES and not (tries and fits(tries[-1])):
        tries.append(walk(len(tries)))
    assert fits(tries[-1]), (plain, tries)
