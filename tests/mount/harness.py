# SPDX-License-Identifier: Apache-2.0
"""Mounts, servers and readers as objects that tests start and stop.

Binaries come from $IMSFS_BUILD (default: build-test). Nothing here asserts: it raises MountFailed, or answers.
"""
import contextlib
import errno
import glob
import json
import os
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import canary
import reference
from canary import (CANARIES, CREDENTIAL_SECRET, ISSUED_TOKEN, PASSCODE, PASSWORD, SECRET_KEY, SECURITY_TOKEN,  # noqa: F401
                    TOKEN)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get('IMSFS_BUILD', 'build-test'))
IMSFS = os.path.join(BUILD, 'imsfs')
SIM = os.path.join(BUILD, 'ims-sim')
# What a busy machine and a sanitizer may add to a time that the contract bounds.
USUAL_SLACK = 2
SLACK = float(os.environ.get('IMSFS_SLACK', USUAL_SLACK))
# Each mount in the foreground says all that it can (tests/run canary).
DEBUG = bool(os.environ.get('IMSFS_TEST_DEBUG'))
DEBUG_LINE = re.compile(r'imsfs: (GET|POST) http')
FOREIGN_TOP = (b'query', b'export')  # at the top, but not made from the list
# A worker looks where its reader is, while that is alone; of a thread that has ended it learns at its next request.
FOLLOWED = re.compile(r'/proc/\d+/task/\d+/stat( \(deleted\))?')


def built_with(word):
    """Whether this stands in the binary: a library that it needs, or one that is linked in."""
    with contextlib.suppress(FileNotFoundError), open(IMSFS, 'rb') as file:
        return os.fsencode(word) in file.read()
    return False


class MountFailed(Exception):
    def __init__(self, status, stderr):
        super().__init__('exit status %s: %s' % (status, stderr))
        self.status = status
        self.stderr = stderr

    def lines(self):
        """What it said, without what only -d has it say."""
        return [line for line in self.stderr.splitlines() if not DEBUG or not DEBUG_LINE.match(line)]


def wait_for(condition, seconds, step=0.02):
    """The first true value of condition(), or the last false one when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def error_of(call, *arguments, **options):
    """The name of the errno that a call fails with; 'OK' when it does not."""
    try:
        call(*arguments, **options)
    except OSError as error:
        name = errno.errorcode.get(error.errno, str(error.errno))
        return {'ENOTSUP': 'EOPNOTSUPP'}.get(name, name)  # one number
    return 'OK'


def mounts():
    """Mount point -> (options, type, super options) of all mounts."""
    found = {}
    with open('/proc/self/mountinfo', 'rb') as table:
        for line in table:
            fields, _, tail = line.rstrip(b'\n').partition(b' - ')
            fields = fields.split(b' ')
            kind, _, options = tail.split(b' ', 2)
            point = fields[4].decode('unicode_escape').encode('latin-1')
            found[os.fsdecode(point)] = (fields[5].decode().split(','), kind.decode(), options.decode())
    return found


def processes_of(path):
    """The processes of imsfs that have this path among their arguments."""
    found = []
    for entry in glob.glob('/proc/[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            with open(entry, 'rb') as file:
                arguments = file.read().split(b'\0')
            if os.fsencode(path) in arguments and arguments[0].endswith(b'imsfs'):
                found.append(int(entry.split('/')[2]))
    return found


def descriptors(pid):
    """What the descriptors of an imsfs lead to, one for each, but for those by which workers look where their readers
    are: these come and go with readers."""
    links = []
    for name in os.listdir('/proc/%d/fd' % pid):
        with contextlib.suppress(OSError):  # closed meanwhile
            links.append(os.readlink('/proc/%d/fd/%s' % (pid, name)))
    return [link for link in links if not FOLLOWED.fullmatch(link)]


def clear(point):
    """Ends whatever has this mount point, by force."""
    for pid in processes_of(point):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while point in mounts():
        if subprocess.run(['fusermount3', '-uz', point], stderr=subprocess.DEVNULL).returncode:
            break


def environment(sanitizer_log, **changes):
    """Ours, without the account of whoever runs the tests, with the sanitizers' reports in files."""
    canary.check_environment(changes)
    env = {k: v for k, v in os.environ.items() if not canary.ACCOUNT_VARIABLE.match(k) and k != 'PYTEST_CURRENT_TEST'}
    for tool in ('ASAN', 'UBSAN', 'TSAN'):
        name = tool + '_OPTIONS'
        env[name] = ':'.join(filter(None, [env.get(name), 'log_path=' + sanitizer_log, 'print_stacktrace=1']))
    env.update(changes)
    return {k: v for k, v in env.items() if v is not None}


class Mount:
    """One imsfs. It runs with -f unless background is set."""

    def __init__(self, work, source, *options, env=None, background=False, point=None, arguments=(), user=None):
        self.work = str(work)
        self.point = point or os.path.join(self.work, 'mnt')
        self.log = os.path.join(self.work, 'sanitizer')
        self.errors = os.path.join(self.work, 'stderr')
        self.options = options
        self.background = background
        self.user = user
        self.process = None
        self.leaks = []  # where secrets were seen
        self.has_secrets = bool(env) or '://' not in str(source) or any('token_' in option for option in options)
        self.env = environment(self.log, **(env or {}))
        self.command = [IMSFS, *([] if background else ['-f']), *(['-d'] if DEBUG and not background else []),
                        *arguments]
        if options:
            self.command += ['-o', ','.join(options)]
        self.command += [*([] if source is None else [str(source)]), self.point]

    def start(self, seconds=30):
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.point)
        with open(self.errors, 'ab') as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=errors, env=self.env, cwd='/', user=self.user,
                                            group=self.user and 'nogroup',
                                            extra_groups=[] if self.user else None)
        if self.background:
            if self.process.wait(seconds) != 0:
                raise MountFailed(self.process.returncode, self.stderr())
            self.look_at_processes()
            return self
        wait_for(lambda: self.mounted() or self.process.poll() is not None, seconds)
        if self.process.poll() is not None or not self.mounted():
            raise MountFailed(self.process.poll(), self.stderr())
        self.look_at_processes()
        return self

    def mounted(self):
        return self.point in mounts()

    def stderr(self):
        with open(self.errors, errors='replace') as file:
            return file.read()

    def reports(self):
        """What the sanitizers had to say."""
        text = ''
        for name in glob.glob(self.log + '*'):
            with open(name, errors='replace') as file:
                text += file.read()
        log = self.stderr() if os.path.exists(self.errors) else ''
        return text + '\n'.join(line for line in log.splitlines() if 'Sanitizer' in line or 'runtime error' in line)

    def path(self, *parts):
        return os.path.join(self.point, *parts)

    def read(self, *parts):
        with open(self.path(*parts), 'rb') as file:
            return file.read()

    def list(self, *parts):
        return sorted(os.listdir(self.path(*parts)))

    def status(self):
        return json.loads(self.read('.imsfs', 'status.json'))

    def pids(self):
        if not self.background:  # to look through all processes takes long
            return [self.process.pid] if self.process and self.process.poll() is None else []
        return processes_of(self.point)

    def signal(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)

    def gone(self, seconds):
        """Waits until nothing is mounted and no process is left."""
        return bool(wait_for(lambda: not self.pids() and not self.mounted(), seconds))

    def look_at_processes(self):
        for pid in self.pids():
            self.leaks += canary.in_process(pid)

    def stop(self):
        """A clean end. True when nothing was left to clean up."""
        self.look_at_processes()
        if self.has_secrets and self.mounted():
            self.leaks += canary.in_tree(self.point)
        self.signal(signal.SIGTERM)
        clean = self.gone(10)
        self.destroy()
        return clean

    def destroy(self):
        clear(self.point)
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()
        self.leaks += canary.in_file(self.errors)


class Sim:
    """One ims-sim over a data file of its own; data None: over none, then options say by which rule."""

    def __init__(self, work, data, *options, **named):
        self.data = os.path.join(str(work), 'data.json')
        self.log = os.path.join(str(work), 'requests.log')
        if data is not None:
            with open(self.data, 'wb') as file:
                file.write(data)
        flags = [f for name, value in named.items() for f in ('--' + name, str(value))]
        with open(os.path.join(str(work), 'sim.stderr'), 'wb') as errors:
            self.process = subprocess.Popen(
                [SIM, '--port', '0', '--log', self.log, *flags, *options, *([] if data is None else [self.data])],
                stdout=subprocess.PIPE, stderr=errors, env=environment(os.path.join(str(work), 'sim-sanitizer')))
        line = self.process.stdout.readline().decode()
        if 'listening on' not in line:
            raise RuntimeError('ims-sim did not start: %r' % line)
        self.address = line.split()[-1]
        self.url = 'http://' + self.address + named.get('prefix', '')
        self.token = named.get('token')

    def lines(self):
        with open(self.log, errors='replace') as file:
            return file.read().splitlines()

    def count(self):
        """List requests so far, without the harness's own."""
        return sum(1 for line in self.lines()
                   if ('/v2/images' in line or '/v2/cloudimages' in line) and 'harness' not in line)

    def get(self, path):
        """One answer for the test itself; it is marked, so that count() leaves it out."""
        request = urllib.request.Request(self.url + path, headers={
            'Accept': 'application/json', 'X-Auth-Token': self.token or TOKEN})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def update(self, data):
        """New data; returns when requests are answered from them."""
        fresh = self.data + '.new'
        with open(fresh, 'wb') as file:
            file.write(data)
        os.rename(fresh, self.data)  # ims-sim looks at the file before each answer

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Shell:
    """A shell that stays, with its working directory inside the mount."""

    def __init__(self, directory):
        self.process = subprocess.Popen(['sh'], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def run(self, command):
        """What a command printed, stderr included."""
        self.process.stdin.write(os.fsencode(command) + b'\nprintf "\\n--end--\\n"\n')
        self.process.stdin.flush()
        out = b''
        while not out.endswith(b'\n--end--\n'):
            byte = self.process.stdout.readline()
            if not byte:
                break
            out += byte
        return out[:-len(b'\n--end--\n')]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def reader(*command):
    """A process that reads; its output is kept."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waiting(process, seconds=0.5):
    """True when the process is still there after a while."""
    return wait_for(lambda: process.poll() is not None, seconds) is False


def end_of(process, seconds):
    """The exit status of a process that ends in time, None when it does not."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(seconds)
    return None


def snapshot(root, skip=FOREIGN_TOP):
    """Everything below a directory as the reference would tell it."""
    found = {}
    stack = [b'']
    root = os.fsencode(root)
    while stack:
        directory = stack.pop()
        with os.scandir(os.path.join(root, directory)) as entries:
            for entry in entries:
                path = os.path.join(directory, entry.name)
                if path not in skip:
                    found[path] = node_at(root, path, entry)
                    if found[path].kind == 'd':
                        stack.append(path)
    return found


def node_at(root, path, entry):
    """A node as lstat, readdir and read tell it; '?' where they disagree."""
    full = os.path.join(root, path)
    stat = os.lstat(full)
    times = int(stat.st_mtime // 1), int(stat.st_atime // 1)
    if stat.st_ino != entry.inode():
        return reference.Node('?', b'inode differs between readdir and lstat', *times)
    if entry.is_symlink():
        kind, data = 'l', os.readlink(full)
    elif entry.is_dir(follow_symlinks=False):
        return reference.Node('d', None, *times)
    else:
        with open(full, 'rb') as file:
            kind, data = 'f', file.read()
    if stat.st_size != len(data):
        return reference.Node('?', b'st_size %d, %d bytes' % (stat.st_size, len(data)), *times)
    return reference.Node(kind, data, *times)


def same(expected, actual):
    return (expected.kind == actual.kind and expected.data == actual.data and
            expected.mtime in (None, actual.mtime) and expected.atime in (None, actual.atime))


def differences(expected, found, most=12):
    """Lines that tell where two trees differ; no lines when they do not."""
    result = ['missing: %r' % path for path in sorted(set(expected) - set(found))]
    result += ['not expected: %r' % path for path in sorted(set(found) - set(expected))]
    for path in sorted(set(expected) & set(found)):
        if not same(expected[path], found[path]):
            result.append('%r: expected %.400r found %.400r' % (path, expected[path], found[path]))
    return result[:most] + (['... %d in all' % len(result)] if len(result) > most else [])


def materialize(tree, root):
    """A tree as plain files, for the harness's own tests."""
    root = os.fsencode(root)
    for path, node in sorted(tree.items()):
        full = os.path.join(root, path)
        if node.kind == 'd':
            os.mkdir(full)
        elif node.kind == 'l':
            os.symlink(node.data, full)
        else:
            with open(full, 'wb') as file:
                file.write(node.data)
    for path, node in sorted(tree.items(), reverse=True):
        if node.mtime is not None:
            atime = node.mtime if node.atime is None else node.atime
            os.utime(os.path.join(root, path), (atime, node.mtime), follow_symlinks=False)


def pages_of(sim, api, size):
    """How many requests a whole listing takes, by the documents, counted with requests of our own."""
    marker, count = '', 0
    while True:
        answer = sim.get('/v2/%s?limit=%d%s&harness=1' % (api, size, marker))
        count += 1
        if not answer['images'] or api == 'images' and 'next' not in answer:
            return count
        marker = '&marker=' + urllib.parse.quote(answer['images'][-1]['id'])
