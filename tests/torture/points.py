# SPDX-License-Identifier: Apache-2.0
"""The points at which something can fail. Each has a name, by which tests/torture/run runs it again:

malloc:SOURCE:HOW:N            allocation N is refused; HOW: once, burst (20 in a row), rest (from then on), renewal (once, N
                               is counted from before a renewal)
syscall:SOURCE:CALL:ERROR:N    the N-th such call of each thread fails
request:HOW:ACCOUNT:WHEN:K     request K of a start, of a lazy mount's readers (lazy), or of a renewal (warm)

run_point(name) runs one; all_points(kind, ...) and sample(...) give names.
"""
import errno
import functools
import os
import random
import re
import struct
import subprocess
import tempfile
import threading

import harness
import scenario
from rawserver import Reply, error

LIBRARY = os.path.join(harness.BUILD, 'tests/no-memory.so')
# System calls are refused to a build without sanitizers, which make some of their own and end when one fails.
PLAIN = os.path.join(harness.ROOT, os.environ.get('IMSFS_PLAIN_BUILD', 'build'), 'imsfs')
SOURCES = {'file': scenario.File, 'http': scenario.Cloud}
KINDS = ('malloc', 'syscall', 'request')


# --- allocations ---

HOW = {'once': 1, 'burst': 20, 'rest': 1 << 60}  # how many in a row
SPARSE = 10  # of burst and rest only every tenth position
REPORT = 'QQQ'  # counted, refused, and how many came before TORTURE_AT
NEVER = (1 << 64) - 1


def run_malloc(work, source, how, position):
    report, trace = os.path.join(work, 'report'), os.path.join(work, 'trace')
    with open(report, 'wb') as file:
        file.write(struct.pack(REPORT, 0, 0, NEVER if how == 'renewal' else 0))

    def count_from_here():
        with open(report, 'r+b') as file:
            counted, = struct.unpack('Q', file.read(8))
            file.seek(16)
            file.write(struct.pack('Q', counted))
    env = {'LD_PRELOAD': LIBRARY, 'TORTURE_REPORT': report, 'TORTURE_TRACE': trace, 'TORTURE_AT': position,
           'TORTURE_COUNT': str(HOW.get(how, 1))}
    usual = faultless(source).kept if int(position) else None
    life = scenario.Life(work, SOURCES[source](work), env=env, lasting=how == 'rest', usual=usual,
                         warm=count_from_here if how == 'renewal' else None)
    life.run()
    with open(report, 'rb') as file:
        life.counted, life.refused, _ = struct.unpack(REPORT, file.read())
    if life.problems and os.path.exists(trace):
        life.problems.append('refused: ' + describe(trace))
    return life


def describe(trace):
    """The stack of the first allocation that was refused, without those of the C library."""
    lines = []
    with open(trace) as file:
        frames = [line.rsplit(' ', 1) for line in file.read().splitlines()]
    for path, offset in frames[2:]:
        at = hex(int(offset, 16) - 1)  # of the call, not of what comes after it
        out = subprocess.run(['addr2line', '-f', '-s', '-i', '-e', path, at], stdout=subprocess.PIPE, text=True).stdout
        names = out.split('\n')
        found = ['%s %s' % (names[i], names[i + 1].split(' ')[0]) for i in range(0, len(names) - 1, 2)]
        lines += [text if '?' not in text else '%s %s' % (os.path.basename(path), offset) for text in found]
    return ' < '.join(lines)


@functools.lru_cache(None)
def faultless(source):
    """A life without faults. Threads make the count of its allocations differ from time to time."""
    with tempfile.TemporaryDirectory(prefix='imsfs-torture-') as work:
        life = run_malloc(work, source, 'once', '0')
    if life.problems:
        raise RuntimeError('without any fault: %s' % life.problems)
    return life


def malloc_points():
    for source in SOURCES:
        for how in HOW:
            step = 1 if how == 'once' else SPARSE
            for position in range(1, faultless(source).counted + 1, step):
                yield 'malloc:%s:%s:%d' % (source, how, position)


# --- system calls ---

# The errors that the manual page of each has and that a kernel really gives to calls as we make them. Not brk, which answers
# with an address, and not umount2, which we ask with MNT_DETACH.
ERRORS = {
    'openat': ('EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EACCES'),
    'socket': ('EMFILE', 'ENFILE', 'ENOMEM', 'EACCES'),
    'connect': ('ECONNREFUSED', 'ENETUNREACH', 'EINTR', 'EAGAIN', 'ETIMEDOUT'),
    'sendto': ('ECONNRESET', 'EPIPE', 'ENOMEM', 'EINTR', 'EAGAIN'),
    'recvfrom': ('ECONNRESET', 'ENOMEM', 'EINTR', 'EAGAIN'),
    'setsockopt': ('ENOMEM', 'EINVAL'),
    'getsockopt': ('ENOMEM',),
    'poll': ('EINTR', 'ENOMEM'),
    'ppoll': ('EINTR', 'ENOMEM'),
    'mmap': ('ENOMEM', 'EAGAIN'),
    'mprotect': ('ENOMEM',),
    'clone3': ('EAGAIN', 'ENOMEM'),
    'write': ('EINTR', 'EAGAIN', 'EIO', 'ENOSPC'),
    'writev': ('EINTR', 'EAGAIN'),
    'read': ('EINTR',),
    'pread64': ('EINTR', 'EIO'),
    'fstat': ('EIO', 'ENOMEM'),
    'newfstatat': ('EIO', 'ENOMEM', 'EACCES'),
    'readlink': ('EIO', 'ENOMEM'),
    'getrandom': ('EINTR', 'EAGAIN', 'ENOSYS'),
    'eventfd2': ('EMFILE', 'ENOMEM'),
    'pipe2': ('EMFILE', 'ENFILE'),
    'socketpair': ('EMFILE', 'ENOMEM'),
    'signalfd4': ('EMFILE', 'ENOMEM'),
    'fcntl': ('EAGAIN',),
    'prctl': ('EPERM',),
    'prlimit64': ('EPERM',),
    'mount': ('EPERM', 'ENOMEM', 'EMFILE'),
    'dup2': ('EMFILE', 'EINTR'),
}
MOST = 20


@functools.lru_cache(None)
def of_the_loader(call):
    """How many such calls a process makes before it gets to work. 2 of them may be what --version itself does."""
    with tempfile.NamedTemporaryFile(mode='r') as out:
        subprocess.run(['strace', '-o', out.name, '-e', 'trace=' + call, PLAIN, '--version'], check=True,
                       stdout=subprocess.DEVNULL)
        lines = [line for line in out if line.startswith(call + '(')]
    return max(0, len(lines) - 2)


def run_syscall(work, source, call, name, position):
    """The k-th call of each thread; of the first thread those behind the loader's."""
    base = of_the_loader(call)
    when = '%d' % (base + int(position))
    wrap = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'signal=none', '-e', 'trace=' + call,
            '-e', 'inject=%s:error=%s:when=%s' % (call, name, when)]
    life = scenario.Life(work, SOURCES[source](work), wrap=wrap, usual=faultless(source).kept)
    life.mount.command[len(wrap)] = PLAIN
    life.run()
    return life


def syscall_points():
    for source in SOURCES:
        for call, names in ERRORS.items():
            for name in names:
                for position in range(1, MOST + 1):
                    yield 'syscall:%s:%s:%s:%d' % (source, call, name, position)


# --- requests ---

def after(seconds):
    gate = threading.Event()
    timer = threading.Timer(seconds, gate.set)
    timer.daemon = True
    timer.start()
    return gate


def changed(good, **changes):
    return Reply(**{'body': good.body, 'status': good.status, 'headers': good.headers, **changes})


def refuse(cloud, good):
    cloud.refuse(0.3)
    return Reply(reset=True)


WAIT = (('Retry-After', '1'),)
HTML = (('Content-Type', 'text/html'),)
WAYS = {
    'refused': refuse,
    'reset': lambda cloud, good: Reply(reset=True),
    '500': lambda cloud, good: error(500),
    '503': lambda cloud, good: changed(error(503), headers=WAIT),
    '429': lambda cloud, good: changed(error(429), headers=WAIT),
    '401': lambda cloud, good: error(401),
    '403': lambda cloud, good: error(403),
    '404': lambda cloud, good: error(404),
    'redirect': lambda cloud, good: Reply(b'', 302, (('Location', cloud.url + '/elsewhere'),)),
    'cut': lambda cloud, good: changed(good, cut=len(good.body) // 2),
    'cut-at-once': lambda cloud, good: changed(good, cut=0),
    'length': lambda cloud, good: changed(good, headers=good.headers + (('Content-Length', '7'),)),
    'garbage': lambda cloud, good: changed(good, body=b'}{]\0'),
    'half': lambda cloud, good: changed(good, body=good.body[:len(good.body) // 2]),
    'nothing': lambda cloud, good: changed(good, body=b''),
    'object': lambda cloud, good: changed(good, body=b'{}'),
    'html': lambda cloud, good: changed(good, body=b'<html>Sign in</html>', headers=good.headers + HTML),
    'slow': lambda cloud, good: changed(good, gate=after(0.7)),
    'silent': lambda cloud, good: Reply(hang=True),
}
WHEN = ('start', 'lazy', 'warm')
ACCOUNTS = ('none', 'password')
REQUESTS = 4 + 2  # the pages of a listing, of which the last is empty, and two more
# After a refusal by the service for identity nothing is asked until something has changed, or the pause is over.
REFUSED = r'the next try is in'


def run_request(work, way, account, when, k):
    cloud = scenario.Cloud(work, signs_in=account == 'password')
    arm = functools.partial(cloud.arm, int(k), WAYS[way])
    if when != 'warm':
        arm()
    life = scenario.Life(work, cloud, options=['lazy'] if when == 'lazy' else [], warm=arm if when == 'warm' else None,
                         forgives=REFUSED if account == 'password' else None, usual=faultless('http').kept)
    life.run()
    return life


def request_points():
    for way in WAYS:
        for account in ACCOUNTS:
            for when in WHEN:
                for k in range(1, REQUESTS + (account == 'password') + 1):
                    yield 'request:%s:%s:%s:%d' % (way, account, when, k)


# --- all of them ---

RUN = {'malloc': run_malloc, 'syscall': run_syscall, 'request': run_request}
POINTS = {'malloc': malloc_points, 'syscall': syscall_points, 'request': request_points}
# What found something once and has the same place each time.
PINNED = (
    'malloc:file:once:2200', 'malloc:file:once:2202', 'malloc:file:once:2207', 'malloc:file:once:2211',
    'malloc:file:renewal:224', 'malloc:file:renewal:225', 'malloc:file:renewal:619', 'malloc:file:renewal:620',
    'syscall:http:sendto:EINTR:10', 'syscall:http:poll:ENOMEM:6', 'syscall:http:poll:ENOMEM:1', 'syscall:file:writev:EINTR:6',
    'syscall:file:writev:EAGAIN:1', 'syscall:http:writev:EAGAIN:17',
)
SHARE = {'malloc': 110, 'syscall': 50, 'request': 40}


def run_point(name):
    """What was not allowed, as lines."""
    kind, *words = name.split(':')
    with tempfile.TemporaryDirectory(prefix='imsfs-torture-') as work:
        return RUN[kind](work, *words).problems


def all_points(kinds):
    return [name for kind in kinds for name in POINTS[kind]()]


def sample(kinds, seed):
    """Of each kind so many, and those at which something was found once."""
    chosen = []
    for kind in kinds:
        names = list(POINTS[kind]())
        pinned = [name for name in PINNED if name.startswith(kind)]
        chosen += pinned + random.Random('%s %s' % (seed, kind)).sample(names, SHARE[kind] - len(pinned))
    return chosen
