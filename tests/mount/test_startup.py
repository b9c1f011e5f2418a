# SPDX-License-Identifier: Apache-2.0
"""Starting: a mount that is usable, or one line that says why not and nothing mounted."""
import os
import signal
import subprocess

import pytest

import canary
import data
import harness
from rawserver import Paged, Reply, error

GOOD = data.response(data.records(5))


@pytest.fixture(params=[False, True], ids=['-f', 'background'])
def background(request):
    return request.param


def run(*arguments, env=None, seconds=20):
    """A command line as it is."""
    return subprocess.run([harness.IMSFS, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          env=harness.environment('/dev/null', **(env or {})), timeout=seconds)


def check_failure(result, point, status):
    """The exit status, one line of reason without a stack of messages, and nothing left."""
    text = result.stderr.decode()
    assert result.returncode == status, text
    assert len(text.splitlines()) == 1 and text.endswith('\n'), text
    assert text.startswith('imsfs: '), text
    assert canary.WORD not in text
    assert str(point) not in harness.mounts()
    assert harness.processes_of(str(point)) == []
    return text


@pytest.fixture
def point(tmp_path):
    path = tmp_path / 'mnt'
    path.mkdir()
    yield path
    harness.clear(str(path))


def failure(source, point, background, *options, status=1, env=None):
    arguments = [] if background else ['-f']
    for option in options:
        arguments += ['-o', option]
    return check_failure(run(*arguments, source, point, env=env), point, status)


def test_refused(raw, point, background):
    server = raw([Reply()])
    server.close()
    text = failure(server.url, point, background)
    assert str(server.port) in text


@pytest.mark.parametrize('reply', [error(401), error(403), error(404), error(500), error(503), Reply(b'<html>')],
                         ids=lambda reply: str(reply.status))
def test_bad_answers(raw, point, background, reply):
    failure(raw([reply]).url, point, background, 'timeout=8')


def test_a_first_page_that_ends_badly(raw, point, background):
    """Its first images are shown before it is read to its end, but the mount waits for that."""
    page = data.response(data.records(500))
    at = page.rindex(b'"name"')
    text = failure(raw([Reply(page[:at] + b'name' + page[at + 6:])]).url, point, background)
    assert 'no list of images' in text


def test_a_hanging_server(raw, point, background):
    failure(raw([Reply(hang=True)]).url, point, background, 'timeout=2')


def test_wrong_token(sim, point, background):
    server = sim(GOOD, token='right')
    failure(server.url, point, background, env={'OS_TOKEN': harness.TOKEN})


def test_the_servers_message_is_in_the_reason(raw, point, background):
    text = failure(raw([error(403, 'project is <b>frozen</b>')]).url, point, background)
    assert 'frozen' in text and '<b>' not in text


def test_missing_file(point, background, tmp_path):
    text = failure(tmp_path / 'absent.json', point, background)
    assert 'absent.json' in text


@pytest.mark.parametrize('content', [
    b'hello', b'{"images": [', b'<html></html>', b'7', b'{"images": 7}', b'[1,2', b'\xff\xfe'])
def test_a_file_that_is_no_list(source_file, point, background, content):
    path = source_file(content)
    text = failure(path, point, background)
    assert 'images.json' in text


def test_a_directory_as_file(point, background, tmp_path):
    failure(str(tmp_path) + '/', point, background)


def test_missing_mount_point(source_file, background, tmp_path):
    text = failure(source_file(GOOD), tmp_path / 'nowhere', background)
    assert 'nowhere' in text


def test_a_file_as_mount_point(source_file, background):
    path = source_file(GOOD)
    failure(path, path, background)


def test_a_mount_point_that_is_not_empty(source_file, point, background):
    (point / 'precious').write_text('x')
    failure(source_file(GOOD), point, background)
    assert (point / 'precious').read_text() == 'x'


def test_nonempty(mount, source_file, directory):
    work = directory()
    (work / 'mnt').mkdir()
    (work / 'mnt' / 'below').write_text('x')
    mounted = mount(source_file(GOOD), 'nonempty', work=work)
    assert 'below' not in mounted.list() and 'images' in mounted.list()


def test_a_dead_mount(mount, source_file, background):
    path = source_file(GOOD)
    dead = mount(path)
    dead.signal(signal.SIGKILL)
    dead.process.wait()
    assert harness.error_of(os.listdir, dead.point) == 'ENOTCONN'
    result = run(*([] if background else ['-f']), path, dead.point)
    text = result.stderr.decode()
    assert result.returncode == 1 and len(text.splitlines()) == 1
    assert 'fusermount3 -u' in text or 'umount' in text
    assert harness.processes_of(dead.point) == []
    dead.destroy()


USAGE = [
    ['--no-such-option'], ['-o', 'no_such_option'], ['-o', 'ttl=soon'], ['-o', 'ttl='], ['-o', 'ttl=-1'],
    ['-o', 'api=glance'],
    ['-o', 'layout='], ['-o', 'layout=a//b'], ['-o', 'layout=a/b/c/d/e/f/g/h/i'], ['-o', 'by='], ['-o', 'by=name'],
    ['-o', 'by=__platform'], ['-o', 'by=id'], ['-o', 'by=tags', '-o', 'by=_tags'], ['-o', 'page_size=0'],
    ['-o', 'page_size=99999999999999999999'], ['-o', 'token=' + harness.TOKEN],
]


@pytest.mark.parametrize('arguments', USAGE, ids=lambda arguments: arguments[-1])
def test_usage(source_file, point, arguments):
    text = check_failure(run(*arguments, source_file(GOOD), point), point, 2)
    assert harness.TOKEN not in text


@pytest.mark.parametrize('arguments', [['a.json'], ['a.json', '/tmp', '/tmp'], []])
def test_wrong_number_of_arguments(arguments, point):
    result = run(*arguments)
    assert result.returncode in (1, 2)
    assert len(result.stderr.decode().splitlines()) == 1


@pytest.mark.parametrize('flag', ['-h', '--help', '-V', '--version'])
def test_help(flag):
    result = run(flag)
    assert result.returncode == 0 and result.stderr == b''
    assert (b'layout=' in result.stdout) == ('h' in flag)


ACCEPTED = ('defaults rw suid dev exec auto noauto user users nouser owner group sync async _netdev nofail noatime '
            'relatime x-systemd.automount x-anything=1 ro nosuid nodev noexec').split()


def test_options_of_mount_are_accepted(mount, source_file):
    mounted = mount(source_file(GOOD), *ACCEPTED)
    assert len(mounted.list('by-id')) == 5


def test_a_comma_in_a_value(mount, source_file):
    mounted = mount(source_file(data.response([data.record(0, **{'a,b': 'x'})])), 'by=a\\,b')
    assert mounted.list('by-a,b') == ['x']


def test_usable_when_the_parent_returns(mount, raw):
    """Exit status 0 means that the first page is there."""
    server = raw(Paged(data.records(5)))
    mounted = mount(server.url, background=True)
    assert len(server.lists()) >= 1
    assert mounted.mounted() and len(mounted.list('by-id')) == 5


def test_lazy_skips_that(mount, raw):
    server = raw([error(500)])
    mounted = mount(server.url, 'lazy', background=True)
    assert server.connections == 0 and 'images' in mounted.list()


def test_as_mount8_calls_it(source_file, point, tmp_path):
    if os.getuid():
        pytest.skip('mount(8) needs root')
    path = source_file(GOOD)
    helper = tmp_path / 'bin'
    helper.mkdir()
    (helper / 'mount.fuse.imsfs').symlink_to(harness.IMSFS)
    result = subprocess.run([str(helper / 'mount.fuse.imsfs'), path, str(point), '-o', 'rw,noauto,ttl=5'],
                            env=harness.environment('/dev/null'), capture_output=True, timeout=20)
    assert result.returncode == 0, result.stderr
    assert len(os.listdir(point / 'by-id')) == 5
    subprocess.run(['fusermount3', '-u', str(point)], check=True)
    assert harness.wait_for(lambda: str(point) not in harness.mounts(), 3)


NO_DEVICES = 'mount -t tmpfs devices /dev && mknod -m 666 /dev/urandom c 1 9 && '


@pytest.mark.skipif(os.geteuid() != 0, reason='takes a namespace of mounts')
@pytest.mark.parametrize('hide, said', [
    (NO_DEVICES + 'mknod -m 666 /dev/null c 1 3', 'there is no /dev/fuse'),
    ('mount --bind /dev/null /dev/fuse', '/dev/fuse is not the device'),
    (NO_DEVICES + 'mknod -m 666 /dev/fuse c 10 229', 'that takes /dev/null'),
], ids=['no-fuse', 'another', 'no-null'])
def test_without_a_device(source_file, point, hide, said):
    command = ['unshare', '-m', 'sh', '-c', hide + ' && exec "$0" "$@"', harness.IMSFS, source_file(GOOD), str(point)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                            env=harness.environment('/proc/self/fd/2'))
    assert said in check_failure(result, point, 1)
