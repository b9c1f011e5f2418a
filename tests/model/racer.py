# SPDX-License-Identifier: Apache-2.0
"""Readers, a refresher and an interrupter at once. Each content tells what it is of, so whoever reads knows whether it is
whole; at the end the model looks at all of it."""
import multiprocessing
import os
import queue
import random
import re
import signal
import subprocess
import time

import churn
import harness
import ops
import world
from oracle import GONE, Wrong

READERS = 6
CHANGE = 0.05  # seconds between two lists
TTL = 0.2
PAGE = 7


class Reader:
    """One process that uses the mount in all ways and counts."""

    def __init__(self, point, seed):
        self.point = point
        self.chance = random.Random(seed)
        self.used = self.gone = 0

    def run(self, end):
        ways = [self.read, self.read, self.read, self.list, self.walk, self.query]
        while time.monotonic() < end:
            begin = time.monotonic()
            try:
                self.chance.choice(ways)()
            except OSError as error:
                if harness.errno.errorcode.get(error.errno) not in GONE:
                    raise
                self.gone += 1
            took = time.monotonic() - begin
            if took > ops.LONGEST:
                raise Wrong('a use took %.1f s' % took)
            self.used += 1

    def read(self):
        image, attribute = self.chance.randrange(churn.IMAGES), self.chance.randrange(churn.ATTRIBUTES)
        with open(os.path.join(self.point, 'by-id/i%d/a%d' % (image, attribute)), 'rb') as file:
            parts = [file.read(self.chance.choice((1, 100, 5000))), file.read()]
        if not churn.is_true(image, attribute, b''.join(parts)):
            raise Wrong('i%d/a%d: %.200r' % (image, attribute, parts))

    def list(self):
        names = os.listdir(os.path.join(self.point, self.chance.choice(('by-id', 'by-name/n1', 'by-status/active'))))
        if len(names) != len(set(names)):
            raise Wrong('a name twice: %r' % sorted(names))

    def walk(self):
        """Into an image, and read there: what is there is of this image, wherever it goes meanwhile."""
        image = self.chance.randrange(churn.IMAGES)
        fd = os.open(os.path.join(self.point, 'by-id/i%d' % image), os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = os.listdir(fd)
            for name in self.chance.sample(names, min(4, len(names))):
                with open(os.open(name, os.O_RDONLY, dir_fd=fd), 'rb') as file:
                    text = file.read()
                if re.fullmatch('a[0-9]+', name) and not churn.is_true(image, int(name[1:]), text):
                    raise Wrong('%s inside i%d: %.200r' % (name, image, text))
        finally:
            os.close(fd)

    def query(self):
        path = os.path.join(self.point, 'query', self.chance.choice(ops.QUERIES[:2]))
        names = os.listdir(path)
        if len(names) != len(set(names)):
            raise Wrong('a name twice: %r' % sorted(names))


def work(point, seed, end, results):
    reader = Reader(point, seed)
    failure = None
    try:
        reader.run(end)
    except (Wrong, OSError) as error:
        failure = 'reader %d: %s' % (seed, error)
    results.put((failure, reader.used, reader.gone))


def interrupt(point, chance):
    """A reader who is killed on his way; he must end."""
    victim = subprocess.Popen(['cat', point + '/by-id/i%d/a3' % chance.randrange(churn.IMAGES)], stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL)
    time.sleep(chance.random() / 100)
    victim.send_signal(chance.choice((signal.SIGINT, signal.SIGKILL)))
    if harness.end_of(victim, ops.AT_ONCE) is None:
        victim.kill()
        raise Wrong('an interrupted reader goes on waiting')


def disturb(outside, mount, end):
    """New lists, renewals and victims, until it ends. The number of lists."""
    chance = random.Random(1)
    version = 0
    while time.monotonic() < end:
        version += 1
        outside.change(lambda records: churn.records(version))
        if version % 3 == 0:
            mount.process.send_signal(signal.SIGHUP)
        interrupt(mount.point, chance)
        time.sleep(CHANGE)
    return version


def race(seconds, directory, start):
    """What was wrong, '' when nothing was; and a line that tells what was done."""
    outside = world.Service(random.Random(0), PAGE, parallel=True)
    outside.change(lambda records: churn.records(0))
    mount = start(directory, outside.source, 'ttl=%s' % TTL, 'timeout=%d' % ops.TIMEOUT, 'by=tags', 'dialect=glance')
    mount.start()
    results = multiprocessing.Queue()
    end = time.monotonic() + seconds
    readers = [multiprocessing.Process(target=work, args=(mount.point, seed, end, results)) for seed in range(READERS)]
    failures, told = [], []
    try:
        for reader in readers:
            reader.start()
        versions = disturb(outside, mount, end)
        told = [results.get(timeout=2 * ops.LONGEST) for _ in readers]
        failures = [failure for failure, _, _ in told if failure]
        ops.Sequence(mount, outside, TTL, False).hup(None)
    except (Wrong, queue.Empty) as error:
        failures.append(str(error) or 'a reader hangs')
    finally:
        failures.append(mount.end())
        for reader in readers:
            reader.kill()
            reader.join()
        outside.close()
    return '\n'.join(filter(None, failures)), 'race: %d uses in %d s, %d of what was gone, %d lists' % (
        sum(one[1] for one in told), seconds, sum(one[2] for one in told), versions)
