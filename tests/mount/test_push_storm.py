# SPDX-License-Identifier: Apache-2.0
"""A store waits in the kernel for a page that a READ in flight holds until we answer it. So: grep -r beside readers at random
paths, beside lists that change contents and add and remove images. Nobody may hang, and what is read must be true."""
import itertools
import multiprocessing
import os
import queue
import random
import re
import signal
import subprocess
import threading

import pytest

import data
import harness

IMAGES = 120
ATTRIBUTES = 30
READERS = 3
THREADS = 4  # of each reader
CYCLE = 21  # lists, until the first comes again
PAUSE = 0.03  # between two
GREPS = 4
LINE = re.compile(rb'(\d+)\.(\d+)\.(\d+)\.(x*)')


def value(image, attribute, version):
    """It tells what it is. Some are of several pages, one attribute is often empty."""
    size = (image * 7 + attribute * 131 + version * 977) % 97
    size = size * 130 if attribute % 8 == 3 else size
    return '%d.%d.%d.%s' % (image, attribute, version, 'x' * size)


def is_true(text, image=None, attribute=None):
    match = LINE.fullmatch(text)
    if not match:
        return False
    found = tuple(int(number) for number in match.groups()[:3])
    return (image in (None, found[0]) and attribute in (None, found[1]) and text.decode() == value(*found))


def body(version):
    """Of every seven images one is not there; of the others a third changes with each version."""
    records = []
    for image in range(IMAGES):
        if (image + version) % 7 == 0:
            continue
        own = version - (image + version) % 3
        attributes = {'a%d' % a: value(image, a, own) for a in range(ATTRIBUTES)}
        records.append({'id': data.image_id(image), 'name': 'image-%d' % image, 'status': 'active', 'empty': None,
                        '__imagetype': 'private', '__platform': 'P%d' % (image % 5), **attributes})
    return data.response(records)


def read_at_random(point, seed, stop, found):
    chance = random.Random(seed)
    while not stop.is_set():
        image, attribute = chance.randrange(IMAGES), chance.randrange(ATTRIBUTES)
        path = os.path.join(point, 'by-id', data.image_id(image), 'a%d' % attribute)
        try:
            with open(path, 'rb') as file:
                text = file.read()
        except OSError as error:
            if not isinstance(error, FileNotFoundError) and 'Stale' not in str(error):
                found.append(str(error))
            continue
        found[0] += 1
        if not is_true(text.rstrip(b'\n'), image, attribute):
            found.append((path, len(text), text[:30]))


def reader(point, seed, stop, results):
    """A process: threads are clients of their own for the kernel."""
    founds = [[0] for _ in range(THREADS)]
    threads = [threading.Thread(target=read_at_random, args=(point, seed * THREADS + i, stop, founds[i]), daemon=True)
               for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((sum(found[0] for found in founds), sum((found[1:] for found in founds), [])))


class Lists(threading.Thread):
    """Brings a new one again and again."""

    def __init__(self, mounted, path):
        super().__init__(daemon=True)
        self.mounted, self.path = mounted, path
        self.over = threading.Event()
        self.bodies = [body(version) for version in range(4, 4 + CYCLE)]

    def run(self):
        for text in itertools.cycle(self.bodies):
            if self.over.wait(PAUSE):
                break
            with open(self.path + '.new', 'wb') as file:
                file.write(text)
            os.rename(self.path + '.new', self.path)
            self.mounted.process.send_signal(signal.SIGHUP)


def grep(mounted):
    """What one says, or None when it hangs."""
    process = subprocess.Popen(['grep', '-rhs', '--exclude=image.json', '^[0-9]*[.]', 'images'], cwd=mounted.point,
                               stdout=subprocess.PIPE)
    try:
        return process.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        return None


def free_all(point):
    """Whoever hangs in the kernel, and the daemon if it does: no signal ends that, and no lazy unmount."""
    subprocess.run(['umount', '-f', '-i', point], stderr=subprocess.DEVNULL)


def storm(mounted, path):
    """(reads, what was wrong); a hanging reader is wrong, too."""
    context = multiprocessing.get_context('fork')
    stop, results = context.Event(), context.Queue()
    readers = [context.Process(target=reader, args=(mounted.point, seed, stop, results), daemon=True)
               for seed in range(READERS)]
    for process in readers:
        process.start()
    lists = Lists(mounted, path)
    lists.start()
    count, wrong = 0, []
    for _ in range(GREPS):
        out = grep(mounted)
        if out is None:
            free_all(mounted.point)
            wrong.append('grep hangs')
            break
        lines = out.splitlines()
        count += len(lines)
        wrong += [line[:60] for line in lines if not is_true(line)][:5]
    lists.over.set()
    lists.join()
    stop.set()
    for process in readers:
        try:
            found = results.get(timeout=30)
        except queue.Empty:
            free_all(mounted.point)
            return count, wrong + ['a reader hangs']
        count += found[0]
        wrong += found[1][:5]
    for process in readers:
        process.join(30)
    return count, wrong


def one_run(mount, source_file):
    path = source_file(body(3))
    mounted = mount(path, 'ttl=1')
    count, wrong = storm(mounted, path)
    assert wrong == [], wrong[:5]
    status = mounted.status()
    assert count > IMAGES * ATTRIBUTES and status['kernel_stores'] > IMAGES * ATTRIBUTES, (count, status)
    assert status['lists_published'] > 3


@pytest.mark.limit(150)
def test_nobody_hangs_and_all_is_true(mount, source_file):
    one_run(mount, source_file)


@pytest.mark.all
@pytest.mark.limit(1500)
@pytest.mark.parametrize('tenth', range(10))
def test_in_a_hundred_runs(mount, source_file, tenth):
    """In each a new mount, so that the kernel knows nothing yet."""
    for _ in range(10):
        one_run(mount, source_file)
