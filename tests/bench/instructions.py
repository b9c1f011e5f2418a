# SPDX-License-Identifier: Apache-2.0
"""How many instructions imsfs executes for its work, counted by callgrind: the same each time, to a few in a hundred.

A phase sends the kernel's requests of one kind, so its instructions, all of them (libfuse, threads, the C library), by
the number of these requests are what one costs. The kernel's own are not counted.
"""
import json
import os
import re
import shutil
import subprocess
import time

import measure

SECONDS = 120  # until the list is there, or renewed; callgrind makes it some 50 times slower
SETTLED = 1.5  # the kernel is told of changes a second time after one
SUMMARY = re.compile(r'^summary: (\d+)$', re.M)


class Counted:
    """An imsfs under callgrind. work: a directory that exists; build: with imsfs, not built with sanitizers."""

    def __init__(self, build, work, source, *options):
        self.out = os.path.join(work, 'callgrind')
        self.point = os.path.join(work, 'mnt')
        self.dumps = 0
        os.makedirs(self.point, exist_ok=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith('OS_')}
        command = ['valgrind', '-q', '--tool=callgrind', '--callgrind-out-file=' + self.out,
                   os.path.join(build, 'imsfs'), '-f', '-o', ','.join(('ttl=3600', 'nosandbox', *options)), source, self.point]
        with open(os.path.join(work, 'stderr'), 'wb') as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                            env=env, cwd='/')
        try:
            self.wait(lambda: os.path.ismount(self.point))
            self.wait(lambda: self.status()['age'] is not None)
        except RuntimeError:
            self.close()
            raise

    def wait(self, condition, step=0.1):
        end = time.monotonic() + SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(os.path.dirname(self.out), 'stderr'), errors='replace') as file:
                    raise RuntimeError('no imsfs under callgrind: %s' % file.read().strip()[-500:])
            time.sleep(step)

    def path(self, *parts):
        return os.path.join(self.point, *parts)

    def status(self):
        with open(self.path('.imsfs', 'status.json'), 'rb') as file:
            return json.load(file)

    def requests(self):
        return measure.traffic(self.status())

    def dump(self):
        """Instructions since the last dump. What callgrind wrote is in the file last()."""
        # vgdb makes callgrind look, also where all threads sleep.
        subprocess.run(['vgdb', '--pid=%d' % self.process.pid, 'dump'], check=True, timeout=SECONDS,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.dumps += 1
        with open(self.last()) as file:
            return int(SUMMARY.search(file.read())[1])

    def last(self):
        return '%s.%d' % (self.out, self.dumps)

    def inclusive(self, function):
        """Of one function with all that it calls, in the last dump; 0 where it was not called."""
        text = subprocess.run(['callgrind_annotate', '--inclusive=yes', '--threshold=100', self.last()], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        found = re.search(r'^ *([\d,]+) .*:%s(?:\'2)? ' % re.escape(function), text, re.M)
        return int(found[1].replace(',', '')) if found else 0

    def phase(self, act):
        """(instructions, requests by kind) of what act() does, without those of looking."""
        before, own = measure.look(self)
        self.dump()
        act()
        cost = self.dump()
        return cost, measure.difference(before, self.requests(), own)

    def renew(self):
        """Returns when a listing more is there and the kernel was told of it twice."""
        self.wait(measure.renewal(self.status, self.process.send_signal), 0.5)  # looking costs instructions too
        time.sleep(SETTLED)

    def close(self):
        if os.path.ismount(self.point):
            subprocess.run(['umount', '-l', self.point], check=False)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def missing():
    """A program that is needed and not there, or None."""
    return next((name for name in ('valgrind', 'vgdb', 'callgrind_annotate') if not shutil.which(name)), None)


# --- What is done in each phase ---

def look_up(counted, ids):
    for one in ids:
        os.lstat(counted.path('by-id', one))


def look_up_nothing(counted, ids):
    for one in ids:
        try:
            os.lstat(counted.path('by-id', 'no-' + one))
        except FileNotFoundError:
            pass


def read_links(counted, ids):
    for one in ids:
        os.readlink(counted.path('by-id', one))


def get_attributes(counted, ids):
    # Whatever the kernel knows: it has to ask.
    subprocess.run(['stat', '--cached=never', '--format=%s', *(counted.path('by-id', one) for one in ids)], check=True,
                   stdout=subprocess.DEVNULL)


def ask_for_space(counted, ids):
    for _ in ids:
        os.statvfs(counted.point)


def walk(counted, ids):
    subprocess.run(['find', counted.path('images'), '-type', 'f', '-printf', '%s\n'], check=True,
                   stdout=subprocess.DEVNULL)


def read_all(counted, ids):
    for directory, _, names in os.walk(counted.path('images')):
        for name in names:
            with open(os.path.join(directory, name), 'rb') as file:
                file.read()


# Operation: (what it does, the requests that it counts). In this order: each finds what those before it left in the
# kernel's caches, and no request of its own. A file is either read or given before that.
PHASES = {
    'lookup': (look_up, ('LOOKUP',)),
    'lookup of nothing': (look_up_nothing, ('LOOKUP',)),
    'readlink': (read_links, ('READLINK',)),
    'getattr': (get_attributes, ('GETATTR',)),
    'statfs': (ask_for_space, ('STATFS',)),
    'readdirplus': (walk, ('READDIRPLUS',)),
    'file': (read_all, ('READ', measure.STORES)),
}


def measure_all(build, work, source, records):
    """{operation: (instructions for one, how many, of what)}; records: the JSON that source gives, a list response."""
    with open(records, 'rb') as file:
        text = file.read()
    ids = [record['id'] for record in json.loads(text)['images']]
    counted = Counted(build, work, source)
    try:
        result = {'listing': (counted.dump() / len(text), len(text), 'byte of JSON, with the start')}
        result['decode'] = (counted.inclusive('decode_text_at') / len(text), len(text), 'byte of JSON')
        for operation, (act, wanted) in PHASES.items():
            cost, kinds = counted.phase(lambda act=act: act(counted, ids))
            count = sum(kinds.get(kind, 0) for kind in wanted)
            result[operation] = (cost / count if count else 0, count, ' + '.join(wanted))
        result['renewal'] = (counted.phase(counted.renew)[0] / len(ids), len(ids), 'image, none changed')
        return result
    finally:
        counted.close()


def lines(result):
    for operation, (cost, count, what) in result.items():
        yield '%-18s %10.1f instructions for each of %d x %s' % (operation, cost, count, what)
