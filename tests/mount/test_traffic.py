# SPDX-License-Identifier: Apache-2.0
"""What the kernel asks for when the same is done twice within one lease, counted. No times: tests/bench/run has those."""
import os
import subprocess

import pytest

import data

PASSES = 5  # the kernel reclaims pages when it likes: the best of so many counts
LATER = {'FORGET', 'BATCH_FORGET'}  # nobody waits for these
STATFS = {'STATFS'}  # find asks for the kind of file system, and nothing keeps the answer
COMMANDS = {
    'find': ['find', '.', '-type', 'f'],
    'stat': ['find', '.', '-type', 'f', '-printf', '%s\n'],
    'cat': ['find', '.', '-name', 'name', '-exec', 'cat', '{}', '+'],
    'grep': ['grep', '-r', 'no-such-text', '.'],
}


class Counter:
    def __init__(self, mounted):
        self.mounted = mounted
        self.look()
        first = self.look()
        self.own = self.difference(first, self.look(), {})

    def look(self):
        return self.mounted.status()['kernel_requests']

    @staticmethod
    def difference(before, after, own):
        counts = {kind: after[kind] - before.get(kind, 0) - own.get(kind, 0) for kind in after}
        return {kind: count for kind, count in counts.items() if count and kind not in LATER}

    def run(self, command):
        before = self.look()
        out = subprocess.run(command, cwd=self.mounted.path('images'), stdout=subprocess.PIPE, check=False)
        assert out.returncode == (1 if command[0] == 'grep' else 0)
        return self.difference(before, self.look(), self.own)


@pytest.fixture
def counter(mount, source_file):
    return Counter(mount(source_file(data.generated(100)), 'ttl=3600'))


@pytest.mark.parametrize('name', COMMANDS)
def test_a_second_walk_asks_for_nothing(counter, name):
    cold = counter.run(COMMANDS[name])
    assert cold['READDIRPLUS'] >= 100
    best = min((counter.run(COMMANDS[name]) for _ in range(PASSES)), key=lambda counts: sum(counts.values()))
    assert set(best) <= STATFS, best


def test_a_cold_walk_asks_once(counter):
    """READDIRPLUS tells all that a walk asks of files, so there is no LOOKUP and no GETATTR for each."""
    images = len(os.listdir(counter.mounted.path('by-id')))
    counts = counter.run(COMMANDS['stat'])
    assert counts.get('LOOKUP', 0) + counts.get('GETATTR', 0) < 10, counts
    assert 2 * images <= counts['READDIRPLUS'] < 4 * images + 200, counts
    assert 'READ' not in counts and counts.get('OPEN', 0) <= 1
