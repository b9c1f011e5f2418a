# SPDX-License-Identifier: Apache-2.0
"""One life of imsfs, from the start to the end, into which somebody throws one fault.

Life starts it, reads, has the list renewed, reads again and ends it, and collects what is not allowed: an end by a signal, a
report of a sanitizer, a wait without an end, a listing that is neither whole nor an error, a wrong byte, a descriptor or a
thread too many, a mount that stays.
"""
import contextlib
import errno
import functools
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import data
import harness
import reference
from rawserver import Paged, RawServer, Reply, error

SECONDS = 25      # for a whole life with one fault; whoever takes longer hangs
GOOD_AGAIN = 12   # for the next good answer after a fault: a try that failed is repeated after 1, 2, 4 s
OPTIONS = ('ttl=60', 'timeout=4')
QUERY = b'query/status=active'
PAGE = 10

OLD = data.records(30)
NEW = [data.record(3, name='renamed'), *data.records(30)[:3], *data.records(32)[5:]]

ANSWERS = {errno.ENOMEM, errno.EIO, errno.EACCES, errno.EHOSTUNREACH, errno.ETIMEDOUT}
# What may be said besides: in the foreground that all is well; and what libfuse prints itself, whatever we do.
NEWS = re.compile(
    r': signed in as |: out of memory for telling the kernel|fuse: failed to allocate|^fuse: |^fusermount3: |short read on fuse')
FAILED_START = re.compile(r': cannot mount: |: mounted, but the kernel does not list it: |: Cannot allocate memory$', re.M)
GONE = {errno.ENOENT, errno.ESTALE}  # for what only the one of two lists has


def key_of(path):
    """What a file or link stays the same by when its image is renamed: the id, and what is behind that."""
    return path.partition(b'/')[0], path.rpartition(b'@')[2]


class Expected:
    """What one list looks like."""

    def __init__(self, records):
        self.json = data.response(records)
        self.nodes = dict(reference.build(self.json))
        for image in reference.images(self.json):
            place = QUERY + b'/' + image.directory
            self.nodes[place] = reference.Node('d')
            for name, content in image.files().items():
                self.nodes[place + b'/' + name] = reference.Node('f', content)
        self.nodes[b'images'] = self.nodes[QUERY] = reference.Node('d')
        self.by_key = {key_of(path): node for path, node in self.nodes.items() if node.kind != 'd'}
        self.names = {path: set() for path, node in self.nodes.items() if node.kind == 'd'}
        for path in self.nodes:
            parent, _, name = path.rpartition(b'/')
            if parent in self.names:
                self.names[parent].add(name)


@functools.lru_cache(None)
def expected():
    return Expected(OLD), Expected(NEW)


def is_read(path):
    """Of images' files every one in the mount's own tree of each tenth image, and two of each in the query."""
    image, _, name = path.rpartition(b'/')
    if path.startswith(QUERY):
        return name in (b'name', b'image.json')
    return image.endswith(b'0') or name in (b'name', b'image.json')


class Walk:
    """Everything looked at once. wrong: what is neither in one of the lists nor an error; errors: how many of these."""

    def __init__(self, point, lists, answers):
        self.root = os.fsencode(point)
        self.lists = lists
        self.answers = answers
        self.wrong = []
        self.errors = []
        for top in (b'images', b'by-id', b'by-name', b'by-status', QUERY):
            self.directory(top)

    def guarded(self, call, path):
        """What a call answers, None for an error that is allowed."""
        try:
            return call(path)
        except OSError as failed:
            known = all(path in one.nodes for one in self.lists)
            if failed.errno not in self.answers and (known or failed.errno not in GONE):
                self.wrong.append('%r: %s' % (path, errno.errorcode.get(failed.errno, failed.errno)))
            self.errors.append('%r: %s' % (path, errno.errorcode.get(failed.errno, failed.errno)))
            return None

    def directory(self, path):
        names = self.guarded(lambda p: os.listdir(os.path.join(self.root, p)), path)
        if names is None:
            return
        allowed = [one.names.get(path, set()) for one in self.lists]
        # What is in all of the lists must come, also to a reader who is under way while they change.
        missing, foreign = set.intersection(*allowed) - set(names), set(names) - set.union(*allowed)
        if missing or foreign or len(names) != len(set(names)):
            self.wrong.append('%r lists %d names: without %r, with %r' % (
                path, len(names), sorted(missing)[:3], sorted(foreign)[:3]))
        for name in sorted(names):
            self.node(path + b'/' + name)

    def node(self, path):
        nodes = [one.nodes[path] for one in self.lists if path in one.nodes]
        if len(self.lists) > 1 and nodes and nodes[0].kind != 'd':
            # The kernel is told of a new name after the list is there: until then the old one leads to the same image.
            nodes = [one.by_key[key_of(path)] for one in self.lists if key_of(path) in one.by_key]
        if not nodes:
            return  # the listing was told of already
        if nodes[0].kind == 'd':
            self.directory(path)
        elif nodes[0].kind == 'l':
            self.compare(path, nodes, lambda p: os.readlink(os.path.join(self.root, p)))
        elif is_read(path):
            self.compare(path, nodes, self.contents)

    def contents(self, path):
        with open(os.path.join(self.root, path), 'rb', buffering=0) as file:
            return file.readall()

    def compare(self, path, nodes, call):
        found = self.guarded(call, path)
        if found is not None and found not in [node.data for node in nodes]:
            self.wrong.append('%r holds %.200r, not %.200r' % (path, found, nodes[-1].data))


# --- where the list comes from ---

class File:
    """A list in a file."""
    name = 'file'
    env = {}

    def __init__(self, work):
        self.source = os.path.join(work, 'list.json')
        self.serve(expected()[0])

    def serve(self, one):
        with open(self.source + '.new', 'wb') as file:
            file.write(one.json)
        os.rename(self.source + '.new', self.source)

    def close(self):
        pass


class Cloud(RawServer):
    """A Keystone and a Glance with pages of ten. fault(request, good answer), if there is one, answers the k-th request
    from when it was armed."""
    name = 'http'

    def __init__(self, work, signs_in=True):
        self.token = None
        self.records = OLD
        self.fault = None
        self.left = 0
        self.guard = threading.Lock()
        super().__init__(self.answer)
        self.source = self.url
        self.env = {'OS_AUTH_URL': self.url + '/v3', 'OS_USERNAME': 'u', 'OS_PASSWORD': harness.PASSWORD,
                    'OS_USER_DOMAIN_NAME': 'd', 'OS_PROJECT_ID': 'p'} if signs_in else {}

    def serve(self, one):
        self.records = OLD if one is expected()[0] else NEW

    def arm(self, k, fault):
        with self.guard:
            self.left, self.fault = k, fault

    def answer(self, request, n):
        with self.guard:
            self.left -= 1
            fault = self.fault if self.left == 0 else None
        good = self.sign_in() if request.method == 'POST' else self.page(request, n)
        return fault(self, good) if fault else good

    def sign_in(self):
        self.token = harness.ISSUED_TOKEN
        body = {'token': {
            'methods': ['password'], 'issued_at': '2026-01-01T00:00:00.000000Z', 'expires_at': '2099-01-01T00:00:00.000000Z',
            'project': {'id': 'p', 'name': 'p', 'domain': {'id': 'd', 'name': 'd'}}, 'catalog': []}}
        return Reply(json.dumps(body).encode(), 201, (('X-Subject-Token', self.token),))

    def page(self, request, n):
        if self.env and request.headers.get('x-auth-token') != self.token:
            return error(401)
        if request.path.endswith('/cloudimages'):
            return error(404)
        return Paged(self.records, size=PAGE)(request, n)

    def refuse(self, seconds):
        """For a while nobody listens."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)
        self._socket.close()

        def again():
            if not self._closing.is_set():
                self._socket = harness.wait_for(self.bound, 5)
                self._accept()
        timer = threading.Timer(seconds, again)
        timer.daemon = True
        timer.start()

    def bound(self):
        with contextlib.suppress(OSError):
            return socket.create_server(('127.0.0.1', self.port), backlog=64)
        return None


# --- the life ---

class Life:
    """lasting: the fault does not end, so nothing good has to follow. wrap: a command before ours."""

    def __init__(self, work, origin, options=(), env=None, wrap=(), lasting=False, answers=ANSWERS, starts=(1,),
                 warm=None, forgives=None, usual=None):
        self.usual = usual  # what a life without a fault holds in the end, as kept
        self.origin = origin
        self.lasting = lasting
        self.answers = answers
        self.starts = starts      # exit statuses that a failed start may have
        self.warm = warm          # called before the list is renewed
        self.forgives = forgives  # of a last_error in the status: no good answer has to follow
        self.problems = []
        self.phase = 'start'
        self.mount = harness.Mount(work, origin.source, *OPTIONS, *options, env={**origin.env, **(env or {})})
        self.mount.command[:0] = wrap
        self.wrapped = bool(wrap)
        self.done = threading.Event()
        self.hung = False
        self.pid = None
        self.kept = None  # (descriptors, threads) in the end

    def problem(self, text):
        self.problems.append('%s: %s' % (self.phase, text))

    def run(self):
        """Returns what was not allowed, as lines."""
        watchdog = threading.Thread(target=self.watch, daemon=True)
        watchdog.start()
        try:
            if self.start():
                self.use()
                self.end()
        except OSError as failed:
            self.problem(repr(failed))
        finally:
            self.done.set()
            self.clean_up()
        return self.problems

    def watch(self):
        """By steps, as a stopped machine makes only the one longer in which it was stopped."""
        for _ in range(10 * SECONDS):
            if self.done.wait(0.1):
                return
        self.hung = True
        self.problem('hangs, or takes over %d s: %s' % (SECONDS, self.stacks()))
        harness.clear(self.mount.point)

    def stacks(self):
        """Where its threads wait in the kernel."""
        found = []
        for pid in harness.processes_of(self.mount.point):
            with contextlib.suppress(OSError):
                for task in os.listdir('/proc/%d/task' % pid):
                    with open('/proc/%d/task/%s/wchan' % (pid, task)) as file:
                        found.append(file.read())
        return ' '.join(found)

    def start(self):
        """True when it is mounted."""
        mount = self.mount
        os.mkdir(mount.point)
        with open(mount.errors, 'ab') as errors:
            mount.process = subprocess.Popen(mount.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=errors, env=mount.env, cwd='/')
        self.wait_for(mount.mounted)
        if mount.mounted() and self.answers_at_all():
            self.pid = self.find_process()
        if self.pid:
            return True
        self.wait_for(lambda: False)  # what was mounted may have been taken back, and it is ending
        if mount.process.poll() is None:
            self.problem('neither mounts nor ends: %s' % self.stacks())
            return False
        self.failed_start(mount.process.returncode)
        return False

    def wait_for(self, condition):
        """That, or that it has ended, or hangs."""
        harness.wait_for(lambda: condition() or self.mount.process.poll() is not None or self.hung, 3600, 0.005)

    def find_process(self):
        """None: it has just ended."""
        found = harness.processes_of(self.mount.point) if self.wrapped else [self.mount.process.pid]
        return found[0] if found else None

    def answers_at_all(self):
        """What is mounted may still be taken back, when not even the root can be listed."""
        try:
            os.listdir(self.mount.point)
            return True
        except OSError:
            return harness.end_of(self.mount.process, 2) is None

    def failed_start(self, status):
        lines = [line for line in self.mount.stderr().splitlines() if line and not NEWS.search(line)]
        if status == 127 and re.search('error while loading shared libraries|Fatal glibc error', ' '.join(lines)):
            return  # we had not begun
        if status not in self.starts:
            self.problem('exit status %d: %s' % (status, lines[-3:]))
        elif len(lines) != 1 and status == 1 or not lines:
            self.problem('not one line: %s' % lines)
        elif not lines[-1].startswith('imsfs: ') and status == 1:
            self.problem('not our line: %s' % lines)

    def look(self, lists):
        walk = Walk(self.mount.point, lists, self.answers)
        if not self.hung:
            for text in walk.wrong[:5]:
                self.problem(text)
        return walk

    def use(self):
        old, new = expected()
        self.phase = 'first walk'
        self.look([old])
        self.phase = 'renewal'
        self.origin.serve(new)
        if self.warm:
            self.warm()
        self.signal(signal.SIGHUP)
        self.look([old, new])
        if not self.lasting:
            self.phase = 'good again'
            self.good_again(new)
        # It looks at the table of mounts whenever anything is mounted, also by others.
        if not harness.wait_for(self.holds_no_more, 2) and not self.hung and not self.problems:
            self.problem('holds %s, not %s' % (self.kept, self.usual))

    def good_again(self, new):
        """From some moment on, all of the new list is there."""
        end = time.monotonic() + GOOD_AGAIN
        while not self.hung:
            walk = Walk(self.mount.point, [new], self.answers)
            if not walk.wrong and not walk.errors:
                return
            if time.monotonic() > end:
                for text in (walk.wrong + walk.errors)[:3]:
                    self.problem('after %d s: %s; %s' % (GOOD_AGAIN, text, self.last_error()))
                return
            if self.forgives and re.search(self.forgives, self.last_error()):
                return
            time.sleep(0.1)
            self.signal(signal.SIGHUP)

    def last_error(self):
        with contextlib.suppress(OSError, ValueError):
            return str(self.mount.status().get('last_error'))
        return ''

    def held(self):
        """Descriptors that are no sockets, and threads."""
        with contextlib.suppress(OSError):
            kinds = harness.descriptors(self.pid)
            return (sorted(re.sub(r'.*/stderr$|[\d:\[\]]+', '', kind) for kind in kinds if 'socket:' not in kind),
                    len(os.listdir('/proc/%d/task' % self.pid)))
        return None

    def holds_no_more(self):
        """Than a life without a fault."""
        self.kept = self.held()
        return not self.usual or not self.kept or (self.kept[0] == self.usual[0] and self.kept[1] <= self.usual[1])

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError, TypeError):
            os.kill(self.pid, number)

    def end(self):
        self.phase = 'end'
        mount = self.mount
        if mount.process.poll() == 1 and FAILED_START.search(mount.stderr()):
            self.problems.clear()  # it was seen between the mount and the start of a thread that had to serve it
            self.failed_start(1)
            return
        if mount.process.poll() == 0 and self.lasting:
            # Without any memory it may end; then there is nothing that could answer.
            self.problems = [text for text in self.problems if not re.search(': E[A-Z]+$', text)]
            return
        if mount.process.poll() is not None and not self.hung:
            self.problem('ended by itself: %d: %s' % (mount.process.returncode, mount.stderr()[-300:]))
            return
        self.signal(signal.SIGTERM)
        status = harness.end_of(mount.process, 10)
        if status is None:
            self.problem('SIGTERM does not end it: %s' % self.stacks())
        elif status and not self.hung and not self.lost_keeper():
            self.problem('exit status %d: %s' % (status, mount.stderr()[-1300:]))

    def lost_keeper(self):
        """Where nobody who may unmount can be told to, it says so."""
        return 'imsfs-keeper was killed; remove it with: ' in self.mount.stderr()

    def clean_up(self):
        mount = self.mount
        if mount.mounted() and not self.hung and not self.lost_keeper():
            self.problem('is still mounted')
        harness.clear(mount.point)
        if mount.process:
            if harness.end_of(mount.process, 2) is None:
                mount.process.kill()
            mount.process.wait()
        reports = mount.reports()
        if reports:
            self.problem(reports[:3000])
        secrets = harness.canary.in_file(mount.errors)
        if secrets:
            self.problem('a secret: %s' % secrets)
        self.origin.close()
