# SPDX-License-Identifier: Apache-2.0
"""Contents that the kernel is given before it asks: how few requests are left, that who does not read pays nothing, and
that what the kernel then shows is right."""
import collections
import os
import subprocess

import data
import harness
import reference

IMAGES = 300
GREP = ('grep', '-r', 'no-such-text', '.')


class Counted:
    """with Counted(mounted) as c: ...; then c.kinds, c.reads, c.total and c.stores are what that cost."""

    def __init__(self, mounted):
        self.mounted = mounted

    def look(self):
        status = self.mounted.status()
        self.stored = status['kernel_stores']
        return collections.Counter(status['kernel_requests'])

    def __enter__(self):
        self.look()
        first = self.look()
        self.before = self.look()
        self.own = self.before - first  # what a look costs
        self.stores = -self.stored
        return self

    def __exit__(self, *failure):
        self.kinds = self.look() - self.before - self.own
        for kind in 'FORGET', 'BATCH_FORGET':
            del self.kinds[kind]  # nobody waits for these
        self.reads = self.kinds['READ']
        self.total = sum(self.kinds.values())
        self.stores += self.stored


def run(mounted, *command, status=(0, 1)):
    process = subprocess.run(command, cwd=mounted.path('images'), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=dict(os.environ, LC_ALL='C'))
    assert process.returncode in status and not process.stderr, process.stderr[:300]
    return process.stdout


def start(mount, source_file, count=IMAGES, *options):
    mounted = mount(source_file(data.generated(count)), 'ttl=3600', *options)
    harness.wait_for(lambda: mounted.status()['age'] is not None, 20)
    return mounted


def best_of_five(measure):
    """The machine may take pages back from the kernel at any time: what is counted then is not ours."""
    results = []
    for _ in range(5):
        results.append(measure())
        if results[-1] == 0:
            break
    return min(results)


def test_a_cold_grep(mount, source_file):
    mounted = start(mount, source_file, 1000)
    with Counted(mounted) as cold:
        run(mounted, *GREP)
    assert cold.total <= 3.2 * 1000, cold.kinds
    assert cold.reads <= 200, cold.kinds
    assert cold.stores >= 40 * 1000

    def warm():
        with Counted(mounted) as again:
            run(mounted, *GREP)
        return again.reads
    assert best_of_five(warm) == 0


def test_who_does_not_read_pays_nothing(mount, source_file):
    mounted = start(mount, source_file)
    with Counted(mounted) as cold:
        run(mounted, 'find', '.', '-type', 'f', '-printf', '%s')
    assert cold.kinds['READDIRPLUS'] >= 2 * IMAGES and cold.stores == 0 and cold.reads == 0


def test_neither_does_ls(mount, source_file):
    mounted = start(mount, source_file)
    with Counted(mounted) as cold:
        run(mounted, 'ls', '-lR')
    assert cold.kinds['READDIRPLUS'] >= 2 * IMAGES and cold.stores == 0 and cold.reads == 0


def test_nor_does_find_after_somebody_who_reads(mount, source_file):
    mounted = start(mount, source_file)
    types = mounted.list('images')
    run(mounted, *GREP[:3], types[0])
    before = mounted.status()['kernel_stores']
    assert before > 0
    run(mounted, 'find', *types[1:], '-type', 'f')
    assert mounted.status()['kernel_stores'] == before


def test_grep_after_find(mount, source_file):
    """The kernel has the listings by then, and asks for contents only."""
    mounted = start(mount, source_file)
    run(mounted, 'find', '.')
    with Counted(mounted) as cold:
        run(mounted, *GREP)
    assert cold.reads <= 1.25 * IMAGES + 20, cold.kinds


def together(mounted, *commands):
    env = dict(os.environ, LC_ALL='C')
    processes = [subprocess.Popen(command, cwd=mounted.path('images'), stdout=subprocess.PIPE, env=env)
                 for command in commands]
    return [process.communicate()[0] for process in processes]


def test_two_greps_at_once(mount, source_file):
    """How many requests depends on who comes first: whoever finds a directory that the other has half listed lists it
    himself, and one gets contents at a time. Without that they would read each of 48 files."""
    mounted = start(mount, source_file)
    with Counted(mounted) as cold:
        together(mounted, GREP, GREP)
    assert cold.total <= 2 * 5 * IMAGES, cold.kinds
    assert cold.reads <= 2 * 2 * IMAGES, cold.kinds


def test_grep_beside_find(mount, source_file):
    mounted = start(mount, source_file)
    with Counted(mounted) as cold:
        found = together(mounted, GREP, ('find', '.', '-type', 'f'))[1]
    assert len(found.splitlines()) > 40 * IMAGES
    assert cold.reads <= 2 * 2 * IMAGES, cold.kinds


def test_one_attribute_of_all(mount, source_file):
    mounted = start(mount, source_file)
    run(mounted, 'find', '.')
    for name in 'status', 'image.json':
        with Counted(mounted) as cold:
            text = run(mounted, 'find', '.', '-name', name, '-exec', 'cat', '{}', '+')
        assert text.count(b'active') >= IMAGES // 2
        assert 0 < cold.reads <= 4 + IMAGES // 64 + 4, cold.kinds
        assert IMAGES - cold.reads <= cold.stores <= IMAGES + 64


def test_one_attribute_by_many_processes(mount, source_file):
    mounted = start(mount, source_file, 100)
    run(mounted, 'find', '.')
    with Counted(mounted) as cold:
        run(mounted, 'find', '.', '-name', 'status', '-exec', 'cat', '{}', ';')
    assert cold.reads <= 10, cold.kinds


def test_few_files_of_each_are_no_reason_for_all(mount, source_file):
    mounted = start(mount, source_file, 100)
    with Counted(mounted) as cold:
        run(mounted, 'grep', '-r', '--include=status', '--include=name', 'no-such-text', '.')
    assert cold.stores < 200, (cold.kinds, cold.stores)


# --- What is shown then ---

def odd_records(count):
    """With files that are empty, of several pages, just too large to be given, far too large; with NUL bytes."""
    sizes = (0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 300000)
    return [data.record(i, null=None, none=[], empty='', nul='a\0b', lines=['a', '', 'b' * 5000],
                        body='x' * sizes[i % len(sizes)], object={'a': [1, {}]}, other=i, more='m%d' % i)
            for i in range(count)]


def test_what_was_given_is_what_is_there(mount, source_file):
    text = data.response(odd_records(150))
    mounted = mount(source_file(text), 'ttl=3600')
    with Counted(mounted) as cold:
        run(mounted, *GREP)
    assert cold.stores >= 15 * 150
    assert harness.differences(reference.build(text), harness.snapshot(mounted.point)) == []


def test_what_is_too_large_is_not_given(mount, source_file):
    """It is read once by grep, in parts as the kernel likes."""
    text = data.response([data.record(i, body='x' * 70000, image=i, some=1, more=2, files=3) for i in range(50)])
    mounted = mount(source_file(text), 'ttl=3600')
    with Counted(mounted) as cold:
        run(mounted, *GREP)
    assert cold.reads >= 2 * 50, cold.kinds  # body, and image.json
    assert cold.stores >= 13 * 45


def test_in_a_query(mount, source_file):
    text = data.response(odd_records(200))
    mounted = mount(source_file(text), 'ttl=3600')
    query = mounted.path('query', 'min_disk=40')
    with Counted(mounted) as cold:
        assert subprocess.run([*GREP[:3], query]).returncode == 1
    assert cold.stores >= 15 * 200
    for name in sorted(os.listdir(query))[:60]:
        for attr in 'body', 'nul', 'image.json', 'lines':
            given = open(os.path.join(query, name, attr), 'rb').read()
            same = mounted.read('by-id', name.rpartition('@')[2], attr)
            assert given == same
    with Counted(mounted) as cold:
        names = [os.path.join(query, name, 'more') for name in os.listdir(query)]
        assert len(subprocess.run(['cat', *names], stdout=subprocess.PIPE).stdout.split()) == 200
    assert cold.reads <= 12, cold.kinds


def test_after_a_change(mount, source_file):
    """What the kernel was given of the old list is not what it shows of the new one."""
    path = source_file(data.response(odd_records(60)))
    mounted = mount(path, 'ttl=3600')
    for version in range(3):
        items = [dict(record, other='v%d' % version, body='%d' % version * (version * 3000 + 1))
                 for record in odd_records(60)[version:]]
        with open(path + '.new', 'wb') as file:
            file.write(data.response(items))
        os.rename(path + '.new', path)
        published = mounted.status()['lists_published']
        mounted.signal(1)
        assert harness.wait_for(lambda: mounted.status()['lists_published'] > published, 10)
        subprocess.run(GREP, cwd=mounted.path('images'), stderr=subprocess.DEVNULL)  # it may meet one that goes
        expected = reference.build(data.response(items))
        assert harness.wait_for(lambda: not harness.differences(expected, harness.snapshot(mounted.point)), 10)
