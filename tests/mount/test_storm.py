# SPDX-License-Identifier: Apache-2.0
"""While lists follow each other closely, every read shows one version of a file, and every path leads somewhere."""
import json
import multiprocessing
import os
import random
import signal
import time

import data
import harness

IMAGES = 8
LISTS = 120
READERS = 4
PAUSE = 0.03  # between two lists


def body(version, number):
    """Of very different lengths, some of several pages; it tells its own length."""
    size = (version * 7919 + number * 31) % 23000 if number % 2 else version * 37 % 900
    return '%d:%d:' % (version, size) + chr(97 + version % 26) * size


def record(number, version, moves):
    """Half of the images are active, the others queued; those that move change sides with every version."""
    status = ('active', 'queued')[(number + moves * version) % 2]
    return data.record(number, body=body(version, number), status=status, version=version,
                       __imagetype='private', visibility='private', __platform='P')


def version_of(name, text):
    """The version that a file shows, None when it shows no one version."""
    try:
        if name == 'image.json':
            image = json.loads(text)
            whole = version_of('body', image['body'].encode() + b'\n') == image['version']
            return image['version'] if whole else None
        version, size, rest = text.decode().split(':')
        whole = rest == chr(97 + int(version) % 26) * int(size) + '\n'
        return int(version) if whole else None
    except ValueError:
        return None


def read(path, step):
    """A file in steps of so many bytes."""
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = iter(lambda: os.read(fd, step), b'')
        return b''.join(parts)
    finally:
        os.close(fd)


def read_all_the_time(point, seed, stop, results):
    """Reads any file, by a path or by a link; tells how often, what was wrong and how far back it went."""
    chance = random.Random(seed)
    count, wrong, errors, last, back = 0, [], [], {}, 0
    while not stop.is_set():
        image, name = data.image_id(chance.randrange(IMAGES)), chance.choice(('body', 'image.json'))
        path = os.path.join(point, 'by-id', image, name)
        count += 1
        try:
            text = read(path, chance.choice((1000, 1 << 20)))
        except OSError as error:
            errors.append(str(error))
            continue
        version = version_of(name, text)
        if version is None:
            wrong.append((name, len(text), text[:20], text[-20:]))
            continue
        back += version < last.get(path, 0)
        last[path] = version
    results.put((count, wrong, errors, back))


def storm(mounted, update, moves):
    """(reads, wrong ones, errors, steps back) of all readers."""
    context = multiprocessing.get_context('fork')
    stop, results = context.Event(), context.Queue()
    readers = [context.Process(target=read_all_the_time, args=(mounted.point, seed, stop, results), daemon=True)
               for seed in range(READERS)]
    for reader in readers:
        reader.start()
    for version in range(1, LISTS):
        update(data.response([record(number, version, moves) for number in range(IMAGES)]))
        mounted.signal(signal.SIGHUP)
        time.sleep(PAUSE)
    stop.set()
    found = [results.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join()
    return (sum(f[0] for f in found), sum((f[1] for f in found), []), sum((f[2] for f in found), []),
            sum(f[3] for f in found))


def start(mount, source_file, moves):
    path = source_file(data.response([record(number, 0, moves) for number in range(IMAGES)]))
    mounted = mount(path, 'ttl=0.3')

    def update(text):
        with open(path + '.new', 'wb') as file:
            file.write(text)
        os.rename(path + '.new', path)
    return mounted, update


def test_a_read_shows_one_version(mount, source_file):
    mounted, update = start(mount, source_file, False)
    count, wrong, errors, back = storm(mounted, update, False)
    assert (wrong[:5], errors[:5], back) == ([], [], 0)
    assert count > 20 * LISTS
    assert mounted.status()['lists_published'] > LISTS // 4


def test_a_link_leads_to_an_image_that_moves(mount, source_file):
    """Errors but for this one: the image moved again while the kernel walked there again."""
    mounted, update = start(mount, source_file, True)
    count, wrong, errors, _ = storm(mounted, update, True)
    assert wrong[:5] == []
    assert [error for error in errors if 'Stale file handle' not in error][:5] == []
    assert len(errors) <= count // 1000


def test_where_an_image_was_it_is_not(mount, source_file):
    """By hand, without a link, the old place is no such file at once."""
    mounted, update = start(mount, source_file, True)
    name = 'image-1@' + data.image_id(1)
    link = mounted.path('by-id', data.image_id(1))
    for version in range(1, 12):
        old = os.path.realpath(link)
        assert os.path.basename(old) == name
        update(data.response([record(number, version, True) for number in range(IMAGES)]))
        mounted.signal(signal.SIGHUP)
        assert harness.wait_for(lambda: os.path.realpath(link) != old, 10)
        assert [harness.error_of(os.stat, old) for _ in range(5)] == ['ENOENT'] * 5
        assert version_of('body', read(os.path.join(link, 'body'), 1 << 20)) == version


def test_an_open_file_shows_what_it_showed(mount, source_file):
    mounted, update = start(mount, source_file, False)
    path = mounted.path('by-id', data.image_id(1), 'body')
    fds = []
    for version in range(1, 6):
        fds.append(os.open(path, os.O_RDONLY))
        update(data.response([record(number, version, False) for number in range(IMAGES)]))
        mounted.signal(signal.SIGHUP)
        assert harness.wait_for(lambda: version_of('body', read(path, 1 << 20)) == version, 10)
    time.sleep(1.2)  # until the kernel was told again
    for version, fd in enumerate(fds):
        text = body(version, 1).encode() + b'\n'
        assert os.fstat(fd).st_size == len(text)
        assert os.fstat(fd).st_ino == os.stat(path).st_ino
        assert os.pread(fd, 1 << 20, 0) == text
        os.close(fd)


def test_an_open_file_of_an_image_that_left(mount, source_file):
    mounted, update = start(mount, source_file, False)
    path = mounted.path('by-id', data.image_id(1), 'body')
    fd = os.open(path, os.O_RDONLY)
    update(data.response([]))
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: not os.path.exists(path), 10)
    assert os.pread(fd, 1 << 20, 0) == body(0, 1).encode() + b'\n'
    os.close(fd)
