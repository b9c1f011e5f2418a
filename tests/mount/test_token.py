# SPDX-License-Identifier: Apache-2.0
"""Tokens that somebody else renews: in a file, or printed by a program."""
import contextlib
import glob
import os
import shlex
import signal
import time

import pytest

import canary
import data
import harness
from rawserver import Paged, error

ITEMS = data.records(30)
OLD, NEW, OTHER = harness.TOKEN + '-old', harness.TOKEN + '-new', harness.TOKEN + '-other'
# What an environment may hold for each way to sign in. None: where the server is.
ACCOUNTS = {
    'token': {'OS_TOKEN': OTHER, 'OS_AUTH_TOKEN': OTHER},
    'password': {'OS_AUTH_URL': None, 'OS_USERNAME': 'somebody', 'OS_PASSWORD': harness.PASSWORD,
                 'OS_PASSCODE': harness.PASSCODE},
    'credential': {'OS_AUTH_URL': None, 'OS_APPLICATION_CREDENTIAL_ID': 'an-id',
                   'OS_APPLICATION_CREDENTIAL_SECRET': harness.CREDENTIAL_SECRET},
    'OTC': {'OS_ACCESS_KEY': 'AK', 'OS_SECRET_KEY': harness.SECRET_KEY, 'OS_SECURITY_TOKEN': harness.SECURITY_TOKEN},
    'Huawei': {'HW_ACCESS_KEY': 'AK', 'HW_SECRET_KEY': harness.SECRET_KEY, 'HW_SECURITY_TOKEN': harness.SECURITY_TOKEN},
    'Huawei password': {'HW_AUTH_URL': None, 'HW_USER_NAME': 'somebody', 'HW_USER_PASSWORD': harness.PASSWORD,
                        'HW_DOMAIN_NAME': 'some'},
    'SDK': {'HUAWEICLOUD_SDK_AK': 'AK', 'HUAWEICLOUD_SDK_SK': harness.SECRET_KEY,
            'HUAWEICLOUD_SDK_SECURITY_TOKEN': harness.SECURITY_TOKEN},
}


class Gate(Paged):
    """Serves pages to whoever has the good token, and repeats any other in its 401."""

    def __init__(self, good=OLD, **named):
        super().__init__(ITEMS, **named)
        self.good = good

    def __call__(self, request, n):
        token = request.headers.get('x-auth-token')
        if token != self.good:
            return error(401, 'this one has expired: %s' % token)
        return super().__call__(request, n)


class Program:
    """A program for token_command, as a script of its own; count() tells how often it was run."""

    def __init__(self, directory, script='cat token'):
        self.directory = directory
        self.calls = directory / 'calls'
        self.calls.write_text('')
        (directory / 'script').write_text('cd %s; echo $$ >>calls\n%s\n' % (shlex.quote(str(directory)), script))
        self.option = 'token_command=sh %s' % shlex.quote(str(directory / 'script'))
        self.print(OLD)

    def print(self, token):
        (self.directory / 'token.new').write_text(token + '\n')
        (self.directory / 'token.new').rename(self.directory / 'token')

    def pids(self):
        return self.calls.read_text().split()

    def count(self):
        return len(self.pids())

    def read(self, name):
        return (self.directory / name).read_text()


class File(Program):
    """The same for token_file."""

    def __init__(self, directory):
        super().__init__(directory)
        self.option = 'token_file=%s' % (directory / 'token')

    def print(self, token):
        super().print(token)
        (self.directory / 'token').chmod(0o600)


@pytest.fixture
def program(directory):
    return lambda *script: Program(directory(), *script)


@pytest.fixture(params=[File, Program], ids=['token_file', 'token_command'])
def origin(request, directory):
    return request.param(directory())


def tokens_of(server):
    """The tokens that came, each once, in the order of their first use."""
    return list(dict.fromkeys(request.headers.get('x-auth-token') for request in server.lists()))


def refresh(mounted):
    """Has the list renewed, and waits until that has worked or not. The status then."""
    before = harness.wait_for(lambda: idle(mounted), 20)
    mounted.signal(signal.SIGHUP)
    after = harness.wait_for(lambda: idle(mounted, before['listings'] + 1), 20)
    assert after
    return after


def idle(mounted, listings=0):
    """The status, if no listing is under way and so many were begun."""
    status = mounted.status()
    return status if status['listings'] >= listings and not status['listing_now'] else None


def failure_of(mount, *arguments, **named):
    """The line that tells why there is no mount, without what the program said."""
    with pytest.raises(harness.MountFailed) as failed:
        mount(*arguments, **named)
    assert failed.value.status == 1
    lines = [line for line in failed.value.lines() if not line.startswith('imsfs: token_command: ')]
    assert len(lines) == 1, failed.value.stderr
    return lines[0]


# --- A good one ---

@pytest.mark.parametrize('background', [False, True], ids=['-f', 'background'])
def test_it_is_sent(mount, raw, origin, background):
    server = raw(Gate())
    mounted = mount(server.url, origin.option, 'page_size=10', background=background)
    assert len(mounted.list('by-id')) == 30
    assert tokens_of(server) == [OLD]
    assert mounted.status()['auth'] == 'token'


def test_it_comes_before_the_one_of_the_environment(mount, raw, origin):
    server = raw(Gate())
    assert len(mount(server.url, origin.option, env={'OS_TOKEN': OTHER}).list('by-id')) == 30
    assert tokens_of(server) == [OLD]


def test_a_program_runs_only_when_its_token_is_refused(mount, raw, program):
    one = program()
    gate = Gate()
    mounted = mount(raw(gate).url, one.option, 'ttl=1')
    for _ in range(3):
        assert refresh(mounted)['failing'] is False
    assert one.count() == 1
    one.print(NEW)
    assert refresh(mounted)['failing'] is False  # the old one is still good
    assert one.count() == 1
    gate.good = NEW
    for _ in range(3):
        assert refresh(mounted)['failing'] is False
    assert one.count() == 2


def test_a_listing_goes_on_with_the_new_one(mount, raw, origin):
    """In the middle of a list the token ends: one request is refused, and repeated with the new one."""
    gate = Gate(size=10)
    server = raw(lambda request, n: turn(n) or gate(request, n))

    def turn(n):
        if n == 2:
            gate.good = NEW
            origin.print(NEW)
    mounted = mount(server.url, origin.option, 'page_size=10')
    assert len(mounted.list('by-id')) == 30
    assert mounted.status()['failing'] is False
    sent = [(request.value('marker'), request.headers['x-auth-token']) for request in server.lists()]
    ids = [item['id'] for item in ITEMS]
    assert sent == [(None, OLD), (ids[9], OLD), (ids[9], NEW), (ids[19], NEW), (ids[29], NEW)]


def test_the_same_one_again_is_not_tried_again(mount, raw, origin):
    """What was refused is refused: neither the server nor the program is asked for each reader."""
    gate = Gate()
    server = raw(gate)
    mounted = mount(server.url, origin.option, 'ttl=1')
    assert len(mounted.list('by-id')) == 30
    gate.good = NEW
    assert refresh(mounted)['failing'] is True
    before = len(server.requests), origin.count()
    for _ in range(5):
        mounted.signal(signal.SIGHUP)
        assert len(mounted.list('by-id')) == 30  # from the last good list
        time.sleep(0.3)
    assert 'the next try is in' in mounted.status()['last_error']
    assert (len(server.requests), origin.count()) == before
    assert origin.count() <= 2 and tokens_of(server) == [OLD]


def test_a_file_with_a_new_one_ends_the_wait(mount, raw, directory):
    file = File(directory())
    gate = Gate()
    mounted = mount(raw(gate).url, file.option, 'ttl=1')
    gate.good = NEW
    assert refresh(mounted)['failing'] is True
    file.print(NEW)
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: mounted.status()['failing'] is False, 10)


# --- None ---

@pytest.mark.parametrize('script, reason', [
    ('echo %s; exit 3' % OTHER, 'failed with status 3'),
    ('echo %s; kill -9 $$' % OTHER, 'failed with status 137'),
    ('absent-program', 'failed with status 127'),
    ('true', 'prints no token'),
    ('echo two %s' % OTHER, 'prints no token'),
    ('echo %s; echo and another line' % OTHER, 'prints no token'),
    ('echo "{\\"token\\": \\"%s\\"}" | tr -d "\\n"; printf "\\033[31m"' % OTHER, 'prints no token'),
    ('head -c 1000 /dev/urandom', 'prints no token'),
    ('yes %s | head -c 1000000' % OTHER, 'prints no token'),
    ('yes %s' % OTHER, 'prints no token'),
], ids=lambda value: None if ' ' in value else value)
def test_a_program_without_a_token(mount, raw, program, script, reason):
    server = raw(Gate())
    one = program(script)
    assert reason in failure_of(mount, server.url, one.option, 'timeout=5')
    assert server.lists() == [] and one.count() >= 1


def test_a_program_that_fails_later(mount, raw, program):
    one = program('test ! -e broken && cat token')
    gate = Gate()
    mounted = mount(raw(gate).url, one.option, 'ttl=1')
    gate.good = NEW
    (one.directory / 'broken').write_text('')
    assert 'failed with status 1' in refresh(mounted)['last_error']
    assert len(mounted.list('by-id')) == 30
    (one.directory / 'broken').unlink()
    one.print(NEW)
    assert harness.wait_for(lambda: mounted.list('by-id') and mounted.status()['failing'] is False, 20, 0.2)


def test_a_program_that_never_ends(mount, raw, program):
    one = program('echo %s; sleep 3600 & sleep 3600' % OTHER)
    assert 'did not end in time' in failure_of(mount, raw(Gate()).url, one.option, 'timeout=1')
    assert gone(one)


@pytest.mark.parametrize('content', ['', 'two %s\n' % OTHER, '%s\nnext: line\n' % OTHER, 'x' * 100000])
def test_a_file_without_a_token(mount, raw, directory, content):
    file = File(directory())
    (file.directory / 'token').write_text(content)
    assert 'holds no token' in failure_of(mount, raw(Gate()).url, file.option)


def test_no_file(mount, raw, directory):
    file = File(directory())
    (file.directory / 'token').unlink()
    assert 'No such file' in failure_of(mount, raw(Gate()).url, file.option)


# --- The program as a process ---

def gone(program):
    """True when nothing runs any more of what the program started (a zombie does not)."""
    def state(pid):
        with open('/proc/%s/stat' % pid) as file:
            state, _, _, session = file.read().rpartition(') ')[2].split()[:4]
        return state, session

    def running():
        for path in glob.glob('/proc/[0-9]*'):
            try:
                now, session = state(path.split('/')[2])
            except OSError:
                continue
            if session in program.pids() and now != 'Z':
                return True
        return False
    return bool(harness.wait_for(lambda: not running(), 5))


def children_of(mounted):
    found = []
    for pid in mounted.pids():
        for path in glob.glob('/proc/%d/task/*/children' % pid):
            with open(path) as file:
                found += file.read().split()
    return found


def test_sigterm_ends_it_at_once(mount, raw, program):
    one = program('sleep 3600 & sleep 3600')
    mounted = mount(raw(Gate()).url, one.option, 'lazy')
    assert one.count() == 0
    waiting = harness.reader('ls', mounted.path('by-id'))
    assert harness.wait_for(one.count, 10) == 1
    mounted.signal(signal.SIGTERM)
    assert mounted.gone(1 + harness.SLACK)
    assert waiting.wait(5) != 0
    waiting.communicate()
    assert gone(one)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_for_it_can_be_stopped(directory, raw, program, number):
    one = program('sleep 3600 & sleep 3600')
    mounted = harness.Mount(directory(), raw(Gate()).url, one.option)
    os.mkdir(mounted.point)
    process = harness.reader(*mounted.command)
    try:
        assert harness.wait_for(one.count, 10) == 1
        process.send_signal(number)
        assert harness.end_of(process, 1 + harness.SLACK) == 1
        assert b'stopped before' in process.stderr.read()
    finally:
        mounted.destroy()
        process.communicate()
    assert gone(one)


def test_nothing_of_it_stays(mount, raw, program):
    """Neither a zombie, nor what it left running with its output open."""
    one = program('sleep 3600 & cat token')
    mounted = mount(raw(Gate()).url, one.option)
    assert len(mounted.list('by-id')) == 30
    assert one.count() == 1 and gone(one)
    assert children_of(mounted) == []


@pytest.mark.parametrize('way', ACCOUNTS)
def test_it_has_none_of_our_secrets(mount, raw, program, way):
    """Whatever else the environment says; but what the program itself may need is there."""
    one = program('cat /proc/self/environ >environ; cat /proc/$PPID/environ >>environ; cat token')
    server = raw(Gate())
    env = {'VAULT_ADDR': 'http://127.0.0.1:8200', **ACCOUNTS[way]}
    env.update((name, server.url + '/v3') for name, value in env.items() if value is None)
    with contextlib.suppress(harness.MountFailed):  # there is no Keystone that could look at the token
        mount(server.url, one.option, 'timeout=1', env=env)
    assert one.count() == 1
    assert 'VAULT_ADDR=http://127.0.0.1:8200\0' in one.read('environ')
    assert canary.WORD not in one.read('environ')


def test_it_has_none_of_our_descriptors(mount, raw, program):
    """Asked again while we are mounted and connected."""
    one = program('ls -l /proc/$$/fd >descriptors; cat token')
    gate = Gate()
    mounted = mount(raw(gate).url, one.option, 'ttl=1')
    gate.good = NEW
    one.print(NEW)
    assert refresh(mounted)['failing'] is False
    assert one.count() == 2
    found = one.read('descriptors')
    assert '/dev/null' in found and '/dev/fuse' not in found and 'socket:' not in found


def test_what_it_says_is_in_the_log(mount, raw, program):
    """Its standard error is in the log, without the token."""
    one = program('set -x; echo hello >&2; printf "\\033[2Jescape\\n" >&2; read line || echo no input >&2; echo %s' % OLD)
    mounted = mount(raw(Gate()).url, one.option)
    assert len(mounted.list('by-id')) == 30
    log = mounted.stderr()
    for line in ('hello', '\\x1b[2Jescape', 'no input', '+ echo ' + '*' * len(OLD)):
        assert 'imsfs: token_command: %s\n' % line in log


def test_its_messages_tell_why_there_is_no_mount(mount, raw, program):
    one = program('echo permission denied >&2; exit 2')
    assert 'failed with status 2; the log has what it says' in failure_of(mount, raw(Gate()).url, one.option)


# --- The file as a file ---

def test_a_file_that_others_can_read_is_named_once(mount, raw, directory):
    file = File(directory())
    gate = Gate()
    (file.directory / 'token').chmod(0o644)
    mounted = mount(raw(gate).url, file.option, 'ttl=1')
    for good in (NEW, OTHER):
        gate.good = good
        (file.directory / 'token').write_text(good)
        assert refresh(mounted)['failing'] is False
    warnings = [line for line in mounted.stderr().splitlines() if 'can be read by others' in line]
    assert len(warnings) == 1 and str(file.directory / 'token') in warnings[0]
