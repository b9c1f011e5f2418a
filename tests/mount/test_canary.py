# SPDX-License-Identifier: Apache-2.0
"""The search for secrets finds them: without that, finding none says nothing."""
import contextlib
import os
import signal
import socket
import subprocess

import pytest

import canary
import data
import harness
from rawserver import Paged, error


@pytest.fixture
def process():
    """process(arguments, env) starts a program that stays until the test is over."""
    started = []

    def start(*arguments, env=None):
        one = subprocess.Popen(['sh', '-c', 'echo; read line', *arguments], env=harness.environment('/dev/null', **(env or {})),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(one)
        one.stdout.readline()  # it has become what it is
        return one

    yield start
    for one in started:
        one.communicate()


def places(found):
    return {place.partition(': ')[0].partition(' -> ')[0] for place in found}


@pytest.mark.offline
@pytest.mark.parametrize('secret', harness.CANARIES)
def test_in_a_process(process, secret):
    assert canary.in_process(process('harmless').pid) == []
    arguments = process('--password=' + secret).pid
    assert '/proc/%d/cmdline' % arguments in places(canary.in_process(arguments))
    environ = process(env={'OS_PASSWORD': secret}).pid
    found = places(canary.in_process(environ))
    assert {'/proc/%d/environ' % environ, '/proc/%d/task/%d/environ' % (environ, environ)} <= found


@pytest.mark.offline
def test_in_a_tree(tmp_path):
    (tmp_path / '.imsfs').mkdir()
    (tmp_path / 'harmless').write_text('canary')
    assert canary.in_tree(str(tmp_path)) == []
    (tmp_path / 'file').write_bytes(b'\xff\0' + harness.TOKEN.encode())
    (tmp_path / ('x' + harness.PASSWORD)).mkdir()
    (tmp_path / 'link').symlink_to(harness.TOKEN)
    (tmp_path / '.imsfs' / 'status.json').write_text(harness.TOKEN)
    found = canary.in_tree(str(tmp_path))
    assert {os.path.relpath(path, tmp_path) for path in found} == {
        'file', 'x' + harness.PASSWORD, 'link', '.imsfs/status.json'}


@pytest.mark.offline
def test_in_what_was_printed(tmp_path):
    path = tmp_path / 'stderr'
    path.write_text('all is well\n')
    assert canary.in_file(path) == [] and canary.in_file(tmp_path / 'absent') == []
    path.write_text('x' * 1000000 + harness.ISSUED_TOKEN[:12])  # a part of one
    assert len(canary.in_file(path)) == 1


@pytest.mark.offline
def test_a_secret_without_the_word_is_an_error():
    for name in ('OS_TOKEN', 'OS_AUTH_TOKEN', 'OS_PASSWORD', 'OS_PASSCODE', 'OS_APPLICATION_CREDENTIAL_SECRET',
                 'OS_SECRET_KEY', 'HW_SECRET_KEY', 'HW_USER_PASSWORD', 'HUAWEICLOUD_SDK_SK', 'OS_SECURITY_TOKEN'):
        with pytest.raises(ValueError):
            harness.environment('/dev/null', **{name: 'hunter2'})
        harness.environment('/dev/null', **{name: harness.PASSWORD})
        harness.environment('/dev/null', **{name: None})


def test_in_a_mount(mount, source_file):
    """All the ways at once: a mount whose options, names, data and log have the word. Its path and source must not:
    every process here would show them in its mountinfo."""
    items = data.records(2)
    items[0]['name'] = harness.TOKEN
    mounted = mount(source_file(data.response(items)), 'by=' + harness.PASSWORD)
    mounted.stop()
    found = places(mounted.leaks)
    mounted.leaks.clear()
    assert any(place.endswith('/cmdline') for place in found)
    assert mounted.path('by-' + harness.PASSWORD) in found
    assert any(place.endswith('/image.json') for place in found)
    with open(mounted.errors, 'a') as file:
        file.write(harness.SECRET_KEY)
    mounted.destroy()
    found = places(mounted.leaks)
    mounted.leaks.clear()
    with open(mounted.errors, 'w'):
        pass
    assert found == {mounted.errors}


@pytest.fixture
def syslog():
    """What comes to /dev/log, when nobody else has it: a function that returns the messages so far."""
    if os.path.exists('/dev/log'):
        pytest.skip('/dev/log belongs to somebody else')
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        server.bind('/dev/log')
    except OSError as error:
        server.close()
        pytest.skip('cannot bind /dev/log: %s' % error)
    messages = []

    def read():
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(server.recv(65536).decode(errors='replace'))
        return messages

    yield read
    os.unlink('/dev/log')
    server.close()


def test_the_log_of_a_background_mount(mount, raw, syslog):
    """The refusal is in syslog, and the token that the server repeats in it is not."""
    good = Paged(data.records(30))
    refused = error(401, 'this one has expired: ' + harness.TOKEN)
    server = raw(lambda request, n: good(request, n) if n == 1 else refused)
    mounted = mount(server.url, env={'OS_TOKEN': harness.TOKEN}, background=True)
    assert len(mounted.list('by-id')) == 30
    tag = 'imsfs[%d]: ' % mounted.pids()[0]
    mounted.signal(signal.SIGHUP)
    assert harness.wait_for(lambda: any('this one has expired' in line for line in syslog() if tag in line), 10)
    assert [line for line in syslog() if tag in line and canary.WORD in line] == []
